"""Letting the framework go on while a handler waits: polling in sequence, limits on tasks, webhooks in the foreground.

aiogram then has one task, or one slot, or one HTTP request in which the answer would have to arrive, and the handler
that waits for it has got it. ``install(dp, detach=True)`` runs each update in a task of its own and comes back when
that is done or begins to wait. This costs a task for every update, so it is not the default.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from aiogram import Bot, Dispatcher
from aiogram.types import Update

from .sending import is_method

if TYPE_CHECKING:
    from .adapter import AiogramAdapter

__all__ = ["Detach", "answer_with", "parking_of_this_turn"]

Handler = Callable[[Any, dict[str, Any]], Awaitable[Any]]
logger = logging.getLogger("aiogram.event")
_parked: ContextVar[asyncio.Future[None] | None] = ContextVar("aiostep_aiogram_parked", default=None)


def parking_of_this_turn() -> Callable[[], None] | None:
    """Return what is to be called when the handler of this update begins to wait, if anything."""
    parked = _parked.get()
    return None if parked is None else lambda: None if parked.done() else parked.set_result(None)


class Detach:
    """The outermost middleware of a dispatcher."""

    def __init__(self, adapter: AiogramAdapter) -> None:
        self._adapter = adapter

    async def __call__(self, handler: Handler, event: Update, data: dict[str, Any]) -> Any:
        """Run the rest of the chain in a task; return its result, or None once it waits."""
        loop = asyncio.get_running_loop()
        parked = loop.create_future()
        token = _parked.set(parked)
        try:
            task = loop.create_task(_run(handler, event, data))
        finally:
            _parked.reset(token)
        try:
            await asyncio.wait({task, parked}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            return task.result()
        self._adapter.runtime.start(self._finish(task, event, data))
        return None

    async def _finish(self, task: asyncio.Task[Any], event: Update, data: dict[str, Any]) -> None:
        """Do what the dispatcher does with a result; errors have been through its error handlers."""
        try:
            result = await task
        except Exception:
            logger.exception("Cause exception while process update id=%d by bot id=%d", event.update_id, data["bot"].id)
            return
        await answer_with(self._adapter.target, data["bot"], result)


async def answer_with(dispatcher: Dispatcher, bot: Bot, result: object) -> None:
    """Make the request that a handler has returned instead of awaiting it, as polling does."""
    if is_method(result):
        await dispatcher.silent_call_request(bot, result)


async def _run(handler: Handler, event: Update, data: dict[str, Any]) -> Any:
    return await handler(event, data)
