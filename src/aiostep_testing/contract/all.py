"""All levels in one class."""

from __future__ import annotations

from .answers import Answers
from .callbacks import Callbacks
from .endings import Endings
from .groups import Groups
from .later import Durable, Workers
from .media import Media
from .next_steps import NextSteps
from .polling import Polling
from .sync import Sync
from .topics import Topics
from .webhook import Webhook

__all__ = ["AdapterContract"]


class AdapterContract(
    Answers, Endings, NextSteps, Groups, Topics, Callbacks, Media, Polling, Webhook, Sync, Durable, Workers
):
    """What to subclass, with ``harness_class``."""
