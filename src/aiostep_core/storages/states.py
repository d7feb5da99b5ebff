"""States and data of users: what is the same wherever they are kept, and how they are kept as records."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload
from uuid import UUID

from ..errors import BadArgument, NotDurable, NotStorable, StorageClosed
from ..named import name_of, named
from .abc import RecordKey, Records, StateContext, StateStorage
from .records import record_name
from .seen import forget_seen
from .values import VALUES, Codec, class_of, subscript

if TYPE_CHECKING:
    from .blocking_states import BlockingStates

__all__ = ["MAX_EX", "RecordedStates", "StatesBody", "Whose", "check_keys", "seconds"]

T = TypeVar("T")

#: The longest time that something can be kept for, in seconds; longer is for ever, so say None. About 31 years.
MAX_EX = 1e9

#: Stands for data without any keys, since a record without fields does not exist. No key is written like this.
_EMPTY = ""


class Whose(NamedTuple):
    """Whose a state or data is.

    Attributes:
        chat: the chat that counts; None for a state that is the user's wherever they are.
    """

    user: int | str
    chat: int | str | None


class StatesBody(StateStorage):
    """Looks at what is given and does what is asked by the seven methods at the end, which a storage implements.

    Args:
        ex: how long things stay for which nothing else is said; None: until they are deleted.
        sliding: let *ex* begin again whenever something is read.
        per_chat: keep a state for a user in each chat.
    """

    def __init__(self, *, ex: float | timedelta | None = None, sliding: bool = False, per_chat: bool = False) -> None:
        self.ex = None if ex is None else seconds("ex", ex)
        if sliding and self.ex is None:
            raise BadArgument("sliding", sliding, "False, or together with ex=, the time that begins again")
        self.per_chat = per_chat
        self._touch = self.ex if sliding else None

    async def set_state(
        self,
        user_id: int | str,
        state: str | Enum,
        callback: Any = None,
        chat_id: int | str | None = None,
        ex: float | timedelta | None = None,
    ) -> None:
        name: object = state.name if isinstance(state, Enum) else state
        if not isinstance(name, str):
            raise BadArgument("state", state, "a text or a member of an Enum")
        if callback is not None and not callable(callback) and not isinstance(callback, str):
            raise BadArgument("callback", callback, "a function, or the name of a step")
        whose, noted = self._states_of(user_id, chat_id)
        try:
            await self._put_state(whose, StateContext(str(name), callback, noted), self._ttl(ex))
        finally:
            forget_seen()

    @overload
    async def get_state(
        self, user_id: int | str, default: None = None, chat_id: int | str | None = None
    ) -> StateContext[Any] | None: ...
    @overload
    async def get_state(
        self, user_id: int | str, default: T, chat_id: int | str | None = None
    ) -> StateContext[Any] | T: ...
    async def get_state(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        whose, noted = self._states_of(user_id, chat_id)
        found = await self._state(whose)
        return default if found is None or (chat_id is not None and found.chat_id != noted) else found

    @overload
    async def delete_state(
        self, user_id: int | str, default: None = None, chat_id: int | str | None = None
    ) -> StateContext[Any] | None: ...
    @overload
    async def delete_state(
        self, user_id: int | str, default: T, chat_id: int | str | None = None
    ) -> StateContext[Any] | T: ...
    async def delete_state(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        whose, noted = self._states_of(user_id, chat_id)
        try:
            found = await self._take_state(whose, None if chat_id is None else noted)
        finally:
            forget_seen()
        return default if found is None else found

    async def set_data(
        self,
        user_id: int | str,
        data: Mapping[Any, Any] | None = None,
        ex: float | timedelta | None = None,
        chat_id: int | str | None = None,
        **more: Any,
    ) -> None:
        await self._put_data(self._data_of(user_id, chat_id), _joined(data, more), self._ttl(ex))

    @overload
    async def get_data(
        self, user_id: int | str, default: None = None, chat_id: int | str | None = None
    ) -> dict[Any, Any] | None: ...
    @overload
    async def get_data(
        self, user_id: int | str, default: T, chat_id: int | str | None = None
    ) -> dict[Any, Any] | T: ...
    async def get_data(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        found = await self._data(self._data_of(user_id, chat_id))
        return default if found is None else found

    async def update_data(
        self,
        user_id: int | str,
        data: Mapping[Any, Any] | None = None,
        ex: float | timedelta | None = None,
        chat_id: int | str | None = None,
        **more: Any,
    ) -> dict[Any, Any]:
        return await self._merge_data(self._data_of(user_id, chat_id), _joined(data, more), self._ttl(ex))

    @overload
    async def delete_data(
        self, user_id: int | str, default: None = None, chat_id: int | str | None = None
    ) -> dict[Any, Any] | None: ...
    @overload
    async def delete_data(
        self, user_id: int | str, default: T, chat_id: int | str | None = None
    ) -> dict[Any, Any] | T: ...
    async def delete_data(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        found = await self._take_data(self._data_of(user_id, chat_id))
        return default if found is None else found

    def _ttl(self, ex: float | timedelta | None) -> float | None:
        return self.ex if ex is None else seconds("ex", ex)

    def _states_of(self, user_id: int | str, chat_id: int | str | None) -> tuple[Whose, int | str]:
        """Return whose state is meant, and the chat to note in it."""
        _check_id("user_id", user_id)
        if chat_id is None:
            chat_id = user_id
        else:
            _check_id("chat_id", chat_id)
        return Whose(user_id, chat_id if self.per_chat else None), chat_id

    def _data_of(self, user_id: int | str, chat_id: int | str | None) -> Whose:
        _check_id("user_id", user_id)
        if chat_id is None:
            return Whose(user_id, user_id)
        _check_id("chat_id", chat_id)
        return Whose(user_id, chat_id)

    # What a storage implements. What is passed in was looked at; what is returned is the caller's own.

    @abstractmethod
    async def _put_state(self, whose: Whose, context: StateContext[Any], ttl: float | None) -> None: ...

    @abstractmethod
    async def _state(self, whose: Whose) -> StateContext[Any] | None: ...

    @abstractmethod
    async def _take_state(self, whose: Whose, chat: int | str | None) -> StateContext[Any] | None:
        """Delete and return a state; if *chat* is given, only one that was set there."""

    @abstractmethod
    async def _put_data(self, whose: Whose, data: dict[Any, Any], ttl: float | None) -> None: ...

    @abstractmethod
    async def _data(self, whose: Whose) -> dict[Any, Any] | None: ...

    @abstractmethod
    async def _merge_data(self, whose: Whose, data: dict[Any, Any], ttl: float | None) -> dict[Any, Any]: ...

    @abstractmethod
    async def _take_data(self, whose: Whose) -> dict[Any, Any] | None: ...


class RecordedStates(StatesBody):
    """States and data as records: one of each kind for whose they are.

    A field of a data record is one key of the data, so that ``update_data`` is a merge, which every storage does
    atomically. Hence the keys of data are told apart by how they are written: texts, numbers, and tuples of them.

    Args:
        values: writes and reads the data.
        space: what to keep together, such as a bot's id; storages with different spaces do not see each other's.
        owns_records: close *records* when this is closed.
    """

    def __init__(
        self,
        records: Records,
        *,
        values: Codec = VALUES,
        ex: float | timedelta | None = None,
        sliding: bool = False,
        per_chat: bool = False,
        space: str | int | None = None,
        owns_records: bool = False,
    ) -> None:
        if not isinstance(records, Records):
            raise BadArgument("records", records, "Records, such as MemoryRecords()")
        if not isinstance(values, Codec):
            raise BadArgument("values", values, "a Codec, such as Values(limit=...)")
        super().__init__(ex=ex, sliding=sliding, per_chat=per_chat)
        self.records = records
        self._values = values
        self._space = space
        self._space_name = record_name(space)
        self._owns_records = owns_records
        self._twin: RecordedStates | None = None
        self._is_closed = False

    def blocking(self) -> BlockingStates:
        """Return the same states for threads."""
        from .blocking_states import BlockingStates

        if self.records.is_blocking:
            return BlockingStates(self)
        if self._twin is None:
            self._twin = RecordedStates(
                self.records.blocking(),
                values=self._values,
                ex=self.ex,
                sliding=self._touch is not None,
                per_chat=self.per_chat,
                space=self._space,
            )
        return BlockingStates(self._twin)

    async def close(self) -> None:
        self._is_closed = True
        if self._twin is not None:
            await self._twin.close()
        if self._owns_records:
            await self.records.close()

    def _key(self, kind: str, whose: Whose) -> RecordKey:
        if self._is_closed:
            raise StorageClosed(repr(self.records))
        return RecordKey(kind, self._space_name, record_name(*whose))

    async def _put_state(self, whose: Whose, context: StateContext[Any], ttl: float | None) -> None:
        fields = {"state": context.current_state, "chat": _text_of(context.chat_id)}
        if context.callback is not None:
            fields.update(_callback_fields(context.callback))
        await self.records.write(self._key("state", whose), fields, ttl=ttl)

    async def _state(self, whose: Whose) -> StateContext[Any] | None:
        return self._context(await self.records.read(self._key("state", whose), touch=self._touch))

    async def _take_state(self, whose: Whose, chat: int | str | None) -> StateContext[Any] | None:
        where = None if chat is None else {"chat": _text_of(chat)}
        return self._context(await self.records.take(self._key("state", whose), where=where))

    def _context(self, fields: Mapping[str, str]) -> StateContext[Any] | None:
        if not fields:
            return None
        return StateContext(fields["state"], _callback(fields), _read(fields["chat"]))

    async def _put_data(self, whose: Whose, data: dict[Any, Any], ttl: float | None) -> None:
        await self.records.write(self._key("data", whose), self._fields(data) or {_EMPTY: ""}, ttl=ttl)

    async def _data(self, whose: Whose) -> dict[Any, Any] | None:
        return self._dict(await self.records.read(self._key("data", whose), touch=self._touch))

    async def _merge_data(self, whose: Whose, data: dict[Any, Any], ttl: float | None) -> dict[Any, Any]:
        return self._dict(await self.records.merge(self._key("data", whose), self._fields(data), ttl=ttl)) or {}

    async def _take_data(self, whose: Whose) -> dict[Any, Any] | None:
        return self._dict(await self.records.take(self._key("data", whose)))

    def _fields(self, data: dict[Any, Any]) -> dict[str, str]:
        check_keys(data)
        return {_text_of(key): self._text(key, value) for key, value in data.items()}

    def _text(self, key: object, value: object) -> str:
        try:
            return self._values.encode(value, "data")
        except NotStorable:  # only now is it worth the time to say where
            return self._values.encode(value, f"data{subscript(key)}")

    def _dict(self, fields: Mapping[str, str]) -> dict[Any, Any] | None:
        if not fields:
            return None
        decode = self._values.decode
        return {_read(name): decode(text) for name, text in fields.items() if name != _EMPTY}


def seconds(name: str, ex: float | timedelta) -> float:
    """Return a time to live in seconds.

    Raises:
        BadArgument: it is none, or not greater than zero.
    """
    number = ex.total_seconds() if isinstance(ex, timedelta) else ex
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 < number <= MAX_EX:
        problem = isinstance(number, (int, float)) and (number > MAX_EX or math.isinf(number))
        raise BadArgument(name, ex, "None to keep it for ever" if problem else "seconds or a timedelta, more than zero")
    return float(number)


def check_keys(data: Mapping[Any, Any]) -> None:
    """Look at the keys of data.

    Raises:
        NotStorable: one is such that equal ones can be written in different ways, as 1, 1.0 and True.
    """
    for key in data:
        if type(key) is not str:
            _check_key(key)


def _check_key(key: Any) -> None:
    kind = class_of(key)
    if kind is tuple:
        for part in key:
            _check_key(part)
    elif kind not in _KEYS:
        raise NotStorable("a key of data", key, "use a text or a number, or a tuple of them, or keep it deeper inside")


_KEYS = frozenset({str, int, bytes, UUID, type(None)})


def _text_of(key: object) -> str:
    """Return how an id or a key of data is written, the same whatever the codec of the data; mostly it is quick."""
    if type(key) is str and key.isidentifier():
        return f'"{key}"'
    return VALUES.encode(key, "a key of data")


def _read(text: str) -> Any:
    """Return the id or the key that was written so."""
    if text[0] == '"' and "\\" not in text:
        return text[1:-1]
    return int(text) if text.isdecimal() else VALUES.decode(text)


def _check_id(name: str, value: object) -> None:
    if type(value) is int:
        return
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise BadArgument(name, value, "the number of a user or chat, or a text")


def _joined(data: Mapping[Any, Any] | None, more: dict[str, Any]) -> dict[Any, Any]:
    if data is None:
        if not more:
            raise BadArgument("data", None, 'a dictionary or keywords, such as {"name": "Ann"} or name="Ann"')
        return more
    if not isinstance(data, Mapping):
        # Only its type: the thing itself may be long, or private.
        raise BadArgument("data", type(data), "a dictionary")
    return {**dict(data), **more}


def _callback_fields(callback: Any) -> dict[str, str]:
    """Return the fields that a callback is kept in.

    A step's name is looked up when it is read; the name of a function that is no step must never find a step of that
    name, so it has a field of its own.
    """
    if callback is None:
        return {}
    name = callback if isinstance(callback, str) else name_of(callback)
    if name is not None:
        return {"step": name}
    plain = getattr(callback, "__name__", None)
    if not isinstance(plain, str):
        raise NotDurable(f"the callback {callback!r}, which has no name,", 'give it one: step("orders.back")(callback)')
    return {"callback": plain}


def _callback(fields: Mapping[str, str]) -> Any:
    name = fields.get("step")
    if name is None:
        return fields.get("callback")
    return named(name) or name
