"""python-telegram-bot's persistence in a storage of ours: usable without anything else of aiostep.

::

    application = ApplicationBuilder().token(TOKEN).persistence(StepPersistence("sqlite:///bot.db")).build()
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import telegram
from telegram import TelegramObject
from telegram.ext import BasePersistence, PersistenceInput

from aiostep_core.errors import BadArgument, StorageUnavailable
from aiostep_core.storages.abc import Found, RecordKey
from aiostep_core.storages.documents import GONE, Documents, changes
from aiostep_core.storages.records import record_key, split_name
from aiostep_core.storages.source import RecordsLike, RecordsSource
from aiostep_core.storages.storable import DEFAULT_TYPES, StorableType, StorableTypes
from aiostep_core.storages.values import Values

__all__ = ["StepPersistence"]

_USER: Final = "ptb-user"
_CHAT: Final = "ptb-chat"
_BOT: Final = "ptb-bot"
_CALLBACKS: Final = "ptb-callbacks"
_CONVERSATION: Final = "ptb-conversation"
_PAGE: Final = 500
_LARGE: Final = 16_000
#: The field of data that are no dictionary. No key is written like this.
_WHOLE: Final = "="

Fields = dict[str, str]


class StepPersistence(BasePersistence[Any, Any, Any]):
    """User, chat, bot and callback data and conversations in a file, a server or memory.

    Data are what ``Values`` can write down, and objects of Telegram's, which get the running bot again. Data of types
    of your own are stored when their class is registered with ``aiostep.storable``.

    Args:
        storage: a URL, or ``Records`` that you close yourself.
        shared: several workers serve the bot with this storage. Before the handlers of an update run, what others have
            written of its user's, its chat's and the bot's data is read, and only keys that were changed are written.
        store_data: what to store at all.
        write_through: where aiostep is installed on the application, write what the handlers of an update have changed
            when they have ended or wait, before the framework goes on; but for callback data, and bot data of more than
            16 kB, which the framework copies whole each time.
        update_interval: seconds after which the rest is written, and without aiostep all.
        types: the registry of storable classes.
    """

    def __init__(
        self,
        storage: RecordsLike,
        *,
        shared: bool = False,
        write_through: bool = True,
        store_data: PersistenceInput | None = None,
        update_interval: float = 1.0,
        types: StorableTypes = DEFAULT_TYPES,
    ) -> None:
        self._small: PersistenceInput | None = None
        self._is_bot_large = False
        super().__init__(store_data=store_data, update_interval=update_interval)
        self.write_through = write_through
        self._source = RecordsSource(storage)
        self._shared = shared
        self._values = Values(_TelegramTypes(types, self))
        self._documents = {kind: Documents(self._values, name) for kind, name in _NAMES.items()}
        self._seen: dict[RecordKey, Fields] = {}
        self._written: dict[RecordKey, int] = {}
        self._late: dict[RecordKey, Fields] = {}

    @property
    def store_data(self) -> PersistenceInput:
        """What to store."""
        return self._small or self._stored

    @store_data.setter
    def store_data(self, store_data: PersistenceInput) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._stored = store_data

    @contextmanager
    def at_once(self) -> Generator[None]:
        """Have the framework, which copies what it wants stored, pass over what is large; it asks again in a while."""
        whole = self._stored
        self._small = PersistenceInput(
            bot_data=whole.bot_data and not self._is_bot_large,
            chat_data=whole.chat_data,
            user_data=whole.user_data,
            callback_data=False,
        )
        try:
            yield
        finally:
            self._small = None

    # What there is, when the application starts.

    async def get_user_data(self) -> dict[int, Any]:
        """Return the data of all users."""
        return await self._get_all(_USER)

    async def get_chat_data(self) -> dict[int, Any]:
        """Return the data of all chats."""
        return await self._get_all(_CHAT)

    async def get_bot_data(self) -> Any:
        """Return the data of the bot."""
        key = self._key(_BOT)
        fields = await self._source.records.read(key)
        self._note(key, fields)
        return self._data(_BOT, fields)

    async def get_callback_data(self) -> Any:
        """Return what arbitrary callback data are restored from, or None."""
        fields = await self._source.records.read(self._key(_CALLBACKS))
        return self._values.decode(fields[_WHOLE]) if fields else None

    async def get_conversations(self, name: str) -> dict[tuple[int | str, ...], object]:
        """Return the states of the conversations of one handler."""
        found = await self._scan(_CONVERSATION, name)
        return {tuple(self._values.decode(_last(one))): self._values.decode(one.fields[_WHOLE]) for one in found}

    # What has changed.

    async def update_conversation(self, name: str, key: tuple[int | str, ...], new_state: object | None) -> None:
        """Store the state of one conversation; None removes it.

        Raises:
            NotStorable: the state is of a class that is not registered.
        """
        record = self._key(_CONVERSATION, self._values.encode(list(key), "key"), space=name)
        fields = {} if new_state is None else {_WHOLE: self._values.encode(new_state, f"the state of {name}")}
        await self._write(record, fields)

    async def update_user_data(self, user_id: int, data: Any) -> None:
        """Store the data of a user, if they have changed.

        Raises:
            NotStorable: a value cannot be written down; nothing was changed.
        """
        await self._update(self._key(_USER, user_id), self._fields(_USER, data))

    async def update_chat_data(self, chat_id: int, data: Any) -> None:
        """Store the data of a chat; as for a user."""
        await self._update(self._key(_CHAT, chat_id), self._fields(_CHAT, data))

    async def update_bot_data(self, data: Any) -> None:
        """Store the data of the bot; as for a user."""
        fields = self._fields(_BOT, data)
        self._is_bot_large = sum(map(len, fields.values())) > _LARGE
        await self._update(self._key(_BOT), fields)

    async def update_callback_data(self, data: Any) -> None:
        """Store what arbitrary callback data are restored from, if it has changed."""
        await self._write_changed(self._key(_CALLBACKS), {_WHOLE: self._values.encode(data, "callback_data")})

    async def drop_chat_data(self, chat_id: int) -> None:
        """Remove the data of a chat."""
        await self._drop(self._key(_CHAT, chat_id))

    async def drop_user_data(self, user_id: int) -> None:
        """Remove the data of a user."""
        await self._drop(self._key(_USER, user_id))

    # What others have changed.

    async def refresh_user_data(self, user_id: int, user_data: Any) -> None:
        """Read what other workers have changed of a user's data."""
        await self._refresh(_USER, self._key(_USER, user_id), user_data)

    async def refresh_chat_data(self, chat_id: int, chat_data: Any) -> None:
        """Read what other workers have changed of a chat's data."""
        await self._refresh(_CHAT, self._key(_CHAT, chat_id), chat_data)

    async def refresh_bot_data(self, bot_data: Any) -> None:
        """Read what other workers have changed of the bot's data."""
        await self._refresh(_BOT, self._key(_BOT), bot_data)

    async def flush(self) -> None:
        """Close what was opened here, when the application shuts down; it is opened again when it is needed."""
        await self._source.close()

    # Inside.

    def _key(self, kind: str, *parts: str | int | None, space: str | None = None) -> RecordKey:
        bot_id = self.bot.token.partition(":")[0] if getattr(self, "bot", None) is not None else "-"
        return record_key(kind, bot_id if space is None else f"{bot_id} {space}", *(parts or (None,)))

    async def _scan(self, kind: str, space: str | None = None) -> list[Found]:
        space = self._key(kind, space=space).space
        found = page = await self._source.records.scan(kind, space=space, limit=_PAGE)
        while len(page) == _PAGE:
            page = await self._source.records.scan(kind, space=space, after=page[-1].key, limit=_PAGE)
            found = found + page
        return found

    async def _get_all(self, kind: str) -> dict[int, Any]:
        found = await self._scan(kind)
        for one in found:
            self._note(one.key, one.fields)
        return {int(_last(one)): self._data(kind, one.fields) for one in found}

    def _data(self, kind: str, fields: Mapping[str, str]) -> Any:
        whole = fields.get(_WHOLE)
        return self._documents[kind].read(fields) if whole is None else self._values.decode(whole)

    def _fields(self, kind: str, data: Any) -> Fields:
        if isinstance(data, dict):
            return self._documents[kind].write(data)  # pyright: ignore[reportUnknownArgumentType]
        return {_WHOLE: self._values.encode(data, _NAMES[kind])}

    async def _update(self, key: RecordKey, fields: Fields) -> None:
        if not self._shared:
            await self._write_changed(key, fields)
            return
        before = self._seen.get(key, {})
        changed = changes(before, fields)
        if changed.keys() - {""}:
            await self._source.records.merge(key, changed)
            # Not what others have put there: our data lack it, and must not be taken to have lost it.
            self._seen[key] = {**before, **changed}

    async def _write_changed(self, key: RecordKey, fields: Fields) -> None:
        """Write a record that only we write, if it differs from what we wrote."""
        digest = _digest(fields)
        if self._written.get(key) == digest:
            await self._write_late()
            return
        self._written.pop(key, None)
        await self._write(key, fields)
        self._written[key] = digest

    async def _write(self, key: RecordKey, fields: Fields) -> None:
        self._late[key] = fields
        await self._write_late(key)

    async def _write_late(self, *first: RecordKey) -> None:
        """Write what could not be written before, too: the framework does not ask again."""
        for key in [*first, *self._late]:
            fields = self._late.pop(key, None)
            if fields is None:
                continue
            try:
                await self._source.records.write(key, fields)
            except (StorageUnavailable, asyncio.CancelledError):
                self._late.setdefault(key, fields)
                raise

    def _note(self, key: RecordKey, fields: Mapping[str, str]) -> None:
        """Remember what a record is; whole, which costs memory, only if it is shared."""
        if self._shared:
            self._seen[key] = dict(fields)
        else:
            self._written[key] = _digest(fields)

    async def _drop(self, key: RecordKey) -> None:
        self._seen.pop(key, None)
        self._written.pop(key, None)
        await self._write(key, {})

    async def _refresh(self, kind: str, key: RecordKey, data: Any) -> None:
        """Write what was changed here, read all, and put it into *data*, but for what handlers change meanwhile."""
        if not self._shared:
            return
        mine = self._fields(kind, data)
        changed = changes(self._seen.get(key, {}), mine)
        records = self._source.records
        there = await (records.merge(key, changed) if changed.keys() - {""} else records.read(key))
        self._seen[key] = there
        if not isinstance(data, dict):
            _replace(data, self._data(kind, there) if there else data)
        else:
            still = self._fields(kind, data)
            wanted = {name: there.get(name, GONE) for name in {**mine, **there}}
            same = {name: text for name, text in wanted.items() if still.get(name) == mine.get(name)}
            self._put(kind, data, same)  # pyright: ignore[reportUnknownArgumentType]

    def _put(self, kind: str, data: dict[Any, Any], fields: Fields) -> None:
        data.update(self._documents[kind].read(fields))
        for name, text in fields.items():
            if text == GONE and name:
                data.pop(self._values.decode(name), None)


