"""Buttons, before a framework makes its own of them."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Button", "Keyboard"]


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
