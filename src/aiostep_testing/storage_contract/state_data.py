"""Data: what is put in comes out, for one user and chat, nothing lost."""

from __future__ import annotations

import functools
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

from .forking import CAN_FORK, in_processes
from .stage import StorageStage
from .suite import StorageSuite

__all__ = ["StateData"]

#: One value of each type that every storage keeps.
VALUES: dict[str, Any] = {
    "none": None,
    "flag": True,
    "number": 2**70,
    "float": 0.1,
    "text": "a\0b\ud83d日本",
    "bytes": b"\0\xff",
    "list": [1, [2, []]],
    "tuple": (1, (2,)),
    "set": {1, 2},
    "frozenset": frozenset({"a"}),
    "dict": {1: "a", "1": "b", (1, 2): {"$t": "tuple"}},
    "datetime": datetime(2030, 1, 31, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=3, minutes=30))),
    "naive": datetime(2030, 1, 31),  # noqa: DTZ001
    "date": date(2030, 1, 31),
    "time": time(12, 30),
    "timedelta": timedelta(days=-1, microseconds=1),
    "decimal": Decimal("1.10"),
    "uuid": UUID(int=7),
}


class StateData(StorageSuite):
    """Setting, reading, updating and deleting data."""

    async def test_data_that_were_set_are_there(self, stage: StorageStage) -> None:
        """As a dictionary or as keywords, or both, of which keywords win."""
        states = stage.open_states()
        await states.set_data(1, {"a": 1, "b": 2})
        assert await states.get_data(1) == {"a": 1, "b": 2}
        await states.set_data(1, a=3)
        assert await states.get_data(1) == {"a": 3}
        await states.set_data(user_id=1, data={"a": 1, "b": 2}, b=3, c=4)
        assert await states.get_data(user_id=1) == {"a": 1, "b": 3, "c": 4}

    async def test_no_data_are_the_default(self, stage: StorageStage) -> None:
        """None, or whatever the caller names."""
        states, default = stage.open_states(), {"x": 1}
        assert await states.get_data(1) is None
        assert await states.get_data(1, default) is default
        assert await states.get_data(1, chat_id=5, default=7) == 7

    async def test_setting_takes_the_place_of_everything(self, stage: StorageStage) -> None:
        """Nothing of the old data is left."""
        states = stage.open_states()
        await states.set_data(1, {"a": 1, "b": 2})
        await states.set_data(1, {"b": 3})
        assert await states.get_data(1) == {"b": 3}

    async def test_empty_data_are_data(self, stage: StorageStage) -> None:
        """An empty dictionary is not the same as none."""
        states = stage.open_states()
        await states.set_data(1, {})
        assert await states.get_data(1, "default") == {}
        assert await states.update_data(1, {"a": 1}) == {"a": 1}
        assert await states.get_data(1) == {"a": 1}
        await states.set_data(1, {})
        assert await states.delete_data(1) == {}
        assert await states.get_data(1) is None

    async def test_updating_keeps_the_rest(self, stage: StorageStage) -> None:
        """What is named is changed, what is not stays; all of it is returned."""
        states = stage.open_states()
        await states.set_data(1, {"a": 1, "b": {"x": 1}})
        assert await states.update_data(1, {"b": {"y": 2}}, c=3) == {"a": 1, "b": {"y": 2}, "c": 3}
        assert await states.get_data(1) == {"a": 1, "b": {"y": 2}, "c": 3}

    async def test_updating_makes_data(self, stage: StorageStage) -> None:
        """There need not be any before; updating with nothing makes none."""
        states = stage.open_states()
        assert await states.update_data(1, {}) == {}
        assert await states.get_data(1) is None
        assert await states.update_data(1, a=1) == {"a": 1}

    async def test_deleting_tells_what_was_there(self, stage: StorageStage) -> None:
        """The data, once; under the older name as well."""
        states = stage.open_states()
        await states.set_data(1, {"a": 1})
        assert await states.delete_data(1) == {"a": 1}
        assert await states.delete_data(1) is None
        await states.set_data(1, {"a": 2}, chat_id=5)
        assert await states.clear_data(1) is None
        assert await states.clear_data(1, chat_id=5) == {"a": 2}
        assert await states.clear_data(1, "none", 5) == "none"

    async def test_values_come_back_as_they_were(self, stage: StorageStage) -> None:
        """Of the same type, in every storage."""
        states = stage.open_states()
        await states.set_data(1, VALUES)
        found = await states.get_data(1)
        assert found == VALUES
        assert {key: type(value) for key, value in found.items()} == {key: type(value) for key, value in VALUES.items()}
        assert await states.update_data(1, VALUES) == VALUES
        assert await states.delete_data(1) == VALUES

    async def test_every_text_is_a_key(self, stage: StorageStage) -> None:
        """Keys of data may be any text, a number, or a tuple of them."""
        states = stage.open_states()
        data = {text: text for text in ("", "$t", "a:b", "\n", "\0", "\ud83d", "日本", "x" * 1000, "null", "1")}
        mixed: dict[Any, Any] = {**data, 1: "number", None: "none", (1, "a"): "tuple", b"x": "bytes", 2**80: "large"}
        await states.set_data(1, mixed)
        assert await states.get_data(1) == mixed

    async def test_users_and_chats_are_apart(self, stage: StorageStage) -> None:
        """Data are those of a user in a chat; without a chat, in the one with the user."""
        states = stage.open_states()
        places = [(1, 1), (1, 11), (11, 1), (1, -100), ("a", "b:c"), ("a:b", "c"), ("a", ""), ("", "a")]
        for user, chat in places:
            await states.set_data(user, {"place": f"{user}/{chat}"}, chat_id=chat)
        for user, chat in places:
            assert await states.get_data(user, chat_id=chat) == {"place": f"{user}/{chat}"}
        assert await states.get_data(1) == {"place": "1/1"}

    async def test_what_was_put_in_cannot_be_changed_from_outside(self, stage: StorageStage) -> None:
        """Neither by the caller who put it in nor by one who got it out."""
        states = stage.open_states()
        inner = [1]
        data = {"a": inner}
        await states.set_data(1, data)
        inner.append(2)
        data["b"] = inner
        (await states.get_data(1))["a"].append(3)
        (await states.update_data(1, {"c": inner}))["a"].append(4)
        inner.append(5)
        assert await states.get_data(1) == {"a": [1], "c": [1, 2]}

    async def test_no_update_is_lost(self, stage: StorageStage) -> None:
        """Many update one user's data at once; everything is there then."""
        states = stage.open_states()

        async def update(number: int) -> None:
            for turn in range(10):
                await states.update_data(1, {f"{number}-{turn}": turn})

        await stage.together(*(functools.partial(update, number) for number in range(16)))
        assert len(await states.get_data(1)) == 160

    async def test_processes_lose_no_update(self, stage: StorageStage) -> None:
        """Also several processes that update one user's data."""
        if not (stage.harness.is_shared and CAN_FORK and stage.is_blocking):
            return
        await stage.open_states().set_data(1, {"first": 1})  # the place is there

        async def work(number: int) -> None:
            opened: Any = stage.harness.open_states("blocking")
            for turn in range(25):
                opened.update_data(1, {f"{number}-{turn}": turn})
            opened.close()

        in_processes(4, work)
        assert len(await stage.open_states().get_data(1)) == 101

    async def test_two_storages_of_one_place(self, stage: StorageStage) -> None:
        """What one wrote another reads, also after a restart."""
        one, other = stage.open_states(), stage.open_states()
        await one.set_data(1, {"a": 1})
        await one.set_state(1, "A")
        if not stage.harness.is_shared:
            assert await other.get_data(1) is None
            return
        assert await other.get_data(1) == {"a": 1}
        await one.close()
        await other.close()
        if stage.harness.is_durable:
            again = stage.open_states()
            assert await again.get_data(1) == {"a": 1}
            assert (await again.get_state(1)).current_state == "A"
