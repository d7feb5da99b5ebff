"""The waiter registry: the claim automaton, conflict policies, mailboxes and the fence. No loop, no clock."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from aiostep_core.errors import AlreadyWaiting, BadArgument
from aiostep_core.facts import Delivery
from aiostep_core.keys import Key, Place, Scope
from aiostep_core.waits import FENCE, QUEUE, TRANSITIONS, UNREAD, Conversation, Registry, Signal, Wait, WaitState
from tests.core.making import ALICE, BOB, BOT, GROUP, Desk, buttons, click, facts, message, photo, place

ENDED = [state for state in WaitState if state is not WaitState.PENDING]


def in_state(state: WaitState) -> Wait:
    """Bring a wait into *state*."""
    wait = Desk().wait()
    for signal, after in TRANSITIONS[WaitState.PENDING].items():
        if after is state:
            assert wait.take(signal)
    return wait


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("state", WaitState)
def test_every_signal_in_every_state(state: WaitState, signal: Signal) -> None:
    """A signal changes a pending wait once and an ended one never: whoever is second gets False (T03, T04, T06)."""
    wait = in_state(state)
    expected = TRANSITIONS[state].get(signal)
    before = (wait.delivery, wait.reason)

    assert wait.take(signal, delivery=message(), reason="code") is (expected is not None)
    assert wait.state is (expected or state)
    assert expected is not None or (wait.delivery, wait.reason) == before


def test_the_automaton_has_one_beginning_and_three_ends() -> None:
    """PENDING leads to each of the other states by one signal; nothing leads out of those."""
    assert set(TRANSITIONS) == set(WaitState)
    assert sorted(TRANSITIONS[WaitState.PENDING].values(), key=str) == sorted(ENDED, key=str)
    assert all(not TRANSITIONS[state] for state in ENDED)


@pytest.mark.parametrize("signal", Signal)
def test_an_ended_wait_is_no_candidate(signal: Signal) -> None:
    """Whatever ended a wait, the next update is not its answer: it goes to the open mailbox (T04, T06)."""
    wait = Desk().wait()
    wait.take(signal)

    assert wait.conversation.waits == ()
    assert not wait.conversation.is_waiting
    assert not wait.admits(facts(), 0.0)


def test_replace_returns_the_rival_and_reject_leaves_all_as_it_was() -> None:
    """The default policy names whom it replaces; "reject" and a policy nobody knows change nothing (T20)."""
    registry, first, second = Registry(), Conversation(place()), Conversation(place())
    assert registry.open(first) == ()
    assert registry.open(second) == (first,)

    with pytest.raises(AlreadyWaiting) as caught:
        registry.open(Conversation(place()), "reject")
    with pytest.raises(BadArgument, match='^on_conflict is \'perhaps\'; expected "replace", "queue" or "reject"$'):
        registry.open(Conversation(place()), "perhaps")
    assert caught.value.key == place().key
    assert registry.at(place()) == (first, second)
    assert len(registry) == 2


def test_a_queue_is_first_in_first_out() -> None:
    """With "queue" the oldest conversation is asked first, and the next when that one is gone."""
    desk = Desk()
    first = desk.wait(desk.converse())
    second = desk.wait(desk.converse(on_conflict="queue"))
    answers = [message("one"), message("two")]

    desk.arrive(answers[0])
    desk.finish(first.conversation)
    desk.arrive(answers[1])

    assert [first.delivery, second.delivery] == answers


def test_a_queue_is_bounded_but_a_replacement_ends_it() -> None:
    """A queue that is full refuses another; replacing all of them is still possible."""
    desk = Desk()
    queued = [desk.wait(desk.converse(on_conflict="queue")) for _ in range(QUEUE)]

    with pytest.raises(AlreadyWaiting, match="100 more are queued"):
        desk.converse(on_conflict="queue")
    desk.converse()
    assert [wait.reason for wait in queued] == ["replaced"] * QUEUE
    assert len(desk.engine.waits) == 1


def test_a_message_that_is_taken_is_named_in_the_error() -> None:
    """Also a wait for one message's buttons is named by its chat when it is in the way."""
    registry = Registry()
    registry.open(Conversation(buttons(), user_id=ALICE))

    with pytest.raises(AlreadyWaiting, match=f"chat {GROUP}, user {ALICE} of bot {BOT}"):
        registry.open(Conversation(buttons()), "reject")


