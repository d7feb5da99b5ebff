"""All levels in one class."""

from __future__ import annotations

from .answers import Answers
from .callbacks import Callbacks
from .durable import Durable
from .endings import Endings
from .groups import Groups
from .kinds import Kinds
from .later import Workers
from .media import Media
from .menus import Menus
from .next_steps import NextSteps
from .passing import AskedAgain, KeyboardsTakenAway, MenusAskedAgain
from .polling import Polling
from .questions import Questions
from .resending import ButtonsTakenAwayLater, KeptAndSentLater, SentLater
from .sync import Sync
from .topics import Topics
from .webhook import Webhook

__all__ = ["AdapterContract"]


class Asking(Answers, Questions, Menus, AskedAgain, MenusAskedAgain, KeyboardsTakenAway, Media, Kinds):
    """What people are asked, and what comes of their answers."""


class Resending(SentLater, KeptAndSentLater, ButtonsTakenAwayLater):
    """What becomes of questions that Telegram does not take."""


class AdapterContract(
    Asking, Resending, Endings, NextSteps, Groups, Topics, Callbacks, Polling, Webhook, Sync, Durable, Workers
):
    """What to subclass, with ``harness_class``."""
