"""Scripted people: what they do, and what they expect the bot to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from aiostep_testing.accounts import BotAccount, public_user
from aiostep_testing.chats import Business, Chat, PrivateChat
from aiostep_testing.content import Upload, media, message_content
from aiostep_testing.expecting import Expecting
from aiostep_testing.groups import Channel, Group, SharedChat, Topic
from aiostep_testing.membership import CHANNEL_BOT, GROUP_ANONYMOUS_BOT
from aiostep_testing.methods.sending import forward_to_discussion
from aiostep_testing.waiting import Click as Click
from aiostep_testing.waiting import InlineQuery as InlineQuery
from aiostep_testing.wire import Json

if TYPE_CHECKING:
    from aiostep_testing.world import World

Place: TypeAlias = "Chat | Topic | Business | BotAccount | None"


class Person(Expecting):
    """Somebody with a Telegram account.

    Places (``to=``, ``in_=``): None is the private chat with the first bot, a BotAccount the one with that bot;
    or a Group, a Topic, a Channel, or a Business to write to its owner.
    """

    def __init__(self, world: World, user: Json, *, started: bool = True) -> None:
        super().__init__()
        self.world, self.user, self.started = world, user, started

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.user['first_name']!r}>"

    @property
    def id(self) -> int:
        return int(self.user["id"])

    def place(self, where: Place) -> tuple[Chat, int | None]:
        """Find the chat, and the topic if it is one."""
        if isinstance(where, Topic):
            return where.group, where.id
        if isinstance(where, Business):
            return where.chat(self), None
        if isinstance(where, Chat):
            return where, None
        return self.world.private(self, where), None

    def sender(self, chat: Chat) -> Json:
        """Say who this person's messages are from."""
        return {"sender_chat": chat.info} if isinstance(chat, Channel) else {"from": self.user}

    # Messages

    def send(
        self,
        text: str | None = None,
        *,
        to: Place = None,
        reply_to: Json | None = None,
        photo: Upload | None = None,
        document: Upload | None = None,
        voice: Upload | None = None,
        video: Upload | None = None,
        audio: Upload | None = None,
        sticker: Upload | None = None,
        contact: Json | None = None,
        location: tuple[float, float] | None = None,
        media_group: int = 0,
        **fields: Any,
    ) -> Json:
        """Send a message and return it; with *media_group* an album of that many, of which the first is returned."""
        chat, thread = self.place(to)
        uploads = {"photo": photo, "document": document, "voice": voice, "video": video, "audio": audio}
        content = message_content(
            self.world.files, text, uploads | {"sticker": sticker}, contact=contact, location=location
        )
        if media_group:
            fields["media_group_id"] = str(10**16 + self.world.number())
        sent = [self._post(chat, content | fields, thread, reply_to) for _ in range(media_group or 1)]
        return sent[0]

    def _post(self, chat: Chat, content: Json, thread: int | None, reply_to: Json | None) -> Json:
        if isinstance(chat, PrivateChat):
            chat.started = True
        if isinstance(chat, SharedChat) and self.id not in chat.members:
            chat.set_member(self.user, "member")
        target = chat.messages.get(reply_to["message_id"], reply_to) if reply_to else None
        message = chat.add(self.sender(chat), content, thread=thread, reply_to=target)
        self.world.deliver(chat, message)
        if isinstance(chat, Channel):
            forward_to_discussion(chat, message)
        return message

    def reply(self, text: str, message: Json) -> Json:
        """Answer *message* where it was written."""
        return self.send(text, to=self.where(message), reply_to=message)

    def photo(self, caption: str | None = None, **where: Any) -> Json:
        """Send a photo."""
        return self.send(caption, photo=b"a photo", **where)

    def document(
        self, caption: str | None = None, *, name: str = "file.txt", data: bytes = b"text", **where: Any
    ) -> Json:
        """Send a document."""
        return self.send(caption, document=(name, data), **where)

    def album(self, count: int, caption: str | None = None, *, to: Place = None) -> list[Json]:
        """Send an album of *count* photos, of which the first has the caption."""
        chat, thread = self.place(to)
        group = {"media_group_id": str(10**16 + self.world.number())}
        files = self.world.files
        contents = [media(files, "photo", b"a photo", None if i else caption) for i in range(count)]
        return [self._post(chat, group | content, thread, None) for content in contents]

    def contact(self, phone_number: str = "+10000000000", **where: Any) -> Json:
        """Share this person's own contact."""
        contact = {"phone_number": phone_number, "first_name": self.user["first_name"], "user_id": self.id}
        return self.send(contact=contact, **where)

    def location(self, latitude: float = 1.5, longitude: float = 2.5, **where: Any) -> Json:
        """Share a location."""
        return self.send(location=(latitude, longitude), **where)

    def edit(self, message: Json, text: str) -> Json:
        """Change the text (or the caption) of an earlier message.

        Raises:
            LookupError: the message is gone.
        """
        chat = self.chat_of(message)
        live = chat.messages.get(message["message_id"])
        if live is None:
            raise LookupError(f"message {message['message_id']} is not in {chat!r} any more")
        content = message_content(self.world.files, text, {})
        if "text" not in live:
            content = {"caption": content["text"], "caption_entities": content.get("entities", [])}
        live |= content | {"edit_date": int(self.world.clock.time())}
        self.world.deliver(chat, live, edited=True)
        return live

    def delete(self, message: Json) -> None:
        """Delete a message; bots are not told, except through a business connection."""
        chat = self.chat_of(message)
        chat.hide(message["message_id"])
        if connection := message.get("business_connection_id"):
            gone = {
                "business_connection_id": connection,
                "chat": chat.info,
                "message_ids": [message["message_id"]],
            }
            self.world.push("deleted_business_messages", gone, to=chat.audience(message))

    def chat_of(self, message: Json) -> Chat:
        """Find the chat a message is in."""
        if connection := message.get("business_connection_id"):
            return self.world.connections[connection].chats[message["chat"]["id"]]
        chat_id = message["chat"]["id"]
        if chat_id in self.world.shared:
            return self.world.shared[chat_id]
        return self._private_of(message)

    def _private_of(self, message: Json) -> Chat:
        # Two bots number their private messages alike; the author or the content tells the chats apart.
        number, author = message["message_id"], message.get("from", {}).get("id")
        mine = [c for (_, person_id), c in self.world.privates.items() if person_id == message["chat"]["id"]]
        for chat in mine:
            if chat.bot.id == author or chat.messages.get(number) == message:
                return chat
        outside = self.world.outside.get(self.id)
        if outside is not None and outside.messages.get(number) == message:
            return outside
        return mine[0] if mine else self.world.private(self)

    def where(self, message: Json) -> Place:
        """Name the place of a message, the topic if it is in one."""
        chat = self.chat_of(message)
        if isinstance(chat, Group) and message.get("is_topic_message"):
            return chat.topics.get(message["message_thread_id"], chat)
        return chat

    # Buttons, reactions, polls, inline mode

    def click(self, button: str, *, on: Json | None = None, in_: Place = None) -> Click:
        """Press the inline button with this text or callback_data, on the newest message that has it.

        The result can be awaited for what the bot answers: ``(await alice.click("Save")).get("text")``.

        Raises:
            AssertionError: there is no such button.
        """
        chat, thread = (self.chat_of(on), None) if on else self.place(in_)
        message, found = find_button(chat, button, on, thread)
        inline_id = next(
            (k for k, (_, c, m) in self.world.inline_messages.items() if c is chat and m is message), None
        )
        bot = self._owner(chat, message, inline_id)
        query_id = str(10**17 + self.world.number())
        click = self.world.clicks[query_id] = Click(query_id, bot, chat, message, found)
        query: Json = {
            "id": query_id,
            "from": self.user,
            "chat_instance": str(chat.id),
            "data": found["callback_data"],
        }
        if inline_id:
            query["inline_message_id"] = inline_id
        elif message["message_id"] in chat.messages:
            query["message"] = message
        else:
            query["message"] = {"chat": chat.info, "message_id": message["message_id"], "date": 0}
        self.world.push("callback_query", query, to=[bot])
        return click

    def _owner(self, chat: Chat, message: Json, inline_id: str | None) -> BotAccount:
        """Find the bot a button belongs to."""
        if inline_id:
            return self.world.inline_messages[inline_id][0]
        if isinstance(chat, PrivateChat):
            return chat.bot
        author = (message.get("sender_business_bot") or message.get("from") or {}).get("id")
        owners = [bot for bot in self.world.bots.values() if bot.id == author]
        return owners[0] if owners else chat.audience(message)[0]

    def press(self, button: str, *, in_: Place = None) -> Json:
        """Press a button of the reply keyboard.

        Raises:
            AssertionError: the keyboard does not show it.
        """
        chat, _ = self.place(in_)
        rows: Sequence[Sequence[Json | str]] = (chat.keyboard or {}).get("keyboard", ())
        buttons: list[Json] = [b if isinstance(b, dict) else {"text": b} for row in rows for b in row]
        found = next((b for b in buttons if b["text"] == button), None)
        if found is None:
            raise AssertionError(f"no button {button!r} in {chat!r}; shown: {[b['text'] for b in buttons]}")
        if found.get("request_contact"):
            return self.contact(to=in_)
        if found.get("request_location"):
            return self.location(to=in_)
        return self.send(button, to=in_)

    def react(self, message: Json, *emoji: str) -> None:
        """Set this person's reactions; only bots that are administrators and asked for the kind are told."""
        chat = self.chat_of(message)
        key = (chat.id, message["message_id"], self.id)
        old = self.world.reactions.get(key, [])
        new = self.world.reactions[key] = [{"type": "emoji", "emoji": e} for e in emoji]
        change = {
            "chat": chat.info,
            "message_id": message["message_id"],
            "date": int(self.world.clock.time()),
        }
        change |= self.actor() | {"old_reaction": old, "new_reaction": new}
        told = chat.admin_bots() if isinstance(chat, SharedChat) else chat.audience(message)
        self.world.push("message_reaction", change, to=told)

    def actor(self) -> Json:
        """Say who reacts or votes."""
        return {"user": self.user}

    def vote(self, message: Json, *options: int) -> None:
        """Vote in a poll; no options take the vote back. Anonymous polls only tell the bot the counts."""
        bot, _, live = self.world.polls[message["poll"]["id"]]
        poll: Json = live["poll"]
        votes: dict[int, tuple[int, ...]] = self.world.votes.setdefault(poll["id"], {})
        votes[self.id] = options
        for index, choice in enumerate(poll["options"]):
            choice["voter_count"] = sum(index in chosen for chosen in votes.values())
        poll["total_voter_count"] = sum(bool(chosen) for chosen in votes.values())
        if not poll["is_anonymous"]:
            answer = {"poll_id": poll["id"], "option_ids": list(options), "user": self.user}
            answer["option_persistent_ids"] = [poll["options"][i]["persistent_id"] for i in options]
            self.world.push("poll_answer", answer, to=[bot])
        self.world.push("poll", poll, to=[bot])

    def query(self, text: str, *, bot: BotAccount | None = None) -> InlineQuery:
        """Type an inline query; await the result for the bot's answer."""
        account = bot or self.world.default_bot()
        query_id = str(10**17 + self.world.number())
        query = self.world.inline_queries[query_id] = InlineQuery(query_id, account, text)
        self.world.push(
            "inline_query", {"id": query_id, "from": self.user, "query": text, "offset": ""}, to=[account]
        )
        return query

    def choose(
        self, result: Json, *, to: Place = None, query: str = "", bot: BotAccount | None = None
    ) -> Json:
        """Send an inline result to a chat; without *to* to one where the bot is not.

        Buttons of the message then come to the bot with inline_message_id and without a message.
        """
        account = bot or self.world.default_bot()
        chat, thread = self.place(to) if to is not None else (self.world.elsewhere(self), None)
        made: Json = result.get("input_message_content") or {}
        text: str = made.get("message_text") or result.get("title") or ""
        content: Json = message_content(self.world.files, text, {}) | {"via_bot": public_user(account.user)}
        chosen: Json = {"result_id": result["id"], "from": self.user, "query": query}
        if markup := result.get("reply_markup"):
            content["reply_markup"] = markup
            chosen["inline_message_id"] = f"inline{self.world.number()}"
        message = self._post(chat, content, thread, None)
        if markup:
            self.world.inline_messages[chosen["inline_message_id"]] = (account, chat, message)
        self.world.push("chosen_inline_result", chosen, to=[account])
        return message

    # Comings and goings

    def join(self, group: SharedChat, *, approved_by: BotAccount | None = None) -> None:
        """Become a member."""
        self._change(group, "member", {"new_chat_members": [self.user]}, approved_by)

    def leave(self, group: SharedChat) -> None:
        """Stop being a member."""
        self._change(group, "left", {"left_chat_member": self.user}, None)

    def _change(self, group: SharedChat, status: str, service: Json, approved_by: BotAccount | None) -> None:
        old, new = group.set_member(self.user, status)
        by = public_user(approved_by.user) if approved_by else self.user
        self.world.push_member("chat_member", group, by, old, new, to=group.admin_bots())
        if isinstance(group, Group):
            self.world.deliver(group, group.add({"from": self.user}, service))

    def ask_to_join(self, group: Group) -> None:
        """Ask to be let in; the bot may write to this person now, even if they never wrote to it."""
        group.join_requests.add(self.id)
        request = {
            "chat": group.info,
            "from": self.user,
            "user_chat_id": self.id,
            "date": int(self.world.clock.time()),
        }
        for bot in group.admin_bots():
            self.world.private(self, bot).started = True
        self.world.push("chat_join_request", request, to=group.admin_bots())

    def block(self, bot: BotAccount | None = None) -> None:
        """Block a bot: it gets my_chat_member, and 403 for what it sends."""
        self._set_blocked(bot, blocked=True)

    def unblock(self, bot: BotAccount | None = None) -> None:
        """Take the block back."""
        self._set_blocked(bot, blocked=False)

    def _set_blocked(self, bot: BotAccount | None, *, blocked: bool) -> None:
        from aiostep_testing.membership import chat_member

        chat = self.world.private(self, bot)
        if chat.blocked is blocked:
            return
        chat.blocked = blocked
        states = [chat_member(chat.bot.user, status) for status in ("member", "kicked")]
        old, new = states if blocked else states[::-1]
        self.world.push_member("my_chat_member", chat, self.user, old, new, to=[chat.bot])

    def as_channel(self, channel: Channel) -> ChannelSender:
        """Return this person writing to groups in the name of their channel."""
        return ChannelSender(self.world, self.user, channel)


