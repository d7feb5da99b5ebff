"""Where the plays of a page are played: people of the emulator and the bot of the page, in this process."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Any

from aiogram import Dispatcher
from telebot import TeleBot
from telebot.async_telebot import AsyncTeleBot
from telegram.ext import Application

from aiostep_testing import Group, Person, Topic, World
from aiostep_testing.chats import EventKind
from aiostep_testing.transports.aiogram import in_process, make_bot
from aiostep_testing.transports.ptb import EmulatorRequest
from aiostep_testing.transports.ptb import Feeder as ApplicationFeeder
from aiostep_testing.transports.telebot import Feeder as TelebotFeeder
from tests.docs.snippets import Action, Verb
from tests.docs.threads import ThreadFeeder

KINDS: dict[str, EventKind] = {"": "message", "edit": "edit", "toast": "answer"}


class StageLoop(asyncio.SelectorEventLoop):
    """An event loop that can be put forward, so that nobody has to wait for the timeouts of a play."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


class Stage:
    """A world with one bot; people come in when they are first named, and talk to it in private or in groups.

    It stays up for all the plays of a page, as a bot would.
    """

    def __init__(self, target: Any) -> None:
        self.target = target
        self.world = World()
        self.feeder: Any = make_feeder(self.world, target)
        self.people: dict[str, Person] = {}
        self.places: dict[str, tuple[Group | Topic, Person]] = {}
        self.speaker: Action | None = None

    async def play(self, actions: Iterable[Action]) -> None:
        """Play one chat; it fails when the bot says anything else, or more."""
        for action in actions:
            await self.perform(action)
        await self.feeder.settle()
        assert not self.feeder.errors, f"the bot's handlers raised {self.feeder.errors!r}"
        for person in self.people.values():
            await person.expect_nothing(settle=0)
        for place, reader in self.places.values():
            await reader.expect_nothing(in_=place, settle=0)

    async def perform(self, action: Action) -> None:
        """Do one line of a play, or fail."""
        if action.verb is Verb.PAUSE:
            await self.pause(float(action.text))
        elif action.verb is Verb.SEE:
            await self.see(action)
        else:
            self.speaker = action
            person, where = self.person(action.who), self.place(action)[0]
            if action.verb is Verb.SEND:
                send(person, action, where)
            else:
                await self.press(person, action.text, where)

    async def pause(self, seconds: float) -> None:
        """Let time pass, once nothing else is to be done."""
        await self.feeder.settle()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, StageLoop)
        loop.ahead += seconds

    async def see(self, action: Action) -> None:
        """Read what the bot did where somebody spoke last, or to the person who is named."""
        assert self.speaker is not None, "a play begins with somebody who writes to the bot"
        where, reader = (None, self.person(action.to)) if action.to else self.place(self.speaker)
        # Every click is answered and keyboards are taken away, mostly in silence: a page need not show it.
        wanted: Any = {"": None, "toast": ".", "edit": lambda what: fits(action, what)}[action.special[0]]
        message = await reader.expect(wanted, kind=KINDS[action.special[0]], in_=where)
        text = message.get("text") or message.get("caption") or ""
        assert re.search(action.pattern, text), f"the bot said {text!r}, and the page says {action.text!r}"
        if action.buttons[1]:
            shown = buttons_of(message)
            assert shown == action.buttons[1], f"the bot shows the buttons {shown}, and the page {action.buttons[1]}"

    async def press(self, person: Person, button: str, where: Group | Topic | None) -> None:
        """Press a button of the reply keyboard if it shows it, else one under a message."""
        chat, _ = person.place(where)
        rows = (chat.keyboard or {}).get("keyboard", ())
        if any(button in (shown, shown["text"]) for row in rows for shown in row):
            person.press(button, in_=where)
        else:
            await person.click(button, in_=where)

    def person(self, name: str) -> Person:
        """Find a person by name, or let one come in."""
        if name not in self.people:
            self.people[name] = self.world.person(name)
        return self.people[name]

    def place(self, action: Action) -> tuple[Group | Topic | None, Person]:
        """Find where somebody speaks, opening it if need be, and who reads there: one person, so each thing once."""
        person = self.person(action.who)
        if not action.place:
            return None, person
        if action.place not in self.places:
            title, _, topic = action.place.partition("/")
            known = [one for one in self.world.shared.values() if isinstance(one, Group) and one.info["title"] == title]
            group = known[0] if known else self.world.group(title, forum=bool(topic), members=[person])
            self.places[action.place] = (group.topic(topic) if topic else group), person
        return self.places[action.place]


def make_feeder(world: World, target: Any) -> Any:
    """Return what feeds a page's `dp`, `application` or `bot`, which now speaks in the world."""
    if isinstance(target, Dispatcher):
        return in_process(world, target, make_bot(world))
    if isinstance(target, AsyncTeleBot):
        return TelebotFeeder(world, target)
    if isinstance(target, TeleBot):
        return ThreadFeeder(world, target)
    assert isinstance(target, Application), f"a play needs a dispatcher, an application or a bot, not {target!r}"
    # The builder could say it, but a page shows a bot as people build it.
    target.bot._request = (EmulatorRequest(world), EmulatorRequest(world))
    return ApplicationFeeder(world, target)


def fits(action: Action, message: dict[str, Any]) -> bool:
    """Tell whether a message is what a page says, with its buttons if the page shows any."""
    text = message.get("text") or message.get("caption") or ""
    return bool(re.search(action.pattern, text)) and buttons_of(message) == (action.buttons[1] or buttons_of(message))


def buttons_of(message: dict[str, Any]) -> list[str]:
    """Return what is written on the buttons of a message."""
    markup: dict[str, Any] = message.get("reply_markup") or {}
    rows = markup.get("inline_keyboard") or markup.get("keyboard") or []
    return [button if isinstance(button, str) else button["text"] for row in rows for button in row]


def send(person: Person, action: Action, where: Group | Topic | None) -> None:
    """Write, or send what is named in parentheses."""
    what, text = action.special
    chat, _ = person.place(where)
    messages: list[dict[str, Any]] = list(chat.messages.values())
    if what == "album":
        person.album(3, text or None, to=where)
    elif what == "block":
        person.block()
    elif what == "reply":
        bots = [one for one in messages if one.get("from", {}).get("is_bot")]
        person.send(text, to=where, reply_to=bots[-1])
    elif what == "edit":
        mine = [one for one in messages if one.get("from", {}).get("id") == person.id]
        person.edit(mine[-1], text)
    elif what == "contact":
        person.contact(to=where)
    elif what == "location":
        person.location(*(float(part) for part in text.split()), to=where)
    elif what:
        upload: dict[str, Any] = {what: b"bytes"}
        person.send(text or None, to=where, **upload)
    else:
        person.send(text, to=where)
