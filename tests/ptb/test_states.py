"""``IsState`` in python-telegram-bot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from telegram import Update
from telegram.ext import CommandHandler, MessageHandler, filters

from aiostep.utils import IsState
from tests.ptb.stage import Context, Stage
from tests.storages.counting import KINDS, counting, done

pytestmark = pytest.mark.anyio


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return counting(request.param, tmp_path)


async def test_a_state_is_read_once_for_an_update(stage: Stage, storage: Any) -> None:
    """Twenty handlers ask, the storage is asked once; a change is seen by the handlers after it."""
    application = stage.application()

    for number in range(20):

        async def handle(update: Update, context: Context, number: int = number) -> None:
            assert update.message is not None
            assert update.effective_user is not None
            await update.message.reply_text(f"in {number}")
            await done(storage.set_state(update.effective_user.id, f"S{number - 1}"))

        application.add_handler(MessageHandler(IsState(f"S{number}", storage), handle))

    async def after(update: Update, context: Context) -> None:
        assert update.message is not None
        await update.message.reply_text("now in 18")

    async def none(update: Update, context: Context) -> None:
        assert update.message is not None
        await update.message.reply_text("in none")

    application.add_handler(MessageHandler(IsState("S18", storage), after), group=1)
    application.add_handler(MessageHandler(filters.ALL, none))

    alice = stage.world.person("Alice")
    async with stage.run(application):
        alice.send("hi")
        await alice.expect("^in none$")
        assert storage.reads == 1
        await done(storage.set_state(alice.id, "S19"))
        alice.send("hi")
        await alice.expect("^in 19$")
        await alice.expect("^now in 18$")
        assert storage.reads == 3
    assert stage.errors == []
    await done(storage.close())


async def test_filters_can_be_combined(stage: Stage, storage: Any) -> None:
    """By the framework's own operators, on either side."""
    application = stage.application()

    def says(text: str) -> Any:
        async def say(update: Update, context: Context) -> None:
            assert update.message is not None
            await update.message.reply_text(text)

        return say

    is_a, is_b = IsState("A", storage), IsState("B", storage)
    application.add_handler(CommandHandler("a", says("command"), filters=is_a))
    application.add_handler(MessageHandler(is_a & filters.Regex("^x$"), says("a and x")))
    application.add_handler(MessageHandler(filters.Regex("^y$") & is_a, says("a and y")))
    application.add_handler(MessageHandler(is_b | filters.Regex("^z$"), says("b or z")))
    application.add_handler(MessageHandler(~is_a & ~filters.Regex("^w$"), says("neither a nor w")))
    application.add_handler(MessageHandler(is_a ^ filters.Regex("^w$"), says("either a or w")))

    alice = stage.world.person("Alice")
    async with stage.run(application):
        for state, text, said in (
            *(("A", "/a", "command"), ("A", "x", "a and x"), ("A", "y", "a and y"), ("B", "x", "b or z")),
            *(("A", "z", "b or z"), ("C", "x", "neither a nor w"), ("C", "w", "either a or w")),
        ):
            await done(storage.set_state(alice.id, state))
            alice.send(text)
            await alice.expect(f"^{said}$")
    assert stage.errors == []
    await done(storage.close())
