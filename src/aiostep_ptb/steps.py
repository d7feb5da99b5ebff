"""The handler that runs next steps, as the framework runs any other: with its context, data and error handlers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from types import CoroutineType, FunctionType
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from weakref import ref

from telegram.ext import Application, ApplicationHandlerStop, BaseHandler, CallbackContext

from aiostep_core.context import current_turn
from aiostep_core.errors import BadArgument
from aiostep_core.keys import Key
from aiostep_core.reports import TimedOut
from aiostep_core.steps import Step

from .filters import collect
from .flow import Flow, StepFlow

__all__ = ["StepHandler", "check_step"]

Context = CallbackContext[Any, Any, Any, Any]
Handle: TypeAlias = Callable[[Any, object], Coroutine[Any, Any, None]]

if TYPE_CHECKING:
    _Base = BaseHandler[Any, Context, None]
else:
    _Base = BaseHandler  # it has had different numbers of parameters


_Plain: Any = CallbackContext
_FROM_UPDATE: Final[Any] = _Plain.from_update.__func__
#: Does nothing without a persistence.
_REFRESH: Final[Any] = _Plain.refresh_data


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
        flow.adapter.flows.glances.is_initialized = True  # or the framework would not have come here
        if isinstance(flow, StepFlow):
            flow.end()
        raise ApplicationHandlerStop


async def run_step(flow: StepFlow, application: Any, handle: Handle) -> None:
    """Run the step of *flow* as ``handle(application, update)`` does, if no handler of a lower group sees the update.

    That is what an application does with the update and our handler, without looking through all its others.
    """
    update, step, steps = flow.carrier, flow.step, flow.runtime.steps
    assert step is not None
    try:
        context_type = application.context_types.context
        if context_type.from_update.__func__ is _FROM_UPDATE:  # which has to look through all kinds of update
            message = update.message
            user_id = None if message.from_user is None else message.from_user.id
            context = context_type(application, chat_id=message.chat.id, user_id=user_id)
        else:
            context = context_type.from_update(update, application)
        if application.persistence or context_type.refresh_data is not _REFRESH:
            await context.refresh_data()
    except Exception:  # noqa: BLE001 - the framework says it in its own words
        flow.adapter.handle_steps()
        await handle(application, update)
        return
    flow.step = None
    try:
        result = step.fn(update, context, *step.args, **step.kwargs)
        if type(result) is CoroutineType or inspect.isawaitable(result):
            await result
    except ApplicationHandlerStop:
        pass
    except BaseException as error:
        await steps.note_failure(step, error)
        if not isinstance(error, Exception):
            raise
        await application.process_error(update, error)
    if application.persistence:
        flow.adapter.mark(flow)
    flow.end()


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
    fn = step.fn
    function = getattr(fn, "__func__", fn)  # methods are made anew whenever they are asked for
    is_function = type(function) is FunctionType
    shape = (function is fn, len(step.args), *step.kwargs)
    if is_function and shape in _approved.get(ref(function), ()):
        return
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError):
        return  # a builtin: it will say itself
    try:
        signature.bind(None, None, *step.args, **step.kwargs)
    except TypeError as error:
        wanted = f"a function of (update, context) that takes its arguments ({error})"
        raise BadArgument("the step", step.name, wanted) from None
    if is_function:
        _approved.setdefault(ref(function, _forget), set()).add(shape)


#: How functions have been found callable before: reading a signature takes longer than all the rest of a step.
_approved: Final[dict[ref[Any], set[tuple[object, ...]]]] = {}


def _forget(function: ref[Any]) -> None:
    """Forget a function that is gone."""
    _approved.pop(function, None)


async def _never(update: Any, context: Any) -> None:
    """Stand where a handler has its callback."""
