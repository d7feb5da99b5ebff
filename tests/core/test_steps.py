"""The next-step table: one step per place, expiry without a clock, and nothing that grows."""

from __future__ import annotations

from typing import Any

import pytest

from aiostep_core.keys import Place, Scope
from aiostep_core.steps import Step, StepTable
from aiostep_core.waits import FENCE
from tests.core.making import BOB, click, facts, place


async def answer(update: object) -> None:
    """Do nothing."""


def step(at: Place | None = None, **details: Any) -> Step:
    return Step(place=at if at is not None else place(), fn=answer, **details)


def test_a_place_has_one_step_and_the_newest_wins() -> None:
    """A newer step takes the place of the older, which is handed back."""
    table, old, new = StepTable(), step(), step()

    assert table.put(old, 0.0) is None
    assert table.put(new, 0.0) is old
    assert table.get(place(), 0.0) is new
    assert len(table) == 1
    assert new.number > old.number


def test_a_step_is_taken_once_and_by_identity() -> None:
    """Of two that try, one gets the step; a stale one removes nothing (promise 1; T03, T21)."""
    table, old, new = StepTable(), step(), step()
    table.put(old, 0.0)
    table.put(new, 0.0)

    assert [table.take(old), table.take(new), table.take(new)] == [False, True, False]
    assert len(table) == len(table.scopes) == 0


def test_a_step_whose_time_is_up_is_gone() -> None:
    """At its deadline a step is no longer there, whether or not anybody looked (T25, T27)."""
    table = StepTable()
    for user in range(1, 6):
        table.put(step(place(user_id=user), expires_at=10.0 * user), 0.0)

    assert table.get(place(user_id=1), 9.9) is not None
    assert table.get(place(user_id=1), 10.0) is None
    assert [one.place for one in table.expire(30.0)] == [place(user_id=2), place(user_id=3)]
    assert len(table) == 2


def test_a_step_that_was_replaced_does_not_expire_the_newer_one() -> None:
    """The deadline of an older step at the same place does not touch the newer (T21)."""
    table = StepTable()
    table.put(step(expires_at=10.0), 0.0)
    table.put(new := step(), 5.0)

    assert table.expire(20.0) == []
    assert table.get(place(), 20.0) is new


def test_a_step_is_given_back_unless_a_newer_one_is_there() -> None:
    """A step that did not run returns to its place, but never over a newer one and never after its time (T16)."""
    table, taken = StepTable(), step(expires_at=10.0)
    table.put(taken, 0.0)
    table.take(taken)

    assert table.give_back(taken, 5.0)
    assert table.get(place(), 5.0) is taken
    table.take(taken)
    assert not table.give_back(taken, 10.0)
    table.put(newer := step(), 5.0)
    assert not table.give_back(taken, 6.0)
    assert table.get(place(), 6.0) is newer


def test_an_expired_step_does_not_keep_another_from_returning() -> None:
    """A newer step whose time is up is no reason to lose the older one."""
    table, taken = StepTable(), step()
    table.put(taken, 0.0)
    table.take(taken)
    table.put(step(expires_at=1.0), 0.0)

    assert table.give_back(taken, 2.0)


def test_somebody_who_answers_for_ever_does_not_make_the_table_grow() -> None:
    """Registering and answering for ever keeps the table and its expiry bounded (T27)."""
    table = StepTable()
    for number in range(2000):
        table.put(one := step(expires_at=1e9), float(number))
        table.take(one)

    assert len(table) == 0
    assert len(table._expiry) <= 70


def test_a_step_given_back_for_ever_does_not_make_the_table_grow() -> None:
    """A step that is taken and given back for ever keeps the table and its expiry bounded (T27)."""
    table, one = StepTable(), step(expires_at=1e9)
    table.put(one, 0.0)
    for number in range(2000):
        table.take(one)
        assert table.give_back(one, float(number))

    assert len(table) == 1
    assert len(table._expiry) <= 70
    assert table.expire(1e9) == [one]


def test_the_table_knows_its_scopes() -> None:
    """With nothing registered for a scope an update need not be looked at there."""
    table = StepTable()
    table.put(first := step(), 0.0)
    table.put(second := step(place(user_id=BOB)), 0.0)
    table.put(step(place(Scope.CHAT)), 0.0)
    assert set(table.scopes) == {Scope.USER_IN_CHAT, Scope.CHAT}

    table.take(first)
    table.take(second)
    assert tuple(table.scopes) == (Scope.CHAT,)
    assert place(Scope.CHAT) in table
    assert table.clear() == 1
    assert len(table) == len(table.scopes) == len(table._expiry) == 0


@pytest.mark.parametrize(
    ("made", "at", "runs"),
    [
        (facts(update_id=101), 0.0, True),
        (facts(update_id=100), 0.0, False),
        (facts(update_id=100), FENCE, True),
        (facts("/help", update_id=101), 0.0, False),
        (facts(update_id=101, is_own=True), 0.0, False),
        (facts(update_id=101, kind="edited_message"), 0.0, False),
        (click(update_id=101).facts, 0.0, False),
    ],
)
def test_what_runs_a_step(made: Any, at: float, runs: bool) -> None:
    """A step is run by a newer message of a person: no command, no edit, nothing of the bot's own (T09, T10, T15)."""
    assert step(after=100).admits(made, at) is runs


def test_a_step_is_named_for_people() -> None:
    """A step goes by its function's name, and a callable object by its class."""

    class Call:
        def __call__(self) -> None: ...

    assert step().name == "answer"
    assert Step(place=place(), fn=Call()).name.endswith("Call")
