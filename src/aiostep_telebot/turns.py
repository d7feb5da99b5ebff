"""The two places of telebot where an update on its way has to be recognised again: handlers, and their errors."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from aiostep_core.context import Turn, current_turn
from aiostep_core.errors import WaitEnded
from aiostep_core.steps import Step

from .callbacks import call_step

if TYPE_CHECKING:
    from .adapter import AsyncTelebotAdapter

__all__ = ["QuietEnds", "Sink", "handlers_of"]

#: Where telebot keeps the handlers of what is not called as the Bot API calls it.
_LISTS: Final = {"inline_query": "inline_handlers", "chosen_inline_result": "chosen_inline_handlers"}


def handlers_of(kind: str) -> str:
    """Return the name of the list in which telebot keeps the handlers of a kind of updates."""
    return _LISTS.get(kind, f"{kind}_handlers")


class QuietEnds:
    """Stands before a bot's exception handler: a conversation that ended is no error of the bot.

    Args:
        raised: where to put what the handler of a turn raised; telebot tells nobody else.
    """

    def __init__(self, inner: Any, raised: dict[Turn, BaseException]) -> None:
        self.inner = inner
        self._raised = raised

    async def handle(self, exception: Exception) -> Any:
        """Take note of what a handler raised; let the bot's own exception handler have all but quiet ends."""
        turn = current_turn.get()
        if turn is not None and not turn.is_over:
            self._raised[turn] = exception
        if isinstance(exception, WaitEnded):
            return True
        if self.inner is None:
            return False
        handled = self.inner.handle(exception)
        return await handled if inspect.isawaitable(handled) else handled

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Sink:
    """The first handler for messages: it runs registered steps.

    So they run inside the bot's middlewares and get their data, and what they raise goes where telebot has it go. It
    is there only while a step is on its way: other updates do not pay for it.
    """

    def __init__(self, adapter: AsyncTelebotAdapter) -> None:
        self._adapter = adapter
        self._steps: dict[Turn, Step] = {}
        self._expected: dict[str, int] = {}
        self._handler = {"function": self._run, "pass_bot": False, "filters": {"func": self._is_expected}}

    def expect(self, turn: Turn, step: Step) -> None:
        """Be the first handler for this kind of update."""
        kind = turn.facts.kind
        self._steps[turn] = step
        self._expected[kind] = count = self._expected.get(kind, 0) + 1
        if count == 1:
            self._set(kind, [self._handler])

    def forget(self, turn: Turn) -> Step | None:
        """Leave, if no other step is on its way; return this one if it did not run."""
        kind = turn.facts.kind
        self._expected[kind] -= 1
        if not self._expected[kind]:
            self._set(kind, [])
        return self._steps.pop(turn, None)

    def _set(self, kind: str, first: list[Any]) -> None:
        # A new list: telebot may be in the middle of the old one, and would try a handler twice or leave one out.
        bot, name = self._adapter.target, handlers_of(kind)
        setattr(bot, name, first + [one for one in getattr(bot, name) if one is not self._handler])

    def _is_expected(self, event: Any) -> bool:
        return current_turn.get() in self._steps

    async def _run(self, event: Any, data: Any = None) -> Any:
        turn = current_turn.get()
        assert turn is not None
        step = self._steps.pop(turn)

        async def call() -> Any:
            result = call_step(step, event, data, self._adapter.target)
            return await result if inspect.isawaitable(result) else result

        return await turn.runtime.steps.run(step, call)
