"""Answers that are text."""

from __future__ import annotations

from ..facts import KINDS, Delivery
from .base import Retry

__all__ = ["Text"]


class Text:
    """The text of a message, without the white space around it."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> str:
        """Return the text; a message without any is asked for again."""
        text = (delivery.facts.text or "").strip()
        if not text:
            raise Retry("Please answer with a text message.")
        return text
