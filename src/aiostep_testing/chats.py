"""Chats: who is in them, what was said, and what the bots did there.

A private chat exists once per bot and person; its chat id is the person's, so two bots see the same id.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from aiostep_testing.accounts import BotAccount
from aiostep_testing.wire import Json, copied

if TYPE_CHECKING:
    from aiostep_testing.groups import Topic
    from aiostep_testing.people import Person
    from aiostep_testing.world import World
    from aiostep_testing.writing import Writing

Place: TypeAlias = "Chat | Topic | Business | BotAccount | None"
EventKind: TypeAlias = Literal["message", "edit", "delete", "answer", "action", "reaction"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One thing that happened in a chat; bot_id is None when a person did it."""

    kind: EventKind
    what: Json
    bot_id: int | None = None
    thread: int | None = None


class Chat:
    """One chat with its messages and its log."""

    def __init__(self, world: World, info: Json) -> None:
        self.world = world
        self.info = info
        self.messages: dict[int, Json] = {}
        self.hidden: dict[int, Json] = {}  # deleted, or too old for the bot; people may still press their buttons
        self.log: list[Event] = []
        self.pinned: list[int] = []
        self.keyboard: Json | None = None
        self.next_id = 1
        self._watchers: list[asyncio.Future[None]] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.info.get('title') or self.info.get('first_name')!r}>"

    @property
    def id(self) -> int:
        return int(self.info["id"])

    @property
    def type(self) -> str:
        return str(self.info["type"])

    def kinds(self) -> tuple[str, str]:
        """Name the update kinds of a new and of an edited message here."""
        return "message", "edited_message"

    def audience(self, message: Json) -> list[BotAccount]:
        """Choose the bots that see *message*."""
        return []

    def add(self, sender: Json, content: Json, *, thread: int | None = None, reply_to: Json | None = None) -> Json:
        """Append a message and return the live object."""
        now = int(self.world.clock.time())
        message = {"message_id": self.next_id, **sender, "chat": self.info, "date": now}
        message |= self._place(thread, reply_to) | content
        self.messages[self.next_id] = message
        self.next_id += 1
        return message

    def _place(self, thread: int | None, reply_to: Json | None) -> Json:
        """Say where in the chat a message stands: its thread and what it replies to."""
        if reply_to is None:
            return {}
        return {"reply_to_message": {k: v for k, v in reply_to.items() if k != "reply_to_message"}}

    def hide(self, message_id: int) -> Json | None:
        """Put a message out of the bot's reach: it was deleted or is too old."""
        message = self.messages.pop(message_id, None)
        if message is not None:
            self.hidden[message_id] = message
        return message

    def emit(self, kind: EventKind, what: Json, *, bot: BotAccount | None = None) -> None:
        """Log an event and wake whoever watches the chat."""
        thread = what.get("message_thread_id") if what.get("is_topic_message") else None
        event = Event(kind=kind, what=copied(what), bot_id=bot.id if bot else None, thread=thread)
        self.log.append(event)
        self.world.notify(self, event)
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)

    async def watch(self, timeout: float) -> bool:
        """Wait for the next event; False when none came in time."""
        watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watchers.append(watcher)
        done, _ = await asyncio.wait([watcher], timeout=max(timeout, 0))
        if watcher in self._watchers:
            self._watchers.remove(watcher)
        return bool(done)


class PrivateChat(Chat):
    """The chat of one person with one bot."""

    def __init__(self, world: World, person: Json, bot: BotAccount, *, started: bool) -> None:
        names = ("id", "first_name", "last_name", "username")
        super().__init__(world, {"type": "private"} | {k: person[k] for k in names if k in person})
        self.bot = bot
        self.started = started
        self.blocked = False

    def audience(self, message: Json) -> list[BotAccount]:
        return [self.bot]


class BusinessChat(Chat):
    """The chat of a business owner with a customer, which a bot may read and answer."""

    def __init__(self, world: World, connection: Business, customer: Json) -> None:
        names = ("id", "first_name", "last_name", "username")
        super().__init__(world, {"type": "private"} | {k: customer[k] for k in names if k in customer})
        self.connection = connection

    def kinds(self) -> tuple[str, str]:
        return "business_message", "edited_business_message"

    def audience(self, message: Json) -> list[BotAccount]:
        return [self.connection.bot] if self.connection.enabled else []

    def add(self, sender: Json, content: Json, *, thread: int | None = None, reply_to: Json | None = None) -> Json:
        mark = {"business_connection_id": self.connection.id}
        return super().add(sender, mark | content, thread=thread, reply_to=reply_to)


class Business:
    """A bot connected to a person's business account; pass it as ``to=`` to write to the owner."""

    def __init__(self, world: World, connection_id: str, owner: Person, bot: BotAccount) -> None:
        self.world, self.id, self.owner, self.bot = world, connection_id, owner, bot
        self.enabled = True
        self.date = int(world.clock.time())
        self.chats: dict[int, BusinessChat] = {}

    def chat(self, customer: Writing) -> BusinessChat:
        """Return the owner's chat with *customer*."""
        if customer.id not in self.chats:
            self.chats[customer.id] = BusinessChat(self.world, self, customer.user)
        return self.chats[customer.id]

    def describe(self) -> Json:
        """Describe the connection as the API does."""
        return {
            "id": self.id,
            "user": self.owner.user,
            "user_chat_id": self.owner.id,
            "date": self.date,
            "rights": {"can_reply": True},
            "is_enabled": self.enabled,
        }

    def disable(self) -> None:
        """Take the bot's access away, as the owner can in the settings."""
        self.enabled = False
        self.world.push("business_connection", self.describe(), to=[self.bot])