_NAMES: Final = {_USER: "user_data", _CHAT: "chat_data", _BOT: "bot_data"}


class _TelegramTypes(StorableTypes):
    """Beside all that is storable, objects of Telegram's: as the Bot API writes them, by the names of their classes."""

    def __init__(self, others: StorableTypes, persistence: StepPersistence) -> None:
        super().__init__()
        self._others = others
        self._persistence = persistence

    def of(self, cls: type[Any]) -> StorableType | None:
        """Return how instances of exactly *cls* are stored, or None."""
        if issubclass(cls, TelegramObject) and getattr(telegram, cls.__name__, None) is cls:
            return self._entry(cls)
        return self._others.of(cls)

    def named(self, name: str) -> StorableType | None:
        """Return what is registered as *name*, or None."""
        package, _, bare = name.partition(".")
        found = getattr(telegram, bare, None) if package == "telegram" and bare.isidentifier() else None
        if isinstance(found, type) and issubclass(found, TelegramObject):
            return self._entry(found)
        return self._others.named(name)

    def _entry(self, cls: type[TelegramObject]) -> StorableType:
        def load(written: Any) -> Any:
            return cls.de_json(written, self._persistence.bot)

        return StorableType(f"telegram.{cls.__name__}", cls, _dump, load)


def _dump(written: TelegramObject) -> Any:
    return json.loads(written.to_json())  # to_dict() has members of enumerations in it


def _digest(fields: Mapping[str, str]) -> int:
    return hash(frozenset(fields.items()))


def _last(found: Found) -> str:
    """Return the last part of a record's name."""
    return split_name(found.key.name)[-1] or ""


def _replace(data: Any, other: Any) -> None:
    """Give an object the attributes of another of its class.

    Raises:
        BadArgument: it has no attributes that could be changed.
    """
    if other is data:
        return
    if data.__class__ is not other.__class__ or not hasattr(data, "__dict__"):
        raise BadArgument("user, chat or bot data", data.__class__, "a dict or an object with attributes, to be shared")
    data.__dict__.clear()
    data.__dict__.update(other.__dict__)
