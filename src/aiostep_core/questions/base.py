"""What every question shares."""

from __future__ import annotations

from typing import Any, Final

from ..facts import KINDS, Delivery
from ..texts import Saying

__all__ = ["LONGEST", "AnyMessage", "Retry", "say_again", "text_of"]

#: Characters of an answer that a parser looks at. Telegram's own limit is 4,096; nothing but a text needs as many.
LONGEST: Final = 256
#: What marks the direction of writing, and the like: it is copied along with numbers and addresses, and nobody sees it.
_UNSEEN: Final = "".join(
    map(chr, (0x20, 0xA0, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF))
)


class Retry(Exception):
    """Raised by a question, or by a check, when the answer is no good.

    Attributes:
        problem: what is wrong with it, for the person to read: a text, or a ``Saying`` in their language.
    """

    def __init__(self, problem: str | Saying = "") -> None:
        self.problem = problem
        super().__init__(problem)

    def __str__(self) -> str:
        return str(self.problem)


class AnyMessage:
    """Any message, as the framework's own object."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> Any:
        """Return the message."""
        return delivery.update


def say_again(name: str, **values: object) -> Retry:
    """Make the ``Retry`` that says the built-in sentence *name*."""
    return Retry(Saying(name, values))


def text_of(delivery: Delivery, otherwise: Retry) -> str:
    """Return the text of a short answer without the white space around it.

    Raises:
        Retry: *otherwise*; there is none, or more than anybody would write for a number, a date or a word.
    """
    text = (delivery.text or "").strip()
    if not text.isascii():
        text = text.strip(_UNSEEN)
    if not text or len(text) > LONGEST:
        raise otherwise
    return text
