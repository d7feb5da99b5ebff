"""Scripted people: what they do, and what they expect the bot to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiostep_testing.accounts import BotAccount, public_user
from aiostep_testing.chats import Chat
from aiostep_testing.chats import Place as Place
from aiostep_testing.groups import Channel, Group, SharedChat
from aiostep_testing.membership import CHANNEL_BOT, GROUP_ANONYMOUS_BOT, chat_member
from aiostep_testing.pressing import Pressing
from aiostep_testing.wire import Json

if TYPE_CHECKING:
    from aiostep_testing.world import World


class Person(Pressing):
    """Somebody with a Telegram account.

    Places (``to=``, ``in_=``): None is the private chat with the first bot, a BotAccount the one with that bot;
    or a Group, a Topic, a Channel, or a Business to write to its owner.
    """

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
