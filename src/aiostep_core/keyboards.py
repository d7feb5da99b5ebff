"""Buttons, before a framework makes its own of them, and what the clicks on ours bring back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Container
from typing import Final, NamedTuple

__all__ = ["Button", "Keyboard", "is_ours", "is_stale", "new_token", "pressed"]

_OURS: Final = "as:"
_DATA: Final = re.compile(rf"{_OURS}([\w-]{{12}}):([a-z0-9]{{1,12}})", re.ASCII)


class Button(NamedTuple):
    """A button.

    Attributes:
        data: what a click on it brings back, at most 64 bytes; None: what it says is sent as a message.
        request: "contact" or "location": pressing it sends that instead; not for inline buttons.
    """

    text: str
    data: str | None = None
    request: str | None = None


class Keyboard(NamedTuple):
    """Rows of buttons: under the message if they are inline, else in the place of the person's keyboard."""

    rows: tuple[tuple[Button, ...], ...]
    is_inline: bool = True


class Press(NamedTuple):
    """A click on one of our buttons: the question's token, and which button it was."""

    token: str
    code: str


def new_token() -> str:
    """Make up the token of a question: nobody can guess it, so nobody can click a button that they were not shown."""
    return secrets.token_urlsafe(9)


def data_of(token: str, code: str) -> str:
    """Return what a button brings back; it says nothing about the person or the options."""
    return f"{_OURS}{token}:{code}"


def is_ours(data: object) -> bool:
    """Tell whether *data* came with a click on one of our buttons, of this or of an earlier run."""
    return isinstance(data, str) and data.startswith(_OURS)


def is_stale(data: str | None, tokens: Container[str]) -> bool:
    """Tell whether *data* came with a click on a button of ours, but of no question with one of *tokens*."""
    if not is_ours(data):
        return False
    press = pressed(data)
    return press is None or press.token not in tokens


def pressed(data: str | None) -> Press | None:
    """Read what a click brought back; None if it is not ours."""
    match = _DATA.fullmatch(data or "")
    return None if match is None else Press(*match.groups())
