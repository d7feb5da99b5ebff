"""What a handler awaits while it waits: it goes on in the turn of its answer, with no round of the loop in between.

A future would have the loop call the task of the handler in the next round, and that one would have it call whoever
waits for the handler in the round after. A nap keeps to the protocol of futures, so any task may await it, but the
task's next step is made directly by whoever brings the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextvars import Context
from typing import TYPE_CHECKING, Any

from aiostep_core.waits import Wait, WaitState

from .current import swap_current

if TYPE_CHECKING:
    from .flow import Flow

__all__ = ["Nap"]

_TIMED_OUT = WaitState.TIMED_OUT


class Nap:
    """The sleep of one task, in one wait of *flow*.

    ``_step``, which makes the task go on, is there while the task is stopped; ``_loop`` is where asyncio looks for it.
    """

    __slots__ = ("_asyncio_future_blocking", "_cancelled", "_context", "_is_done", "_loop", "_step", "_wait", "flow")

    def __init__(self, flow: Flow, wait: Wait) -> None:
        self._asyncio_future_blocking = False
        self._loop = asyncio.get_running_loop() if flow.task is None else flow.task.get_loop()
        self._is_done = False
        self._cancelled: tuple[object, ...] | None = None
        self._step: Any = None
        self._wait = wait
        self.flow: Flow = flow

    def __await__(self) -> Generator[Any, Any, None]:
        if not self._is_done:
            self._asyncio_future_blocking = True
            yield self

    def done(self) -> bool:
        """Tell whether the wait has ended, or the task was cancelled."""
        return self._is_done

    def set_result(self, result: None, /) -> None:
        """Let the task go on soon: when it is its turn, if its time is up."""
        self._is_done = True
        if self._step is not None and self._wait.state is _TIMED_OUT:
            self.flow.go_on_in_turn(self)
        else:
            self.go_on_soon()

    def go_on_soon(self) -> None:
        """Let the task go on with the next round of the loop."""
        step = self._get_up()
        if step is not None:
            self._loop.call_soon(step, self, context=self._context)

    def go_on(self) -> None:
        """Let the task go on now, until it stops again."""
        self._is_done = True
        step, self._step, loop = self._step, None, self._loop
        if step is None:
            return
        self.flow.naps -= 1
        outer = swap_current(loop, None)
        try:
            self._context.run(step, self)
        except RuntimeError:  # the code that runs does so in the task's own context
            loop.call_soon(step, self, context=self._context)
        except (SystemExit, KeyboardInterrupt) as error:  # asyncio passes these on to whoever makes the step
            loop.call_soon(_leave_loop, error)  # ends the program, not the task that brings the answer
        finally:
            swap_current(loop, outer)

    def _get_up(self) -> Any:
        self._is_done = True
        step, self._step = self._step, None
        if step is not None:
            self.flow.naps -= 1
        return step

    # The protocol of futures. Without get_loop: asyncio then looks for _loop, which is faster.

    def add_done_callback(self, step: Any, *, context: Context) -> None:
        self._step, self._context = step, context
        self.flow.begin_nap()

    def result(self) -> None:
        if self._cancelled is not None:
            raise asyncio.CancelledError(*self._cancelled)

    def cancel(self, msg: object = None) -> bool:
        """Let the task go on with a cancellation; by *msg* anyio knows its own."""
        if self._step is None:
            return False
        self._cancelled = () if msg is None else (msg,)
        self.go_on_soon()
        return True


def _leave_loop(error: BaseException) -> None:
    raise error
