"""A synchronous TeleBot: what an update costs, and how many conversations can wait, in threads and without any.

No handler sends anything. The peer is what telebot itself offers, ``register_next_step_handler``. A crowd is measured
in a process of its own, and its memory is all that the process has gained: also the message that the handler was called
with. telebot's own steps do not keep that, so there is a row for messages alone.
"""

from __future__ import annotations

import gc
import itertools
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _measure import Batch, Goal, Options, Subject, clock, main, measure, table
from telebot import TeleBot, types

import aiostep
from aiostep.sync import Questions, conversation, next_step, wait_for

_update_ids = itertools.count(1)
NATIVE, THREADS, GENERATORS, MESSAGES = "telebot's own steps", "threads that ask", "generators", "messages alone"


def update(text: str, who: int = 1_000) -> Any:
    number = next(_update_ids)
    person = {"id": who, "first_name": "Alice", "is_bot": False}
    chat = {"id": who, "first_name": "Alice", "type": "private"}
    message = {"message_id": number, "date": 1_700_000_000, "chat": chat, "from": person, "text": text}
    made: Any = types.Update
    return made.de_json({"update_id": number, "message": message})


class Host:
    """A bot whose handlers do what the text of a message says, behind so many that are for commands."""

    def __init__(self, *, installed: bool, threaded: bool = False, commands: int = 0) -> None:
        self.bot: Any = TeleBot("42:TEST", threaded=threaded)
        self.bot._user = types.User(42, is_bot=True, first_name="Bot", username="bot")
        self.answered = 0
        self.kept: list[Any] = []
        if installed:
            aiostep.install(self.bot, max_waiting=100_000)
        for number in range(commands):
            self.bot.message_handler(commands=[f"command{number}"])(self.ran)
        self.bot.message_handler(func=lambda message: message.text == GENERATORS)(self.generator)
        self.bot.message_handler()(self.handle)

    def handle(self, message: types.Message) -> None:
        if message.text == THREADS:
            wait_for(timeout=3600)
            self.answered += 1
        elif message.text == "step":
            next_step(self.ran)
        elif message.text == NATIVE:
            self.bot.register_next_step_handler(message, self.ran)
        elif message.text == MESSAGES:
            self.kept.append(message)

    @property
    def generator(self) -> Callable[..., None]:
        @conversation
        def handler(message: types.Message) -> Questions:
            yield wait_for(timeout=3600)
            self.answered += 1

        return handler

    def ran(self, message: types.Message) -> None:
        self.answered += 1

    @property
    def waiting(self) -> int:
        if self.kept:
            return len(self.kept)
        handlers = sum(map(len, self.bot.next_step_backend.handlers.values()))
        engine: Any = aiostep.install(self.bot)
        return handlers or sum(1 for one in engine.waits if one.waits)

    def feed(self, text: str, *before: str) -> Batch:
        """Measure updates with *text*; each comes after those *before*, which do not count."""

        async def batch(size: int) -> int:
            made = [([update(one) for one in before], [update(text)]) for _ in range(size)]
            process, spent = self.bot.process_new_updates, 0
            for earlier, one in made:
                if earlier:
                    process(earlier)
                began = clock()
                process(one)
                spent += clock() - began
            return spent

        return batch


async def run(choice: Options) -> None:
    """Measure and print."""
    logging.getLogger("TeleBot").setLevel(logging.CRITICAL)
    bare, ours = Host(installed=False), Host(installed=True)
    bare_typical, ours_typical = Host(installed=False, commands=5), Host(installed=True, commands=5)
    subjects = [
        Subject("bare", bare.feed("hello")),
        Subject("bare, again", Host(installed=False).feed("hello")),
        Subject("aiostep, nothing waiting", ours.feed("hello")),
        Subject("bare, behind five commands", bare_typical.feed("hello")),
        Subject("aiostep, behind five commands", ours_typical.feed("hello")),
        Subject("telebot's own next step runs", bare.feed("yes", NATIVE)),
        Subject("a next step runs", Host(installed=True).feed("yes", "step")),
        Subject("a generator is answered", Host(installed=True).feed("yes", GENERATORS)),
    ]
    goals = [
        Goal("bare, again", "bare"),
        Goal("aiostep, nothing waiting", "bare", 1.3),
        Goal("aiostep, behind five commands", "bare, behind five commands", 1.3),
        Goal("a next step runs", "telebot's own next step runs"),
        Goal("a generator is answered", "bare"),
    ]
    table("TeleBot(threaded=False): an update", await measure(subjects, choice), goals, choice)
    few, many = (100, 1_000) if choice.rounds < 100 else (1_000, 100_000)
    crowds = {
        f"{count:,} {kind}": crowd(kind, count)
        for kind, count in ((THREADS, few), *((one, many) for one in (GENERATORS, NATIVE, MESSAGES)))
    }
    for index, (title, unit) in enumerate(
        (("bytes kept by each", "bytes"), ("to begin one", "µs"), ("to answer one", "µs"))
    ):
        figures = {name: row[index] for name, row in crowds.items() if row[index]}
        table(f"a crowd that waits: {title}", figures, [], choice, unit)


def crowd(kind: str, count: int) -> list[float]:
    """Let *count* conversations wait in a new process, and answer them; return bytes, and microseconds to do either."""
    command = [sys.executable, __file__, "crowd", kind, str(count)]
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE)
    found: list[float] = json.loads(done.stdout)
    return found


def be_crowd(kind: str, count: int) -> list[float]:
    """Be that process."""
    logging.getLogger("TeleBot").setLevel(logging.CRITICAL)
    host = Host(installed=True, threaded=True)
    people = range(1_000_000, 1_000_000 + count)
    gc.collect()
    before, began = memory(), time.perf_counter()
    for who in people:
        host.bot.process_new_updates([update(kind, who)])
    until(lambda: host.waiting == count)
    started = (time.perf_counter() - began) / count * 1e6
    gc.collect()
    taken = (memory() - before) / count
    if kind == MESSAGES:
        return [taken, 0, 0]
    began = time.perf_counter()
    for who in people:
        host.bot.process_new_updates([update("yes", who)])
    until(lambda: host.answered == count)
    answered = (time.perf_counter() - began) / count * 1e6
    host.bot.stop_bot()
    return [taken, started, answered]


def memory() -> int:
    """Return the bytes of memory that this process has in use."""
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * 4096


def until(ready: Callable[[], bool]) -> None:
    for _ in range(12_000):
        if ready():
            return
        time.sleep(0.01)
    raise AssertionError("it took more than two minutes")


if __name__ == "__main__":
    if sys.argv[1:2] == ["crowd"]:
        print(json.dumps(be_crowd(sys.argv[2], int(sys.argv[3]))))
    else:
        main(run, __doc__)