class AnonymousAdmin(Person):
    """An administrator whose messages are from the group itself; buttons are still pressed by the person."""

    def __init__(self, world: World, user: Json, group: Group) -> None:
        super().__init__(world, user)
        self.group = group

    def place(self, where: Place) -> tuple[Chat, int | None]:
        return super().place(where or self.group)

    def sender(self, chat: Chat) -> Json:
        return {"from": GROUP_ANONYMOUS_BOT, "sender_chat": self.group.info}

    def actor(self) -> Json:
        return {"actor_chat": self.group.info}


class ChannelSender(Person):
    """A person who writes to groups as a channel."""

    def __init__(self, world: World, user: Json, channel: Channel) -> None:
        super().__init__(world, user)
        self.channel = channel

    def sender(self, chat: Chat) -> Json:
        return {"from": CHANNEL_BOT, "sender_chat": self.channel.info}

    def actor(self) -> Json:
        return {"actor_chat": self.channel.info}


def find_button(chat: Chat, button: str, on: Json | None, thread: int | None) -> tuple[Json, Json]:
    """Find the newest message with this button.

    Raises:
        AssertionError: there is none; names those there are.
    """
    messages: Iterable[Json] = reversed(chat.messages.values())
    if on is not None:
        number = on["message_id"]
        messages = [chat.messages.get(number) or chat.hidden.get(number) or on]
    shown: list[str] = []
    for message in messages:
        if thread is not None and message.get("message_thread_id") != thread:
            continue
        for row in message.get("reply_markup", {}).get("inline_keyboard", ()):
            for item in row:
                if "callback_data" in item and button in (item["text"], item["callback_data"]):
                    return message, item
                shown.append(item["text"])
    raise AssertionError(f"no button {button!r} in {chat!r}; there are: {shown}")
