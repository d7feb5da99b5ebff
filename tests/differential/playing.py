"""Plays a program of the scenario language on a real bot, and writes down what everybody sees."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from aiostep_core import Scope
from aiostep_core.context import current_turn
from aiostep_core.errors import AlreadyWaiting, TooManyAttempts, WaitCancelled, WaitTimeout
from aiostep_core.facts import Facts
from aiostep_testing.chats import Chat, Event, Place
from aiostep_testing.clock import ManualClock
from aiostep_testing.contract import AdapterHarness, Ctx
from aiostep_testing.contract import Program as Handler
from aiostep_testing.contract.harness import TOKEN
from aiostep_testing.expecting import buttons
from aiostep_testing.people import Person
from aiostep_testing.wire import Json
from aiostep_testing.world import World
from tests.differential.scenario import (
    SLOT,
    Action,
    Again,
    Album,
    Ask,
    Busy,
    Choose,
    Hear,
    Moment,
    Op,
    Program,
    Say,
    Then,
)

__all__ = ["Transcript", "play"]

#: For each moment: what was said, by place, person and run of a script. Runs that happen at the same time may take
#: turns in any order; each by itself has one.
Transcript = list[dict[str, list[str]]]
#: Seconds that a handler is busy, and between actions that do not come at once.
_BUSY: Final = 1.0
_PAUSE: Final = 0.3
#: Moments until the longest time limit is over.
_QUIET: Final = 3
_TAG: Final = re.compile(r"(\w+ \w+ \d*): ?(.*)", re.DOTALL)


class Stage:
    """A world with two people, an anonymous administrator, a group and a forum, and a bot that runs the scripts."""

    def __init__(
        self, harness: AdapterHarness, program: Program, pass_time: Callable[[float], Awaitable[None]]
    ) -> None:
        self._harness, self._program, self._pass_time = harness, program, pass_time
        self._world = world = World(clock=ManualClock())
        self._account = world.bot(TOKEN)
        ann, bob, carl = world.person("Ann"), world.person("Bob"), world.person("Carl")
        self._group = group = world.group("Group", members=(ann, bob, carl))
        self._forum = world.group("Forum", members=(ann, bob, carl), forum=True)
        self._people: dict[str, Person] = {"Ann": ann, "Bob": bob, "Anon": group.anonymous(carl)}
        self._places: dict[str, Place] = {
            "group": group,
            "here": self._forum.topic("Here"),
            "there": self._forum.topic("There"),
            "general": self._forum,
        }
        self._names: dict[int | None, str] = {ann.id: "Ann", bob.id: "Bob", carl.id: "Carl", group.id: "Anon"}
        #: What the bot has said to whom, and its keyboards among that, by the names of person and place.
        self._said: dict[tuple[str, str], list[Json]] = defaultdict(list)
        self._runs: Counter[tuple[object, ...]] = Counter()
        self._clickers: dict[str, str] = {}
        self._read: Counter[int] = Counter()

    # The bot.

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers of the two commands."""
        return {"one": self._script("one", self._program.one), "two": self._script("two", self._program.two)}

    async def other(self, c: Ctx) -> None:
        """Repeat what nobody took."""
        if c.text:
            await c.say(f"{self._who()} other : {c.text}")

    def _script(self, name: str, ops: tuple[Op, ...], *, is_step: bool = False) -> Handler:
        async def run(c: Ctx) -> None:
            who = self._who()
            facts = _facts()
            key = (who, name, facts.chat_id, facts.thread_id)
            self._runs[key] += 1
            tag = f"{who} {name} {self._runs[key]}:"
            try:
                if is_step:
                    await c.say(f"{tag} stepped on {c.text}")
                for index, op in enumerate(ops):
                    if isinstance(op, Then):
                        await c.then(self._script(f"{name}s", ops[index + 1 :], is_step=True))
                        break
                    await _perform(c, op, tag)
                await c.say(f"{tag} end")
            except WaitCancelled as error:
                await c.say(f"{tag} ended: {error.reason}")
            except (WaitTimeout, TooManyAttempts, AlreadyWaiting) as error:
                await c.say(f"{tag} {type(error).__name__}")

        run.__name__ = name
        return run

    def _who(self) -> str:
        return self._names.get(_facts().user_id, "nobody")

    async def play(self) -> Transcript:
        """Let everything happen; what still waits in the end is cancelled."""
        transcript: Transcript = []
        self._harness.other = self.other  # type: ignore[method-assign]
        await self._harness.start(self._world, self.handlers())
        try:
            for moment in (*self._program.moments, *[Moment()] * _QUIET):
                await self._live_through(moment)
                transcript.append(self._seen())
            self._harness.engine.cancel_all("code")
            await self._pass_time(SLOT)
            transcript.append(self._seen())
        finally:
            await self._harness.stop()
            left = [repr(one) for one in self._harness.engine.waits]
            self._harness.engine.uninstall()
        problems = [*map(repr, self._harness.errors), *self._world.violations, *left]
        return [*transcript, {"problems": problems}] if problems else transcript

    # The people.

    async def _live_through(self, moment: Moment) -> None:
        passed = 0.0
        for action in moment.actions:
            self._act(action)
            if not moment.at_once:
                passed += _PAUSE
                await self._pass_time(_PAUSE)
        await self._pass_time(SLOT - passed)

    def _act(self, action: Action) -> None:
        if isinstance(action, Again):
            update_id = self._account.next_update - action.back
            if any(update["update_id"] == update_id for update in self._account.history):
                self._world.redeliver(self._account, update_id)
            return
        person, where = self._people[action.who], "group" if action.who == "Anon" else action.where
        place = self._places.get(where)
        if isinstance(action, Say):
            said = self._said[action.who, where]
            person.send(action.text, to=place, reply_to=said[-1] if said and action.is_reply else None)
        elif isinstance(action, Album):
            person.album(2, "7", to=place)
        elif keyboards := [one for one in self._said[action.whose, where] if "reply_markup" in one]:
            shown = [one for one in keyboards if "inline_keyboard" in one["reply_markup"]]
            if shown:
                click = person.click("AB"[action.is_newest], on=shown[-1 if action.is_newest else 0])
                self._clickers[click.id] = self._names[person.id]

    # What they see.

    def _seen(self) -> dict[str, list[str]]:
        """Return what the bot did since the last time."""
        found: dict[str, list[str]] = defaultdict(list)
        for name, place, event in self._news():
            run, line = self._told(name, place, event)
            found[run].append(line)
        # Nobody promises an order of what ordinary handlers do for several updates at once.
        return {
            run: sorted(lines) if " other" in run or "answer" in run else lines for run, lines in sorted(found.items())
        }

    def _news(self) -> Iterator[tuple[str, Chat, Event]]:
        chats = [*self._world.privates.values(), *self._world.shared.values()]
        for chat in chats:
            events = chat.log[self._read[id(chat)] :]
            self._read[id(chat)] += len(events)
            yield from ((self._name_of(chat, event), chat, event) for event in events if event.bot_id is not None)

    def _name_of(self, chat: Chat, event: Event) -> str:
        if chat is self._forum:
            topics = {topic.id: topic.name.lower() for topic in self._forum.topics.values()}
            return topics.get(event.thread or 0, "general")
        return "group" if chat is self._group else "private"

    def _told(self, where: str, chat: Chat, event: Event) -> tuple[str, str]:
        what = event.what
        if event.kind == "answer":
            who = self._clickers.get(what["callback_query_id"], "nobody")
            return f"{where}: {who} answer", str(what.get("text", ""))
        match = _TAG.match(str(what.get("text", "")))
        run, line = match.groups() if match is not None else ("nobody", str(what.get("text")))
        if event.kind == "message":
            self._said[run.partition(" ")[0], where].append(what)
        replied = what.get("reply_to_message", {}).get("text", "")
        markup = what.get("reply_markup", {})
        marks = [event.kind if event.kind != "message" else "", f"to {replied!r}" if replied else ""]
        marks += [" ".join(sorted(markup)), buttons(markup)]
        return f"{where}: {run}", " ".join([line, *(mark for mark in marks if mark)])


