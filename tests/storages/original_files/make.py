"""How the files beside this one were made: by the original, each by one of its releases.

For every release, in an environment of its own: ``pip install aiostep==0.3.7 aiofiles`` and ``python make.py 0.3.7``.
"""

from __future__ import annotations

import asyncio
import enum
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TEN_YEARS = 10 * 365 * 86400


class Order(enum.Enum):
    NAME = 1
    CONFIRM = 2


def confirm() -> None: ...


def fill(storage: Any) -> list[Any]:
    """Use every part of the original's interface; of the asynchronous one this gives what is to be awaited."""
    return [
        storage.set_state(1, "name"),
        storage.set_state(2, Order.CONFIRM, callback=confirm, chat_id=-100123),
        storage.set_state(3, "for years", ex=TEN_YEARS),
        storage.set_state(4, "long over", ex=0.001),
        storage.set_state("five", "имя: 名前 🙂", chat_id="@channel"),
        storage.set_state(6, "deleted"),
        storage.set_data(
            1, {"name": "Ann", "age": 7, "price": 1.5, "tags": ["a", None, True], "deep": {"x": {"y": []}}}
        ),
        storage.set_data(2, {"ключ": "значение 🙂"}, ex=TEN_YEARS),
        storage.set_data(4, {"long": "over"}, ex=0.001),
        storage.set_data("five", {"$t": "date", "v": "nothing special"}),
        storage.update_data(1, {"age": 8, "city": "Ghent"}),
        storage.set_data(6, {"deleted": True}),
        storage.delete_state(6),
        storage.delete_data(6),
    ]


async def fill_one_by_one(storage: Any) -> None:
    for operation in fill(storage):
        await operation


def main(release: str) -> None:
    from aiostep.storage import FileStateStorage

    variants: dict[str, dict[str, Any]] = {"plain": {}, "pretty": {"pretty": True}}
    for name, options in variants.items():
        path = HERE / f"{release}-{name}.json"
        path.unlink(missing_ok=True)
        fill(FileStateStorage(path, **options))
    empty = HERE / f"{release}-empty.json"
    empty.unlink(missing_ok=True)
    storage = FileStateStorage(empty)
    storage.set_state(1, "name")
    storage.delete_state(1)
    try:
        from aiostep.asyncio import AsyncFileStateStorage
    except ImportError:
        return
    path = HERE / f"{release}-asynchronous.json"
    path.unlink(missing_ok=True)
    asyncio.run(fill_one_by_one(AsyncFileStateStorage(path)))


if __name__ == "__main__":
    main(sys.argv[1])
