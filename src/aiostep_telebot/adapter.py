"""Conversations on an ``AsyncTeleBot``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence
from types import MappingProxyType
from typing import Any, Final

from telebot import asyncio_helper, types
from telebot.async_telebot import AsyncTeleBot

from aiostep_core.abc import Adapter, Address, Sent, StepStorage
from aiostep_core.context import Turn, current_turn
from aiostep_core.engine import CANCEL_WORDS, Engine
from aiostep_core.errors import AlreadyInstalled, NotSubscribed, UnsupportedTarget
from aiostep_core.facts import KINDS, Delivery, Facts
from aiostep_core.installed import install_adapter
from aiostep_core.keys import Key
from aiostep_core.runtime import Runtime
from aiostep_core.steps import Step

from . import sending
from .callbacks import check_step
from .clicks import ClickWatch
from .entry import Entry
from .facts import event_of, facts_of, key_of_object
from .filters import compile_filter
from .turns import QuietEnds

__all__ = ["AsyncTelebotAdapter", "install"]

_REFUSALS: Final = (asyncio_helper.ApiException, asyncio_helper.RequestTimeout)


class AsyncTelebotAdapter(Adapter[AsyncTeleBot]):
    """The translation for one ``AsyncTeleBot``.

    Args:
        detach: run each update in a task of its own even where nobody seems to await it; see ``entry.py``.
        grace: seconds that handlers have at shutdown to take leave.
    """

    name = "telebot"

    def __init__(self, target: AsyncTeleBot, *, detach: bool = False, grace: float = 5.0) -> None:
        self.target = target
        self.detach = detach
        self.grace = grace
        self.bot_id = _bot_id(target)
        self.clicks = ClickWatch()
        self.raised: dict[Turn, BaseException] = {}
        self.ends = QuietEnds(None, self.raised)
        self.allowed: frozenset[str] | None = None
        self.runtime: Runtime
        self._entry: Entry
        self._learned: str | None = None
        self._is_learning = False
        self._is_closing = False
        self._undo: list[Callable[[], object]] = []
        options = {"detach": detach, "grace": grace}
        self.options = MappingProxyType({name: value for name, value in options.items() if value != _DEFAULTS[name]})

    # Installing.

    def install(self, runtime: Runtime) -> None:
        bot: Any = self.target
        if isinstance(getattr(bot.process_new_updates, "__self__", None), Entry):
            raise AlreadyInstalled(bot)
        self.runtime = runtime
        self._entry = Entry(self, bot.process_new_updates)
        self._get_updates, self._close_session = bot.get_updates, bot.close_session
        self._answer_callback_query = bot.answer_callback_query
        self._replace("process_new_updates", self._entry.process)
        self._replace("get_updates", self._on_get_updates)
        self._replace("close_session", self._on_close_session)
        self._replace("answer_callback_query", self._on_answer_callback_query)
        self.guard_errors()
        self._undo.append(self._unguard_errors)

    def uninstall(self) -> None:
        while self._undo:
            self._undo.pop()()

    def _replace(self, name: str, value: Any) -> None:
        """Give the bot an attribute of its own in place of its class's method."""
        attributes = vars(self.target)
        was_own, before = name in attributes, attributes.get(name)
        attributes[name] = value

        def undo() -> None:
            if attributes.get(name) is not value:
                return  # somebody else has put theirs around ours
            if was_own:
                attributes[name] = before
            else:
                del attributes[name]

        self._undo.append(undo)

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
        allowed = kwargs.get("allowed_updates", args[3] if len(args) > 3 else None)
        self.allowed = frozenset(allowed) if allowed else None
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

    def _username(self) -> str | None:
        """Return the bot's name, to tell its commands from another bot's, if polling or we have asked for it."""
        user = getattr(self.target, "_user", None)
        return user.username if user is not None else self._learned

    async def _learn_name(self) -> None:
        with contextlib.suppress(Exception):  # whatever is wrong with the network, others will say it
            self._learned = (await self.target.get_me()).username

    # Updates.

    def facts(self, carrier: Any) -> Facts:
        return facts_of(carrier, self.bot_id, self._username())

    def update_of(self, carrier: Any) -> Any:
        return event_of(carrier)

    def key_of(self, target: object) -> Key | None:
        key, turn = key_of_object(target, self.bot_id), current_turn.get()
        if not isinstance(target, types.Message) or target.from_user is None or target.from_user.id != self.bot_id:
            return key
        # The bot's own message is about the person whom the handler that sent it is for.
        if key is not None and turn is not None and turn.facts.chat_id == key.chat_id:
            return key._replace(user_id=turn.facts.user_id)
        return key

    def bot_ids(self) -> Collection[int]:
        return (self.bot_id,)

    def redispatch(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self.runtime.forget_update(self.bot_id, delivery.carrier.update_id)
        self.runtime.start(self._entry.process([delivery.carrier for delivery in deliveries]))

    # Waiting.

    def compile_filter(self, filter: Any) -> Callable[[Delivery], object]:
        return compile_filter(filter)

    def check_wait(self, turn: Turn | None, kinds: frozenset[str]) -> None:
        if self.allowed is not None:
            missing = kinds - self.allowed
            for family in KINDS.values():
                if family & kinds & self.allowed:
                    missing -= family  # "message" means whichever way a message comes
            if missing:
                raise NotSubscribed(missing, f"add {sorted(missing)} to the allowed_updates of polling")
        if not self._is_learning and self._username() is None:
            self._is_learning = True
            self.runtime.start(self._learn_name())

    # Speaking.

    async def send(
        self, to: Address, prompt: Any, *, keyboard: Any = None, force_reply: Any = "auto", **send: Any
    ) -> Sent:
        return await sending.send(self.target, to, prompt, keyboard, force_reply, send)

    def watch_click(self, delivery: Delivery) -> None:
        self.clicks.watch(delivery.update.id)

    async def answer_click(self, delivery: Delivery, text: str | None = None) -> None:
        if self.clicks.take(delivery.update.id) or text is not None:
            with contextlib.suppress(*_REFUSALS):
                await self._answer_callback_query(delivery.update.id, text=text)

    async def _on_answer_callback_query(self, callback_query_id: Any, *args: Any, **kwargs: Any) -> bool:
        self.clicks.note(callback_query_id)
        return bool(await self._answer_callback_query(callback_query_id, *args, **kwargs))

    def is_gone(self, error: BaseException) -> str | None:
        return sending.is_gone(error)

    # Steps.

    def compile_step(self, step: Step) -> None:
        check_step(step)


def _bot_id(bot: AsyncTeleBot) -> int:
    """Read the id from the token, as telebot does since 4.21; a token that is none has the id 0."""
    number = bot.token.partition(":")[0]
    return int(number) if number.isdecimal() else 0


_DEFAULTS: Final = {"detach": False, "grace": 5.0}


def install(
    target: AsyncTeleBot,
    *,
    detach: bool = False,
    grace: float = 5.0,
    storage: str | StepStorage | None = None,
    engine: Engine | None = None,
    cancel_words: Collection[str] = CANCEL_WORDS,
) -> Engine:
    """Make conversations work on *target*; see ``aiostep.install`` and, for the options, ``AsyncTelebotAdapter``.

    Raises:
        UnsupportedTarget: *target* is no ``AsyncTeleBot``.
        AlreadyInstalled: it has another engine, or was installed with other options.
        BadArgument: an option makes no sense.
    """
    if not isinstance(target, AsyncTeleBot):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UnsupportedTarget(target, ("telebot",), ("this adapter takes an AsyncTeleBot",))
    adapter = AsyncTelebotAdapter(target, detach=detach, grace=grace)
    return install_adapter(adapter, storage=storage, engine=engine, cancel_words=cancel_words)
