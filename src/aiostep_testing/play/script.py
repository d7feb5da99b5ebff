"""Scripted chats: who says what and what the bot must answer, played with a real bot in its own process.

```python
async def story(stage: Stage) -> None:
    alice = stage.person("Alice")
    await alice.says("/start")
    await alice.expects("What is your name")
    await alice.says("Ann")
    await alice.expects("Save", buttons=["Save", "Cancel"])
    await alice.clicks("Save")
    await alice.expects_toast("Saved")

sys.exit(asyncio.run(ScriptedChat("bot.py").play(story)))
```
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, TextIO, TypeAlias

from aiostep_testing.bounded import bounded
from aiostep_testing.chats import Chat, Event, EventKind
from aiostep_testing.groups import Group
from aiostep_testing.people import Person, Place
from aiostep_testing.play.process import BotProcess, PlayError, PlayWorld
from aiostep_testing.play.transcript import Transcript, buttons_of, loses_its_buttons, text_of
from aiostep_testing.server import serve
from aiostep_testing.wire import Json

WITHIN: Final = 10.0
# Long enough for what a bot writes down after it has spoken.
QUIET: Final = 1.0

Story: TypeAlias = "Callable[[Stage], Awaitable[None]]"


class StoryFailed(AssertionError):
    """Say which expectation of a story the bot did not meet, and what it did instead."""


class ScriptedChat:
    """A bot script and where its chat is printed.

    Args:
        script: the bot's own, unmodified script; it is run with *arguments*.
        folder: where it is run, and finds its files; where we are, if there is none.
        wait: seconds the script may take until it asks for updates.
        limit: seconds the whole story may take.
    """

    def __init__(
        self,
        script: str | Path,
        *arguments: str,
        folder: str | Path | None = None,
        wait: float = 60.0,
        limit: float = 120.0,
        out: TextIO | None = None,
    ) -> None:
        self.script = Path(script)
        self.arguments = arguments
        self.folder = folder
        self.wait = wait
        self.limit = limit
        self.out = out or sys.stdout

    async def play(self, story: Story) -> int:
        """Return 0 if the bot met every expectation of the story; else say what went wrong and return 1."""
        world = PlayWorld()
        try:
            async with serve(world) as server:
                process = BotProcess(self.script, self.arguments, world=world, url=server.url, folder=self.folder)
                async with process as bot:
                    await bot.connect(self.wait)
                    await self._act(story, Stage(world, self.out, bot, self.wait), bot)
        except (PlayError, StoryFailed) as exc:
            print(f"\nFAILED: {exc}", file=self.out, flush=True)
            return 1
        return 0

    async def _act(self, story: Story, stage: Stage, bot: BotProcess) -> None:
        telling = asyncio.ensure_future(story(stage))
        ended = asyncio.ensure_future(bot.wait())
        try:
            await asyncio.wait({telling, ended}, timeout=self.limit, return_when=asyncio.FIRST_COMPLETED)
            if telling.done():
                return telling.result()
            if ended.done():
                raise StoryFailed(f"{self.script} ended with exit status {ended.result()} in the middle of the story")
            raise StoryFailed(f"the story was not over after {self.limit:g} s")
        finally:
            telling.cancel()
            ended.cancel()


class Stage:
    """Where a story takes place: it makes people and groups, ends and starts the bot, and prints what happens."""

    def __init__(self, world: PlayWorld, out: TextIO, bot: BotProcess, wait: float) -> None:
        self.world = world
        self.bot = bot
        self.wait = wait
        self.transcript = Transcript()
        self._out = out
        self._happened: list[tuple[Chat, Event]] = []
        self._news = asyncio.Event()
        world.add_observer(self._observe)

    def scene(self, title: str) -> None:
        """Print a heading."""
        self._print(f"\n--- {title}")

    def person(self, name: str) -> Actor:
        """Make a person who has opened the chat with the bot."""
        person = self.world.person(name)
        self.transcript.meet(person.id, name)
        return Actor(self, person)

    def group(self, title: str, *members: Actor, forum: bool = False) -> Group:
        """Make a group with these people and the bot."""
        return self.world.group(title, forum=forum, members=[actor.person for actor in members])

    async def kill(self, why: str = "", *, quiet: float = QUIET) -> int:
        """End the bot as `kill -9` does, once it has done nothing for *quiet* seconds; return its process id.

        With quiet=0 the kill comes in the middle of whatever the bot does. What people say until `start` waits for it.
        """
        while quiet and await self.news(quiet):
            pass
        number = await self.bot.kill()
        self._print(f"    -- kill -9 {number}{why and f', {why}'} --")
        return number

    async def start(self) -> int:
        """Start the bot again after `kill`, and wait until it asks for updates; return its process id.

        Raises:
            PlayError: it did not ask in time, or ended.
        """
        number = await self.bot.start()
        await self.bot.connect(self.wait)
        self._print(f"    -- started again, as process {number} --")
        return number

    def say(self, name: str, text: str, place: Place) -> None:
        """Print what a person says or presses."""
        self._print(self.transcript.said(name, text, place))

    def since(self, position: int) -> list[tuple[Chat, Event]]:
        """List what the bot did from a position in the story on."""
        return self._happened[position:]

    async def news(self, timeout: float) -> bool:
        """Wait until the bot does something, but not longer than *timeout*; tell whether it did."""
        self._news.clear()
        try:
            return await bounded(self._news.wait(), timeout)
        except asyncio.TimeoutError:
            return False

    def _observe(self, chat: Chat, event: Event) -> None:
        if event.bot_id is None:
            return
        self._happened.append((chat, event))
        self._news.set()
        if loses_its_buttons(chat, event):
            return
        line = self.transcript.done(chat, event)
        if line is not None:
            self._print(line)

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)


class Actor:
    """A person of a story.

    Each actor goes through what the bot does in order: an expectation looks at what came after the one met
    before.
    """

    def __init__(self, stage: Stage, person: Person) -> None:
        self.stage = stage
        self.person = person
        self.name = str(person.user["first_name"])
        self._seen: dict[tuple[Chat, int | None, EventKind], int] = {}

    async def says(self, text: str, *, to: Place = None, reply_to: Json | None = None) -> Json:
        """Write to the bot, or in a group or topic; return the message."""
        self.stage.say(self.name, text, to)
        return self.person.send(text, to=to, reply_to=reply_to)

    async def clicks(self, button: str, *, in_: Place = None) -> None:
        """Press an inline button of the latest message that has it.

        Raises:
            StoryFailed: no message has such a button.
        """
        self.stage.say(self.name, f"[{button}]", in_)
        try:
            _ = self.person.click(button, in_=in_)
        except (AssertionError, LookupError) as exc:
            raise StoryFailed(f"{self.name} wanted to press [{button}]: {exc}") from exc

    async def expects(
        self,
        pattern: str,
        *,
        in_: Place = None,
        buttons: Sequence[str] | None = None,
        within: float = WITHIN,
    ) -> Json:
        """Wait for a message of the bot that the regular expression matches somewhere, and return it.

        Raises:
            StoryFailed: it did not come, or does not have exactly these *buttons*.
        """
        message = await self._expect("message", pattern, in_, within)
        texts = [button.text for button in buttons_of(message.get("reply_markup"))]
        if buttons is not None and texts != list(buttons):
            raise StoryFailed(f"{self.name} expected the buttons {list(buttons)}, but the message has {texts}")
        return message

    async def expects_edit(self, pattern: str, *, in_: Place = None, within: float = WITHIN) -> Json:
        """Wait until the bot edits a message so that the regular expression matches.

        Raises:
            StoryFailed: it did not.
        """
        return await self._expect("edit", pattern, in_, within)

    async def expects_toast(self, pattern: str, *, in_: Place = None, within: float = WITHIN) -> Json:
        """Wait until the bot answers a click with a text that the regular expression matches.

        Raises:
            StoryFailed: it did not.
        """
        return await self._expect("answer", pattern, in_, within)

    async def _expect(self, kind: EventKind, pattern: str, in_: Place, within: float) -> Json:
        place, thread = self.person.place(in_)
        start = self._seen.get((place, thread, kind), 0)
        clock = asyncio.get_running_loop()
        deadline = clock.time() + within
        while True:
            for offset, (chat, event) in enumerate(self.stage.since(start)):
                if chat is not place or event.kind != kind or thread not in (None, event.thread):
                    continue
                if re.search(pattern, text_of(event.what)):
                    self._seen[place, thread, kind] = start + offset + 1
                    return event.what
            if clock.time() >= deadline:
                raise StoryFailed(self._missing(kind, pattern, place, start, within))
            await self.stage.news(deadline - clock.time())

    def _missing(self, kind: EventKind, pattern: str, place: Chat, start: int, within: float) -> str:
        noun = {"message": "a message", "edit": "an edit", "answer": "the answer to a click"}[kind]
        did = [f"    {event.kind}: {text_of(event.what)!r}" for chat, event in self.stage.since(start) if chat is place]
        instead = "the bot did instead:\n" + "\n".join(did) if did else "the bot did nothing there"
        return f"{self.name} expected {noun} matching {pattern!r} within {within:g} s; {instead}"
