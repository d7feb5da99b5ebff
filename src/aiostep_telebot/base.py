"""What the adapters of both kinds of bot have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from telebot import types

from aiostep_core.abc import Adapter, Failure
from aiostep_core.clicks import ClickWatch
from aiostep_core.context import Turn, current_turn
from aiostep_core.errors import NotSubscribed
from aiostep_core.facts import KINDS, Delivery, Facts
from aiostep_core.keyboards import Keyboard, is_ours
from aiostep_core.keys import Key
from aiostep_core.steps import Step

from . import sending
from .callbacks import check_step
from .durable import TelebotScribe
from .facts import event_of, facts_of, key_of_object
from .filters import compile_filter

__all__ = ["BotAdapter"]

TargetT = TypeVar("TargetT")


class BotAdapter(Adapter[TargetT]):
    """The translation for one bot, but for where updates come in and how its methods are called."""

    name = "telebot"
    runtime: Any  # of the kind that the bot needs
    #: The module of telebot that makes the bot's requests.
    requests: ModuleType

    def __init__(self, target: TargetT, given: dict[str, Any], defaults: dict[str, Any]) -> None:
        self.target: TargetT = target
        self.bot_id: int = _bot_id(target)
        self.clicks: ClickWatch = ClickWatch()
        self.allowed: frozenset[str] | None = None
        self.options: Mapping[str, Any] = MappingProxyType(
            {name: value for name, value in given.items() if value != defaults[name]}
        )
        self.scribe = self._scribe = TelebotScribe(self)
        self._learned: str | None = None
        self._is_learning = False
        self._undo: list[Callable[[], object]] = []

    def follow_conversations(self) -> None:
        """See to it that what updates are made of is kept, if a durable conversation may need it."""
        if self.runtime.steps.durables.is_used:
            self._scribe.prepare(None)

    def uninstall(self) -> None:
        self._scribe.forget()
        while self._undo:
            self._undo.pop()()

    def replace(self, name: str, value: Any) -> None:
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

    def note_subscription(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Note what polling asks for: the arguments are those of ``get_updates``."""
        allowed = kwargs.get("allowed_updates", args[3] if len(args) > 3 else None)
        self.allowed = frozenset(allowed) if allowed else None

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
            self.learn_name()

    def learn_name(self) -> None:
        """Begin to ask who the bot is. Polling does so by itself, webhooks do not."""
        raise NotImplementedError

    def _username(self) -> str | None:
        """Return the bot's name, to tell its commands from another bot's, if polling or we have asked for it."""
        user = getattr(self.target, "_user", None)
        return user.username if user is not None else self._learned

    def refuse_late(self, update: types.Update) -> bool:
        """Answer a click on a button of ours that nobody waits for any more; no handler knows it."""
        query = update.callback_query
        if query is None or not is_ours(query.data):
            return False
        self.runtime.clicks.refuse(Delivery(None, query, update, self))
        return True

    def watch_click(self, delivery: Delivery) -> None:
        self.clicks.watch(delivery.update.id)

    def keyboard(self, keyboard: Keyboard) -> Any:
        return sending.keyboard(keyboard)

    def failure_of(self, error: BaseException) -> Failure | None:
        # Older versions of the asynchronous kind have no such setting, and try again always.
        has_retried = bool(getattr(self.requests, "RETRY_ON_ERROR", True))
        return sending.failure_of(error, has_retried=has_retried)

    def compile_step(self, step: Step) -> None:
        check_step(step)


def _bot_id(bot: Any) -> int:
    """Read the id from the token, as telebot does since 4.21; a token that is none has the id 0."""
    number = bot.token.partition(":")[0]
    return int(number) if number.isdecimal() else 0
