"""The handler that runs next steps, as the framework runs any other: with its context, data and error handlers."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from telegram.ext import Application, ApplicationHandlerStop, BaseHandler, CallbackContext

from aiostep_core.context import current_turn
from aiostep_core.errors import BadArgument
from aiostep_core.keys import Key
from aiostep_core.reports import TimedOut
from aiostep_core.steps import Step

from .filters import collect
from .flow import Flow

__all__ = ["StepHandler", "check_step"]

Context = CallbackContext[Any, Any, Any, Any]

if TYPE_CHECKING:
    _Base = BaseHandler[Any, Context, None]
else:
    _Base = BaseHandler  # it has had different numbers of parameters


class StepHandler(_Base):
    """Handles the updates that have a registered step, and no other."""

    __slots__ = ()

    def __init__(self) -> None:
        # Blocking also where Defaults(block=False) says otherwise: the next update must find what the step registers.
        super().__init__(_never, block=True)

    def check_update(self, update: object) -> Step | None:
        flow = current_turn.get()
        return flow.step if isinstance(flow, Flow) and flow.carrier is update else None

    async def handle_update(
        self,
        update: Any,
        application: Application[Any, Context, Any, Any, Any, Any],
        check_result: object,
        context: Context,
    ) -> None:
        """Run the step; whatever it does, the update is handled.

        Raises:
            ApplicationHandlerStop: always, so that no later group handles the answer as well.
        """
        flow, step = current_turn.get(), check_result
        assert isinstance(flow, Flow) and isinstance(step, Step)
        flow.step = None
        collect(step.filter, update, application, context)

        async def attempt() -> None:
            try:
                result = step.fn(update, context, *step.args, **step.kwargs)
                if inspect.isawaitable(result):
                    await result
            except ApplicationHandlerStop:  # a word of the framework's, not a failure
                pass

        try:
            await flow.runtime.steps.run(step, attempt)
        except Exception as error:  # noqa: BLE001 - the framework would go on to the next group with it
            await application.process_error(update, error)
        raise ApplicationHandlerStop


async def call_timeout(application: Application[Any, Any, Any, Any, Any, Any], step: Step, timed_out: TimedOut) -> None:
    """Call the function that is told of a time-out as a handler is called, with a context of the person and chat."""
    key, context_type = timed_out.key, application.context_types.context
    chat_id, user_id = key.chat_id, key.user_id if isinstance(key, Key) else None
    context: Any = context_type(application=application, chat_id=chat_id, user_id=user_id)
    await context.refresh_data()
    try:
        result = (step.on_timeout or step.fn)(timed_out, context, *step.args, **step.kwargs)
        if inspect.isawaitable(result):
            await result
    except Exception as error:  # noqa: BLE001 - as the framework does with what a handler raises
        await application.process_error(timed_out, error)
    application.mark_data_for_update_persistence(chat_id, user_id)


def check_step(step: Step) -> None:
    """Look whether the step's function can be called.

    Raises:
        BadArgument: it does not take an update, a context and the step's arguments.
    """
    function = getattr(step.fn, "__func__", step.fn)  # methods are made anew whenever they are asked for
    shape = (function is step.fn, len(step.args), *step.kwargs)
    known: set[tuple[object, ...]] = set()
    with contextlib.suppress(TypeError):  # an object that cannot be held weakly
        known = _approved.setdefault(function, known)
    if shape in known:
        return
    try:
        signature = inspect.signature(step.fn)
    except (TypeError, ValueError):
        return  # a builtin: it will say itself
    try:
        signature.bind(None, None, *step.args, **step.kwargs)
    except TypeError as error:
        wanted = f"a function of (update, context) that takes its arguments ({error})"
        raise BadArgument("the step", step.name, wanted) from None
    known.add(shape)


# How functions have been found callable before: reading a signature takes longer than all the rest of a step.
_approved: WeakKeyDictionary[Any, set[tuple[object, ...]]] = WeakKeyDictionary()


async def _never(update: Any, context: Any) -> None:
    """Stand where a handler has its callback."""
