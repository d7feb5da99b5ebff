"""Where waits and questions meet a durable conversation: there they are operations, and outside nothing of the kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from .durable.journal import current_flow

if TYPE_CHECKING:
    from .durable.kept import Kept
    from .facts import Delivery
    from .setting import Setting

__all__ = ["current_flow", "name_of_prompt", "wait_kept"]

#: Characters of a prompt that a question is known by.
_LENGTH = 80


def wait_kept(
    setting: Setting,
    name: str,
    kinds: frozenset[str],
    timeout: float | None,
    value_of: Callable[[Delivery], Any],
    *,
    fresh: bool,
    **options: Any,
) -> Awaitable[Any]:
    """Return a wait as an operation of the current durable conversation."""
    flow = current_flow.get()
    assert flow is not None

    async def perform(kept: Kept) -> tuple[Any, Delivery]:
        runtime, is_fresh = setting.runtime, fresh and kept.state is None
        wait, reading = setting.open(kinds, timeout=kept.left_of(timeout), fresh=is_fresh, **options)
        try:
            await kept.asked(wait, timeout, {}, reading=reading)
        except BaseException:
            runtime.abandon(wait, reading)
            raise
        delivery = await runtime.outcome(wait, setting.turn, reading)
        return value_of(delivery), delivery

    return flow.wait(name, perform)


def name_of_prompt(prompt: Any, key: str | None) -> str:
    """Return what a question is known by: the *key* it was given, or else what it says."""
    if key is not None:
        return f"ask {key}"
    shown = prompt if isinstance(prompt, str) else f"<{type(prompt).__name__}>"
    return f"ask: {shown[:_LENGTH]}"
