"""The chat in the terminal: lines in, transcript out, in a console as well as through pipes."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, TextIO

from aiostep_testing.bounded import bounded
from aiostep_testing.chats import Chat, Event
from aiostep_testing.groups import Group
from aiostep_testing.people import Person
from aiostep_testing.play.lines import HELP, Command, choose, parse_line
from aiostep_testing.play.process import BotProcess, PlayWorld
from aiostep_testing.play.transcript import Button, Transcript, buttons_of
from aiostep_testing.server import serve
from aiostep_testing.wire import Json

FIRST: Final = "Alice"
STDIN: Final = 0
# Through a pipe all lines are there at once: each is held back until the bot has reacted and been quiet for a
# moment.
REACTS_WITHIN: Final = 3.0
QUIET_FOR: Final = 0.4


async def chat(script: Path, arguments: Sequence[str] = (), *, wait: float = 10.0) -> int:
    """Run the script against an emulator and let whoever sits at the standard input talk to it.

    Raises:
        PlayError: the bot did not connect within *wait* seconds, or ended before.
    """
    world = PlayWorld()
    async with serve(world) as server, BotProcess(script, arguments, world=world, url=server.url) as bot:
        await bot.connect(wait)
        terminal = Terminal(world, sys.stdout, bot, interactive=sys.stdin.isatty(), wait=wait)
        ended = asyncio.ensure_future(bot.wait())
        talk = asyncio.ensure_future(terminal.run(stdin_lines()))
        await asyncio.wait({ended, talk}, return_when=asyncio.FIRST_COMPLETED)
        if talk.done():
            ended.cancel()
            return talk.result() or 0
        talk.cancel()
        print(f"play: {script} ended with exit status {ended.result()}", file=sys.stderr)
        return ended.result()


async def stdin_lines(descriptor: int = STDIN) -> AsyncIterator[str]:
    """Yield the lines of the standard input.

    A thread reads them, because no event loop reads files on every system; it reads the descriptor and not
    `sys.stdin`, whose lock a blocked daemon thread would still hold when the interpreter ends.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    def put(data: bytes) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, data)

    def read() -> None:
        while data := os.read(descriptor, 4096):
            put(data)
        put(b"")

    threading.Thread(target=read, name="aiostep-play-stdin", daemon=True).start()
    pending = b""
    while data := await queue.get():
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip("\r")
    if pending:
        yield pending.decode("utf-8", "replace")


