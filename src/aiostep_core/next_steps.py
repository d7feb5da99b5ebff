"""Registering what runs when somebody's next message comes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from .context import current_turn
from .errors import BadArgument
from .installed import cancel, runtime_of
from .keys import MessageScope, Scope
from .setting import Setting, seconds
from .steps import Step

__all__ = ["next_step", "register_next_step", "unregister_steps"]


async def register_next_step(
    target: Any,
    fn: Callable[..., Any],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    timeout: float | timedelta | None = None,
    filter: Any = None,
    scope: Scope | MessageScope | None = None,
) -> None:
    """Run *fn* with the next message of *target*, as a handler of the framework: with everything handlers get.

    There is one step per person and chat; a newer one takes the place of an older. A step that raises is kept, up
    to three times, so that the person can answer again. A /command is not its message.

    Args:
        target: a user id, a chat id, a ``Key`` or an object of the framework; None: whoever is being handled.
        args, kwargs: passed to *fn* after what the framework passes.
        timeout: seconds after which the step is dropped.
        filter, scope: as for ``wait_for``.

    Raises:
        NoTarget, BadArgument: as for ``wait_for``; also if *fn* cannot be called.
    """
    if inspect.iscoroutine(fn):
        raise BadArgument("fn", fn, "the function itself, not the result of calling it")
    if not callable(fn):
        raise BadArgument("fn", fn, "a function to call with the next message")
    limit = seconds("timeout", timeout)
    setting = Setting.find(target, scope)
    now = setting.runtime.now()
    facts = setting.turn.facts if setting.turn is not None else None
    step = Step(
        place=setting.aim.place,
        fn=fn,
        args=tuple(args),
        kwargs=dict(kwargs or {}),
        filter=None if filter is None else setting.adapter.compile_filter(filter),
        after=facts.update_id if facts is not None and facts.bot_id == setting.aim.key.bot_id else None,
        opened_at=now,
        expires_at=None if limit is None else now + limit,
        origin=setting.turn.origin if setting.turn is not None else None,
    )
    setting.adapter.compile_step(step)
    await setting.runtime.steps.storage.put(step, now)


async def next_step(
    fn: Callable[..., Any],
    /,
    *,
    timeout: float | timedelta | None = None,
    filter: Any = None,
    **kwargs: Any,
) -> None:
    """Run *fn* with the next message of whoever is being handled, and with *kwargs*; see ``register_next_step``."""
    await register_next_step(None, fn, kwargs=kwargs, timeout=timeout, filter=filter)


async def unregister_steps(target: Any = None) -> int:
    """Drop the steps registered for *target* and end its waits with reason "code"; return how many those were."""
    runtime = runtime_of(current_turn.get())
    dropped = await runtime.steps.drop(Setting.find(target, None).aim)
    return dropped + cancel(target)
