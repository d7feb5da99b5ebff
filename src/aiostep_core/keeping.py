"""Where waits and questions meet a durable conversation: there they are operations, and outside nothing of the kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from .durable.effects import HARMLESS
from .durable.journal import current_flow
from .durable.values import MadeOf

if TYPE_CHECKING:
    from .durable.kept import Kept
    from .facts import Delivery
    from .setting import Setting

__all__ = ["current_flow", "name_of_prompt", "once", "wait_kept"]

#: Characters of a prompt that a question is known by.
_LENGTH = 80


async def wait_kept(
    setting: Setting,
    name: str,
    kinds: frozenset[str],
    timeout: float | None,
    value_of: Callable[[Delivery], Any],
    *,
    fresh: bool,
    parse: Callable[[Delivery], Any] | None = None,
    **options: Any,
) -> Any:
    """Wait, as an operation of the current durable conversation.

    Args:
        parse: makes a value that cannot be kept of the update again.
    """
    flow = current_flow.get()
    assert flow is not None

    async def perform(kept: Kept) -> tuple[Any, Delivery]:
        runtime, is_fresh = setting.runtime, fresh and kept.state is None
        wait, reading = setting.open(kinds, timeout=kept.left_of(timeout), fresh=is_fresh, **options)
        try:
            await kept.asked(wait, {}, reading=reading)
        except BaseException:
            runtime.abandon(wait, reading)
            raise
        delivery = await runtime.outcome(wait, setting.turn, reading)
        kept.made_of = () if parse is None else [delivery]
        return value_of(delivery), delivery

    found = await flow.wait(name, perform)
    return parse(found.deliveries[0]) if isinstance(found, MadeOf) and parse is not None else found


def name_of_prompt(prompt: Any, key: str | None) -> str:
    """Return what a question is known by: the *key* it was given, or else what it says."""
    if key is not None:
        return f"ask {key}"
    shown = prompt if isinstance(prompt, str) else f"<{type(prompt).__name__}>"
    return f"ask: {shown[:_LENGTH]}"


async def once(name: str, call: Callable[[], Awaitable[Any]]) -> Any:
    """Call what a durable conversation does once, however often it is replayed; elsewhere simply call it."""
    flow = current_flow.get()
    if flow is None:
        return await call()

    def perform(key: str) -> Awaitable[Any]:
        return call()

    return await flow.effect(name, perform, HARMLESS)
