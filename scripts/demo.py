"""Start a real bot in its own process, chat with it over real long polling, kill it, and say whether it did well.

    python scripts/demo.py [aiogram|ptb|telebot|telebot-sync]

Telegram is the emulator of ``aiostep_testing``: no token, no internet. The exit status is 0 only if every answer of
the bot was the expected one.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from aiostep_testing.play.script import ScriptedChat, Stage, StoryFailed

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
# What is played in the first act, and in the second.
FRAMEWORKS = {
    "aiogram": ("pizza_aiogram.py", "durable_form_aiogram.py"),
    "ptb": ("pizza_ptb.py", "durable_form_ptb.py"),
    "telebot": ("pizza_telebot.py", "durable_form_telebot.py"),
    "telebot-sync": ("pizza_telebot_sync.py", "durable_form_telebot_sync.py"),
}


async def conversations(stage: Stage) -> None:
    """Tell what a conversation is: questions, mistakes, haste, silence, a crowd, and changing one's mind."""
    alice, bob = stage.person("Alice"), stage.person("Bob")

    stage.scene("A conversation. A wrong answer is asked for again; the click is part of it.")
    await alice.says("/order")
    await alice.expects("your name")
    await alice.says("Alice")
    await alice.expects("How many")
    await alice.says("a lot")
    await alice.expects("from 1 to 9")
    await alice.says("2")
    await alice.expects("2 x pizza for Alice", buttons=["Order", "No"])
    await alice.clicks("Order")
    await alice.expects_edit("ordered")

    stage.scene("Faster than the bot: both answers are there before the questions. Neither is lost.")
    for text in ("/order", "Al", "3"):
        await alice.says(text)
    await alice.expects("3 x pizza for Al", buttons=["Order", "No"])
    await alice.clicks("No")
    await alice.expects_edit("Another time")

    stage.scene("A command in the middle goes where commands go; the question stands. /cancel ends it.")
    await alice.says("/order")
    await alice.expects("your name")
    await alice.says("/start")
    await alice.expects("/order a pizza")
    await alice.says("/cancel")
    await alice.expects("No pizza")
    await alice.says("hello?")
    await alice.expects("Try /order")

    stage.scene("No answer in time.")
    await bob.says("/quiz")
    await bob.expects("7 x 8")
    await bob.expects("Too late")

    stage.scene("Two people in one group, at the same time, each with their own conversation.")
    friends = stage.group("Friends", alice, bob)
    await alice.says("/order", to=friends)
    await alice.expects("your name", in_=friends)
    await bob.says("/order", to=friends)
    await alice.expects("your name", in_=friends)
    await bob.says("Bobby", to=friends)
    await alice.says("Ally", to=friends)
    await alice.says("1", to=friends)
    await alice.expects("1 x pizza for Ally", in_=friends, buttons=["Order", "No"])
    await bob.clicks("Order", in_=friends)
    await bob.expects_toast("not for you", in_=friends)
    await bob.says("9", to=friends)
    await bob.expects("9 x pizza for Bobby", in_=friends)
    await bob.clicks("Order", in_=friends)
    await bob.expects_edit("Bobby: ordered", in_=friends)
    await alice.clicks("Order", in_=friends)
    await alice.expects_edit("Ally: ordered", in_=friends)

    stage.scene("The end: Ctrl-C for the bot.")


async def killed(stage: Stage) -> None:
    """Tell what a durable conversation is: nobody notices that the bot dies, twice, but by the pause."""
    stage.scene("@durable, in a SQLite file. The bot is killed; what is said until it is back waits at Telegram.")
    alice = stage.person("Alice")
    await alice.says("/order")
    number = (await alice.expects(r"order is number \d+"))["text"].split()[-1].rstrip(".")
    await alice.expects("Which pizza", buttons=["Margherita", "Funghi"])
    await alice.clicks("Funghi")
    await alice.expects("How many")
    await stage.kill("in the middle of the form")
    await alice.says("2")
    await stage.start()
    await alice.expects("Where to")
    await alice.says("Main Street 1")
    await alice.expects("Is everything right")
    await stage.kill("and again")
    await alice.clicks("Everything is right")
    await stage.start()
    await alice.expects(f"Number {number}: 2 x Funghi to Main Street 1")

    # A question is one line of what the bot said.
    said = [line for _, event in stage.since(0) if event.kind == "message" for line in event.what["text"].splitlines()]
    twice = sorted({line for line in said if line.endswith("?") and said.count(line) > 1})
    if twice:
        raise StoryFailed(f"the bot asked twice: {', '.join(twice)}")
    stage.scene("Nothing was lost, nothing was asked twice, and the number was drawn once.")


async def both_acts(first: Path, second: Path) -> int:
    """Play the two acts; return the exit status."""
    status = await ScriptedChat(first).play(conversations)
    if status:
        return status
    print(f"\nThe second act: a chat with {second.name}, which is killed", flush=True)
    with TemporaryDirectory() as folder:
        return await ScriptedChat(second, folder=folder).play(killed)


def main(arguments: list[str]) -> int:
    """Play with the examples of one framework; return the exit status."""
    framework = arguments[0] if arguments else "aiogram"
    if framework not in FRAMEWORKS:
        print(f"no demo for {framework!r}; there is one for {', '.join(sorted(FRAMEWORKS))}")
        return 2
    first, second = (EXAMPLES / name for name in FRAMEWORKS[framework])
    print(f"A chat with {first.name}, a real {framework} bot (it starts in a few seconds)", flush=True)
    status = asyncio.run(both_acts(first, second))
    print("\nEverything went as it should." if status == 0 else "\nThe bot did not do what it should.")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
