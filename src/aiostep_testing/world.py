"""The world: bots, people, chats and one entry point for every API call; no sockets.

Each transport (HTTP server, in-process session) is a thin shell over ``World.call``.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiostep_testing.accounts import BotAccount, bot_user
from aiostep_testing.chats import Business, Chat, Event, PrivateChat
from aiostep_testing.clock import Clock, RealClock
from aiostep_testing.faults import FaultPlan
from aiostep_testing.files import FileStore
from aiostep_testing.groups import Channel, Group, SharedChat
from aiostep_testing.people import Person
from aiostep_testing.schema import Schema
from aiostep_testing.waiting import Click, InlineQuery
from aiostep_testing.wire import ApiError, Call, Dropped, File, Json, Reply, bad_request, copied
from aiostep_testing.writing import Writing

Delivery = Callable[[BotAccount, Json], None]
Observer = Callable[[Chat, Event], None]


class World:
    """A Telegram of one's own.

    strict: a method that is not modelled is an error instead of a stub.
    strict_polling: behave as the real server does towards pollers that ask too often.
    check: compare answers, updates and parameters with the schema; see ``violations``.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        strict: bool = False,
        strict_polling: bool = False,
        poll_cap: float = 50.0,
        check: bool = True,
    ) -> None:
        self.clock: Clock = clock or RealClock()
        self.strict, self.strict_polling, self.poll_cap, self.check = strict, strict_polling, poll_cap, check
        self.schema = Schema.load()
        self.bots: dict[str, BotAccount] = {}
        self.people: dict[int, Person] = {}
        self.shared: dict[int, SharedChat] = {}
        self.privates: dict[tuple[int, int], PrivateChat] = {}
        self.outside: dict[int, Chat] = {}
        self.connections: dict[str, Business] = {}
        self.files = FileStore()
        self.clicks: dict[str, Click] = {}
        self.inline_queries: dict[str, InlineQuery] = {}
        self.inline_messages: dict[str, tuple[BotAccount, Chat, Json]] = {}
        self.polls: dict[str, tuple[BotAccount, Chat, Json]] = {}
        self.votes: dict[str, dict[int, tuple[int, ...]]] = {}
        self.reactions: dict[tuple[int, int, int], list[Json]] = {}
        self.faults = FaultPlan()
        self.calls: list[Call] = []
        self.stubbed: list[str] = []
        self.violations: list[str] = []
        self._ids = itertools.count(1)
        self._deliveries: list[Delivery] = []
        self._observers: list[Observer] = []

    # Who is here

    def bot(
        self, token: str = "42:TEST", *, username: str = "test_bot", privacy: bool = False, **user_fields: Any
    ) -> BotAccount:
        """Return the bot with *token*, making it when there is none.

        Raises:
            ValueError: the token does not start with a number and a colon.
        """
        if token not in self.bots:
            number, colon, _ = token.partition(":")
            if not (number.isdecimal() and colon):
                raise ValueError(f"{token!r} is no bot token; pass one such as '42:TEST'")
            user = bot_user(int(number), username, privacy=privacy, fields=user_fields)
            self.bots[token] = account = BotAccount(token=token, user=user, privacy=privacy)
            for chat in self.shared.values():
                chat.add_bot(account)
        return self.bots[token]

    def person(
        self,
        first_name: str,
        *,
        id: int | None = None,
        language_code: str = "en",
        started: bool = True,
        **user_fields: Any,
    ) -> Person:
        """Make a person; with started=False no bot may write to them before they write to it."""
        user: Json = {
            "id": id or 1000 + self.number(),
            "is_bot": False,
            "first_name": first_name,
            "username": first_name.lower().replace(" ", "_"),
            "language_code": language_code,
            **user_fields,
        }
        user = {k: v for k, v in user.items() if v is not None}
        person = self.people[user["id"]] = Person(self, user, started=started)
        return person

    def group(
        self,
        title: str,
        *,
        forum: bool = False,
        members: Iterable[Person] = (),
        bots: Iterable[BotAccount] | None = None,
        basic: bool = False,
        username: str | None = None,
    ) -> Group:
        """Make a supergroup (or a basic group) with these members and, unless given, all bots."""
        number = self.number()
        info: Json = {"id": -number if basic else -1001000000000 - number}
        info |= {"type": "group" if basic else "supergroup", "title": title}
        info |= ({"is_forum": True} if forum else {}) | ({"username": username} if username else {})
        group = Group(self, info)
        self._settle_in(group, members, bots)
        return group

    def channel(self, title: str, *, username: str | None = None, bots: Iterable[BotAccount] | None = None) -> Channel:
        """Make a channel where, unless given, all bots are administrators."""
        info: Json = {"id": -1001000000000 - self.number(), "type": "channel", "title": title}
        channel = Channel(self, info | ({"username": username} if username else {}))
        self._settle_in(channel, (), bots)
        return channel

    def _settle_in(self, chat: SharedChat, members: Iterable[Person], bots: Iterable[BotAccount] | None) -> None:
        self.shared[chat.id] = chat
        for person in members:
            chat.set_member(person.user, "member")
        for bot in self.bots.values() if bots is None else bots:
            chat.add_bot(bot)

    def business(self, owner: Person, *, bot: BotAccount | None = None) -> Business:
        """Connect a bot to *owner*'s business account; customers write with ``to=`` this."""
        account = bot or self.default_bot()
        connection = Business(self, f"bc{self.number()}", owner, account)
        self.connections[connection.id] = connection
        self.push("business_connection", connection.describe(), to=[account])
        return connection

    def default_bot(self) -> BotAccount:
        """Return the first bot.

        Raises:
            LookupError: there is none.
        """
        for bot in self.bots.values():
            return bot
        raise LookupError("the world has no bot; call world.bot() first")

    def private(self, person: Writing, bot: BotAccount | None = None) -> PrivateChat:
        """Return the chat of *person* with *bot*, or with the first bot."""
        account = bot or self.default_bot()
        key = (account.id, person.id)
        if key not in self.privates:
            self.privates[key] = PrivateChat(self, person.user, account, started=person.started)
        return self.privates[key]

    def elsewhere(self, person: Writing) -> Chat:
        """Return a chat that *person* has with somebody else, where no bot is."""
        return self.outside.setdefault(person.id, Chat(self, {"id": person.id, "type": "private"}))

    def number(self) -> int:
        """Return a number that was not used before."""
        return next(self._ids)

    # Updates

    def add_delivery(self, fn: Delivery) -> Callable[[], None]:
        """Call *fn* for every update queued; it takes it off the queue with ``confirm``. Returns the undoing."""
        self._deliveries.append(fn)
        return lambda: self._deliveries.remove(fn)

    def add_observer(self, fn: Observer) -> Callable[[], None]:
        """Call *fn* for everything that happens in a chat, be it done by a person or a bot. Returns the undoing."""
        self._observers.append(fn)
        return lambda: self._observers.remove(fn)

    def notify(self, chat: Chat, event: Event) -> None:
        for observer in list(self._observers):
            observer(chat, event)

    def deliver(self, chat: Chat, message: Json, *, edited: bool = False) -> None:
        """Show a new or edited message to the bots of its chat, and log it."""
        chat.emit("edit" if edited else "message", message)
        self.push(chat.kinds()[edited], message, to=chat.audience(message))

    def push(self, kind: str, payload: Json, *, to: Iterable[BotAccount]) -> None:
        """Queue an update for each bot that wants its kind."""
        for bot in to:
            if not bot.wants(kind):
                continue
            update = {"update_id": bot.next_update, kind: copied(payload)}
            bot.next_update += 1
            if self.check:
                self.violations += self.schema.check("Update", update)
            self._queue(bot, update)
            if self.faults.take_duplicate(kind, update):
                self._queue(bot, update)

    def push_member(self, kind: str, chat: Chat, by: Json, old: Json, new: Json, *, to: Iterable[BotAccount]) -> None:
        """Queue a my_chat_member or chat_member update."""
        now = int(self.clock.time())
        change = {"chat": chat.info, "from": by, "date": now, "old_chat_member": old, "new_chat_member": new}
        self.push(kind, change, to=to)

    def redeliver(self, bot: BotAccount, update_id: int) -> None:
        """Queue an update again under its old id, as Telegram does when it is not sure of the first delivery.

        Raises:
            LookupError: the bot was never sent that update.
        """
        for update in bot.history:
            if update["update_id"] == update_id:
                self._queue(bot, copied(update))
                return
        raise LookupError(f"bot {bot.id} has no update {update_id} among its last {len(bot.history)}")

    def _queue(self, bot: BotAccount, update: Json) -> None:
        bot.updates.append(update)
        bot.history.append(update)
        bot.wake()
        for deliver in list(self._deliveries):
            deliver(bot, update)

    def deliver_pending(self, bot: BotAccount) -> None:
        """Hand everything that is queued to the deliveries, for instance because a webhook was just set."""
        for update in list(bot.updates):
            for deliver in list(self._deliveries):
                deliver(bot, update)

    def confirm(self, bot: BotAccount, update_id: int) -> None:
        """Take a delivered update off the queue; one entry, since a duplicate is a delivery of its own."""
        for index, update in enumerate(bot.updates):
            if update["update_id"] == update_id:
                del bot.updates[index]
                return

    def release_polls(self) -> None:
        """Answer all pending long polls with [] at once, so that a bot told to stop leaves immediately."""
        for bot in self.bots.values():
            bot.wake()

    # Calls

    async def call(
        self, token: str, method: str, params: Mapping[str, object], files: Mapping[str, File] | None = None
    ) -> Reply:
        """Execute one API call.

        Raises:
            Dropped: the transport must cut the connection without answering.
        """
        bot = self.bots.get(token)
        name = self.schema.name_of(method) or method
        decoded: Json = dict(params)
        body: Json
        status = 0
        try:
            body = {"ok": True, "result": await self._execute(bot, name, decoded, dict(files or {}))}
            status = 200
        except ApiError as exc:
            status = exc.code
            body = {"ok": False, "error_code": exc.code, "description": exc.description}
            if exc.parameters:
                body["parameters"] = exc.parameters
        finally:
            self.calls.append(Call(method=name, params=decoded, status=status, bot_id=bot.id if bot else None))
        return Reply(status, copied(body))

    async def _execute(self, bot: BotAccount | None, name: str, params: Json, files: dict[str, File]) -> Any:
        """Run one call; *params* is decoded in place, so that a refused call is recorded decoded too."""
        if bot is None:
            raise ApiError(401, "Unauthorized")
        if name not in self.schema.methods:
            raise ApiError(404, "Not Found: method not found")
        named = {k: f"attach://{k}" for k in files if k in self.schema.methods[name]["p"]}
        decoded, problems = self.schema.decode(name, named | params)
        params.clear()
        params.update(decoded)
        fault = self.faults.take_call(name, decoded)
        if fault is not None:
            if fault.delay:
                await asyncio.sleep(fault.delay)
            if fault.drop:
                raise Dropped(name)
            if error := fault.error():
                raise error
        if self.check:
            self.violations += problems + self.schema.check_params(name, decoded)
        result = await self._run(bot, name, decoded, files)
        if self.check:
            self.violations += self.schema.check_answer(name, copied(result))
        if fault is not None and fault.lost:
            raise Dropped(name)
        return result

    async def _run(self, bot: BotAccount, name: str, params: Json, files: dict[str, File]) -> Any:
        from aiostep_testing.methods import MODELLED, Request

        handler = MODELLED.get(name)
        if handler is None:
            self.stubbed.append(name)
            if self.strict:
                raise ApiError(501, f"Not Implemented: the world does not model {name}; strict=False would stub it")
            return self.schema.smallest_answer(name)
        try:
            result = handler(Request(world=self, bot=bot, name=name, params=params, files=files))
            return await result if inspect.isawaitable(result) else result
        except (AttributeError, LookupError, TypeError, ValueError) as exc:
            # A parameter of the wrong shape is the caller's mistake; anything else is ours and must be seen.
            if problems := self.schema.check_params(name, params):
                raise bad_request(problems[0]) from exc
            raise

    def download(self, file_id_or_path: str) -> bytes | None:
        """Return the content of a file, or None when there is none of that id or path."""
        stored = self.files.get(file_id_or_path)
        return stored.data if stored else None
