"""Scripted chats: a story is told to the end only if the bot plays its part, and reads like a chat."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aiostep_testing.chats import Event
from aiostep_testing.play.process import PlayWorld
from aiostep_testing.play.script import ScriptedChat, Stage, Story
from aiostep_testing.play.transcript import Transcript, loses_its_buttons, text_of

pytestmark = pytest.mark.anyio

BOTS = Path(__file__).parent / "bots"


async def told(story: Story, *arguments: str, name: str = "plain", **options: Any) -> tuple[int, list[str]]:
    """Play a story with one of the bots; return the exit status and the lines printed."""
    out = io.StringIO()
    status = await ScriptedChat(BOTS / f"{name}.py", *arguments, out=out, **options).play(story)
    return status, out.getvalue().splitlines()


async def test_a_story_reads_like_a_chat() -> None:
    """People, groups, topics, buttons, edits and toasts are printed as they happen, and the status is 0."""

    async def story(stage: Stage) -> None:
        alice, bob = stage.person("Alice"), stage.person("Bob")
        team, forum = stage.group("Team", alice, bob), stage.group("Forum", alice, forum=True)
        stage.scene("A menu")
        await alice.says("/menu")
        await alice.expects("^menu$", buttons=["Save", "Help"])
        await alice.clicks("Save")
        await alice.expects_toast("Saved")
        await alice.expects_edit("All set")
        stage.scene("Many at once")
        await bob.says("hi")
        await bob.expects("^echo:hi$")
        await alice.says("one\ntwo", to=team)
        await alice.expects("^echo:one\ntwo$", in_=team)
        await alice.says("deep", to=forum.topic("News"))
        await alice.expects("^echo:deep$", in_=forum)

    assert await told(story) == (
        0,
        [
            "",
            "--- A menu",
            "Alice > /menu",
            "bot to Alice > menu  [Save]  [Help]",
            "Alice > [Save]",
            "bot to Alice > (toast) Saved!",
            "bot to Alice > (edited) All set",
            "",
            "--- Many at once",
            "Bob   > hi",
            "bot to Bob > echo:hi",
            "#Team Alice > one",
            "              two",
            "#Team bot   > echo:one",
            "              two",
            "#Forum/News Alice > deep",
            "#Forum bot   > echo:deep",
        ],
    )


async def test_an_answer_that_does_not_come_fails_the_story() -> None:
    """The failure says who expected what, and what the bot did instead; the status is 1."""

    async def story(stage: Stage) -> None:
        alice = stage.person("Alice")
        await alice.says("hi")
        await alice.expects("^bye$", within=0.3)

    status, lines = await told(story)

    assert status == 1
    assert lines[-2:] == [
        "FAILED: Alice expected a message matching '^bye$' within 0.3 s; the bot did instead:",
        "    message: 'echo:hi'",
    ]


async def test_expectations_are_met_in_order() -> None:
    """What came before the message that was expected last does not count again."""

    async def story(stage: Stage) -> None:
        alice = stage.person("Alice")
        for text in ("one", "two"):
            await alice.says(text)
        await alice.expects("two")
        await alice.expects("one", within=0.2)

    status, lines = await told(story)

    assert status == 1
    assert lines[-1].endswith("the bot did nothing there")


async def test_wrong_and_missing_buttons_fail_the_story() -> None:
    """A keyboard with other buttons, or a button that is not there, is named in the failure."""

    async def other(stage: Stage) -> None:
        alice = stage.person("Alice")
        await alice.says("/menu")
        await alice.expects("menu", buttons=["Save"])

    async def missing(stage: Stage) -> None:
        await stage.person("Alice").clicks("Save")

    assert (await told(other))[1][-1].endswith("expected the buttons ['Save'], but the message has ['Save', 'Help']")
    assert (await told(missing))[1][-1].startswith("FAILED: Alice wanted to press [Save]: no button 'Save'")


async def test_a_bot_that_dies_fails_the_story_at_once() -> None:
    """The story does not wait for answers of a bot that has ended, and names its exit status."""

    async def story(stage: Stage) -> None:
        alice = stage.person("Alice")
        await alice.says("/leave")
        await alice.expects("never", within=60)

    status, lines = await told(story, "7")

    assert status == 1
    assert lines[-1] == f"FAILED: {BOTS / 'plain.py'} ended with exit status 7 in the middle of the story"


async def test_a_bot_that_was_killed_is_another_process_afterwards() -> None:
    """Nothing is answered between the kill and the start, and everything after it; both say which process it was."""
    numbers: list[int] = []

    async def story(stage: Stage) -> None:
        alice = stage.person("Alice")
        await alice.says("one")
        await alice.expects("^echo:one$")
        numbers.append(await stage.kill("for once", quiet=0.1))
        with pytest.raises(ProcessLookupError):
            os.kill(numbers[0], signal.SIG_DFL)
        await alice.says("two")
        assert not await stage.news(0.2)
        numbers.append(await stage.start())
        await alice.expects("^echo:two$")
        numbers.append(await stage.kill(quiet=0))
        numbers.append(await stage.start())

    status, lines = await told(story)

    assert status == 0, lines
    first, second, killed, third = numbers
    assert len({first, second, third}) == 3
    assert killed == second
    assert lines == [
        "Alice > one",
        "bot   > echo:one",
        f"    -- kill -9 {first}, for once --",
        "Alice > two",
        f"    -- started again, as process {second} --",
        "bot   > echo:two",
        f"    -- kill -9 {second} --",
        f"    -- started again, as process {third} --",
    ]


async def test_a_bot_is_killed_when_it_has_nothing_more_to_do() -> None:
    """What a bot is about to say is waited for, so that the story goes the same way every time."""

    async def story(stage: Stage) -> None:
        alice = stage.person("Alice")
        for text in ("one", "two", "three"):
            await alice.says(text)
        await stage.kill()
        for text in ("one", "two", "three"):
            await alice.expects(f"^echo:{text}$", within=0)

    status, lines = await told(story)

    assert status == 0, lines


async def test_a_bot_that_dies_after_a_start_fails_the_story() -> None:
    """Only the kill that the story wanted is forgiven."""

    async def story(stage: Stage) -> None:
        await stage.kill(quiet=0)
        await stage.start()
        alice = stage.person("Alice")
        await alice.says("/leave")
        await alice.expects("never", within=60)

    status, lines = await told(story, "7")

    assert status == 1
    assert lines[-1] == f"FAILED: {BOTS / 'plain.py'} ended with exit status 7 in the middle of the story"


async def test_a_bot_that_does_not_start_again_fails_the_story(tmp_path: Path) -> None:
    """The failure says with which exit status the second process ended; both were run in the folder that was given."""
    script = tmp_path / "once.py"
    script.write_text(
        "from pathlib import Path\nif Path('lock').exists(): raise SystemExit(5)\nPath('lock').touch()\n"
        + (BOTS / "plain.py").read_text("utf-8")
    )
    out = io.StringIO()

    async def story(stage: Stage) -> None:
        await stage.kill(quiet=0)
        await stage.start()

    status = await ScriptedChat(script, folder=tmp_path, out=out).play(story)

    assert status == 1
    assert (tmp_path / "lock").exists()
    assert f"FAILED: {script} ended with exit status 5" in out.getvalue()


async def test_the_updates_of_a_later_story_have_higher_numbers() -> None:
    """A bot that keeps which updates it had is not fooled by a second play: the numbers go on, as on Telegram."""
    world = PlayWorld()
    before = int(world.clock.time())

    await world.call("42:PLAY", "getMe", {})

    assert world.bot("42:PLAY").next_update >= before


async def test_that_buttons_go_away_is_not_written_down() -> None:
    """An edit gets a line of the transcript only if it says something else, or offers something."""
    chat: Any = SimpleNamespace(info={"first_name": "Alice"}, log=[])
    keys = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    contents = [{"text": "Well?", "reply_markup": keys}, {"text": "Well?"}, {"text": "Fine."}, {"text": "Well?"}]
    hidden = []

    for kind, what in zip(("message", "edit", "edit", "edit"), contents, strict=True):
        chat.log.append(Event(kind=kind, what={"message_id": 1, **what}))  # type: ignore[arg-type]
        hidden.append(loses_its_buttons(chat, chat.log[-1]))

    assert hidden == [False, True, False, False]


async def test_a_story_that_takes_too_long_is_ended() -> None:
    """The limit of the whole story holds whatever its steps wait for."""

    async def story(stage: Stage) -> None:
        await stage.person("Alice").expects("never", within=60)

    status, lines = await told(story, limit=0.2)

    assert (status, lines[-1]) == (1, "FAILED: the story was not over after 0.2 s")


async def test_a_mistake_in_the_story_is_not_the_bots_failure() -> None:
    """An error of the story itself comes out as it is, after the bot was stopped."""

    async def story(stage: Stage) -> None:
        raise KeyError("oops")

    with pytest.raises(KeyError, match="oops"):
        await told(story)


@pytest.mark.parametrize(
    ("name", "words"),
    [("nothing", "does not exist"), ("broken", "exit status 1 before"), ("silent", "did not connect")],
)
async def test_a_script_that_is_no_bot_fails_the_story(name: str, words: str) -> None:
    """A script that is missing, fails or never connects fails the story with one sentence."""

    async def story(stage: Stage) -> None:
        raise AssertionError("there is nothing to play with")

    status, lines = await told(story, name=name, wait=60 if name == "broken" else 0.3)

    assert status == 1
    assert lines[0] == ""
    assert lines[1].startswith("FAILED: ")
    assert words in lines[1]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"text": "hi"}, "hi"),
        ({"photo": [], "caption": "me"}, "[photo] me"),
        ({"animation": {}, "document": {"file_name": "x"}}, "[animation]"),
        ({"document": {"file_name": "a.txt"}}, "[document a.txt]"),
        ({"video_note": {}}, "[video note]"),
        ({"poll": {"question": "Why?"}}, "[poll Why?]"),
        ({"dice": {"emoji": "🎲", "value": 6}}, "[dice 🎲 6]"),
        ({"contact": {"first_name": "Al", "phone_number": "+1"}}, "[contact Al +1]"),
        ({"venue": {"title": "Café"}, "location": {}}, "[venue Café]"),
        ({"location": {"latitude": 1.5, "longitude": 2.5}}, "[location 1.5, 2.5]"),
        ({"something_new": {}}, "[message]"),
    ],
)
async def test_what_a_message_says(message: Any, text: str) -> None:
    """Media are named in brackets before the caption."""
    assert text_of(message) == text


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Event(kind="delete", what={"text": "old"}), "bot > (deleted) old"),
        (Event(kind="answer", what={"text": "No!", "show_alert": True}), "bot > (alert) No!"),
        (Event(kind="answer", what={}), None),
        (Event(kind="action", what={"action": "typing"}), None),
        (
            Event(kind="reaction", what={"text": "hi", "reaction": [{"type": "emoji", "emoji": "👍"}]}),
            "bot > (reacted 👍) hi",
        ),
    ],
)
async def test_what_happens_to_messages_is_written_down(event: Event, line: str | None) -> None:
    """Deletions, alerts and reactions get a line; what nobody reads gets none."""
    chat: Any = SimpleNamespace(info={"first_name": "Alice"})

    assert Transcript().done(chat, event) == line
