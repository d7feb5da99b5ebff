"""One update on its way through a bot, and the two places of telebot where it has to be recognised again."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from aiostep_core.context import Turn, current_turn
from aiostep_core.errors import WaitEnded
from aiostep_core.steps import Step

from .callbacks import call_step

if TYPE_CHECKING:
    from .adapter import AsyncTelebotAdapter

__all__ = ["BotTurn", "QuietEnds", "Sink"]


class BotTurn(Turn):
    """A turn in telebot.

    Attributes:
        error: what the handler raised; telebot tells nobody but the exception handler.
        step: the step that was taken for the update, until it runs.
    """

    __slots__ = ("error", "step")

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.error: BaseException | None = None
        self.step: Step | None = None


class QuietEnds:
    """Stands before a bot's exception handler: a conversation that ended is no error of the bot."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def handle(self, exception: Exception) -> Any:
        """Take note of what a handler raised; let the bot's own exception handler have all but quiet ends."""
        turn = current_turn.get()
        if isinstance(turn, BotTurn):
            turn.error = exception
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

    So they run inside the bot's middlewares and get their data, and what they raise goes where telebot has it go.
    """

    def __init__(self, adapter: AsyncTelebotAdapter) -> None:
        self._adapter = adapter
        self.handler = {"function": self._run, "pass_bot": False, "filters": {"func": self._is_expected}}

    def _is_expected(self, event: Any) -> bool:
        turn = current_turn.get()
        return isinstance(turn, BotTurn) and turn.step is not None

    async def _run(self, event: Any, data: Any = None) -> Any:
        turn = current_turn.get()
        assert isinstance(turn, BotTurn)
        step, turn.step = turn.step, None
        assert step is not None

        async def call() -> Any:
            result = call_step(step, event, data, self._adapter.target)
            return await result if inspect.isawaitable(result) else result

        return await turn.runtime.steps.run(step, call)
