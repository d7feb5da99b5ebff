"""What type checkers must make of the code of bots of both kinds; never run, checked by mypy and pyright."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

from annotated_types import Ge
from telebot import TeleBot
from telebot.async_telebot import AsyncTeleBot
from telebot.types import CallbackQuery, Message
from typing_extensions import assert_type

import aiostep
from aiostep import Click, Contact, Engine, Location, Photo, Scope
from aiostep_telebot import (
    StepsMixin,
    adapter,
    ask,
    choose,
    choose_many,
    confirm,
    fill,
    install,
    stream,
    sync,
    wait_for,
)


class Bot(StepsMixin, AsyncTeleBot):
    """A bot whose steps type checkers know."""


bot = Bot("42:TEST")
threaded = TeleBot("42:TEST")
assert_type(adapter.install(bot, detach=True, grace=1.0, cancel_words=("stop",)), Engine)
assert_type(install(threaded, max_waiting=50, grace=1.0, storage="memory://"), Engine)
assert_type(aiostep.install(bot), Engine)


async def questions(message: Message) -> None:
    assert_type(await ask("x"), Message)
    assert_type(await ask("x", str), str)
    assert_type(await ask("x", int, check=positive, retry="more", attempts=None, remind={60: "well?"}), int)
    assert_type(await ask("x", int, default=None), int | None)
    assert_type(await ask("x", default=0), Message | int)
    assert_type(await ask(bot.send_photo(message.chat.id, "id"), str, to=message), str)


async def waits(message: Message) -> None:
    assert_type(await wait_for(), Message)
    assert_type(await wait_for(message.chat.id, timeout=25), Message)
    assert_type(await wait_for(kinds="callback_query"), CallbackQuery)
    assert_type(await wait_for(kinds="callback_query", default=None), CallbackQuery | None)
    assert_type(await wait_for(scope=Scope.REPLY(message), default=None), Message | None)
    either = await wait_for(kinds=("message", "callback_query"))
    assert_type(either, Any)


async def steps(message: Message) -> None:
    assert_type(await bot.register_next_step_handler(message, step, 1, name="Ann"), None)
    assert_type(await bot.register_for_reply_by_message_id(message.message_id, step), None)
    assert_type(await aiostep.unregister_steps(message), int)


async def step(message: Message, number: int = 0, name: str = "") -> None: ...


def plain_questions(message: Message) -> None:
    assert_type(sync.ask("x"), Message)
    assert_type(sync.ask("x", str), str)
    assert_type(sync.ask("x", float, check=lambda number: number > 0, retry="more"), float)
    assert_type(sync.ask("x", int, default=None), int | None)
    assert_type(sync.ask("x", Annotated[int, Ge(18)], check=lambda age: age < 100, again=True), int)
    assert_type(sync.ask("x", Literal["tea", "coffee"], check=no_tea, default=0), Literal["tea", "coffee"] | int)
    assert_type(sync.ask("x", default=0), Message | int)
    assert_type(sync.ask(lambda: threaded.send_photo(message.chat.id, "id"), str, to=message), str)


def plain_waits(message: Message) -> None:
    assert_type(sync.wait_for(), Message)
    assert_type(sync.wait_for(message.chat.id, timeout=25, default=None), Message | None)
    assert_type(sync.wait_for(kinds="callback_query"), CallbackQuery)
    assert_type(sync.wait_for(kinds="callback_query", default=None), CallbackQuery | None)
    either = sync.wait_for(kinds=("message", "callback_query"))
    assert_type(either, Any)


@sync.conversation
def generator(message: Message) -> sync.Questions:
    name: str = yield sync.ask("x", str)
    click: CallbackQuery = yield sync.wait_for(kinds="callback_query")
    threaded.send_message(message.chat.id, f"{name} {click.data}")


def plain_steps(message: Message) -> None:
    assert_type(sync.register_next_step(message, plain_step, (1,), {"name": "Ann"}, timeout=60), None)
    assert_type(sync.next_step(plain_step, name="Ann"), None)
    assert_type(sync.unregister_steps(message), int)
    assert_type(sync.clear(), int)
    assert_type(generator(message), None)


def plain_step(message: Message, number: int = 0, name: str = "") -> None: ...


async def positive(number: int) -> bool:
    return number > 0


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
    assert_type(await ask("x", Photo | Location, check=lambda sent: sent.caption is None), Photo | Location)
    assert_type(await ask("x", Literal["tea", "coffee"], check=no_tea), Literal["tea", "coffee"])
    assert_type(await ask("x", Annotated[int, Ge(18)], check=positive, default=None), int | None)
    assert_type(await ask("x", re.compile("[A-Z]{3}"), check=lambda code: code[0] != "ABC"), re.Match[str])
    assert_type(await ask("x", "[A-Z]{3}", check=no_tea), str)


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


def plain_menus(message: Message) -> None:
    assert_type(sync.choose("x", {1: "Small", 2: "Large"}), int)
    assert_type(sync.choose("x", Size, default=None), Size | None)
    assert_type(sync.choose_many("x", ["S", "L"]), list[str])
    assert_type(sync.confirm("x"), bool)
    assert_type(sync.fill(Order), Order)
    assert_type(sync.ask("x", Photo), Photo)
    assert_type(sync.wait_for(Location, default=None), Location | None)
    assert_type(sync.wait_for(Click), Click)
    with sync.stream(limit=3) as updates:
        for update in updates:
            assert_type(update, Message)
    with sync.stream(Photo) as photos:
        assert_type(photos.next(), Photo | None)
        assert_type([one.width for one in photos], list[int])
