"""``IsState``: the filter of the original API, for every framework, with one reading for an update.

It imports no framework. It reads the names that the Bot API gives to things, and answers in the way in which it is
asked: aiogram awaits a filter, pyTelegramBotAPI looks whether it is true, python-telegram-bot calls ``check_update``.
"""

from __future__ import annotations

import functools
from collections.abc import Generator
from enum import Enum
from typing import Any, Final

from .errors import BadArgument
from .storages.abc import BlockingStateStorage, StateStorage
from .storages.seen import Seen, seen_of

__all__ = ["IsState"]

_MISSING: Final = object()


class IsState:
    """Lets an update through if the person is in a state, in this chat.

    Usable as ``@dp.message(IsState("NAME", storage))`` in aiogram, ``MessageHandler(IsState("NAME", storage), f)`` in
    python-telegram-bot and ``@bot.message_handler(func=IsState("NAME", storage))`` in pyTelegramBotAPI. ``~`` turns it
    around; python-telegram-bot's filters can be combined with it by ``&``, ``|`` and ``^``.

    However many handlers have one, the state is read once for an update, and again after it was changed there.

    A state that was set without a chat belongs to the chat with the person.

    Args:
        state: the name; of a member of an ``Enum`` its name.
        state_manager: the storage. One for threads blocks the event loop of an asynchronous bot while it is read, which
            in memory and in a file takes microseconds. python-telegram-bot cannot await a filter: there a storage for
            an event loop is read by its face for threads.

    Raises:
        BadArgument: *state* is no name, or *state_manager* no storage.
    """

    # What aiogram takes the filter for: without it it would call the filter in a thread.
    __wrapped__: Any
    # What python-telegram-bot asks a filter for before it is combined.
    data_filter = False

    def __new__(cls, state: str | Enum, state_manager: BlockingStateStorage | StateStorage) -> Any:
        test = _Test(state, state_manager)
        return _AsyncIsState(_check, test) if isinstance(state_manager, StateStorage) else cls._of(test)

    @classmethod
    def _of(cls, test: _Test) -> IsState:
        made = object.__new__(cls)
        made._test = test
        made.__wrapped__ = functools.partial(_check, test)
        return made

    _test: _Test

    def __call__(self, event: Any) -> _Verdict:
        return _TRUE if self._test.blocking(event) else _FALSE

    def __invert__(self) -> IsState:
        return self._of(self._test.inverted())

    def __repr__(self) -> str:
        return repr(self._test)

    @property
    def name(self) -> str:
        """What python-telegram-bot calls the filter."""
        return repr(self)

    def check_update(self, update: Any) -> bool:
        """Answer python-telegram-bot."""
        return self._test.blocking(update)

    # Whatever is on the other side knows how to combine itself with a filter.

    def __and__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, (IsState, _AsyncIsState)) else other & self

    def __or__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, (IsState, _AsyncIsState)) else other | self

    def __xor__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, (IsState, _AsyncIsState)) else other ^ self


class _AsyncIsState(functools.partial[Any]):
    """The same for a storage that is awaited.

    A ``partial`` of a coroutine function is one itself for everybody who looks, in every version of Python: aiogram and
    ``AsyncTeleBot`` both do before they call a filter.
    """

    data_filter = False

    @property
    def _test(self) -> _Test:
        return self.args[0]  # type: ignore[no-any-return]

    def __invert__(self) -> _AsyncIsState:
        return _AsyncIsState(_check, self._test.inverted())

    def __repr__(self) -> str:
        return repr(self._test)

    @property
    def name(self) -> str:
        """What python-telegram-bot calls the filter."""
        return repr(self)

    def check_update(self, update: Any) -> bool:
        """Answer python-telegram-bot."""
        return self._test.blocking(update)

    __and__ = IsState.__and__
    __or__ = IsState.__or__
    __xor__ = IsState.__xor__


