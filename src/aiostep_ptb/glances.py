"""Who an update is for, where a glance tells: nearly every answer, and nearly every message that runs a next step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from telegram import Update
from telegram.ext import Application

from aiostep_core.bot_api import is_about_message, may_be_loss
from aiostep_core.context import current_turn
from aiostep_core.engine import Glance
from aiostep_core.facts import Delivery
from aiostep_core.sleeping import rouse
from aiostep_core.steps import Step
from aiostep_core.waits import Signal, Wait

from .facts import actor_of, key_of_update, thread_of
from .flow import Flow, StepFlow
from .naps import Nap
from .steps import Handle, run_step
from .workers import Work

if TYPE_CHECKING:
    from .adapter import PTBAdapter

__all__ = ["Glances"]

# Looking a member up in its enumeration takes as long as three look-ups in a dictionary, until Python 3.12.
_NOBODY: Final = Glance.NOBODY
_UNCLEAR: Final = Glance.UNCLEAR
_ANSWER: Final = Signal.ANSWER


class Glances:
    """The looks at the updates of one application.

    Args:
        handle: what the application does with an update without us.
        begin: begins the work of a flow; see ``Workers``.
        place: what the classes of flows have in common.

    Attributes:
        beginning: the step that runs and has not waited for anything yet; several if one dispatches an update itself.
        is_initialized: whether the application lets updates in.
    """

    def __init__(
        self, adapter: PTBAdapter, handle: Handle, begin: Callable[[Flow, Work], bool], place: dict[str, Any]
    ) -> None:
        runtime = adapter.runtime
        engine, table = runtime.engine, runtime.steps.storage.table
        self._adapter, self._runtime, self._bot_id = adapter, runtime, adapter.bot_id
        self._handle, self._begin = handle, begin
        self._new_flow: Callable[[], StepFlow] = cast("Any", type("StepFlow", (StepFlow,), place))
        # Asked about every answer, so without a call in between.
        self._index, _, self._held = engine.signs_of_life
        self._scopes = runtime.steps.storage.scopes
        self._glance, self._is_cancel = engine.glance, engine.is_cancel_text
        self._take_step = (table if table is not None else runtime.steps).take_at_a_glance
        self._is_as_ever = _is_of_framework(handle)
        self.beginning: list[StepFlow] = []
        self.is_initialized = False

    def look(self, update: Any) -> Wait | Step | Glance:
        """Tell whose the update is, if it is a plain message; a step that it runs is taken."""
        for flow in self.beginning:
            flow.pause()
        message = update.message if isinstance(update, Update) else None
        text = message.text if message is not None else None
        if message is None or text is None or text[:1] == "/" or message.reply_to_message is not None:
            return _UNCLEAR if self._concerns(update) else _NOBODY
        chat_id, user_id, thread_id = message.chat.id, actor_of(message), thread_of(message)
        is_plain = user_id != self._bot_id and not self._is_cancel(text)
        if self._index or self._held:
            found = self._glance(self._bot_id, chat_id, user_id, thread_id, update.update_id)
            if found is not _NOBODY:
                return found if is_plain else _UNCLEAR
        if not self._scopes:
            return _NOBODY
        return self._take_step(self._bot_id, chat_id, user_id, thread_id, update.update_id) if is_plain else _UNCLEAR

    def _concerns(self, update: object) -> bool:
        if not isinstance(update, Update):
            return True
        key = key_of_update(update, self._bot_id)
        return may_be_loss(update) or self._runtime.concerns(key, about_message=is_about_message(update))

    def bring(self, wait: Any, update: object) -> Flow | None:
        """Let *wait* have the update, and its handler go on with it; return whom the framework must wait for."""
        owner = wait.conversation.owner
        wait.take(_ANSWER, delivery=Delivery(None, update, update, self._adapter))
        sleep = rouse(wait)
        if isinstance(sleep, Nap):
            sleep.go_on()
        elif sleep is not None:
            sleep.set_result(None)
        is_under_way = isinstance(owner, Flow) and not owner.is_done and not owner.naps
        return owner if is_under_way and owner is not current_turn.get() else None

    def begin_step(self, application: Any, step: Step, update: object) -> Flow | None:
        """Begin *step*, which ``look`` has taken; return whom the framework must wait for."""
        flow = self._new_flow()
        flow.carrier, flow.step, flow.opens, flow.place = update, step, step, step.place
        is_first = next(iter(application.handlers), 0) >= self._adapter.group
        if is_first and self._is_as_ever and self.is_initialized:
            work = run_step(flow, application, self._handle)
        else:
            self._adapter.handle_steps()
            work = self._handle(application, update)
        self.beginning.append(flow)
        try:
            return None if self._begin(flow, work) else flow
        finally:
            self.beginning.pop()


def _is_of_framework(handle: Any) -> bool:
    """Tell whether an application handles updates as the framework does, and not as somebody has rewritten it."""
    code, module = getattr(handle, "__code__", None), sys.modules[Application.__module__]
    return code is not None and bool(code.co_filename == module.__file__)
