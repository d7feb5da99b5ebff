"""A process that dies anywhere makes no difference, on any bot class: only an effect that it cut may be repeated."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiostep_core.durable.journals import Journals
from aiostep_core.storages.records import settle
from aiostep_core.storages.source import RecordsSource
from aiostep_testing.clock import ManualClock
from aiostep_testing.contract.harness import TOKEN
from aiostep_testing.crashes import Crash, Lives, Played, crash_matrix
from aiostep_testing.world import World
from tests.durable.everywhere.bots import STAGES
from tests.durable.everywhere.playing import Bots
from tests.durable.everywhere.programs import Ask, Choose, Program, Run, Say
from tests.durable.everywhere.script import stage

PROGRAM = Program(ops=(Ask(), Run(), Say(), Ask(as_number=True), Choose()))
#: None is a click on the newest button.
TEXTS = ("Ann", "old", "33", None)


class _Mortal:
    """A world in which the bot's process may die before and after everything that it says, does and writes."""

    def __init__(self, bots: Bots, lives: Lives) -> None:
        self._bots = bots
        bots.lives = lives
        self._world = world = World(clock=ManualClock())
        self._account = world.bot(TOKEN)
        self._alice = world.person("Ann")
        self._call = world.call
        changed: Any = world
        changed.call = self._mortally
        stage.program, stage.effects = PROGRAM, []

    async def _mortally(self, token: str, name: str, *args: Any) -> Any:
        life = self._bots.life
        if name != "sendMessage":
            if life.is_over:
                raise Crash(name)
            return await self._call(token, name, *args)
        life.point("before a message")
        reply = await self._call(token, name, *args)
        life.point("after a message")
        return reply

    async def play(self, command: str) -> Played:
        """Let Ann answer; what a crash has cut is delivered again when the process is known to be dead."""
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # those who die are not to be heard
        bots, world = self._bots, self._world
        await bots.begin(world)
        for text in (command, *TEXTS):
            if text is None:
                _ = self._alice.click("B")
            else:
                self._alice.send(text)
            await bots.advance(1)
            while bots.life.is_over:
                await bots.kill()
                await bots.advance(31)
                world.redeliver(self._account, self._account.next_update - 1)
                await bots.begin(world)
                await bots.advance(1)
        await bots.kill()
        journals = await Journals(RecordsSource(bots.records)).scan()
        told = [[one.status, one.get("ended"), one.get("result")] for one in journals]
        errors = [repr(error) for error in bots.errors if not isinstance(error, Crash)]
        (chat,) = world.privates.values()
        said = [event.what["text"] for event in chat.log if event.kind == "message" and event.bot_id is not None]
        return Played([told, errors, world.violations], [*said, *stage.effects])


@pytest.mark.parametrize("durability", ["turn", "step", "intent"])
@pytest.mark.parametrize("bot", STAGES)
def test_a_crash_at_any_point_changes_nothing(bot: str, durability: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the process dies, the outcome is the one without a crash, and no more is repeated than is promised."""

    def once(lives: Lives) -> Played:
        async def play(bots: Bots) -> Played:
            monkeypatch.setattr(stage, "point", lambda where: bots.life.point(where))
            return await _Mortal(bots, lives).play(f"/{durability}")

        played: Played = STAGES[bot](play)
        return played

    async def in_a_loop_of_its_own(lives: Lives) -> Played:
        return once(lives)

    report = settle(crash_matrix(in_a_loop_of_its_own))

    assert report.different == {}
    assert report.lost == {}
    assert report.worst <= {"turn": 3, "step": 1, "intent": 1}[durability]
