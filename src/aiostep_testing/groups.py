"""Groups, channels and forum topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiostep_testing.accounts import BotAccount
from aiostep_testing.chats import Chat
from aiostep_testing.membership import GROUP_ANONYMOUS_BOT, IN_CHAT, TELEGRAM, addresses, chat_member
from aiostep_testing.wire import Json

if TYPE_CHECKING:
    from aiostep_testing.people import AnonymousAdmin, Person
    from aiostep_testing.world import World

POST_ENVELOPE = frozenset({"message_id", "sender_chat", "chat", "date", "reply_to_message", "author_signature"})


class SharedChat(Chat):
    """A chat with members: a group or a channel."""

    def __init__(self, world: World, info: Json) -> None:
        super().__init__(world, info)
        self.members: dict[int, Json] = {}

    def set_member(self, user: Json, status: str, **extra: Any) -> tuple[Json, Json]:
        """Change what *user* is here; return the old and the new ChatMember."""
        old = self.member(user)
        new = chat_member(user, status, **extra)
        self.members[user["id"]] = new
        return old, new

    def member(self, user: Json) -> Json:
        """Describe what *user* is here."""
        return self.members.get(user["id"]) or chat_member(user, "left")

    def status(self, user_id: int) -> str:
        return str(self.members[user_id]["status"]) if user_id in self.members else "left"

    def bots(self) -> list[BotAccount]:
        """List the bots that are in the chat."""
        return [bot for bot in self.world.bots.values() if self.status(bot.id) in IN_CHAT]

    def admin_bots(self) -> list[BotAccount]:
        return [bot for bot in self.bots() if self.status(bot.id) == "administrator"]

    def audience(self, message: Json) -> list[BotAccount]:
        return self.bots()

    def add_bot(self, bot: BotAccount, *, admin: bool | None = None, by: Person | None = None) -> None:
        """Add or change a bot's membership; tell it when a person does so (*by*).

        Bots are administrators unless they have privacy mode on, which an administrator would not be bound by.
        """
        is_admin = not bot.privacy if admin is None else admin
        old, new = self.set_member(bot.user, "administrator" if is_admin else "member")
        if by is not None:
            self.world.push_member("my_chat_member", self, by.user, old, new, to=[bot])

    def remove_bot(self, bot: BotAccount, *, by: Person) -> None:
        """Remove a bot; it is told by a my_chat_member update and can write here no more."""
        old, new = self.set_member(bot.user, "kicked", until_date=0)
        self.world.push_member("my_chat_member", self, by.user, old, new, to=[bot])


class Channel(SharedChat):
    """A channel; people post to it with ``person.send(..., to=channel)``."""

    linked: Group | None = None

    def kinds(self) -> tuple[str, str]:
        return "channel_post", "edited_channel_post"

    def link(self, group: Group) -> None:
        """Make *group* the discussion group: every post is forwarded there."""
        self.linked = group

    def forward_post(self, post: Json) -> None:
        """Copy a post into the discussion group, as Telegram does by itself."""
        if self.linked is not None:
            self.world.deliver(self.linked, self.linked.add_post(self, post))


class Group(SharedChat):
    """A group; unless made with ``basic=True`` it is a supergroup."""

    def __init__(self, world: World, info: Json) -> None:
        super().__init__(world, info)
        self.topics: dict[int, Topic] = {}
        self.join_requests: set[int] = set()
        self.migrated_to: Group | None = None

    @property
    def is_forum(self) -> bool:
        return bool(self.info.get("is_forum"))

    def topic(self, name: str) -> Topic:
        """Return the topic called *name*, opening it when there is none.

        Raises:
            ValueError: the group is no forum.
        """
        if not self.is_forum:
            raise ValueError(f"{self!r} is no forum; make it with world.group(..., forum=True)")
        known = next((t for t in self.topics.values() if t.name == name), None)
        return known or self.open_topic(name, {"sender_chat": self.info})

    def open_topic(self, name: str, sender: Json, icon_color: int = 7322096) -> Topic:
        created = {"name": name, "icon_color": icon_color}
        message = self.add(sender, {"forum_topic_created": created})
        message |= {"message_thread_id": message["message_id"], "is_topic_message": True}
        self.topics[message["message_id"]] = topic = Topic(self, message["message_id"], name, icon_color)
        return topic

    def _place(self, thread: int | None, reply_to: Json | None) -> Json:
        if self.is_forum:
            if thread is None and reply_to is not None and reply_to.get("is_topic_message"):
                thread = reply_to["message_thread_id"]
            if thread is None:
                return super()._place(None, reply_to)
            # The server shows every topic message as a reply to the topic's first service message.
            first = self.messages.get(thread)
            here = {"message_thread_id": thread, "is_topic_message": True}
            return here | super()._place(None, reply_to or first)
        if reply_to is None or self.type != "supergroup":
            return super()._place(None, reply_to)
        # A reply in an ordinary supergroup has a thread id too, that of the first message, but is no topic message.
        root = reply_to.get("message_thread_id", reply_to["message_id"])
        return {"message_thread_id": root} | super()._place(None, reply_to)

    def audience(self, message: Json) -> list[BotAccount]:
        return [bot for bot in self.bots() if self.sees(bot, message)]

    def sees(self, bot: BotAccount, message: Json) -> bool:
        """Apply privacy mode, which does not bind administrators."""
        return not bot.privacy or self.status(bot.id) == "administrator" or addresses(message, bot)

    def add_post(self, channel: Channel, post: Json) -> Json:
        """Append the copy of a channel post that Telegram itself forwards into the linked group."""
        source = {
            "type": "channel",
            "date": post["date"],
            "chat": channel.info,
            "message_id": post["message_id"],
        }
        content = {k: v for k, v in post.items() if k not in POST_ENVELOPE}
        content |= {"is_automatic_forward": True, "forward_origin": source}
        return self.add({"from": TELEGRAM, "sender_chat": channel.info}, content)

    def anonymous(self, person: Person) -> AnonymousAdmin:
        """Return *person* writing here as an anonymous administrator."""
        from aiostep_testing.people import AnonymousAdmin

        return AnonymousAdmin(self.world, person.user, self)

    def migrate(self) -> Group:
        """Turn a basic group into a supergroup with a new id; both sides are told by service messages.

        Raises:
            ValueError: it is a supergroup already.
        """
        if self.type != "group":
            raise ValueError(f"{self!r} is a {self.type}; only world.group(..., basic=True) can migrate")
        new = self.world.group(str(self.info["title"]), bots=())
        new.members = dict(self.members)
        self.migrated_to = new
        sender = {"from": GROUP_ANONYMOUS_BOT, "sender_chat": self.info}
        self.world.deliver(self, self.add(sender, {"migrate_to_chat_id": new.id}))
        sender = {"from": GROUP_ANONYMOUS_BOT, "sender_chat": new.info}
        self.world.deliver(new, new.add(sender, {"migrate_from_chat_id": self.id}))
        return new


class Topic:
    """One topic of a forum; pass it as ``to=`` or ``in_=``."""

    def __init__(self, group: Group, thread_id: int, name: str, icon_color: int) -> None:
        self.group, self.id, self.name, self.icon_color = group, thread_id, name, icon_color
        self.closed = False

    def __repr__(self) -> str:
        return f"<Topic {self.id} {self.name!r} of {self.group!r}>"
