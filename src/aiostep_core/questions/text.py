"""Answers that are text."""

from __future__ import annotations

import re

from ..facts import KINDS, Delivery
from ..texts import words
from .base import say_again, text_of

__all__ = ["Pattern", "Text", "YesOrNo"]


class Text:
    """The text of a message, without the white space around it."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> str:
        """Return the text; a message without any is asked for again."""
        text = (delivery.text or "").strip()
        if not text:
            raise say_again("text")
        return text


class Pattern:
    """A text that matches a regular expression as a whole.

    Python's expressions can take very long for a text made for it; only the first 256 characters of an answer are
    ever matched, but an expression with nested repetitions should not be used on strangers.
    """

    kinds = KINDS["message"]

    def __init__(self, pattern: re.Pattern[str], *, as_text: bool = False) -> None:
        self._pattern = pattern
        self._as_text = as_text

    def parse(self, delivery: Delivery) -> re.Match[str] | str:
        """Return the match, or the text if that was wanted."""
        problem = say_again("pattern")
        match = self._pattern.fullmatch(text_of(delivery, problem))
        if match is None:
            raise problem
        return match[0] if self._as_text else match


class YesOrNo:
    """Yes or no, in any language there is a catalogue for."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> bool:
        """Return True for yes."""
        problem = say_again("yes_or_no")
        word = text_of(delivery, problem).casefold().rstrip(".!")
        if word in words("yes"):
            return True
        if word in words("no"):
            return False
        raise problem
