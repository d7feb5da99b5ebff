"""What type checkers must make of a bot's code; never run, checked by mypy and pyright."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, TypeAlias

from aiogram import Dispatcher, F
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message
from annotated_types import Ge
from typing_extensions import assert_type

import aiostep
from aiostep import Click, Contact, Engine, Location, Photo, Scope
from aiostep_aiogram import SuspendableIsolation, adapter, ask, choose, choose_many, confirm, fill, stream, wait_for

dp = Dispatcher()
assert_type(adapter.install(dp), Engine)
assert_type(adapter.install(dp, detach=True, updates=["poll"], grace=1.0, cancel_words=("stop",)), Engine)
assert_type(aiostep.install(dp), Engine)


@dp.message(Command("start"))
async def questions(message: Message) -> None:
    assert_type(await ask("x"), Message)
    assert_type(await ask("x", str), str)
    assert_type(await ask("x", int), int)
    assert_type(await ask("x", float, check=lambda number: number > 0, retry="more"), float)
    assert_type(await ask("x", int, default=None), int | None)
    assert_type(await ask("x", default=0), Message | int)
    assert_type(await ask(message.answer_photo("id"), str, to=message, parse_mode="HTML"), str)
    assert_type(await ask("x", int, check=positive, retry=say_it, attempts=None, remind={60: "still there?"}), int)


async def waits(message: Message) -> None:
    assert_type(await wait_for(), Message)
    assert_type(await wait_for(message.chat.id, timeout=25), Message)
    assert_type(await wait_for(kinds="edited_message"), Message)
    assert_type(await wait_for(kinds="callback_query", filter=F.data == "yes"), CallbackQuery)
    assert_type(await wait_for(default=None), Message | None)
    assert_type(await wait_for(kinds="callback_query", default=None), CallbackQuery | None)
    assert_type(await wait_for(scope=Scope.REPLY(message)), Message)
    either = await wait_for(kinds=("message", "callback_query"))
    assert_type(either, Any)


async def steps(message: Message) -> None:
    await aiostep.register_next_step(message.chat.id, step, kwargs={"name": "Ann"})
    await aiostep.next_step(step, name="Ann")
    assert_type(await aiostep.unregister_steps(message.chat.id), int)
    assert_type(await aiostep.clear(), int)
    assert_type(aiostep.cancel(user=1), int)


async def step(message: Message, name: str) -> None: ...


async def positive(number: int) -> bool:
    return number > 0


async def say_it(problem: str, left: int | None) -> str:
    return f"{problem} {left}"


def options(engine: Engine) -> Mapping[str, object]:
    return engine.runtime.adapters[0].options


def isolation(inner: SuspendableIsolation) -> SuspendableIsolation:
    return SuspendableIsolation(inner)


class Size(Enum):
    SMALL = "S"
    LARGE = "L"


@dataclass
class Order:
    item: str
    size: Size = Size.SMALL


async def menus(message: Message) -> None:
    assert_type(await choose("x", ["S", "L"]), str)
    assert_type(await choose("x", {1: "Small", 2: "Large"}, columns=2, others="toast", cancel="button"), int)
    assert_type(await choose("x", Size, timeout=60, default=None), Size | None)
    assert_type(await choose("x", [Order("tea")], label=lambda one: one.item), Order)
    assert_type(await choose_many("x", {1: "Small", 2: "Large"}, min=1, max=2), list[int])
    assert_type(await choose_many("x", Size, chosen=[Size.SMALL], default=()), list[Size] | tuple[()])
    assert_type(await confirm("x"), bool)
    assert_type(await confirm("x", yes="Sure", no="No", default=None), bool | None)
    assert_type(await fill(Order, review=False), Order)


async def values(message: Message) -> None:
    assert_type(await ask("x", Photo), Photo)
    assert_type(await wait_for(Location), Location)
    assert_type(await wait_for(Click), Click)
    assert_type(await wait_for(Click("skip"), default=None), Click | None)
    assert_type(await ask("x", Click), Click)
    assert_type(await ask("x", Photo | Click), Photo | Click)
    assert_type(await wait_for(Contact, default=None), Contact | None)
    assert_type(await ask("x", Photo | Location), Photo | Location)
    assert_type(await ask("x", Photo | Location, check=lambda sent: sent.caption is None), Photo | Location)
    assert_type(await ask("x", Drink), Literal["tea", "coffee"])
    assert_type(await ask("x", Literal["tea", "coffee"], check=no_tea, default=None), Drink | None)
    assert_type(await ask("x", Age, check=positive), int)
    assert_type(await ask("x", Annotated[int, Ge(18)], check=positive, again=True), int)
    assert_type(await ask("x", int | None, check=lambda number: number != 13), int | None)
    assert_type(await ask("x", re.compile("[A-Z]{3}"), check=lambda code: code[0] != "ABC"), re.Match[str])
    assert_type(await ask("x", "[A-Z]{3}", check=no_tea, default=0), str | int)
    either: Photo | Location = await wait_for(Photo | Location)
    await ask("x", Age, check=no_tea)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    await ask("x", int, check=no_tea)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    await ask("x", Drink, check=positive)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    del either


Drink: TypeAlias = Literal["tea", "coffee"]
Age: TypeAlias = Annotated[int, Ge(18)]


def no_tea(drink: str) -> bool | str:
    return drink != "tea" or "There is none."


async def streams(message: Message) -> None:
    async with stream(scope=Scope.CHAT, limit=3) as updates:
        async for one in updates:
            assert_type(one, Message)
    async with stream("callback_query") as clicks:
        assert_type([one async for one in clicks], list[CallbackQuery])
    async with stream(Photo, timeout=60) as photos:
        assert_type([one.width async for one in photos], list[int])
