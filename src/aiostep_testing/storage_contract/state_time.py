"""States and data that end by themselves."""

from __future__ import annotations

from datetime import timedelta

from .stage import StorageStage
from .suite import StorageSuite

__all__ = ["StateTime"]

SHORT, LONG = 0.05, 600.0


class StateTime(StorageSuite):
    """``ex``, of the storage and of a call."""

    async def test_what_was_set_with_a_time_ends(self, stage: StorageStage) -> None:
        """In seconds or as a timedelta; what has none stays."""
        states = stage.open_states()
        await states.set_state(1, "A", ex=SHORT)
        await states.set_data(1, {"a": 1}, ex=timedelta(seconds=SHORT))
        await states.update_data(1, {"b": 1}, chat_id=5, ex=SHORT)
        await states.set_state(2, "B")
        await states.set_data(2, {"a": 2}, ex=LONG)
        await stage.pass_time(2 * SHORT)
        assert await states.get_state(1) is None
        assert await states.delete_state(1) is None
        assert await states.get_data(1) is None
        assert await states.get_data(1, chat_id=5) is None
        assert await states.delete_data(1) is None
        assert (await states.get_state(2)).current_state == "B"
        assert await states.get_data(2) == {"a": 2}

    async def test_the_third_argument_of_data_is_the_time(self, stage: StorageStage) -> None:
        """As the original has it."""
        states = stage.open_states()
        await states.set_data(1, {"a": 1}, SHORT)
        await states.update_data(2, {"a": 1}, SHORT)
        await stage.pass_time(2 * SHORT)
        assert await states.get_data(1) is None
        assert await states.get_data(2) is None

    async def test_the_time_of_the_storage(self, stage: StorageStage) -> None:
        """It holds for what is set without one, and a call may name another."""
        states = stage.open_states(ex=SHORT)
        await states.set_state(1, "A")
        await states.set_data(1, {"a": 1})
        await states.update_data(2, {"a": 1})
        await states.set_state(3, "C", ex=LONG)
        await stage.pass_time(2 * SHORT)
        assert await states.get_state(1) is None
        assert await states.get_data(1) is None
        assert await states.get_data(2) is None
        assert (await states.get_state(3)).current_state == "C"

    async def test_setting_anew_begins_the_time_anew(self, stage: StorageStage) -> None:
        """Without a time nothing is left of the one before."""
        states = stage.open_states()
        await states.set_state(1, "A", ex=SHORT)
        await states.set_state(1, "B")
        await states.set_data(1, {"a": 1}, ex=SHORT)
        await states.set_data(1, {"a": 2})
        await stage.pass_time(2 * SHORT)
        assert (await states.get_state(1)).current_state == "B"
        assert await states.get_data(1) == {"a": 2}

    async def test_updating_keeps_the_time(self, stage: StorageStage) -> None:
        """An update without a time leaves the one there is; with one it begins anew."""
        states = stage.open_states()
        await states.set_data(1, {"a": 1}, ex=SHORT)
        await states.update_data(1, {"b": 1})
        await states.set_data(2, {"a": 1}, ex=SHORT)
        await states.update_data(2, {"b": 1}, ex=LONG)
        await stage.pass_time(2 * SHORT)
        assert await states.get_data(1) is None
        assert await states.get_data(2) == {"a": 1, "b": 1}

    async def test_updating_begins_the_time_of_the_storage_anew(self, stage: StorageStage) -> None:
        """Data that are in use do not end."""
        states, other = stage.open_states(ex=LONG), stage.open_states(ex=LONG)
        await states.set_data(1, {"a": 1}, ex=SHORT)
        await states.update_data(1, {"b": 1})
        await stage.pass_time(2 * SHORT)
        assert await states.get_data(1) == {"a": 1, "b": 1}
        assert await other.get_data(2) is None

    async def test_a_sliding_time_begins_again_when_read(self, stage: StorageStage) -> None:
        """Whatever is read stays for the storage's time from then on; without sliding, reading changes nothing."""
        sliding, fixed = stage.open_states(ex=LONG, sliding=True), stage.open_states(ex=LONG)
        for states in (sliding, fixed):
            user = 1 if states is sliding else 2
            await states.set_state(user, "A", ex=0.6)
            await states.set_data(user, {"a": 1}, ex=0.6)
            await states.get_state(user)
            await states.get_data(user)
        await stage.pass_time(0.8)
        assert (await sliding.get_state(1)).current_state == "A"
        assert await sliding.get_data(1) == {"a": 1}
        assert await fixed.get_state(2) is None
        assert await fixed.get_data(2) is None

    async def test_what_ended_leaves_nothing(self, stage: StorageStage) -> None:
        """Data that begin again know nothing of the old ones."""
        states = stage.open_states()
        await states.set_data(1, {"a": 1}, ex=SHORT)
        await stage.pass_time(2 * SHORT)
        assert await states.update_data(1, {"b": 2}) == {"b": 2}