class Terminal:
    """People typing at one keyboard, and what they see of the bot."""

    def __init__(self, world: PlayWorld, out: TextIO, bot: BotProcess, *, interactive: bool, wait: float) -> None:
        self.world = world
        self.out = out
        self.bot = bot
        self.wait = wait
        self.interactive = interactive
        self._colour = interactive and out.isatty() and "NO_COLOR" not in os.environ
        self._transcript = Transcript(numbered=True)
        self._people: dict[str, Person] = {}
        self._groups: dict[str, Group] = {}
        self._keyboards: dict[int, tuple[Json, list[Button]]] = {}
        self._reacted = asyncio.Event()
        self._speaker = self._person(FIRST)
        self._place: Group | None = None
        world.add_observer(self.show)

    async def run(self, lines: AsyncIterator[str]) -> None:
        """Carry out the lines until they end.

        Raises:
            PlayError: the bot was started again, and did not connect.
        """
        self._print(f"You are {FIRST}. {HELP}", "2")
        async for line in lines:
            if not line.strip():
                continue
            self._reacted.clear()
            command = parse_line(line).command
            if command:
                await self._carry_out(command)
            elif not self.handle(line):
                continue
            if self.bot.up and not self.interactive:
                await self._quiet()
        # The last answer may still be on its way.
        await self._quiet(0.0 if self.interactive else QUIET_FOR)

    async def _carry_out(self, command: Command) -> None:
        if (command == "!kill") is not self.bot.up:
            self._print("The bot is running." if self.bot.up else "The bot is not running; !start starts it.", "33")
        elif command == "!kill":
            self._print(f"-- kill -9 {await self.bot.kill()} --", "31")
        else:
            number = await self.bot.start()
            await self.bot.connect(self.wait)
            self._print(f"-- started again, as process {number} --", "32")

    def handle(self, line: str) -> bool:
        """Carry out one line; tell whether the bot may react to it."""
        meant = parse_line(line)
        speaker = self._person(meant.name) if meant.name else self._speaker
        place = self._place
        if meant.name:
            place = self._group(meant.group, speaker) if meant.group else None
        if meant.button is not None:
            return self._press(speaker, place, meant.button)
        if meant.text is not None:
            self._send(speaker, place, meant.text)
            return True
        self._speaker, self._place = speaker, place
        where = f"in the group {place.info['title']}" if place else "in the private chat"
        self._print(f"You are {speaker.user['first_name']}, {where}.", "2")
        return False

    def _echo(self, speaker: Person, place: Group | None, text: str) -> None:
        # Who types sees the line already; a pipe's reader does not.
        if not self.interactive:
            self._print(self._transcript.said(speaker.user["first_name"], text, place))

    def _send(self, speaker: Person, place: Group | None, text: str) -> None:
        self._echo(speaker, place, text)
        speaker.send(text, to=place)

    def _press(self, speaker: Person, place: Group | None, wanted: str) -> bool:
        message, buttons = self._keyboards.get(place.id if place else speaker.id, ({}, []))
        index = choose(wanted, [button.text for button in buttons])
        if index is None or not buttons[index].usable:
            there = " ".join(f"[{n} {button.text}]" for n, button in enumerate(buttons, 1)) or "none"
            self._print(f"There is no button [{wanted}] to press here; there is: {there}", "33")
            return False
        button = buttons[index]
        self._echo(speaker, place, f"[{button.text}]")
        if button.data is not None:
            _ = speaker.click(button.data, on=message)
        else:
            speaker.press(button.text, in_=place)
        return True

    def show(self, chat: Chat, event: Event) -> None:
        """Print what a bot did, and remember its keyboard."""
        if event.bot_id is None:
            return
        line = self._transcript.done(chat, event)
        if line is None:
            return
        self._reacted.set()
        self._remember(chat, event)
        self._print(line, "35" if event.kind == "answer" else "36")

    def _remember(self, chat: Chat, event: Event) -> None:
        markup: Json = event.what.get("reply_markup") or {}
        buttons = buttons_of(markup) if event.kind in ("message", "edit") else []
        shown, _ = self._keyboards.get(chat.id, ({}, []))
        if buttons:
            self._keyboards[chat.id] = (event.what, buttons)
        elif "remove_keyboard" in markup or shown.get("message_id") == event.what.get("message_id", 0):
            self._keyboards.pop(chat.id, None)

    def _person(self, name: str) -> Person:
        key = name.lower()
        if key not in self._people:
            person = self._people[key] = self.world.person(name[0].upper() + name[1:])
            self._transcript.meet(person.id, person.user["first_name"])
        return self._people[key]

    def _group(self, title: str, speaker: Person) -> Group:
        key = title.lower()
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = self.world.group(title, members=[speaker])
        elif group.status(speaker.id) == "left":
            speaker.join(group)
        return group

    async def _quiet(self, first: float = REACTS_WITHIN) -> None:
        """Wait for the bot's reaction, and until it has done nothing more for a moment."""
        within = first
        while within:
            try:
                await bounded(self._reacted.wait(), within)
            except asyncio.TimeoutError:
                return
            self._reacted.clear()
            within = QUIET_FOR

    def _print(self, text: str, colour: str = "") -> None:
        if colour and self._colour:
            text = f"\x1b[{colour}m{text}\x1b[0m"
        print(text, file=self.out, flush=True)
