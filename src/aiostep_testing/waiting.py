"""Things a person waits for: the answer to a button press or an inline query."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

from aiostep_testing.accounts import BotAccount
from aiostep_testing.chats import Chat
from aiostep_testing.wire import Json

ANSWER_TIMEOUT = 5.0


class Query:
    """Something a person asked a bot; awaiting it gives the parameters the bot answered with."""

    what = "query"

    def __init__(self, query_id: str, bot: BotAccount) -> None:
        self.id, self.bot = query_id, bot
        self.answer: Json | None = None
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def answered(self) -> bool:
        return self.answer is not None

    def resolve(self, answer: Json) -> None:
        """Record the bot's answer and wake whoever waits for it."""
        self.answer = answer
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, timeout: float = ANSWER_TIMEOUT) -> Json:
        """Wait for the answer.

        Raises:
            AssertionError: the bot did not answer in time.
        """
        if self.answer is None:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await asyncio.wait([waiter], timeout=timeout)
        if self.answer is None:
            raise AssertionError(f"bot {self.bot.username} did not answer the {self.what} within {timeout} s")
        return self.answer

    def __await__(self) -> Generator[object, None, Json]:
        return self.wait().__await__()


class Click(Query):
    """One press of an inline button."""

    def __init__(self, query_id: str, bot: BotAccount, chat: Chat, message: Json, button: Json) -> None:
        super().__init__(query_id, bot)
        self.chat, self.message, self.button = chat, message, button
        self.what = f"press of {button['text']!r}"

    def place(self) -> Json:
        """Say in which topic the button stands."""
        names = ("message_thread_id", "is_topic_message")
        return {name: self.message[name] for name in names if name in self.message}


class InlineQuery(Query):
    """One inline query; its answer holds the results."""

    def __init__(self, query_id: str, bot: BotAccount, text: str) -> None:
        super().__init__(query_id, bot)
        self.text = text
        self.what = f"inline query {text!r}"
