"""Conversations on an ``AsyncTeleBot``; and ``install`` for both kinds of bot."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import MethodType
from typing import Any, Final, overload

from telebot import TeleBot, asyncio_helper, types
from telebot.async_telebot import AsyncTeleBot

from aiostep_core.abc import Address, Failure, Sent
from aiostep_core.context import Turn
from aiostep_core.engine import CANCEL_WORDS, Engine
from aiostep_core.errors import AlreadyInstalled, UnsupportedTarget
from aiostep_core.facts import Delivery
from aiostep_core.installed import install_adapter
from aiostep_core.keyboards import Keyboard
from aiostep_core.reports import TimedOut
from aiostep_core.runtime import Runtime
from aiostep_core.setting import seconds
from aiostep_core.steps import Step
from aiostep_core.texts import Translate

from . import sending
from .aliases import ALIASES
from .base import BotAdapter
from .callbacks import call_step
from .entry import Entry
from .threaded import TelebotAdapter
from .turns import QuietEnds

__all__ = ["AsyncTelebotAdapter", "install"]


class AsyncTelebotAdapter(BotAdapter[AsyncTeleBot]):
    """The translation for one ``AsyncTeleBot``.

    Args:
        detach: run each update in a task of its own even where nobody seems to await it; see ``entry.py``.
        grace: seconds that handlers have at shutdown to take leave.
    """

    requests = asyncio_helper

    def __init__(self, target: AsyncTeleBot, *, detach: bool = False, grace: float = 5.0) -> None:
        super().__init__(target, {"detach": detach, "grace": grace}, _DEFAULTS)
        self.detach = detach
        self.grace = seconds("grace", grace) or 0.0
        self.raised: dict[Turn, BaseException] = {}
        self.ends: QuietEnds = QuietEnds(None, self.raised)
        self.runtime: Runtime
        self._entry: Entry
        self._is_closing = False

    # Installing.

    def install(self, runtime: Runtime) -> None:
        bot: Any = self.target
        if isinstance(getattr(bot.process_new_updates, "__self__", None), Entry):
            raise AlreadyInstalled(bot)
        self.runtime = runtime
        self._entry = Entry(self, bot.process_new_updates)
        self._get_updates, self._close_session = bot.get_updates, bot.close_session
        self._answer_callback_query = bot.answer_callback_query
        self.replace("process_new_updates", self._entry.process)
        self.replace("get_updates", self._on_get_updates)
        self.replace("close_session", self._on_close_session)
        self.replace("answer_callback_query", self._on_answer_callback_query)
        for name, alias in ALIASES.items():
            if not hasattr(bot, name):
                self.replace(name, MethodType(alias, bot))
        self.follow_conversations()
        self.guard_errors()
        self._undo.append(self._unguard_errors)

    def guard_errors(self) -> None:
        """Stand before the bot's exception handler, also if it was set after us."""
        bot: Any = self.target
        if bot.exception_handler is not self.ends:
            self.ends = QuietEnds(bot.exception_handler, self.raised)
            bot.exception_handler = self.ends

    def _unguard_errors(self) -> None:
        bot: Any = self.target
        if bot.exception_handler is self.ends:
            bot.exception_handler = self.ends.inner

    # The bot's life: polling asks for updates, and closes the session at its end.

    async def _on_get_updates(self, *args: Any, **kwargs: Any) -> list[types.Update]:
        self.note_subscription(args, kwargs)
        self.runtime.steps.begin()
        updates: list[types.Update] = await self._get_updates(*args, **kwargs)
        return updates

    async def _on_close_session(self) -> None:
        self._is_closing = True
        try:
            if len(self.runtime.adapters) == 1:
                await self.runtime.aclose(self.grace)
            else:
                self.runtime.end_all(lambda one: one.place.key.bot_id == self.bot_id, "shutdown")
        finally:
            self._is_closing = False
            await self._close_session()

    def reopen(self) -> None:
        """Accept waits again when updates come after the session was closed: a bot may be started more than once."""
        if not self._is_closing and self._undo:
            self.runtime.reopen()

    async def call_timeout(self, step: Step, timed_out: TimedOut) -> None:
        try:
            result = call_step(replace(step, fn=step.on_timeout or step.fn), timed_out, None, self.target)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            if not await self.ends.handle(error):
                raise

    async def handle_error(self, turn: Turn, error: Exception) -> None:
        if not await self.ends.handle(error):
            raise error

    def learn_name(self) -> None:
        self.runtime.start(self._learn_name())

    async def _learn_name(self) -> None:
        with contextlib.suppress(Exception):  # whatever is wrong with the network, others will say it
            self._learned = (await self.target.get_me()).username

    # Updates and prompts.

    def redispatch(self, deliveries: Sequence[Delivery]) -> None:
        self._entry.process_again(delivery.carrier for delivery in deliveries)

    async def send(
        self, to: Address, prompt: Any, *, keyboard: Any = None, force_reply: Any = "auto", **send: Any
    ) -> Sent:
        return await sending.send(self.target, to, prompt, keyboard, force_reply, send)

    async def edit(
        self, to: Address, sent: Sent, *, text: str | None = None, keyboard: Keyboard | None = None
    ) -> Failure | None:
        return await sending.edit(self.target, to, sent, text, keyboard)

    async def answer_click(self, delivery: Delivery, text: str | None = None, *, alert: bool = False) -> None:
        if self.clicks.take(delivery.update.id, text):
            with contextlib.suppress(*sending.REFUSALS):
                await self._answer_callback_query(delivery.update.id, text=text, show_alert=alert or None)

    async def _on_answer_callback_query(self, callback_query_id: Any, *args: Any, **kwargs: Any) -> bool:
        self.clicks.note(callback_query_id)
        return bool(await self._answer_callback_query(callback_query_id, *args, **kwargs))


