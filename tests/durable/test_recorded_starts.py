"""Journals of conversations that no update has begun, as files: they are replayed without one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiostep_core import Key, ask
from aiostep_core.durable.flows import durable
from aiostep_core.durable.starting import start_durable
from aiostep_core.threads import ThreadRuntime
from aiostep_testing.contract.stage import Stage
from aiostep_testing.recorded import export_journals, replay_journals
from tests.durable.test_recorded import BOTS, aiogram_harness, disconnect, order


@durable("recorded.reminder")
async def reminder(number: int, whom: str, bot: Any, *, note: str = "") -> None:
    name = await ask(f"{number}: name?", str)
    assert bot is not None
    await ask(f"{whom}: sure?", str)
    raise AssertionError(f"{name} {note}")


def record(harness_class: Any, folder: Path, **how: Any) -> int:
    """Let Alice come to the second question, and take down where she is; return who she is."""
    stage = Stage(harness_class, "in process")

    async def talk() -> None:
        await stage.start_durable(order)
        await stage.passes(stage.bob)  # the framework has met its bot
        call = start_durable(reminder, 7, "Annabel", to=Key(42, stage.alice.id, stage.alice.id), note="secret")
        runtime = stage.harness.engine.runtime
        await (asyncio.to_thread(runtime.block, call) if isinstance(runtime, ThreadRuntime) else call)
        await stage.tell(stage.alice, None, "7: name?")
        await stage.tell(stage.alice, "Ann", "Annabel: sure?")
        (run,) = runtime.steps.durables.live.values()
        await stage.until(lambda: not run.is_running, "a wait")
        await export_journals(stage.harness.storage, folder, **how)

    stage.play(talk())
    return stage.alice.id


@pytest.mark.parametrize("bot", BOTS)
def test_they_fit(bot: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The arguments and the person are in the file; what the framework gives comes from the bot at hand."""
    harness_class, make = bot()
    record(harness_class, tmp_path)
    target = make()
    disconnect(monkeypatch)

    (replay,) = replay_journals(tmp_path, target)
    assert (replay.outcome, replay.detail) == ("fits", "waits at 'ask: Annabel: sure?'")


def test_nobody_is_named(tmp_path: Path) -> None:
    """Masked, the file says neither who was begun with, nor what with; and the code still fits."""
    harness_class, make = aiogram_harness()
    alice = record(harness_class, tmp_path, redact=True)
    (path,) = tmp_path.iterdir()
    text = path.read_text("utf-8")
    found = json.loads(text)

    assert [word for word in ("Annabel", "secret") if word in text] == []
    assert found["to"][0] == found["to"][1] != alice
    assert found["named"] == {"note": "xxxxxx"}
    assert [one.outcome for one in replay_journals(tmp_path, make())] == ["fits"]
