"""What every question shares."""

from __future__ import annotations

from typing import Any

from ..facts import KINDS, Delivery

__all__ = ["AnyMessage", "Retry"]


class Retry(Exception):
    """Raised by a question, or by a check, when the answer is no good; the text tells the person why."""


class AnyMessage:
    """Any message, as the framework's own object."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> Any:
        """Return the message."""
        return delivery.update
