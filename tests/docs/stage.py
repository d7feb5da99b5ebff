"""Where the plays of a page are played: people of the emulator and the bot of the page, in this process."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aiogram import Dispatcher

from aiostep_testing import Person, World
from aiostep_testing.transports.aiogram import in_process, make_bot
from tests.docs.snippets import Action, Verb


class Stage:
    """A world with one bot; people come in when they are first named, and talk to it in private.

    It stays up for all the plays of a page, as a bot would.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.world = World()
        self.feeder = in_process(self.world, dispatcher, make_bot(self.world))
        self.people: dict[str, Person] = {}
        self.speaker: Person | None = None

    async def play(self, actions: Iterable[Action]) -> None:
        """Play one chat; it fails when the bot says anything else, or more."""
        for action in actions:
            await self.perform(action)
        await self.feeder.settle()
        assert not self.feeder.errors, f"the bot's handlers raised {self.feeder.errors!r}"
        for person in self.people.values():
            await person.expect_nothing(settle=0)

    async def perform(self, action: Action) -> None:
        """Do one line of a play, or fail."""
        if action.verb is Verb.SEE:
            assert self.speaker is not None, "a play begins with somebody who writes to the bot"
            message = await self.speaker.expect()
            text = message.get("text") or message.get("caption") or ""
            assert re.search(action.pattern, text), f"the bot said {text!r}, and the page says {action.text!r}"
            return
        self.speaker = self.person(action.who)
        if action.verb is Verb.SEND:
            self.speaker.send(action.text)
        else:
            await self.press(self.speaker, action.text)

    async def press(self, person: Person, button: str) -> None:
        """Press a button of the reply keyboard if it shows it, else one under a message."""
        chat, _ = person.place(None)
        rows = (chat.keyboard or {}).get("keyboard", ())
        if any(button in (shown, shown["text"]) for row in rows for shown in row):
            person.press(button)
        else:
            await person.click(button)

    def person(self, name: str) -> Person:
        """Find a person by name, or let one come in."""
        if name not in self.people:
            self.people[name] = self.world.person(name)
        return self.people[name]
