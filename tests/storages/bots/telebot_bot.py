"""A TeleBot that polls, with its threads."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from telebot import TeleBot, apihelper
from telebot.types import Message

import aiostep
from aiostep.sync import next_step

TOKEN = "42:TEST"
bot = TeleBot(TOKEN)


@aiostep.step("restart.got_name")
def got_name(message: Message, plan: str) -> None:
    if message.text == "die" and "mortal" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    bot.reply_to(message, f"Hello, {message.text} ({plan}, 42)")


@aiostep.step("restart.too_late")
def too_late(timed_out: Any, plan: str) -> None:
    bot.send_message(timed_out.key.chat_id, f"Too late for {plan}")


@bot.message_handler(commands=["start"])
def start(message: Message) -> None:
    next_step(got_name, plan="free")
    bot.reply_to(message, "Your name?")


@bot.message_handler(commands=["soon"])
def soon(message: Message) -> None:
    next_step(got_name, plan="gold", timeout=0.5, on_timeout=too_late)
    bot.reply_to(message, "Quick!")


@bot.message_handler(func=lambda message: True)
def other(message: Message) -> None:
    bot.reply_to(message, f"Other: {message.text}")


def main(api: str, storage: str) -> None:
    apihelper.API_URL = api + "/bot{0}/{1}"
    aiostep.install(bot, storage=storage)
    bot.infinity_polling(timeout=20)


if __name__ == "__main__":
    main(*sys.argv[1:3])