def _facts() -> Facts:
    turn = current_turn.get()
    assert turn is not None
    return turn.facts


async def _perform(c: Ctx, op: Op, tag: str) -> None:
    if isinstance(op, Busy):
        await c.pause(_BUSY)
    elif isinstance(op, Ask):
        options: dict[str, Any] = {"scope": Scope.CHAT_TOPIC} if op.anybody else {}
        options |= {"timeout": op.timeout, "on_conflict": op.on_conflict, "retry": f"{tag} {{problem}}"}
        await c.say(f"{tag} got {await c.ask(f'{tag} ask', int if op.as_number else str, **options)!r}")
    elif isinstance(op, Choose):
        shown = await c.say(f"{tag} choose", "A", "B")
        await c.say(f"{tag} chose {await c.click(shown, timeout=op.timeout)}")
    elif isinstance(op, Hear):
        more: dict[str, Any] = {"commands": "take"} if op.commands else {}
        like = "^([0-9]+|/other)$" if op.commands else "^[0-9]+$"
        await c.say(f"{tag} heard {await c.hear(like=like, timeout=op.timeout, **more)}")


async def play(
    harness: AdapterHarness, program: Program, pass_time: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> Transcript:
    """Play *program* on the bot of *harness*; *pass_time* lets time pass there, and nothing else does.

    What went wrong comes last, under "problems".
    """
    return await Stage(harness, program, pass_time).play()
