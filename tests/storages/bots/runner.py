"""Runs stored steps and notes each in a file: `python -m tests.storages.bots.runner STORAGE_URL LOG PLACES`."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from aiostep_core import Key, Scope, step
from aiostep_core.keys import Place
from aiostep_core.storages.steps import RecordedSteps


@step("runner.run")
async def run(update: Any, number: int) -> None: ...


def place(number: int) -> Place:
    """Return one of the places."""
    return Place(Scope.USER_IN_CHAT, Key(42, number, number))


async def main(url: str, log: str, places: int) -> None:
    steps = RecordedSteps(url)
    loop = asyncio.get_running_loop()
    note = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    print("ready", flush=True)
    while True:
        for number in range(places):
            for found in await steps.find([place(number)], loop.time()):
                if await steps.take(found):
                    os.write(note, f"{found.args[0]}\n".encode())
                    await steps.confirm(found)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
