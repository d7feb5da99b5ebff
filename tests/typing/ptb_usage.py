"""What type checkers must make of a bot's code; never run, checked by mypy and pyright."""

from __future__ import annotations

from collections.abc import Mapping

from telegram import Message, Update
from telegram.ext import ApplicationBuilder, CallbackQueryHandler, CommandHandler, ContextTypes, filters
from typing_extensions import assert_type

import aiostep
from aiostep import Engine, Scope
from aiostep_ptb import PTBAdapter, StepApplication, adapter, ask, install, wait_for

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
