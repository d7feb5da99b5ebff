"""One decoded API call, and the table of the methods that the world models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from aiostep_testing.accounts import BotAccount
from aiostep_testing.chats import Chat, PrivateChat
from aiostep_testing.groups import Group, SharedChat
from aiostep_testing.membership import IN_CHAT
from aiostep_testing.wire import File, Json, bad_request, forbidden

if TYPE_CHECKING:
    from aiostep_testing.world import World


@dataclass(kw_only=True, slots=True)
class Request:
    """One call after decoding: who calls what, with which parameters and files."""

    world: World
    bot: BotAccount
    name: str
    params: Json
    files: dict[str, File] = field(default_factory=dict[str, File])

    def get(self, name: str, default: Any = None) -> Any:
        return self.params.get(name, default)

    def chat(self, name: str = "chat_id", *, write: bool = True) -> Chat:
        """Find the chat that a parameter names.

        Raises:
            ApiError: there is none, or (for *write*) the bot may not write there.
        """
        chat_id = self.params.get(name)
        if connection := self.params.get("business_connection_id"):
            return self._business_chat(connection, chat_id)
        if isinstance(chat_id, str):
            chat_id = self._by_username(chat_id)
        if chat_id in self.world.shared:
            return self._shared(self.world.shared[chat_id], write=write)
        if any(bot.id == chat_id for bot in self.world.bots.values()):
            raise forbidden("bot can't send messages to bots")
        if chat_id not in self.world.people:
            raise bad_request("chat not found")
        return self._private(self.world.private(self.world.people[chat_id], self.bot), write=write)

    def _by_username(self, name: str) -> int | None:
        wanted = name.removeprefix("@").lower()
        for chat in self.world.shared.values():
            if str(chat.info.get("username", "")).lower() == wanted and wanted:
                return chat.id
        return None

    def _business_chat(self, connection_id: str, chat_id: Any) -> Chat:
        connection = self.world.connections.get(connection_id)
        if connection is None or connection.bot is not self.bot:
            raise bad_request("business connection not found")
        if not connection.enabled:
            raise bad_request("business connection is disabled")
        if chat_id not in connection.chats:
            raise bad_request("chat not found")
        return connection.chats[chat_id]

    def _private(self, chat: PrivateChat, *, write: bool) -> PrivateChat:
        if write and chat.blocked:
            raise forbidden("bot was blocked by the user")
        if write and not chat.started:
            raise forbidden("bot can't initiate conversation with a user")
        return chat

    def _shared(self, chat: SharedChat, *, write: bool) -> SharedChat:
        if isinstance(chat, Group) and chat.migrated_to is not None:
            new_id = chat.migrated_to.id
            raise bad_request("group chat was upgraded to a supergroup chat", migrate_to_chat_id=new_id)
        status = chat.status(self.bot.id)
        if status == "kicked":
            raise forbidden(f"bot was kicked from the {chat.type} chat")
        if status not in IN_CHAT:
            raise forbidden(f"bot is not a member of the {chat.type} chat")
        return chat


Handler: TypeAlias = "Callable[[Request], Any | Awaitable[Any]]"
MODELLED: dict[str, Handler] = {}


def method(*names: str) -> Callable[[Handler], Handler]:
    """Enter a function into the table under these method names."""

    def enter(handler: Handler) -> Handler:
        MODELLED.update(dict.fromkeys(names, handler))
        return handler

    return enter
