"""Answers without any framework."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from aiostep_core.facts import Delivery, Facts
from aiostep_core.questions import Retry, question_for


def answer(text: str | None = None, **parts: Any) -> Delivery:
    """Make a message with *text*, and with what else the Bot API calls *parts*."""
    message = SimpleNamespace(text=text, **parts)
    return Delivery(Facts(bot_id=1, kind="message", chat_id=5, user_id=5, text=text), message)


def parsed(as_: Any, text: str | None = None, **parts: Any) -> Any:
    """Return what *as_* makes of an answer, or the name of the sentence that it says."""
    try:
        return question_for(as_).parse(answer(text, **parts))
    except Retry as retry:
        return f"again: {getattr(retry.problem, 'name', retry.problem)}"
