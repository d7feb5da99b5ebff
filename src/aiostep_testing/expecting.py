"""Waiting for what the bot does, and saying what it did instead."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import TypeAlias

from aiostep_testing.chats import Chat, Event, EventKind, Place
from aiostep_testing.wire import Json

Pattern: TypeAlias = "str | re.Pattern[str] | Callable[[Json], object] | None"
TIMEOUT = 5.0


class Expecting:
    """The half of a Person that watches. Each kind of event in each place is read in order, once."""

    def __init__(self) -> None:
        self._read: dict[tuple[int, int | None, str], int] = {}

    def place(self, where: Place) -> tuple[Chat, int | None]:
        raise NotImplementedError

    async def expect(
        self,
        pattern: Pattern = None,
        *,
        in_: Place = None,
        kind: EventKind = "message",
        timeout: float = TIMEOUT,
    ) -> Json:
        """Wait for the next thing of this kind that the bot does here and that matches; what is skipped is read.

        pattern: a regular expression for the text or caption, or a function of the message (or of the answer's
        parameters).

        Raises:
            AssertionError: it did not happen in time; the message tells what did.
        """
        chat, thread = self.place(in_)
        key = (id(chat), thread, kind)
        end = time.monotonic() + timeout
        start = self._read.get(key, 0)
        at = start
        while True:
            for index in range(at, len(chat.log)):
                event = chat.log[index]
                if event.kind == kind and by_bot(event, thread) and matches(event.what, pattern):
                    self._read[key] = index + 1
                    return event.what
            at = len(chat.log)
            if not await chat.watch(end - time.monotonic()):
                did = [describe(e) for e in chat.log[start:] if by_bot(e, thread)]
                raise AssertionError(
                    f"no {kind} matching {pattern!r} in {chat!r} within {timeout} s; the bot did: {did or 'nothing'}"
                )

    async def expect_edit(self, pattern: Pattern = None, *, in_: Place = None, timeout: float = TIMEOUT) -> Json:
        """Wait for the bot to edit a message so that it matches.

        Raises:
            AssertionError: it did not in time.
        """
        return await self.expect(pattern, in_=in_, kind="edit", timeout=timeout)

    async def expect_answer(self, pattern: Pattern = None, *, in_: Place = None, timeout: float = TIMEOUT) -> Json:
        """Wait for the bot to answer a button press; returns the parameters of the answer.

        Raises:
            AssertionError: it did not in time.
        """
        return await self.expect(pattern, in_=in_, kind="answer", timeout=timeout)

    async def expect_nothing(self, *, in_: Place = None, settle: float = 0.05) -> None:
        """Make sure that the bot writes nothing that was not expected before, for *settle* seconds.

        Raises:
            AssertionError: it did.
        """
        chat, thread = self.place(in_)
        end = time.monotonic() + settle
        # With settle=0 the bot still gets the loop once.
        await asyncio.sleep(0)
        while True:
            start = self._read.get((id(chat), thread, "message"), 0)
            did = [describe(e) for e in chat.log[start:] if by_bot(e, thread) and e.kind == "message"]
            if did:
                raise AssertionError(f"expected nothing in {chat!r}; the bot did: {did}")
            if time.monotonic() >= end or not await chat.watch(end - time.monotonic()):
                return

    def seen(self, in_: Place = None) -> list[str]:
        """Write the chat down, a line for each thing that happened."""
        chat, thread = self.place(in_)
        return [describe(event) for event in chat.log if thread is None or event.thread == thread]


def by_bot(event: Event, thread: int | None) -> bool:
    return event.bot_id is not None and (thread is None or event.thread == thread)


def matches(what: Json, pattern: Pattern) -> bool:
    if pattern is None:
        return True
    if isinstance(pattern, (str, re.Pattern)):
        return re.search(pattern, what.get("text") or what.get("caption") or what.get("action") or "") is not None
    return bool(pattern(what))


def describe(event: Event) -> str:
    """Write one event as a line of a transcript."""
    what = event.what
    if event.kind == "answer":
        return f"(answer) {what.get('text', '')}".rstrip()
    if event.kind == "action":
        return f"({what['action']})"
    prefix = "" if event.kind == "message" else f"({event.kind}) "
    return f"{prefix}{who(what)}: {content(what)}{buttons(what.get('reply_markup'))}"


def who(message: Json) -> str:
    chat: Json = message.get("sender_chat") or {}
    sender: Json = message.get("from") or {}
    return str(
        chat.get("title") or (sender.get("username") if sender.get("is_bot") else sender.get("first_name")) or "?"
    )


def content(message: Json) -> str:
    text = str(message.get("text") or message.get("caption") or "")
    kind = next((k for k in KINDS if k in message), None)
    return " ".join(part for part in (f"<{kind}>" if kind else "", text) if part)


KINDS = [
    "photo",
    "document",
    "voice",
    "video",
    "audio",
    "animation",
    "sticker",
    "contact",
    "location",
    "poll",
    "dice",
    "video_note",
    "forum_topic_created",
    "new_chat_members",
    "left_chat_member",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
]


def buttons(markup: Json | None) -> str:
    """Write a keyboard as `` [Yes] [No]``."""
    shown: Json = markup or {}
    rows: list[list[Json | str]] = shown.get("inline_keyboard") or shown.get("keyboard") or []
    return "".join(f" [{b['text'] if isinstance(b, dict) else b}]" for row in rows for b in row)
