"""A dispatcher that polls."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message

import aiostep
from aiostep import next_step

TOKEN = "42:TEST"


@aiostep.step("restart.got_name")
async def got_name(message: Message, plan: str, bot: Bot) -> None:
    if message.text == "die" and "mortal" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    await message.answer(f"Hello, {message.text} ({plan}, {bot.id})")


@aiostep.step("restart.too_late")
async def too_late(timed_out: Any, plan: str) -> None:
    await timed_out.send(f"Too late for {plan}")


@aiostep.step("restart.got_member")
async def got_member(message: Message, discount: int = 0) -> None:
    await message.answer(f"{message.text} pays {discount} less")


def members(**name: str) -> Router:
    """Have a router whose inner middleware gives a discount to whoever asks for it there."""
    router = Router(**name)

    @router.message.middleware
    async def discount(handler: Any, event: Any, data: dict[str, Any]) -> Any:
        return await handler(event, {**data, "discount": 10})

    @router.message(F.text == f"/{name.get('name', 'nameless')}")
    async def join(message: Message) -> None:
        await next_step(got_member)
        await message.answer("A member?")

    return router


def main(api: str, storage: str) -> None:
    dp, rest = Dispatcher(), Router(name="rest")
    dp.include_routers(members(), members(name="members"), rest)
    aiostep.install(dp, storage=storage)

    @dp.message(F.text == "/start")
    async def start(message: Message) -> None:
        await next_step(got_name, plan="free")
        await message.answer("Your name?")

    @dp.message(F.text == "/soon")
    async def soon(message: Message) -> None:
        await next_step(got_name, plan="gold", timeout=0.5, on_timeout=too_late)
        await message.answer("Quick!")

    @rest.message(F.text)
    async def other(message: Message) -> None:
        await message.answer(f"Other: {message.text}")

    server = TelegramAPIServer.from_base(api)
    dp.run_polling(Bot(TOKEN, session=AiohttpSession(api=server)), handle_signals=False, polling_timeout=20)


if __name__ == "__main__":
    main(*sys.argv[1:3])
