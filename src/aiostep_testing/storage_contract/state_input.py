"""States and data: what cannot be stored is refused, before anything is written."""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import Any

import pytest

from aiostep_core.errors import BadArgument, NotStorable, StorageClosed

from .stage import StorageStage
from .suite import StorageSuite

__all__ = ["StateInput"]


class Strange(str):
    """A text, and more."""

    __slots__ = ()


class StateInput(StorageSuite):
    """Bad input."""

    async def test_data_must_be_a_dictionary(self, stage: StorageStage) -> None:
        """Nothing else is taken for one; the error does not show what it was."""
        states = stage.open_states()
        await states.set_data(1, {"a": 1})
        for data in ([("a", 1)], "secret", 5, {"a"}, b"x", object()):
            for write in (states.set_data, states.update_data):
                with pytest.raises(BadArgument, match=r"^data is <class .*>; expected a dictionary$") as caught:
                    await write(1, data)
                assert isinstance(caught.value, ValueError)
        for write in (states.set_data, states.update_data):
            with pytest.raises(BadArgument, match="data is None"):
                await write(1)
        assert await states.get_data(1) == {"a": 1}

    async def test_a_state_must_be_a_name(self, stage: StorageStage) -> None:
        """A text or a member of an Enum."""
        states = stage.open_states()
        await states.set_state(1, "A")
        for state in (None, 5, b"A", ["A"], object()):
            with pytest.raises(BadArgument, match=r"expected a text or a member of an Enum"):
                await states.set_state(1, state)
        assert (await states.get_state(1)).current_state == "A"

    async def test_a_callback_must_be_a_function(self, stage: StorageStage) -> None:
        """Or the name of a step."""
        states = stage.open_states()
        for callback in (5, object(), b"x"):
            with pytest.raises(BadArgument, match=r"^callback is "):
                await states.set_state(1, "A", callback=callback)
        await states.set_state(1, "A", callback="some.step")
        assert (await states.get_state(1)).callback == "some.step"

    async def test_ids_must_be_numbers_or_texts(self, stage: StorageStage) -> None:
        """Everything else is a mistake, a forgotten None above all."""
        states = stage.open_states()
        for wrong in (None, 1.5, True, b"1", object()):
            calls = (
                *(functools.partial(states.set_state, wrong, "A"), functools.partial(states.get_state, wrong)),
                *(functools.partial(states.delete_state, wrong), functools.partial(states.set_data, wrong, {"a": 1})),
                *(functools.partial(states.get_data, wrong), functools.partial(states.update_data, wrong, {"a": 1})),
                functools.partial(states.delete_data, wrong),
            )
            for call in calls:
                with pytest.raises(BadArgument, match=r"^user_id is "):
                    await call()
        with pytest.raises(BadArgument, match=r"^chat_id is 1\.5"):
            await states.get_state(1, chat_id=1.5)
        with pytest.raises(BadArgument, match=r"^chat_id is "):
            await states.set_data(1, {"a": 1}, chat_id=object())

    async def test_ex_must_be_a_time(self, stage: StorageStage) -> None:
        """Greater than zero, in seconds or as a timedelta, and no joke."""
        states = stage.open_states()
        wrong: tuple[Any, ...] = (0, -1, 0.0, timedelta(0), timedelta(-1), "5", True, float("nan"), float("inf"), 1e12)
        for ex in wrong:
            with pytest.raises(BadArgument, match=r"^ex is "):
                await states.set_state(1, "A", ex=ex)
            with pytest.raises(BadArgument, match=r"^ex is "):
                await states.set_data(1, {"a": 1}, ex=ex)
            with pytest.raises(BadArgument, match=r"^ex is "):
                await states.update_data(1, {"a": 1}, ex=ex)
            with pytest.raises(BadArgument, match=r"^ex is "):
                stage.open_states(ex=ex)
        with pytest.raises(BadArgument, match=r"^sliding is True"):
            stage.open_states(sliding=True)
        assert await states.get_state(1) is None
        assert await states.get_data(1) is None

    async def test_what_cannot_be_stored_is_refused(self, stage: StorageStage) -> None:
        """The error leads to it; nothing was written, neither of it nor of what was beside it."""
        states = stage.open_states()
        await states.set_data(1, {"a": 1})
        for wrong in (object(), len, 1j, Strange("x"), Exception("x")):
            for write in (states.set_data, states.update_data):
                with pytest.raises(NotStorable, match=r'^data\["b"\]\[3\]: .* cannot be stored') as caught:
                    await write(1, {"a": 2, "b": [0, 1, 2, wrong]})
                assert isinstance(caught.value, TypeError)
        assert await states.get_data(1) == {"a": 1}

    async def test_what_contains_itself_is_refused(self, stage: StorageStage) -> None:
        """At once, and with a short error."""
        states = stage.open_states()
        loop: list[Any] = []
        loop.append(loop)
        with pytest.raises(NotStorable, match="contains itself"):
            await states.set_data(1, {"a": loop})

    async def test_keys_that_could_be_confused_are_refused(self, stage: StorageStage) -> None:
        """1, 1.0 and True are one key in Python, and three in a storage."""
        states = stage.open_states()
        for key in (True, 1.0, (1, 2.0), Strange("a"), frozenset({1})):
            with pytest.raises(NotStorable, match="a key of data"):
                await states.set_data(1, {key: 1})

    async def test_a_large_value(self, stage: StorageStage) -> None:
        """A megabyte is stored; ten are refused where there is a limit, with the limit in the error."""
        states, large = stage.open_states(), "x" * 1_000_000
        await states.set_data(1, {"a": large})
        assert await states.get_data(1) == {"a": large}
        if stage.harness.has_limit:
            with pytest.raises(NotStorable, match=r'^data\["b"\]: .* 10,000,002 bytes and the limit is '):
                await states.update_data(1, {"b": large * 10})
            assert await states.get_data(1) == {"a": large}

    async def test_closed_is_closed(self, stage: StorageStage) -> None:
        """Every method says so, and closing again is harmless."""
        states = stage.open_states()
        await states.set_state(1, "A")
        await states.close()
        await states.close()
        for call in (
            *(functools.partial(states.set_state, 1, "A"), functools.partial(states.get_state, 1)),
            *(functools.partial(states.delete_state, 1), functools.partial(states.set_data, 1, {"a": 1})),
            *(functools.partial(states.get_data, 1), functools.partial(states.update_data, 1, {"a": 1})),
            *(functools.partial(states.delete_data, 1), functools.partial(states.clear_data, 1)),
        ):
            with pytest.raises(StorageClosed, match="was closed"):
                await call()
