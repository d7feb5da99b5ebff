"""Registering what runs when somebody's next message comes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .context import current_talk, current_turn
from .errors import BadArgument
from .installed import cancel, runtime_of
from .keeping import current_flow, once
from .keys import MessageScope, Scope
from .named import filters
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
    on_timeout: Callable[..., Any] | None = None,
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
        on_timeout: called then, as *fn* would be, with a ``TimedOut`` in the place of the message.
        filter, scope: as for ``wait_for``.

    Raises:
        NoTarget, BadArgument: as for ``wait_for``; also if *fn* cannot be called.
        NotDurable: the steps are kept in a file or a server, and *fn*, *filter* or *on_timeout* has no name there.
        NotStorable: an argument cannot be written down there.
        StorageUnavailable: it cannot be reached.
    """
    _check("fn", fn)
    limit = seconds("timeout", timeout)
    if on_timeout is not None:
        _check("on_timeout", on_timeout)
        if limit is None:
            raise BadArgument("timeout", None, "seconds, after which on_timeout is to be called")
    setting = Setting.find(target, scope)
    now = setting.runtime.now()
    facts = setting.turn.facts if setting.turn is not None else None
    step = Step(
        place=setting.aim.place,
        fn=fn,
        args=tuple(args),
        kwargs=dict(kwargs or {}),
        filter=None if filter is None else setting.adapter.compile_filter(filter),
        filter_name=None if filter is None else filters.name_of(filter),
        on_timeout=on_timeout,
        after=facts.update_id if facts is not None and facts.bot_id == setting.aim.key.bot_id else None,
        opened_at=now,
        expires_at=None if limit is None else now + limit,
        origin=setting.turn.origin if setting.turn is not None else None,
    )
    setting.adapter.compile_step(step)
    if on_timeout is not None:
        setting.adapter.compile_step(replace(step, fn=on_timeout))
    await once(f"next step {step.name}", lambda: setting.runtime.steps.put(step))


async def next_step(
    fn: Callable[..., Any],
    /,
    *,
    timeout: float | timedelta | None = None,
    on_timeout: Callable[..., Any] | None = None,
    filter: Any = None,
    **kwargs: Any,
) -> None:
    """Run *fn* with the next message of whoever is being handled, and with *kwargs*; see ``register_next_step``."""
    turn = current_turn.get()
    if turn is not None and timeout is None and on_timeout is None and filter is None:
        table = turn.runtime.steps.storage.table
        if table is not None and current_talk.get() is None and current_flow.get() is None:
            # What follows is ``register_next_step``, at a third of what that costs, and without awaiting anything.
            _check("fn", fn)
            step = Step.plain(turn.find_place(), fn, kwargs, turn.update_id, turn.now())
            step.origin = turn.origin
            turn.adapter.compile_step(step)
            table.put(step, step.opened_at)
            return
    await register_next_step(None, fn, kwargs=kwargs, timeout=timeout, on_timeout=on_timeout, filter=filter)


async def unregister_steps(target: Any = None) -> int:
    """Drop the steps registered for *target* and end its waits with reason "code"; return how many those were."""
    runtime, aim = runtime_of(current_turn.get()), Setting.find(target, None).aim

    async def drop() -> int:
        return await runtime.steps.drop(aim) + cancel(target)

    dropped: int = await once("unregister steps", drop)
    return dropped


def _check(name: str, fn: object) -> None:
    """Look whether *fn* is something to call.

    Raises:
        BadArgument: it is not.
    """
    if callable(fn):
        return
    if inspect.iscoroutine(fn):
        raise BadArgument(name, fn, "the function itself, not the result of calling it")
    raise BadArgument(name, fn, "a function to call with the next message")
