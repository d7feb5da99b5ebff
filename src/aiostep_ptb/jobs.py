"""Waiting in callbacks of the job queue.

A job runs in the context of whatever handler made the scheduler look at its table, so it would ask the person of that
handler. Every job therefore begins a flow of its own, about the user and the chat that the job was given.
``CallbackContext.from_job`` is the one public place that is called at that moment, in the task of the job.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from telegram.ext import CallbackContext, ContextTypes, Job

from aiostep_core.facts import Facts

__all__ = ["facts_of_job", "following_jobs"]


def following_jobs(
    types: ContextTypes[Any, Any, Any, Any], begin: Callable[[Job[Any]], None]
) -> ContextTypes[Any, Any, Any, Any]:
    """Return context types like *types* that call *begin* when a job begins."""
    original: type[CallbackContext[Any, Any, Any, Any]] = types.context

    class Context(original):  # type: ignore[valid-type,misc]
        __slots__ = ()

        @classmethod
        def from_job(cls, job: Job[Any], application: Any) -> Any:
            begin(job)
            return super().from_job(job, application)

    Context.__name__, Context.__qualname__ = original.__name__, original.__qualname__
    Context.__module__, Context.__doc__ = original.__module__, original.__doc__
    return ContextTypes(context=Context, bot_data=types.bot_data, chat_data=types.chat_data, user_data=types.user_data)


def facts_of_job(job: Job[Any], bot_id: int) -> Facts:
    """Return what the core needs to know of a job: whom it is about. One of both ids means the private chat."""
    chat_id, user_id = job.chat_id, job.user_id
    if chat_id is None:
        chat_id = user_id
    elif user_id is None and chat_id > 0:
        user_id = chat_id
    return Facts(bot_id=bot_id, kind="job", chat_id=chat_id, user_id=user_id)
