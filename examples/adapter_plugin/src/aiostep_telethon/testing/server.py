"""A data center of one's own: requests of the client become calls of the world, its updates those of MTProto."""

from __future__ import annotations

import asyncio
import os
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from telethon import TelegramClient, functions, types, utils
from telethon.crypto import AuthKey
from telethon.sessions import MemorySession

from aiostep_testing.accounts import BotAccount
from aiostep_testing.wire import Dropped, Json, copied
from aiostep_testing.world import World

from . import entities
from .line import Line

__all__ = ["Server", "make_client"]

#: What the world says, as Telegram says it to those who do not use the Bot API.
_ERRORS: Final = {
    "bot was blocked": "USER_IS_BLOCKED",
    "can't initiate": "PEER_ID_INVALID",
    "chat not found": "PEER_ID_INVALID",
    "kicked from": "CHANNEL_PRIVATE",
    "not a member": "CHANNEL_PRIVATE",
    "query is too old": "QUERY_ID_INVALID",
    "message is not modified": "MESSAGE_NOT_MODIFIED",
}


class Refusal(Exception):
    """An error that the client is told."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.error = types.RpcError(code, text)


class Server:
    """The Telegram that one bot of *world* is connected to."""

    def __init__(self, world: World, token: str = "42:TEST") -> None:
        self.world, self.account = world, world.bot(token)
        self.key = AuthKey(os.urandom(256))
        self.session = MemorySession()
        self.session.set_dc(2, "127.0.0.1", 443)
        self.session.auth_key = self.key
        self._line: Line | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers: Counter[int | str] = Counter()
        self._sent: dict[int, bytes] = {}

    def connection(self) -> type[Line]:
        """Return the class to pass to ``TelegramClient`` as *connection*."""
        server = self

        class ToServer(Line):
            def __init__(self, *address: object, **options: object) -> None:
                super().__init__(server.key, server._receive)
                server._line = self

        return ToServer

    def deliver(self) -> Callable[[], None]:
        """Send the client every update of its bot from now on; returns the undoing."""

        def deliver(account: BotAccount, update: Json) -> None:
            if account is self.account:
                self.world.confirm(account, update["update_id"])
                self.push(copied(update))

        for update in list(self.account.updates):
            deliver(self.account, update)
        return self.world.add_delivery(deliver)

    def push(self, update: Json) -> None:
        """Send one update of the Bot API, again in the very same words if it was sent before."""
        assert self._line is not None, "connect the client first"
        number = update.pop("update_id")
        ((kind, payload),) = update.items()
        if number not in self._sent:
            self._sent[number] = bytes(_UPDATES[kind](self, payload))
        self._line.push(self._sent[number])

    # Requests.

    def _receive(self, line: Line, message_id: int, request: Any) -> None:
        while hasattr(request, "query") and isinstance(request, _WRAPPERS):
            request = request.query
        if isinstance(request, functions.PingRequest):
            line.push(bytes(types.Pong(message_id, request.ping_id)))
        elif not isinstance(request, types.MsgsAck):
            task = asyncio.get_running_loop().create_task(self._answer(line, message_id, request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, line: Line, message_id: int, request: Any) -> None:
        try:
            handle = _REQUESTS.get(type(request))
            if handle is None:
                raise NotImplementedError(f"this server knows no {type(request).__name__} yet")
            body = _serialised(await handle(self, request))
        except Refusal as refusal:
            body = bytes(refusal.error)
        except Exception as error:  # noqa: BLE001 - the test shall know, and the client shall not wait for ever
            self.world.violations.append(repr(error))
            body = bytes(types.RpcError(400, repr(error)))
        line.push(struct.pack("<Iq", 0xF35C6D01, message_id) + body)

    async def _call(self, name: str, **params: Any) -> Any:
        """Call a method of the Bot API."""
        given = {key: value for key, value in params.items() if value is not None}
        try:
            status, body = await self.world.call(self.account.token, name, given)
        except Dropped:
            raise Refusal(-503, "Timeout") from None
        if status == 200:
            return body["result"]
        text = body["description"]
        if status == 429:
            raise Refusal(420, f"FLOOD_WAIT_{body['parameters']['retry_after']}")
        raise Refusal(status, next((ours for theirs, ours in _ERRORS.items() if theirs in text), text))

    async def _config(self, request: Any) -> bool:
        return True  # nobody looks at it

    async def _state(self, request: Any) -> Any:
        return types.updates.State(self._numbers["account"] + 1, 0, entities.when(0), 0, 0)

    async def _difference(self, request: Any) -> Any:
        """Say that nothing was missed: everything was sent, in order."""
        return types.updates.DifferenceEmpty(entities.when(0), 0)

    async def _users(self, request: Any) -> list[Any]:
        return [await self._user(one) for one in request.id]

    async def _user(self, asked: Any) -> Any:
        if isinstance(asked, types.InputUserSelf):
            return entities.user(await self._call("getMe"), is_self=True)
        person = self.world.people.get(asked.user_id)
        return entities.user(person.user) if person is not None else types.UserEmpty(asked.user_id)

    async def _send_message(self, request: Any) -> Any:
        chat_id, reply_to = utils.get_peer_id(request.peer), getattr(request.reply_to, "reply_to_msg_id", None)
        is_topic = reply_to in getattr(self.world.shared.get(chat_id), "topics", ())
        sent: Json = await self._call(
            "sendMessage",
            chat_id=chat_id,
            text=request.message,
            message_thread_id=reply_to if is_topic else None,
            reply_parameters={"message_id": reply_to} if reply_to is not None and not is_topic else None,
            reply_markup=entities.markup_json(request.reply_markup),
        )
        # Without a number of its own: as if it came before whatever people write next.
        made = self._of_message(entities.message(sent, self.account.id), new=True, number=0)
        return self._updates([types.UpdateMessageID(sent["message_id"], request.random_id), made], _around(sent))

    async def _edit_message(self, request: Any) -> Any:
        edited: Json = await self._call(
            "editMessageText" if request.message else "editMessageReplyMarkup",
            chat_id=utils.get_peer_id(request.peer),
            message_id=request.id,
            text=request.message or None,
            reply_markup=entities.markup_json(request.reply_markup),
        )
        made = self._of_message(entities.message(edited, self.account.id), new=False, number=0)
        return self._updates([made], _around(edited))

    async def _answer_click(self, request: Any) -> bool:
        return bool(
            await self._call(
                "answerCallbackQuery",
                callback_query_id=str(request.query_id),
                text=request.message,
                show_alert=request.alert,
            )
        )

    # Updates.

    def _updates(self, updates: list[Any], around: Iterable[Json]) -> Any:
        people = {one["id"]: entities.user(one) for one in around if "first_name" in one and one.get("id", 0) > 0}
        chats = {one["id"]: entities.chat(one) for one in around if "title" in one}
        return types.Updates(updates, list(people.values()), list(chats.values()), entities.when(0), seq=0)

    def _of_message(self, made: Any, *, new: bool, number: int | None = None) -> Any:
        """Wrap a message into an update with the next number of its sequence: channels have one each."""
        channel = getattr(made.peer_id, "channel_id", None)
        if number is None:
            entry = channel if channel is not None else "account"
            self._numbers[entry] += 1
            number = self._numbers[entry] + 1
        kind = "NewMessage" if new else "EditMessage"
        name = f"Update{kind}" if channel is None else f"Update{kind.replace('Message', 'ChannelMessage')}"
        return getattr(types, name)(made, pts=number, pts_count=1 if number else 0)

    def _new(self, data: Json) -> Any:
        return self._updates([self._of_message(entities.message(data, self.account.id), new=True)], _around(data))

    def _edited(self, data: Json) -> Any:
        return self._updates([self._of_message(entities.message(data, self.account.id), new=False)], _around(data))

    def _click(self, query: Json) -> Any:
        message = query["message"]
        update = types.UpdateBotCallbackQuery(
            query_id=int(query["id"]),
            user_id=query["from"]["id"],
            peer=entities.peer(message["chat"]["id"]),
            msg_id=message["message_id"],
            chat_instance=int(query["chat_instance"]),
            data=query["data"].encode(),
        )
        return self._updates([update], [message["chat"], query["from"]])

    def _membership(self, change: Json) -> Any:
        self._numbers["qts"] += 1
        is_gone = change["new_chat_member"]["status"] in ("left", "kicked")
        who, place, qts = change["new_chat_member"]["user"]["id"], change["chat"]["id"], self._numbers["qts"]
        date = entities.when(change["date"])
        if change["chat"]["type"] == "private":
            update = types.UpdateBotStopped(place, date, stopped=is_gone, qts=qts)
        else:
            here = types.ChannelParticipant(who, date)
            sides = {"prev_participant": here} if is_gone else {"new_participant": here}
            channel, actor = utils.resolve_id(place)[0], change["from"]["id"]
            update = types.UpdateChannelParticipant(channel, date, actor, who, qts=qts, **sides)
        return self._updates([update], [change["from"], change["chat"]])


def _around(message: Json) -> list[Json]:
    """List the users and chats that a message names."""
    # A private chat is its person too, of whom the message's sender says more.
    names = ("chat", "from", "sender_chat", "left_chat_member")
    found = [message[name] for name in names if name in message]
    return [*found, *message.get("new_chat_members", ())]


def _serialised(result: Any) -> bytes:
    if isinstance(result, bool):
        return struct.pack("<I", 0x997275B5 if result else 0xBC799737)
    if isinstance(result, list):
        return struct.pack("<Ii", 0x1CB5C415, len(result)) + b"".join(bytes(one) for one in result)
    return bytes(result)


_WRAPPERS: Final = (
    functions.InvokeWithLayerRequest,
    functions.InitConnectionRequest,
    functions.InvokeWithoutUpdatesRequest,
)
_REQUESTS: Final[dict[type, Callable[[Server, Any], Awaitable[Any]]]] = {
    functions.help.GetConfigRequest: Server._config,
    functions.updates.GetStateRequest: Server._state,
    functions.updates.GetDifferenceRequest: Server._difference,
    functions.users.GetUsersRequest: Server._users,
    functions.messages.SendMessageRequest: Server._send_message,
    functions.messages.EditMessageRequest: Server._edit_message,
    functions.messages.SetBotCallbackAnswerRequest: Server._answer_click,
}
_UPDATES: Final[dict[str, Callable[[Server, Json], Any]]] = {
    "message": Server._new,
    "channel_post": Server._new,
    "edited_message": Server._edited,
    "edited_channel_post": Server._edited,
    "callback_query": Server._click,
    "my_chat_member": Server._membership,
    "chat_member": Server._membership,
}


def make_client(server: Server, **options: Any) -> TelegramClient:
    """Make a client that is logged in as the server's bot; *options* are those of ``TelegramClient``.

    Made once more, it goes on where the one before it stopped.
    """
    return TelegramClient(server.session, 1, "0", connection=server.connection(), **options)
