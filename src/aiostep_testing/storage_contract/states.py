"""States: set, read, deleted; for a user, or for a user in each chat."""

from __future__ import annotations

from enum import Enum
from typing import Any

from aiostep_core.named import step

from .stage import StorageStage
from .suite import StorageSuite

__all__ = ["States"]


class Step(Enum):
    """States of a bot."""

    NAME = "n"
    AGE = "a"


@step("aiostep-contract.back")
async def go_back(update: Any) -> None:
    """Stand for the handler of the step before."""


async def plain(update: Any) -> None:
    """Stand for a handler that is no step."""


class States(StorageSuite):
    """States and their callbacks."""

    async def test_a_state_that_was_set_is_there(self, stage: StorageStage) -> None:
        """A state has the name that was set; who names no chat means the one with the user."""
        states = stage.open_states()
        await states.set_state(1, "STEP")
        found = await states.get_state(1)
        assert (found.current_state, found.callback, found.chat_id) == ("STEP", None, 1)

    async def test_no_state_is_the_default(self, stage: StorageStage) -> None:
        """None, or whatever the caller names."""
        states, default = stage.open_states(), object()
        assert await states.get_state(1) is None
        assert await states.get_state(1, default) is default
        assert await states.get_state(user_id=1, default="x") == "x"

    async def test_states_by_keyword(self, stage: StorageStage) -> None:
        """The names of the arguments are part of the contract."""
        states = stage.open_states()
        await states.set_state(user_id=1, state="A", callback=None, chat_id=5, ex=100)
        assert (await states.get_state(user_id=1, chat_id=5)).current_state == "A"
        assert (await states.delete_state(user_id=1, chat_id=5)).current_state == "A"

    async def test_a_new_state_takes_the_place_of_the_old(self, stage: StorageStage) -> None:
        """Nothing of the old one is left, its callback neither."""
        states = stage.open_states()
        await states.set_state(1, "A", callback=go_back, chat_id=5)
        await states.set_state(1, "B")
        found = await states.get_state(1)
        assert (found.current_state, found.callback, found.chat_id) == ("B", None, 1)

    async def test_a_member_of_an_enum_keeps_its_name(self, stage: StorageStage) -> None:
        """The name is what is stored, not the value."""
        states = stage.open_states()
        await states.set_state(1, Step.AGE)
        assert (await states.get_state(1)).current_state == "AGE"

    async def test_every_text_is_a_state(self, stage: StorageStage) -> None:
        """Also an empty one, one with separators, and one that is hardly text."""
        states = stage.open_states()
        for text in ("", "a:b", "\n", "\0", "\ud83d", "日本", "x" * 10_000):
            await states.set_state(1, text)
            assert (await states.get_state(1)).current_state == text

    async def test_deleting_tells_what_was_there(self, stage: StorageStage) -> None:
        """The state, once; then the default."""
        states = stage.open_states()
        await states.set_state(1, "A")
        assert (await states.delete_state(1)).current_state == "A"
        assert await states.delete_state(1) is None
        assert await states.delete_state(1, "none") == "none"
        assert await states.get_state(1) is None

    async def test_users_are_apart(self, stage: StorageStage) -> None:
        """Nobody sees another user's state, whatever the ids look like."""
        states = stage.open_states()
        users = (1, 11, -1, 2**60, "a", "a:b", "a:", ":a", "-", "", "\\", "a\nb", "é")
        for user in users:
            await states.set_state(user, f"state of {user!r}")
        for user in users:
            assert (await states.get_state(user)).current_state == f"state of {user!r}"

    async def test_a_user_has_one_state(self, stage: StorageStage) -> None:
        """The chat is noted; who asks for another chat's state finds none."""
        states = stage.open_states()
        await states.set_state(1, "A", chat_id=-100)
        assert (await states.get_state(1)).chat_id == -100
        assert (await states.get_state(1, chat_id=-100)).current_state == "A"
        assert await states.get_state(1, chat_id=-200) is None
        assert await states.get_state(1, "x", chat_id=1) == "x"
        await states.set_state(1, "B", chat_id=-200)
        assert await states.get_state(1, chat_id=-100) is None
        assert (await states.get_state(1)).current_state == "B"

    async def test_deleting_the_state_of_a_chat(self, stage: StorageStage) -> None:
        """Only one that was set there is deleted."""
        states = stage.open_states()
        await states.set_state(1, "A", chat_id=-100)
        assert await states.delete_state(1, chat_id=-200) is None
        assert (await states.delete_state(1, chat_id=-100)).current_state == "A"
        await states.set_state(1, "A", chat_id=-100)
        assert (await states.delete_state(1)).chat_id == -100

    async def test_a_state_in_each_chat(self, stage: StorageStage) -> None:
        """With per_chat a user has one in each; without a chat it is the one with the user."""
        states = stage.open_states(per_chat=True)
        assert states.per_chat
        await states.set_state(1, "A", chat_id=-100)
        await states.set_state(1, "B", chat_id=-200)
        await states.set_state(1, "C")
        assert [(await states.get_state(1, chat_id=chat)).current_state for chat in (-100, -200, 1)] == ["A", "B", "C"]
        assert (await states.get_state(1)).current_state == "C"
        assert (await states.delete_state(1)).current_state == "C"
        assert (await states.get_state(1, chat_id=-100)).current_state == "A"

    async def test_a_chat_may_be_a_text(self, stage: StorageStage) -> None:
        """Ids come back as the type they had."""
        states = stage.open_states()
        await states.set_state("alice", "A", chat_id="@channel")
        assert (await states.get_state("alice")).chat_id == "@channel"
        await states.set_state(1, "A", chat_id="5")
        assert (await states.get_state(1)).chat_id == "5"

    async def test_a_step_comes_back_as_the_function(self, stage: StorageStage) -> None:
        """A callback that is a step is the function itself again."""
        states = stage.open_states()
        await states.set_state(1, "A", callback=go_back)
        assert (await states.get_state(1)).callback is go_back
        assert (await states.delete_state(1)).callback is go_back

    async def test_a_function_without_a_name_comes_back_as_its_name(self, stage: StorageStage) -> None:
        """Any other comes back as what Python calls it; in memory as itself."""
        states = stage.open_states()
        await states.set_state(1, "A", callback=plain)
        assert (await states.get_state(1)).callback == (plain if stage.harness.keeps_functions else "plain")

    async def test_states_and_data_are_apart(self, stage: StorageStage) -> None:
        """Deleting the one leaves the other."""
        states = stage.open_states()
        await states.set_state(1, "A")
        await states.set_data(1, {"a": 1})
        await states.delete_state(1)
        assert await states.get_data(1) == {"a": 1}
        await states.set_state(1, "B")
        await states.delete_data(1)
        assert (await states.get_state(1)).current_state == "B"

    async def test_one_of_many_gets_what_is_deleted(self, stage: StorageStage) -> None:
        """Of many who delete a state exactly one is told what it was."""
        states = stage.open_states()
        await states.set_state(1, "A")
        told = await stage.together(*[lambda: states.delete_state(1)] * 16)
        assert [one.current_state for one in told if one is not None] == ["A"]
