"""The modelled methods, one module per family; each module enters its functions into MODELLED when imported."""

from __future__ import annotations

from aiostep_testing import polling as polling
from aiostep_testing.methods import (
    chats,
    copying,
    deleting,
    editing,
    media,
    members,
    polls,
    profile,
    queries,
    sending,
    topics,
)
from aiostep_testing.methods.request import MODELLED, Request

__all__ = [
    "MODELLED",
    "Request",
    "chats",
    "copying",
    "deleting",
    "editing",
    "media",
    "members",
    "polling",
    "polls",
    "profile",
    "queries",
    "sending",
    "topics",
]
