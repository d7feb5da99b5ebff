"""What people write: messages, replies, albums, edits; and where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiostep_testing.chats import Business, Chat, Place, PrivateChat
from aiostep_testing.content import Upload, media, message_content
from aiostep_testing.expecting import Expecting
from aiostep_testing.groups import Channel, Group, SharedChat, Topic
from aiostep_testing.wire import Json

if TYPE_CHECKING:
    from aiostep_testing.world import World


class Writing(Expecting):
    """The part of a Person that writes."""

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
            chat.forward_post(message)
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
