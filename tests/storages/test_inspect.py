"""`python -m aiostep inspect`: what it shows, and that it changes nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aiostep.__main__ import main
from aiostep_core import Key, Scope, step, step_filter
from aiostep_core.durable.journals import key_of
from aiostep_core.keys import MessageKey
from aiostep_core.keys import Place as Spot
from aiostep_core.named import steps as named_steps
from aiostep_core.steps import Step
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.abc import RecordKey
from aiostep_core.storages.records import settle
from aiostep_core.storages.steps import RecordedSteps
from tests.storages.places import Place, durable, redis_ends

__all__ = ["durable", "redis_ends"]


@step("inspect.got_name")
def got_name(message: Any, plan: str) -> None: ...


@step_filter("inspect.filter")
def is_number(message: Any) -> bool:
    return True


def fill(place: Place) -> None:
    """Put some steps and data there."""
    named_steps.add("inspect.gone", is_number, None)
    asyncio.run(_fill(place))
    named_steps._things.pop("inspect.gone")


async def _fill(place: Place) -> None:
    records = place.records()
    steps = RecordedSteps(records)
    here, now = Spot(Scope.USER_IN_CHAT, Key(42, -100, 7)), 1000.0
    reply = Spot(Scope.REPLY, MessageKey(42, -100, 5))
    secret = {"plan": "a secret of 30 characters ....."}
    await steps.put(Step(place=here, fn=got_name, kwargs=secret, opened_at=now, expires_at=now + 7200), now)
    await steps.put(Step(place=reply, fn=is_number, filter=is_number, filter_name="inspect.filter"), now)
    await records.write(RecordKey("aiogram-data", "42", "x"), {"a": "é" * 10}, ttl=50)
    await records.close()


def test_what_it_shows(durable: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Who waits for what, since and until when, how large it is; not what is in it."""
    fill(durable)

    assert main(["inspect", durable.url]) == 0
    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "Who waits for what:"
    shown = sorted(lines[1:3])
    assert shown[0].startswith("inspect.gone reply: chat_id -100, message_id 5 bot 42 since ")
    assert shown[0].endswith("for ever 4 bytes")
    assert shown[1].startswith("inspect.got_name user_in_chat: chat_id -100, user_id 7 bot 42 since ")
    assert "2 h left 44 bytes" in shown[1]
    assert lines[3].startswith("Whether all these names are known")
    assert lines[4] == "How much there is:"
    assert lines[5].startswith("2 next steps ")
    assert lines[6] == "1 data of aiogram 20 bytes 1 with an end"
    assert "secret" not in out


def test_durable_conversations_are_shown(durable: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that are not over are listed: with whom, since and until when, and whether one failed or was cut off."""
    asyncio.run(_fill_with_conversations(durable))

    assert main(["inspect", durable.url, "--import", "tests.storages.test_inspect"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    cut, failed, order = sorted(lines[1:4])
    assert lines[0] == "Who waits for what:"
    assert cut.startswith("shop.cut, version 2 user_in_chat: chat_id 9, user_id 9 bot 42 since ")
    assert " for ever durable was cut off; " in cut
    assert " for ever durable failed; a durable conversation is called 'shop.failed', and nothing is" in failed
    assert " 2 h left durable a durable conversation is called 'shop.order'" in order
    assert any(line.startswith("4 durable conversations, without their journals") for line in lines)
    assert "Your name?" not in " ".join(lines)


async def _fill_with_conversations(place: Place) -> None:
    records, now = place.records(), time.time()
    for number, name, more in (
        (7, "shop.order", {"status": "park", "due": repr(now + 7250), "asked": '"Your name?"'}),
        (8, "shop.failed", {"status": "failed"}),
        (9, "shop.cut", {"status": "run", "version": "2", "owner": "", "until": repr(now - 5)}),
        (10, "shop.over", {"status": "done"}),
    ):
        key = key_of(Spot(Scope.USER_IN_CHAT, Key(42, number, number)))
        await records.write(key, {"name": name, "version": "1", "opened": repr(now - 100), **more})
    await records.close()


def test_names_that_nobody_has(durable: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """With --import it says which stored names the bot's module does not define; it imports no other."""
    fill(durable)

    assert main(["inspect", durable.url, "--import", "tests.storages.test_inspect"]) == 0
    out = capsys.readouterr().out
    assert "no function is called inspect.gone" in out
    assert "no function is called inspect.got_name" not in out
    assert "no filter" not in out


def test_a_file_is_neither_made_nor_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not there stays so; what is there has no other file beside it afterwards, and the same bytes."""
    assert main(["inspect", f"sqlite:///{tmp_path}/none.db"]) == 1
    assert "is not there" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

    place = Place("sqlite", tmp_path)
    fill(place)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["inspect", place.url]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_that_is_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a bot has written a moment ago, and still has in its log, is shown."""
    place = Place("sqlite", tmp_path)
    records = place.records().blocking()
    settle(records.write(RecordKey("state", "42", "x"), {"a": "b"}))

    assert main(["inspect", place.url]) == 0
    assert "1  states" in capsys.readouterr().out
    place.close()


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be one" * 10])
def test_a_file_of_somebody_else(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is none of ours is said to be so, and left as it is."""
    path = tmp_path / "other.db"
    path.write_bytes(content)

    assert main(["inspect", f"sqlite:///{path}"]) == 1
    assert "other.db" in capsys.readouterr().err
    assert path.read_bytes() == content


def test_nothing(durable: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A storage without anything in it is said to be empty."""
    records = durable.records().blocking()
    settle(records.write(RecordKey("state", "42", "x"), {"a": "b"}))
    settle(records.remove(RecordKey("state", "42", "x")))
    durable.close()

    assert main(["inspect", durable.url]) == 0
    assert capsys.readouterr().out == "There is nothing here.\n"


@pytest.mark.parametrize("url", ["memory://", "nowhere://x", "bot.db", "redis://127.0.0.1:1/0"])
def test_what_cannot_be_looked_at(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence says what is wrong, and the status is 1."""
    assert main(["inspect", url]) == 1
    error = capsys.readouterr().err
    assert error.startswith("inspect: ")
    assert error.count("\n") == 1


def test_the_command_line(tmp_path: Path) -> None:
    """The command is there, and imports no framework."""
    command = [sys.executable, "-X", "importtime", "-m", "aiostep", "inspect", f"sqlite:///{tmp_path}/none.db"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert ran.returncode == 1
    assert "inspect: " in ran.stderr
    for name in ("aiogram", "telegram", "telebot", "redis"):
        assert f"| {name}\n" not in ran.stderr.replace("|   ", "| ")


def test_memory_can_be_reported_too() -> None:
    """The report itself takes any records."""
    from aiostep_core.inspecting import report

    assert settle(report(MemoryRecords(), 0, knows_names=False)) == ["There is nothing here."]
