"""A bot as the server knows it: its token, its queue of updates, its settings."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from aiostep_testing.wire import Json

NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
HISTORY = 1000


@dataclass(kw_only=True, slots=True)
class Webhook:
    """The webhook settings of a bot; false while no address is set."""

    url: str = ""
    secret_token: str | None = None
    max_connections: int = 40
    ip_address: str | None = None
    last_error_date: int | None = None
    last_error_message: str | None = None

    def __bool__(self) -> bool:
        return bool(self.url)


@dataclass(eq=False, kw_only=True, slots=True)
class BotAccount:
    """One bot of the world.

    updates: queued and not yet confirmed, in order of their ids.
    history: the last updates ever queued, confirmed ones too.
    allowed: the update kinds the bot asked for; None is Telegram's default set.
    """

    token: str
    user: Json
    privacy: bool = False
    updates: list[Json] = field(default_factory=list[Json])
    history: deque[Json] = field(default_factory=lambda: deque[Json](maxlen=HISTORY))
    next_update: int = 1000
    allowed: frozenset[str] | None = None
    webhook: Webhook = field(default_factory=Webhook)
    poll: asyncio.Future[bool] | None = None
    last_poll: tuple[int, float] = (0, float("-inf"))
    settings: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def id(self) -> int:
        return int(self.user["id"])

    @property
    def username(self) -> str:
        return str(self.user["username"])

    def wants(self, kind: str) -> bool:
        """Tell whether updates of this kind are queued for the bot."""
        return kind not in NOT_BY_DEFAULT if self.allowed is None else kind in self.allowed

    def subscribe(self, kinds: Collection[str]) -> None:
        """Remember allowed_updates; an empty list means Telegram's default set."""
        self.allowed = frozenset(kinds) or None

    def wake(self) -> None:
        """Let a pending long poll answer now."""
        if self.poll is not None and not self.poll.done():
            self.poll.set_result(True)

    def refuse_poll(self, error: Exception) -> None:
        """End a pending long poll with an error."""
        if self.poll is not None and not self.poll.done():
            self.poll.set_exception(error)


def bot_user(bot_id: int, username: str, *, privacy: bool, fields: Json) -> Json:
    """Describe a bot as getMe does."""
    return {
        "id": bot_id,
        "is_bot": True,
        "first_name": "Test bot",
        "username": username,
        "can_join_groups": True,
        "can_read_all_group_messages": not privacy,
        "supports_inline_queries": True,
        "can_connect_to_business": True,
        "has_main_web_app": False,
        **fields,
    }


def public_user(user: Json) -> Json:
    """Describe a user as it appears inside messages: without what only getMe tells."""
    return {k: v for k, v in user.items() if not k.startswith(("can_", "supports_", "has_"))}
