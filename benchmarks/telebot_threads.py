"""A synchronous TeleBot: what an update costs, and how many conversations can wait, in threads and without any.

No handler sends anything. The peer is what telebot itself offers, ``register_next_step_handler``.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from telebot import TeleBot, types

import aiostep
from aiostep.sync import Questions, conversation, next_step, wait_for

_update_ids = itertools.count(1)


def update(text: str, who: int = 1_000) -> Any:
    number = next(_update_ids)
    person = {"id": who, "first_name": "Alice", "is_bot": False}
    chat = {"id": who, "first_name": "Alice", "type": "private"}
    message = {"message_id": number, "date": 1_700_000_000, "chat": chat, "from": person, "text": text}
    made: Any = types.Update
    return made.de_json({"update_id": number, "message": message})


class Host:
    """A bot whose handlers do what the text of a message says."""

    def __init__(self, *, installed: bool, threaded: bool = False) -> None:
        self.bot: Any = TeleBot("42:TEST", threaded=threaded)
        self.bot._user = types.User(42, is_bot=True, first_name="Bot", username="bot")
        self.answered = 0
        if installed:
            aiostep.install(self.bot, max_waiting=100_000)
        self.bot.message_handler(func=lambda message: message.text == "generator")(self.generator)
        self.bot.message_handler()(self.handle)

    def handle(self, message: types.Message) -> None:
        if message.text == "wait":
            wait_for(timeout=3600)
            self.answered += 1
        elif message.text == "step":
            next_step(self.ran)
        elif message.text == "native":
            self.bot.register_next_step_handler(message, self.ran)

    @property
    def generator(self) -> Callable[..., None]:
        @conversation
        def handler(message: types.Message) -> Questions:
            yield wait_for(timeout=3600)
            self.answered += 1

        return handler

    def ran(self, message: types.Message) -> None:
        self.answered += 1

    def feed(self, text: str, size: int, *before: str) -> float:
        """Return the microseconds of an update with *text*; each comes after those *before*, which do not count."""
        spent = 0
        for _ in range(size):
            for one in before:
                self.bot.process_new_updates([update(one)])
            made = update(text)
            began = time.perf_counter_ns()
            self.bot.process_new_updates([made])
            spent += time.perf_counter_ns() - began
        return spent / size / 1000


def updates(rounds: int) -> None:
    bare, ours = Host(installed=False), Host(installed=True)
    rows: dict[str, Callable[[], float]] = {
        "bare, nobody waits": lambda: bare.feed("hello", 100),
        "aiostep, nobody waits": lambda: ours.feed("hello", 100),
        "telebot's own next step runs": lambda: bare.feed("yes", 100, "native"),
        "a next step runs": lambda: ours.feed("yes", 100, "step"),
        "a generator is answered": lambda: ours.feed("yes", 100, "generator"),
    }
    best = dict.fromkeys(rows, float("inf"))
    for _ in range(rounds):
        for name, row in rows.items():
            best[name] = min(best[name], row())
    print("TeleBot(threaded=False)              µs  ratio")
    for name, value in best.items():
        print(f"{name:<32}  {value:>5.1f}  {value / best['bare, nobody waits']:.2f}")


def crowd(text: str, count: int) -> None:
    """Let *count* conversations wait and answer all of them."""
    host = Host(installed=True, threaded=True)
    people = range(1_000_000, 1_000_000 + count)
    gc.collect()
    before, began = memory(), time.perf_counter()
    for who in people:
        host.bot.process_new_updates([update(text, who)])
    until(lambda: sum(1 for one in engine_of(host).waits if one.waits) == count)
    started, taken = time.perf_counter() - began, memory() - before
    began = time.perf_counter()
    for who in people:
        host.bot.process_new_updates([update("yes", who)])
    until(lambda: host.answered == count)
    answered = time.perf_counter() - began
    print(
        f"{count:>7,} {text:<10} {taken / count / 1024:>6.1f} KiB each, {started / count * 1e6:>6.0f} µs to begin, "
        f"{answered / count * 1e6:>6.0f} µs to answer"
    )
    host.bot.stop_bot()


def engine_of(host: Host) -> Any:
    return aiostep.install(host.bot)


def memory() -> int:
    """Return the bytes of memory that this process has in use."""
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * 4096


def until(ready: Callable[[], bool]) -> None:
    for _ in range(6000):
        if ready():
            return
        time.sleep(0.01)
    raise AssertionError("it took more than a minute")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="see that it runs; the figures say little")
    given = parser.parse_args()
    logging.getLogger("TeleBot").setLevel(logging.CRITICAL)
    updates(5 if given.quick else 50)
    print()
    crowd("wait", 100 if given.quick else 1_000)
    crowd("generator", 1_000 if given.quick else 100_000)


if __name__ == "__main__":
    main()
