"""Programs that several tests use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from aiostep_core.errors import WaitCancelled, WaitTimeout
from aiostep_core.forms import field

from .context import Ctx

__all__ = ["Letter", "Order", "ended", "greet", "pick", "three", "two"]


class UpTo:
    """A constraint, in the shape that annotated-types has made common."""

    def __init__(self, most: int) -> None:
        self.le = most


@dataclass
class Order:
    """A form."""

    item: Literal["tea", "coffee"] = field("What?")
    quantity: Annotated[int, UpTo(9)] = field("How many?")
    note: str | None = field("Anything else?", default=None)


@dataclass
class Letter:
    """A form of texts, which people write as long as Telegram lets them."""

    subject: str = field("Subject?")
    text: str = field("Text?")

    def __repr__(self) -> str:
        return f"Letter(subject={self.subject[:10]!r}, text={self.text[:10]!r})"


async def greet(c: Ctx) -> None:
    await c.say(f"hello {await c.ask('name?')}")


async def two(c: Ctx) -> None:
    first = await c.ask("first?")
    second = await c.ask("second?")
    await c.say(f"{first}+{second}")


async def three(c: Ctx) -> None:
    """Ask three times, and be busy in between."""
    answers: list[str] = []
    for number in "123":
        answers.append(await c.ask(f"q{number}?"))
        await c.say(f"noted {number}")
        await c.pause(0.02)
    await c.say(",".join(answers))


async def ended(c: Ctx) -> None:
    """Ask, and tell why the question ended."""
    try:
        await c.say(f"hello {await c.ask('name?')}")
    except WaitCancelled as error:
        await c.say(f"ended: {error.reason}")
    except WaitTimeout:
        await c.say("ended: timeout")


async def pick(c: Ctx) -> None:
    await c.say(f"picked {await c.click(await c.say('which?', 'A', 'B'))}")
