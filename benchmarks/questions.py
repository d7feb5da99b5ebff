"""What does it cost to parse an answer, to build and match a menu, and to ask a typed, checked question?

The peers ask as their pages say: send the prompt, wait with a filter, make the number. "by hand" waits without a filter
and looks at the answer in the handler, which asks again in a loop. Everything goes through the framework, there and
back; requests are answered from memory. What a framework needs by itself, to call a handler that sends something,
has a row of its own, as pyromod and nonebot-plugin-waiter come with other frameworks; see ``_elsewhere.py``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import SimpleNamespace
from typing import Annotated, Any, Literal

from _bots import AiogramInput, Aiostep, Alone, Host
from _elsewhere import Elsewhere, elsewhere
from _measure import Batch, Goal, Options, Subject, clock, main, measure, table
from _peers import raito
from aiogram import Bot, F
from aiogram.client.session.base import BaseSession
from aiogram.types import Message, Update
from annotated_types import Interval

import aiostep
from aiostep import Album, Contact, Email, Location, Phone, Photo, Url
from aiostep_core.facts import Delivery, Facts
from aiostep_core.keyboards import data_of, pressed
from aiostep_core.menus import Menu, Option, options_of
from aiostep_core.questions import question_for

_SENT = Message.model_validate(
    {"message_id": 1, "date": 1_700_000_000, "chat": {"id": 1_000, "type": "private"}, "text": "?"}
)


#: With what questions are asked elsewhere.
PEERS = ("aiogram-input", "raito", "pyromod", "nonebot-plugin-waiter")


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


# What is parsed.

_FILE = {"file_id": "a", "file_unique_id": "b", "file_size": 1}
_PHOTO = SimpleNamespace(**_FILE, width=1, height=1)
_LOCATION = SimpleNamespace(latitude=1.5, longitude=2.5)
_CONTACT = SimpleNamespace(phone_number="+49301234567", first_name="Ann")
#: Type, name, text, and what else the message has.
ANSWERS: list[tuple[Any, str, str | None, dict[str, Any]]] = [
    (str, "str", "Ann", {}),
    (int, "int", "1234", {}),
    (int, "int, with marks", "1 234 567", {}),
    (int, "int, other digits", "۱۲۳۴", {}),
    (float, "float", "1.234,5", {}),
    (Decimal, "Decimal", "1,50", {}),
    (bool, "bool", "yes", {}),
    (date, "date", "2026-04-03", {}),
    (date, "date, in words", "3 April 2026", {}),
    (time, "time", "18:30", {}),
    (datetime, "datetime", "2026-04-03 18:30", {}),
    (timedelta, "timedelta", "1h 30m", {}),
    (Size, "Enum", "large", {}),
    (Literal["a", "b"], "Literal", "b", {}),
    (Annotated[int, Interval(ge=1, le=9)], "Annotated[int, ...]", "7", {}),
    (r"[A-Z]{2}\d{3}", "a regular expression", "AB123", {}),
    (int | str, "int | str, the second", "Ann", {}),
    (Email, "Email", "ann@example.com", {}),
    (Phone, "Phone", "+49 30 1234567", {}),
    (Url, "Url", "example.com/a", {}),
    (Photo, "Photo", None, {"photo": [_PHOTO, _PHOTO]}),
    (Location, "Location", None, {"location": _LOCATION}),
    (Contact, "Contact", None, {"contact": _CONTACT}),
    (Album(Photo), "Album(Photo), of one", None, {"photo": [_PHOTO]}),
]


def repeated(what: Callable[[], object]) -> Batch:
    """Make a batch of calls."""

    async def batch(size: int) -> int:
        began = clock()
        for _ in range(size):
            what()
        return clock() - began

    return batch


def parsing(as_: Any, text: str | None, parts: dict[str, Any]) -> Batch:
    """Parse one answer again and again; to find the question is a part of it, as it is of ``ask``."""
    message = SimpleNamespace(text=text, caption=None, **parts)
    delivery = Delivery(Facts(bot_id=1, kind="message", chat_id=5, user_id=5, text=text), message)
    return repeated(lambda: question_for(as_).parse(delivery))


# Menus.


def menus(count: int) -> dict[str, Batch]:
    """Build a menu of *count* options, and find out which a click and a text mean."""
    labels = [f"Option {number}" for number in range(count)]
    menu = Menu(options_of(labels))
    data = data_of(menu.token, str(count - 1))
    press = pressed(data)
    assert press is not None
    assert menu.press(press.code) == menu.typed(labels[-1]) == Option(labels[-1], labels[-1])
    return {
        f"build, {count:,} options": fewer(repeated(lambda: Menu(options_of(labels)).keyboard()), max(1, count // 100)),
        f"match a click, {count:,} options": repeated(lambda: menu.press((pressed(data) or press).code)),
        f"match a text, {count:,} options": repeated(lambda: menu.typed(labels[-1])),
    }


def fewer(batch: Batch, by: int) -> Batch:
    """Make a batch of what takes so long that a few times are enough."""

    async def scaled(size: int) -> int:
        count = max(1, size // by)
        return await batch(count) * size // count

    return scaled


# Questions.


class Silent(BaseSession):
    """Answers every request at once."""

    async def make_request(self, bot: Bot, method: Any, timeout: int | None = None) -> Any:
        return _SENT

    async def stream_content(self, *args: Any, **options: Any) -> AsyncGenerator[bytes, None]:
        yield b""

    async def close(self) -> None:
        """Have nothing to close."""


class Asking(Host):
    """A bot that asks for a number from 1 to 9; everybody who is asked answers 7."""

    is_filtered = True

    def __init__(self) -> None:
        super().__init__()
        self.bot = Bot("42:TEST", session=Silent())

    def update(self, text: str, who: int = 1_000) -> Update:
        return super().update("7" if text == "yes" else text, who)

    async def _handle(self, message: Message) -> None:
        await super()._handle(message)
        if message.text == "hello":
            await message.answer("?")

    async def wait(self, message: Message) -> Any:
        while True:
            await message.answer("?")
            text = await self.text(message)
            if text.isdigit() and 1 <= int(text) <= 9:
                return int(text)

    async def text(self, message: Message) -> str:
        """Wait for a message and return its text."""
        raise NotImplementedError

    async def prompts(self, size: int) -> int:
        """Send prompts, and do nothing else."""
        message = self.update("").message
        assert message is not None
        began = clock()
        for _ in range(size):
            await message.answer("?")
        return clock() - began


class AskingOurs(Asking, Aiostep):
    async def wait(self, message: Message) -> Any:
        return await aiostep.ask("?", int, check=aiostep.between(1, 9), timeout=self.timeout)


class AskingInput(Asking, AiogramInput):
    async def text(self, message: Message) -> str:
        wanted = F.text.regexp(r"^[1-9]$") if self.is_filtered else None
        return (await self._waiter.wait(message.chat.id, self.timeout, wanted)).text or ""


class AskingRaito(Asking):
    """It has no time limits, so it starts no timer."""

    name = "raito"

    def install(self) -> None:
        self._raito = SimpleNamespace(registry=raito().ConversationRegistry())
        self.dispatcher.message.outer_middleware(raito().ConversationMiddleware(self._raito.registry))

    async def stop(self) -> None:
        await super().stop()
        self._raito.registry._conversations.clear()  # it would give the next command to the handler that has ended

    async def text(self, message: Message) -> str:
        state = self.dispatcher.fsm.get_context(self.bot, message.chat.id, message.chat.id)
        wanted = (F.text.regexp(r"^[1-9]$"),) if self.is_filtered else ()
        text: str = (await raito().wait_for(self._raito, state, *wanted)).text
        return text


def askers() -> list[Subject]:
    """List who asks."""
    subjects = [Subject("aiostep", AskingOurs().round_trip)]
    for kind, is_there in ((AskingInput, AiogramInput.library is not None), (AskingRaito, raito() is not None)):
        for name, is_filtered in ((kind.name, True), (f"{kind.name}, by hand", False)):
            if is_there:
                host = kind()
                host.is_filtered = is_filtered
                subjects.append(Subject(name, host.round_trip))
    subjects.append(Subject("aiogram calls a handler that sends", Asking().miss))
    for other in elsewhere():
        subjects += askers_elsewhere(other)
    return [
        *subjects,
        Subject("message.answer alone", Asking().prompts),
        Subject("a look-up and a future", Alone().limit),
    ]


def askers_elsewhere(kind: type[Elsewhere]) -> list[Subject]:
    """List who asks with a library of another framework, and that framework."""
    by_hand = kind()
    by_hand.is_by_hand = True
    return [
        Subject(kind.name, fewer(kind().round_trip, kind.slowness)),
        Subject(f"{kind.name}, by hand", fewer(by_hand.round_trip, kind.slowness)),
        Subject(f"{kind.framework} calls a handler that sends", fewer(kind().alone, kind.slowness)),
    ]


async def run(choice: Options) -> None:
    """Measure and print, table by table."""
    figures = await measure([Subject(name, parsing(as_, text, parts)) for as_, name, text, parts in ANSWERS], choice)
    table("an answer is parsed", figures, [], choice)

    counts = (10, 50, 100, 1_000, 10_000)
    batches = {name: batch for count in counts for name, batch in menus(count).items()}
    figures = await measure([Subject(name, batch) for name, batch in batches.items()], choice)
    goals = [
        Goal("build, 1,000 options", "build, 100 options", 12),
        Goal("build, 10,000 options", "build, 1,000 options", 12),
        Goal("match a click, 10,000 options", "match a click, 10 options", 1.5),
        Goal("match a text, 10,000 options", "match a text, 10 options", 1.5),
    ]
    table("a menu", dict(sorted(figures.items(), key=lambda row: row[0].partition(",")[0])), goals, choice)

    figures = await measure(askers(), choice)
    peers = [name for name in figures if name.removesuffix(", by hand") in PEERS]
    fastest = min((name for name in peers if "by hand" not in name), key=figures.__getitem__, default="")
    goals = [Goal("aiostep", name, 0.4 if name == fastest else None) for name in peers]
    table("a typed, checked question", figures, goals, choice)
    for name in PEERS:
        if name not in figures:
            print(f"\n{name} has no row: it is not installed here.")


if __name__ == "__main__":
    main(run, __doc__)