class _Test:
    """Which state, where, and whether it shall be that one."""

    def __init__(self, state: str | Enum, storage: Any, *, is_inverted: bool = False) -> None:
        name: object = state.name if isinstance(state, Enum) else state
        if not isinstance(name, str):
            raise BadArgument("state", state, "a text or a member of an Enum")
        if not isinstance(storage, (StateStorage, BlockingStateStorage)):
            raise BadArgument("state_manager", storage, "a state storage, such as MemoryStateStorage()")
        self.name = name
        self.storage = storage
        self.key = id(storage)
        self.is_blocking = isinstance(storage, BlockingStateStorage)
        self.is_inverted = is_inverted

    def __repr__(self) -> str:
        return f"{'~' * self.is_inverted}IsState({self.name!r})"

    def inverted(self) -> _Test:
        return _Test(self.name, self.storage, is_inverted=not self.is_inverted)

    def blocking(self, event: Any) -> bool:
        """Answer without awaiting."""
        seen = seen_of(event, _place_of)
        found = seen.states.get(self.key, _MISSING)
        if found is _MISSING:
            storage = _for_threads(self.storage)
            found = seen.states[self.key] = None if seen.user is None else storage.get_state(*self.asked(seen))
        return self.verdict(found, seen)

    async def waiting(self, event: Any) -> bool:
        """Answer as soon as the storage does."""
        seen = seen_of(event, _place_of)
        found = seen.states.get(self.key, _MISSING)
        if found is _MISSING:
            found = None if seen.user is None else await self.storage.get_state(*self.asked(seen))
            seen.states[self.key] = found
        return self.verdict(found, seen)

    def asked(self, seen: Seen) -> tuple[Any, ...]:
        """Return what to ask for. Only a storage with a state for each chat is told the chat."""
        return (seen.user, None, seen.chat) if self.storage.per_chat else (seen.user,)

    def verdict(self, found: Any, seen: Seen) -> bool:
        is_in_it = found is not None and found.current_state == self.name and found.chat_id == seen.chat
        return is_in_it != self.is_inverted


async def _check(test: _Test, event: Any) -> bool:
    return test.blocking(event) if test.is_blocking else await test.waiting(event)


def _for_threads(storage: Any) -> Any:
    if isinstance(storage, BlockingStateStorage):
        return storage
    if not hasattr(storage, "blocking"):
        raise BadArgument("state_manager", storage, "a storage without await: python-telegram-bot awaits no filter")
    return storage.blocking()


#: In which attribute an update has what happened; of those that people cause in chats.
_EVENTS: Final = (
    *("message", "callback_query", "edited_message", "business_message", "edited_business_message", "inline_query"),
    *("channel_post", "edited_channel_post", "chosen_inline_result", "shipping_query", "pre_checkout_query"),
    *("my_chat_member", "chat_member", "chat_join_request", "message_reaction", "poll_answer", "guest_message"),
    *("purchased_paid_media",),
)


def _event_of(event: Any) -> Any:
    """Return what happened: an update is only its envelope."""
    if hasattr(event, "update_id"):
        return next((found for one in _EVENTS if (found := getattr(event, one, None)) is not None), event)
    return event


def _place_of(event: Any) -> tuple[Any, Any]:
    """Return the ids of the person and of the chat; without a chat it is the one with the person."""
    event = _event_of(event)
    user = getattr(event, "from_user", None) or getattr(event, "user", None)
    chat = getattr(event, "chat", None) or getattr(getattr(event, "message", None), "chat", None)
    person = getattr(user, "id", None)
    return person, getattr(chat, "id", person)


class _Verdict:
    """A truth that can be awaited, too."""

    __slots__ = ("_is_true",)

    def __init__(self, is_true: bool) -> None:
        self._is_true = is_true

    def __bool__(self) -> bool:
        return self._is_true

    def __await__(self) -> Generator[Any, Any, bool]:
        yield from ()
        return self._is_true

    def __repr__(self) -> str:
        return repr(self._is_true)


_TRUE: Final = _Verdict(True)
_FALSE: Final = _Verdict(False)