def test_a_stale_removal_leaves_the_newer_conversation_alone() -> None:
    """Closing a replaced conversation, also twice, removes it by identity and never by key (T21)."""
    desk = Desk()
    old = desk.wait()
    new = desk.wait()

    desk.finish(old.conversation)
    desk.end(old.conversation)
    desk.arrive(answer := message())

    assert (old.state, old.reason) == (WaitState.CANCELLED, "replaced")
    assert new.delivery is answer
    assert desk.engine.waits.at(place()) == (new.conversation,)


def test_a_closed_registry_is_empty() -> None:
    """When all conversations are closed no place, scope or count is left."""
    registry = Registry()
    first, second = Conversation(place()), Conversation(buttons())
    for one in (first, second):
        registry.open(one)
        registry.also(one, place(Scope.GLOBAL_USER))
        registry.also(one, place(Scope.GLOBAL_USER))
    assert list(registry) == [first, second]
    assert len(registry.at(place(Scope.GLOBAL_USER))) == 2

    for one in registry:
        registry.close(one)

    assert not registry
    assert registry.scopes == ()
    assert list(registry) == []


def test_who_reads_while_others_write_reads_on() -> None:
    """Going through the conversations of a bot with threads allocates, which may let another thread open one."""
    registry = Registry()
    for number in range(5_000):  # more tuples than the interpreter keeps at hand
        registry.open(Conversation(Place(Scope.GLOBAL_USER, Key(BOT, user_id=number))))
    numbers = iter(range(10_000, 99_000))

    def another_thread(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            registry.open(Conversation(Place(Scope.GLOBAL_USER, Key(BOT, user_id=next(numbers)))))

    before = gc.get_threshold()
    gc.callbacks.append(another_thread)
    gc.set_threshold(1)
    try:
        seen = list(registry)
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(another_thread)

    assert len(registry) > 5_000
    assert len({one.place for one in seen}) >= 5_000


def test_a_closed_conversation_is_filed_nowhere_again() -> None:
    """A keyboard that is bound after the end of its conversation leaves nothing behind (T22)."""
    registry, one = Registry(), Conversation(place())
    registry.open(one)
    registry.close(one)

    registry.also(one, buttons())
    assert registry.scopes == ()


def test_what_arrives_between_two_waits_is_read_in_order() -> None:
    """Three answers in one breath answer three questions; nothing passes, nothing is left (T01)."""
    desk = Desk()
    conversation = desk.converse()
    answers = [message(text) for text in ("one", "two", "three")]
    first = desk.wait(conversation)

    outcomes = [desk.arrive(one).name for one in answers]
    second, third = desk.wait(conversation), desk.wait(conversation)
    desk.finish(conversation)

    assert outcomes == ["CLAIMED", "KEPT", "KEPT"]
    assert [first.delivery, second.delivery, third.delivery] == answers
    assert desk.leftovers == []


def test_a_mailbox_is_bounded_by_what_is_unread() -> None:
    """Beyond 32 unread updates pass and are counted; what was read makes room again (T31)."""
    desk = Desk()
    conversation = desk.converse()

    outcomes = [desk.arrive(message()).name for _ in range(UNREAD + 2)]
    desk.wait(conversation)
    again = desk.arrive(message()).name

    assert outcomes == ["KEPT"] * UNREAD + ["PASS"] * 2
    assert conversation.overflow == 2
    assert again == "KEPT"


def test_many_read_updates_never_fill_a_mailbox() -> None:
    """A conversation that reads what it gets goes on for ever (T31)."""
    desk = Desk()
    conversation = desk.converse()

    for _ in range(10 * UNREAD):
        desk.arrive(sent := message())
        assert desk.wait(conversation).delivery is sent
    assert conversation.overflow == 0


def test_a_selective_wait_looks_behind_what_it_does_not_want() -> None:
    """A wait takes the first fitting update of a mailbox, wherever it stands; the others keep their order (T32)."""
    desk = Desk()
    conversation = desk.converse()
    arrived = [message("a"), message("b"), message("c")]
    for one in arrived:
        desk.arrive(one)

    picky = desk.wait(conversation, filter=lambda one: one.facts.text == "b")

    assert picky.delivery is arrived[1]
    assert conversation.unread == [arrived[0], arrived[2]]


def test_leftovers_are_handed_back_in_order() -> None:
    """What nobody read goes to ordinary handlers when the handler is done, in order of arrival (T01)."""
    desk = Desk()
    conversation = desk.converse()
    arrived = [message(text) for text in "abc"]
    for one in arrived:
        desk.arrive(one)

    desk.finish(conversation)
    desk.finish(conversation)
    assert desk.leftovers == arrived


def test_an_album_in_a_mailbox_is_one_answer() -> None:
    """Parts of an album that are kept answer one wait together; the next wait gets what follows (T08)."""
    desk = Desk()
    conversation = desk.converse()
    parts, text = [photo(), photo(), photo()], message("and this")
    for one in (*parts, text):
        desk.arrive(one)

    first, second = desk.wait(conversation), desk.wait(conversation)

    assert [first.delivery, second.delivery] == [parts[0], text]
    assert conversation.unread == []


@pytest.mark.parametrize(
    ("made", "kept"),
    [
        (message("hi"), True),
        (message("hi", kind="channel_post"), True),
        (message("/help"), False),
        (message("hi", is_own=True), False),
        (message("hi", kind="edited_message", is_edit=True), False),
        (click(), False),
    ],
)
def test_a_mailbox_keeps_only_what_may_be_an_answer(made: Delivery, kept: bool) -> None:
    """Commands, the bot's own messages, edits and kinds never waited for pass by a busy conversation (T09, T15)."""
    desk = Desk()
    desk.converse()

    assert desk.arrive(made).name == ("KEPT" if kept else "PASS")


def test_a_mailbox_keeps_kinds_that_were_waited_for() -> None:
    """Once a conversation has waited for clicks, a click in between is kept for it (T01)."""
    desk = Desk()
    wait = desk.wait(kinds={"callback_query"})
    desk.arrive(click())

    assert desk.arrive(second := click()).name == "KEPT"
    assert desk.wait(wait.conversation, kinds={"callback_query"}).delivery is second


def test_a_conversation_with_everybody_keeps_nothing() -> None:
    """A conversation of scope ANY has no mailbox: it would hold up the whole bot."""
    desk = Desk()
    desk.converse(place(Scope.ANY))

    assert desk.arrive(message()).name == "PASS"


@pytest.mark.parametrize(
    ("update_id", "at", "open_to"),
    [
        (99, 0.0, False),
        (100, 0.0, False),
        (101, 0.0, True),
        (None, 0.0, True),
        (100, FENCE - 1, False),
        (5, FENCE, True),
    ],
)
def test_a_wait_is_fenced_by_the_update_that_led_to_it(update_id: int | None, at: float, open_to: bool) -> None:
    """Nothing as old as the entry update is an answer or is kept; after 24 hours ids prove nothing (T10)."""
    desk = Desk()
    wait = desk.wait(desk.converse(after=100))
    busy = desk.converse(place(user_id=BOB), after=100)
    desk.now = at

    assert wait.admits(facts(update_id=update_id), desk.now) is open_to
    assert busy.keeps(facts(update_id=update_id, user_id=BOB), desk.now) is open_to


def test_the_fence_is_as_old_as_the_conversation() -> None:
    """A later question of an old conversation is not fenced anew: ids may have restarted in a quiet week."""
    desk = Desk()
    conversation = desk.converse(after=1_000_000)
    desk.now = FENCE * 8
    desk.wait(conversation).take(Signal.CANCEL)
    second = desk.wait(conversation)

    assert desk.arrive(message(update_id=17)).name == "CLAIMED"
    assert second.state is WaitState.CLAIMED


def test_a_redelivered_entry_never_answers_its_own_question() -> None:
    """The entry update, delivered once more, passes a waiting and a busy conversation (T10)."""
    desk = Desk()
    entry = message("order please")
    wait = desk.wait(desk.converse(after=entry.facts.update_id))

    assert desk.arrive(entry).name == "PASS"
    assert wait.state is WaitState.PENDING


@pytest.mark.parametrize(
    ("at", "found_at", "details", "is_mine"),
    [
        (place(), place(), {}, True),
        (place(Scope.CHAT), place(Scope.CHAT), {"user_id": BOB}, True),
        (place(thread_id=5, scope=Scope.USER_IN_TOPIC), place(), {}, False),
        (place(thread_id=5, scope=Scope.USER_IN_TOPIC), place(), {"is_inaccessible": True}, True),
        (place(), place(Scope.GLOBAL_USER), {}, False),
        (place(), place(Scope.GLOBAL_USER), {"chat_id": None}, True),
        (buttons(), place(), {"is_inaccessible": True}, False),
        (buttons("abc", None), place(Scope.GLOBAL_USER), {"chat_id": None}, False),
    ],
)
def test_a_further_place_counts_only_for_its_reason(
    at: Place, found_at: Place, details: dict[str, Any], is_mine: bool
) -> None:
    """Filed under further places, a conversation wants only what cannot name its own (T12, T14)."""
    key = at.key
    one = Conversation(at, user_id=ALICE if not isinstance(key, Key) else key.user_id)

    assert one.concerns(found_at, facts(**details)) is is_mine
