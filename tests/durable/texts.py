"""Durable conversations that are written once, and run on all four classes of bots."""

from __future__ import annotations

from typing import Any

from aiostep import WaitTimeout, ask, choose, confirm, run
from aiostep_core.durable.flows import durable

done: list[str] = []


def pay(name: str) -> str:
    done.append(name)
    return f"{name}-{len(done)}"


@durable("everywhere.order")
async def order(update: Any, *_: Any) -> str:
    name = await ask("Name?", str)
    count = await ask("How many?", int, retry="A number, please.")
    paid = await run(pay, name)
    size = await choose("Size?", {"S": "Small", "L": "Large"})
    try:
        if await confirm(f"{count} x {size}?"):
            await ask("Anything else?", timeout=0.5)
    except WaitTimeout:
        await ask(f"Thank you, {paid}!")
    return name
