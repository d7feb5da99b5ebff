"""A durable conversation that is written once, for the bots of every framework."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import aiostep
from aiostep import WaitTimeout, ask, choose, confirm, run


def die(name: str) -> str:
    if "mortal" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    return name.upper()


@aiostep.durable("bot.order")
async def order(update: Any, *_: Any) -> None:
    name = await ask("Name?", str)
    count = await ask("How many?", int, retry="A number, please.")
    size = await choose("Size?", {"S": "Small", "L": "Large"})
    loud = await run(die, name)
    if await confirm(f"{count} x {size} for {loud}?"):
        try:
            await ask("How was it?", timeout=2)
        except WaitTimeout:
            await ask("Never mind. Bye?")
