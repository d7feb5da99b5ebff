"""What type checkers must make of a bot's code; never run, checked by mypy and pyright."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal

from annotated_types import Ge
from telegram import Message, Update
from telegram.ext import ApplicationBuilder, CallbackQueryHandler, CommandHandler, ContextTypes, filters
from typing_extensions import assert_type

import aiostep
from aiostep import Click, Contact, Engine, Location, Photo, Scope
from aiostep_ptb import (
    PTBAdapter,
    StepApplication,
    adapter,
    ask,
    choose,
    choose_many,
    confirm,
    fill,
    install,
    stream,
    wait_for,
)

application = ApplicationBuilder().token("42:TEST").build()
assert_type(adapter.install(application), Engine)
assert_type(install(application, group=-200, ordered=False, grace=1.0, cancel_words=("stop",)), Engine)
assert_type(install(application, identify=lambda update: (update.chat, update.user)), Engine)
assert_type(aiostep.install(application), Engine)
ApplicationBuilder().token("42:TEST").application_class(StepApplication, {"grace": 10.0}).build()


async def questions(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert_type(await ask("x"), Update)
    assert_type(await ask("x", int), int)
    assert_type(await ask("x", float, check=lambda number: number > 0, retry="more"), float)
    assert_type(await ask("x", check=lambda answer: answer.message is not None), Update)
    assert_type(await ask("x", int, default=None), int | None)
    assert_type(await ask("x", default=0), Update | int)


async def waits(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert_type(await wait_for(), Update)
    assert_type(await wait_for(7, timeout=25), Update)
    assert_type(await wait_for(kinds="callback_query"), Update)
    assert_type(await wait_for(kinds=("message", "poll_answer")), Update)
    assert_type(await wait_for(default=None), Update | None)
    assert_type(await wait_for(kinds="poll_answer", default=None), Update | None)


async def filtered(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert_type(await wait_for(filter=filters.PHOTO & ~filters.FORWARDED), Update)
    assert_type(await wait_for(kinds="callback_query", filter=CallbackQueryHandler(questions, pattern="^x")), Update)
    assert_type(await wait_for(update.effective_user, scope=Scope.CHAT, filter=lambda update: True), Update)
    message = update.effective_message
    assert message is not None
    assert_type(await wait_for(scope=Scope.REPLY(message)), Update)
    assert_type(await ask(message.reply_photo, parse_mode="HTML", to=message), Update)
    assert_type((await ask("x")).effective_message, Message | None)


async def steps(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await aiostep.register_next_step(update.effective_chat, step, kwargs={"name": "Ann"})
    await aiostep.next_step(step, name="Ann", filter=filters.TEXT)


async def step(update: Update, context: ContextTypes.DEFAULT_TYPE, name: str) -> None: ...


async def job(context: ContextTypes.DEFAULT_TYPE) -> None:
    assert_type(await ask("x", int), int)


application.add_handler(CommandHandler("start", questions))


def options(served: PTBAdapter) -> Mapping[str, object]:
    assert_type(served.is_concurrent, bool)
    return served.options


class Size(Enum):
    SMALL = "S"
    LARGE = "L"


@dataclass
class Order:
    item: str
    size: Size = Size.SMALL


async def menus(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert_type(await choose("x", ["S", "L"]), str)
    assert_type(await choose("x", {1: "Small", 2: "Large"}, columns=2, others="toast", cancel="button"), int)
    assert_type(await choose("x", Size, timeout=60, default=None), Size | None)
    assert_type(await choose("x", [Order("tea")], label=lambda one: one.item), Order)
    assert_type(await choose_many("x", {1: "Small", 2: "Large"}, min=1, max=2), list[int])
    assert_type(await choose_many("x", Size, chosen=[Size.SMALL], default=()), list[Size] | tuple[()])
    assert_type(await confirm("x"), bool)
    assert_type(await confirm("x", yes="Sure", no="No", default=None), bool | None)
    assert_type(await fill(Order, review=False), Order)


async def values(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert_type(await ask("x", Photo), Photo)
    assert_type(await wait_for(Location), Location)
    assert_type(await wait_for(Click), Click)
    assert_type(await wait_for(Click("skip"), default=None), Click | None)
    assert_type(await ask("x", Click), Click)
    assert_type(await ask("x", Photo | Click), Photo | Click)
    assert_type(await wait_for(Contact, default=None), Contact | None)
    assert_type(await ask("x", Photo | Location, check=lambda sent: sent.caption is None), Photo | Location)
    assert_type(await ask("x", Literal["tea", "coffee"], check=no_tea), Literal["tea", "coffee"])
    assert_type(await ask("x", Annotated[int, Ge(18)], check=lambda age: age < 100, default=None), int | None)
    assert_type(await ask("x", re.compile("[A-Z]{3}"), check=lambda code: code[0] != "ABC"), re.Match[str])
    assert_type(await ask("x", "[A-Z]{3}", check=no_tea), str)


def no_tea(drink: str) -> bool | str:
    return drink != "tea" or "There is none."


async def streams(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    async with stream(scope=Scope.CHAT, limit=3) as updates:
        async for one in updates:
            assert_type(one, Update)
    async with stream("callback_query") as clicks:
        assert_type([one async for one in clicks], list[Update])
    async with stream(Photo, timeout=60) as photos:
        assert_type([one.width async for one in photos], list[int])