_DEFAULTS: Final = {"detach": False, "grace": 5.0}


@overload
def install(
    target: AsyncTeleBot,
    *,
    detach: bool = False,
    grace: float = 5.0,
    storage: object = None,
    engine: Engine | None = None,
    cancel_words: Collection[str] = CANCEL_WORDS,
    texts: Mapping[str, Mapping[str, str]] | None = None,
    translate: Translate | None = None,
) -> Engine: ...
@overload
def install(
    target: TeleBot,
    *,
    max_waiting: int = 1000,
    grace: float = 5.0,
    storage: object = None,
    engine: Engine | None = None,
    cancel_words: Collection[str] = CANCEL_WORDS,
    texts: Mapping[str, Mapping[str, str]] | None = None,
    translate: Translate | None = None,
) -> Engine: ...
def install(
    target: AsyncTeleBot | TeleBot,
    *,
    storage: object = None,
    engine: Engine | None = None,
    cancel_words: Collection[str] = CANCEL_WORDS,
    texts: Mapping[str, Mapping[str, str]] | None = None,
    translate: Translate | None = None,
    **options: Any,
) -> Engine:
    """Make conversations work on *target*; see ``aiostep.install``.

    The options are those of ``AsyncTelebotAdapter`` or of ``TelebotAdapter``, by the kind of bot.

    Raises:
        UnsupportedTarget: *target* is neither kind of bot.
        AlreadyInstalled: it has another engine, or was installed with other options.
    """
    kinds: dict[type, Callable[..., BotAdapter[Any]]] = {AsyncTeleBot: AsyncTelebotAdapter, TeleBot: TelebotAdapter}
    for kind, adapter in kinds.items():
        if isinstance(target, kind):
            made = adapter(target, **options)
            words: dict[str, Any] = {"cancel_words": cancel_words, "texts": texts, "translate": translate}
            return install_adapter(made, storage=storage, engine=engine, **words)
    raise UnsupportedTarget(target, ("telebot",), ("this adapter takes a TeleBot or an AsyncTeleBot",))
