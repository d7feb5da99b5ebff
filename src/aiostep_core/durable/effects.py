"""How the effects of a durable conversation are to be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

__all__ = ["BLOCK", "CALL", "HARMLESS", "PURE", "Effect"]


@dataclass(frozen=True, slots=True)
class Effect:
    """How an effect is to be done.

    Attributes:
        is_pure: done again it does no harm, so it need not be written down at once.
        is_call: it is a call to Telegram.
        is_ours: what does it is given the run, in the place of the effect's key.
        on_doubt: what to do if it was cut by a crash; None: what the conversation says.
        reconcile: called with the effect's key then; returns whether it was done, and its result.
    """

    is_pure: bool = False
    is_call: bool = False
    is_ours: bool = False
    on_doubt: str | None = None
    reconcile: Any = None


#: The clock and chance.
PURE: Final = Effect(is_pure=True)
#: To begin to keep what arrives, and to end it.
BLOCK: Final = Effect(is_pure=True, is_ours=True)
#: What may be done again after a crash, but not whenever it is replayed.
HARMLESS: Final = Effect(on_doubt="redo")
#: The framework's own calls to Telegram.
CALL: Final = Effect(is_call=True)
