"""The two places of a ``TeleBot`` where an update on its way is recognised again; see also ``turns``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiostep_core.context import Turn, current_turn
from aiostep_core.durable.resumption import Resumption
from aiostep_core.errors import WaitEnded
from aiostep_core.steps import Step
from aiostep_core.threads import Outside

from .callbacks import call_step
from .facts import event_of
from .turns import handlers_of

if TYPE_CHECKING:
    from .threaded import TelebotAdapter

__all__ = ["ThreadedEnds", "ThreadedSink"]


class ThreadedEnds:
    """Stands before a bot's exception handler; see ``turns.QuietEnds``."""

    def __init__(self, inner: Any, raised: dict[Turn, BaseException]) -> None:
        self.inner = inner
        self._raised = raised

    def handle(self, exception: Exception) -> Any:
        turn = current_turn.get()
        if turn is not None and not turn.is_over:
            self._raised[turn] = exception
        if isinstance(exception, WaitEnded):
            return True
        return self.inner.handle(exception) if self.inner is not None else False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class ThreadedSink:
    """The first handler for messages, while a step is on its way to a handler's place; see ``turns.Sink``.

    Attributes:
        steps: those on their way, by the ``id`` of the message.
    """

    def __init__(self, adapter: TelebotAdapter) -> None:
        self._adapter = adapter
        self._lock = adapter.runtime.lock
        self.steps: dict[int, Step] = {}
        self._expected: dict[str, int] = {}
        self._handler = {"function": self._run, "pass_bot": False, "filters": {"func": self._is_expected}}

    def expect(self, turn: Turn, step: Step) -> None:
        """Be the first handler for this kind of update."""
        kind = turn.facts.kind
        with self._lock:
            self.steps[id(event_of(turn.carrier))] = step
            self._expected[kind] = self._expected.get(kind, 0) + 1
            self._set(kind, [self._handler])

    def forget(self, turn: Turn) -> None:
        """Leave, if no other step is on its way; whoever runs the handlers has a list with us in it by now."""
        kind = turn.facts.kind
        with self._lock:
            self._expected[kind] -= 1
            if not self._expected[kind]:
                self._set(kind, [])

    def take(self, turn: Turn) -> Step | None:
        """Return the step of this update if it did not run."""
        return self.steps.pop(id(event_of(turn.carrier)), None)

    def _set(self, kind: str, first: list[Any]) -> None:
        bot, name = self._adapter.target, handlers_of(kind)
        setattr(bot, name, first + [one for one in getattr(bot, name) if one is not self._handler])

    def _is_expected(self, event: Any) -> bool:
        return id(event) in self.steps

    def _run(self, event: Any, data: Any = None) -> Any:
        runtime, step = self._adapter.runtime, self.steps.pop(id(event))
        if isinstance(step, Resumption):
            return self._go_on(step, event)
        return runtime.block(runtime.steps.run(step, lambda: self._call(step, event, data)))

    def _go_on(self, step: Resumption, event: Any) -> None:
        """Go on with a durable conversation, which needs no thread while it waits."""
        turn = current_turn.get()
        assert turn is not None
        self._adapter.detach(turn, turn.runtime.steps.run(step, lambda: step.fn(event)))

    async def _call(self, step: Step, event: Any, data: Any) -> Any:
        return await Outside(lambda: call_step(step, event, data, self._adapter.target))
