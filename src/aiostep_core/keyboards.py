"""Buttons, before a framework makes its own of them, and what the clicks on ours bring back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Container
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from .keys import Key

__all__ = ["NO_KEYBOARD", "Button", "Keyboard", "Keyboards", "is_ours", "is_stale", "new_token", "pressed"]

_OURS: Final = "as:"
#: In how many chats; people make this grow.
_KNOWN: Final = 10_000
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
    """Rows of buttons: under the message if they are inline, else in the place of the person's keyboard.

    Without any rows, it takes away what stands there.
    """

    rows: tuple[tuple[Button, ...], ...]
    is_inline: bool = True


#: Takes away what stands in the place of the person's keyboard.
NO_KEYBOARD: Final = Keyboard((), is_inline=False)


class Keyboards:
    """In which private chats a keyboard of ours may still stand: pressing it hides it, and writing instead does not.

    In groups the next prompt asks for a reply, which takes its place.
    """

    def __init__(self) -> None:
        self._shown: dict[tuple[int, int], None] = {}

    def __bool__(self) -> bool:
        return bool(self._shown)

    def show(self, key: Key) -> None:
        """Note that one was sent."""
        if key.chat_id is not None and key.chat_id == key.user_id:
            self._shown[key.bot_id, key.chat_id] = None
            if len(self._shown) > _KNOWN:
                del self._shown[next(iter(self._shown))]

    def take_away(self, key: Key) -> bool:
        """Tell whether one may stand there, for it to be taken away; it is told once."""
        return key.chat_id is not None and self._shown.pop((key.bot_id, key.chat_id), _KNOWN) is None


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
