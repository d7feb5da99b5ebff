"""``IsState`` in aiogram."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from aiogram import Dispatcher, F
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.filters import Command, and_f, or_f
from aiogram.types import CallbackQuery, Message

from aiostep import BadArgument
from aiostep.utils import IsState
from tests.aiogram.stage import Stage, buttons
from tests.storages.counting import KINDS, counting, done

pytestmark = pytest.mark.anyio


class Form(Enum):
    NAME = 1
    AGE = 2


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return counting(request.param, tmp_path)


async def test_a_state_is_read_once_for_an_update(stage: Stage, storage: Any) -> None:
    """Twenty handlers ask, the storage is asked once; each update is asked for anew."""
    dp = Dispatcher()

    for number in range(20):

        async def handle(message: Message, number: int = number) -> None:
            await done(storage.set_state(message.from_user.id, f"S{number - 1}"))  # type: ignore[union-attr]
            await message.answer(f"in {number}")  # afterwards: who sees it writes again at once

        dp.message.register(handle, IsState(f"S{number}", storage))

    @dp.message()
    async def other(message: Message) -> None:
        await message.answer("in none")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("hi")
        await alice.expect("^in none$")
        assert storage.reads == 1
        await done(storage.set_state(alice.id, "S19"))
        for number in (19, 18, 17):
            alice.send("hi")
            await alice.expect(f"^in {number}$")
        assert storage.reads == 4
    await done(storage.close())


async def test_a_change_is_seen_by_the_next_filter(stage: Stage, storage: Any) -> None:
    """A handler that changes the state and passes the update on: the next filter sees the new state."""
    dp = Dispatcher()

    @dp.message(IsState(Form.NAME, storage))
    async def first(message: Message) -> None:
        assert message.from_user is not None
        await done(storage.set_state(message.from_user.id, Form.AGE))
        raise SkipHandler

    @dp.message(IsState(Form.AGE, storage), F.text == "hi")
    async def second(message: Message) -> None:
        assert message.from_user is not None
        await message.answer("second")
        await done(storage.delete_state(message.from_user.id))

    @dp.message(~IsState("AGE", storage))
    async def none(message: Message) -> None:
        await message.answer("none")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        await done(storage.set_state(alice.id, Form.NAME))
        alice.send("hi")
        await alice.expect("^second$")
        alice.send("hi")
        await alice.expect("^none$")
    assert stage.errors == []
    await done(storage.close())


async def test_people_and_chats_are_apart(stage: Stage, storage: Any) -> None:
    """Another person's state does not count, nor that of another chat; clicks have a person and a chat, too."""
    dp = Dispatcher()

    @dp.message(Command("ask"))
    async def ask(message: Message) -> None:
        assert message.from_user is not None
        await done(storage.set_state(message.from_user.id, "CLICK", chat_id=message.chat.id))
        await message.answer("?", reply_markup=buttons("Yes"))

    @dp.message(IsState("CLICK", storage))
    async def in_it(message: Message) -> None:
        await message.answer("in it")

    @dp.message()
    async def other(message: Message) -> None:
        await message.answer("not in it")

    @dp.callback_query(IsState("CLICK", storage))
    async def clicked(click: CallbackQuery) -> None:
        await click.answer("clicked")

    @dp.callback_query()
    async def clicked_otherwise(click: CallbackQuery) -> None:
        await click.answer("not yours")

    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")
    group = stage.world.group("G", members=[alice, bob])
    async with stage.run(dp):
        alice.send("/ask", to=group)
        await alice.expect(r"^\?$", in_=group)
        assert (await bob.click("Yes", in_=group))["text"] == "not yours"
        assert (await alice.click("Yes", in_=group))["text"] == "clicked"
        alice.send("hi", to=group)
        await alice.expect("^in it$", in_=group)
        alice.send("hi")
        await alice.expect("^not in it$")
        bob.send("hi", to=group)
        await bob.expect("^not in it$", in_=group)
    await done(storage.close())


async def test_filters_can_be_combined(stage: Stage, storage: Any) -> None:
    """By aiogram's own means, and as the filter of a wait."""
    import aiostep

    dp = stage.dispatcher()

    @dp.message(or_f(IsState("A", storage), and_f(IsState("B", storage), F.text == "b")))
    async def combined(message: Message) -> None:
        await message.answer("combined")

    @dp.message(Command("wait"))
    async def waits(message: Message) -> None:
        await message.answer("go on")
        answer = await aiostep.wait_for(filter=IsState("C", storage))
        await message.answer(f"waited for {answer.text}")

    @dp.message()
    async def other(message: Message) -> None:
        await message.answer("other")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        for state, text, said in (("A", "x", "combined"), ("B", "x", "other"), ("B", "b", "combined")):
            await done(storage.set_state(alice.id, state))
            alice.send(text)
            await alice.expect(f"^{said}$")
        alice.send("/wait")
        await alice.expect("^go on$")
        alice.send("no")
        await alice.expect("^other$")
        await done(storage.set_state(alice.id, "C"))
        alice.send("yes")
        await alice.expect("^waited for yes$")
    await done(storage.close())


async def test_is_state_refuses_what_is_none(tmp_path: Path) -> None:
    """A state must have a name, and the storage be one."""
    storage = counting("memory", tmp_path)
    for state in (None, 5, ["A"]):
        with pytest.raises(BadArgument, match=r"^state is "):
            IsState(state, storage)  # type: ignore[arg-type]
    with pytest.raises(BadArgument, match=r"^state_manager is "):
        IsState("A", {})  # type: ignore[arg-type]
    assert repr(~IsState(Form.AGE, state_manager=storage)) == "~IsState('AGE')"
