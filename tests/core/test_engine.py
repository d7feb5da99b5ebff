"""What the engine decides: who gets an update, who leaves, and who is told that it is not for them. No loop."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiostep_core.engine import Engine, Glance, Outcome
from aiostep_core.keys import MessageKey, Place, Scope
from aiostep_core.waits import WaitState
from tests.core.making import (
    ALICE,
    BOB,
    BOT,
    GROUP,
    OTHER_BOT,
    OTHER_GROUP,
    Desk,
    buttons,
    click,
    facts,
    message,
    photo,
    place,
)  # fmt: skip

CLICK = {"callback_query"}


def test_an_answer_is_claimed_once_and_the_next_update_is_not_lost() -> None:
    """One update, one wait: the second of two at once goes to the mailbox (promise 1; T01, T03, T04)."""
    desk = Desk()
    wait = desk.wait()

    first, second = desk.decide(message("a")), desk.decide(message("b"))

    assert (first.outcome, second.outcome) == (Outcome.CLAIMED, Outcome.KEPT)
    assert desk.ended == [wait]
    assert wait.delivery is first.delivery


@pytest.mark.parametrize(
    "details",
    [
        {"user_id": BOB},
        {"chat_id": OTHER_GROUP},
        {"chat_id": ALICE},
        {"bot_id": OTHER_BOT},
        {"business_id": "b"},
        {"user_id": None},
        {"is_own": True},
        {"kind": "edited_message", "is_edit": True},
        {"kind": "callback_query"},
    ],
)
def test_what_is_not_the_answer_passes(details: dict[str, Any]) -> None:
    """Another person, chat, bot or business, an own or an edited message: no answer (promise 4; T09, T12, T17)."""
    desk = Desk()
    wait = desk.wait()

    assert desk.arrive(message(**details)) is Outcome.PASS
    assert wait.state is WaitState.PENDING


def test_a_topic_is_a_place_of_its_own() -> None:
    """A wait in a topic is not answered in another topic, nor in none (promise 4; T12)."""
    desk = Desk()
    topic = place(Scope.USER_IN_TOPIC, thread_id=5)
    wait = desk.wait(desk.converse(topic))

    assert desk.arrive(message(thread_id=6)) is Outcome.PASS
    assert desk.arrive(message()) is Outcome.PASS
    assert desk.arrive(message(thread_id=5)) is Outcome.CLAIMED
    assert wait.state is WaitState.CLAIMED


def test_the_next_candidate_is_tried_when_a_filter_says_no() -> None:
    """A more specific wait whose filter rejects does not hide a less specific one (promise 4; T07)."""
    desk = Desk()
    narrow = desk.wait(filter=lambda _: False)
    wide = desk.wait(desk.converse(place(Scope.CHAT)))

    assert desk.arrive(message()) is Outcome.CLAIMED
    assert (narrow.state, wide.state) == (WaitState.PENDING, WaitState.CLAIMED)


def test_the_most_specific_wait_gets_the_update() -> None:
    """Of all waits that fit, the most specific place wins."""
    desk = Desk()
    scopes = [Scope.ANY, Scope.CHAT, Scope.GLOBAL_USER, Scope.USER_IN_CHAT]
    waits = {scope: desk.wait(desk.converse(place(scope))) for scope in scopes}
    waits[Scope.REPLY] = desk.wait(desk.converse(Place(Scope.REPLY, MessageKey(BOT, GROUP, 3))))

    desk.arrive(message(reply_to_id=3))
    assert [scope for scope, wait in waits.items() if wait.state is WaitState.CLAIMED] == [Scope.REPLY]


def test_a_filter_that_raises_leaves_the_wait_as_it_was() -> None:
    """An exception of a filter goes to whoever brought the update; the wait stays and gets the next one."""
    desk = Desk()
    wait = desk.wait(filter=lambda one: one.facts.text.isdigit())  # type: ignore[union-attr]

    with pytest.raises(AttributeError):
        desk.arrive(message(None))
    assert desk.arrive(message("5")) is Outcome.CLAIMED
    assert wait.state is WaitState.CLAIMED


def test_a_filter_is_asked_once() -> None:
    """A click that is found by its keyboard and by its person asks the filter of the wait once (T43)."""
    desk = Desk()
    asked: list[object] = []
    wait = desk.wait(kinds=CLICK, filter=asked.append)
    desk.engine.bind(wait, buttons())

    desk.arrive(click())
    assert len(asked) == 1


# Promise 2: nothing lost.


def test_two_waits_at_once_get_two_answers() -> None:
    """Two waits of one conversation, as gather() opens them, are answered in the order in which they were opened."""
    desk = Desk()
    conversation = desk.converse()
    waits = [desk.wait(conversation), desk.wait(conversation)]
    answers = [message("a"), message("b")]

    assert [desk.arrive(one) for one in answers] == [Outcome.CLAIMED] * 2
    assert [wait.delivery for wait in waits] == answers


def test_an_answer_that_nobody_took_is_first_in_the_mailbox_again() -> None:
    """When its handler was cancelled before it could take the answer, the next wait has it, before later ones (T22)."""
    desk = Desk()
    wait = desk.wait()
    first, second = message("a"), message("b")
    desk.arrive(first)
    desk.arrive(second)

    desk.engine.return_unread(wait)
    assert [desk.wait(wait.conversation).delivery, desk.wait(wait.conversation).delivery] == [first, second]


def test_an_answer_that_nobody_took_goes_on_when_its_conversation_has_ended() -> None:
    """Without a conversation to return to, the answer goes to ordinary handlers, once (T22)."""
    desk = Desk()
    wait = desk.wait()
    desk.arrive(answer := message())
    desk.finish(wait.conversation)

    assert desk.engine.return_unread(wait).leftovers == [answer]
    assert not desk.engine.return_unread(wait).leftovers


def test_an_album_that_nobody_took_is_no_answer() -> None:
    """The first part of an album that was put back is not absorbed when it is dispatched again (T08, T22)."""
    desk = Desk()
    wait = desk.wait()
    desk.arrive(part := photo())
    desk.finish(wait.conversation)

    desk.engine.return_unread(wait)
    assert desk.arrive(part) is Outcome.PASS


def test_a_fresh_wait_leaves_out_what_came_before() -> None:
    """fresh: the mailbox stays unread, and nothing answers before the prompt is out."""
    desk = Desk()
    conversation = desk.converse()
    desk.arrive(before := message("before"))
    wait = desk.wait(conversation, fresh=True, is_ready=False)

    on_its_way = desk.arrive(message("while sending"))
    desk.engine.bind(wait)
    after = desk.arrive(message("after"))

    assert (on_its_way, after) == (Outcome.KEPT, Outcome.CLAIMED)
    assert conversation.unread is not None
    assert conversation.unread[0] is before


# Promise 7: commands.


def test_a_command_passes_unless_it_is_asked_for() -> None:
    """A /command is no answer (promise 7; T15), except to a wait with commands="take"."""
    desk = Desk()
    wait = desk.wait()
    assert desk.arrive(message("/help")) is Outcome.PASS
    assert desk.arrive(message("/help@other_bot", command="help@other_bot")) is Outcome.PASS

    taking = desk.wait(takes_commands=True)
    assert desk.arrive(message("/help")) is Outcome.CLAIMED
    assert (wait.reason, taking.state) == ("replaced", WaitState.CLAIMED)


def test_a_command_for_a_busy_conversation_passes() -> None:
    """Between two waits a /command goes to its handler at once, not into the mailbox (T15)."""
    desk = Desk()
    desk.converse()

    assert desk.arrive(message("/help")) is Outcome.PASS


def test_a_service_message_passes_unless_a_filter_wants_it() -> None:
    """A pin or a new title is no answer and not kept either (T09), except for a wait whose filter says so."""
    desk = Desk()
    talk = desk.converse()
    pin = message(None, is_service=True)
    assert desk.arrive(pin) is Outcome.PASS

    desk.wait(talk)
    assert desk.arrive(message(None, is_service=True)) is Outcome.PASS

    desk.wait(takes_service=True, filter=lambda one: one.facts.is_service)
    assert desk.arrive(message(None, is_service=True)) is Outcome.CLAIMED


@pytest.mark.parametrize("text", ["/cancel", "/CANCEL", "Stop", "ОТМЕНА"])
def test_a_cancel_word_ends_the_conversation(text: str) -> None:
    """/cancel, or whatever the bot calls it in whatever case, ends the wait with reason "user" (promise 7; T15)."""
    desk = Desk(Engine(cancel_words=("/cancel", "stop", "отмена")))
    wait = desk.wait()

    assert desk.arrive(message(text)) is Outcome.CANCELLED
    assert (wait.state, wait.reason) == (WaitState.CANCELLED, "user")
    assert desk.arrive(message(text)) is Outcome.PASS


@pytest.mark.parametrize(
    "details",
    [
        {"user_id": BOB},
        {"chat_id": OTHER_GROUP},
        {"is_own": True},
        {"command": "cancel@other_bot"},
        {"command": "cancelled"},
        {"kind": "edited_message", "is_edit": True},
        {"user_id": None},
    ],
)
def test_somebody_elses_cancel_word_does_nothing(details: dict[str, Any]) -> None:
    """Another person, chat or bot cannot end the conversation, and neither can an edit (T09, T12)."""
    desk = Desk()
    wait = desk.wait()

    assert desk.arrive(message("/cancel", **details)) is Outcome.PASS
    assert wait.state is WaitState.PENDING


def test_a_question_may_refuse_to_be_cancelled() -> None:
    """With cancel=False the word goes to the bot's own handlers; a plain text is an answer then."""
    desk = Desk(Engine(cancel_words=("/cancel", "stop")))
    wait = desk.wait(is_cancellable=False)

    assert desk.arrive(message("/cancel")) is Outcome.PASS
    assert desk.arrive(message("stop")) is Outcome.CLAIMED
    assert wait.state is WaitState.CLAIMED


def test_a_busy_conversation_is_cancelled_too() -> None:
    """A cancel word between two waits ends the conversation; the next wait will say so."""
    desk = Desk()
    conversation = desk.converse()
    desk.arrive(kept := message())

    assert desk.arrive(message("/cancel")) is Outcome.CANCELLED
    assert (conversation.is_open, conversation.reason) == (False, "user")
    assert desk.leftovers == [kept]


def test_only_the_starter_cancels_a_shared_conversation() -> None:
    """Anybody may answer in a shared place, but only who began may end it; an anonymous post may not."""
    desk = Desk()
    desk.wait(desk.converse(place(Scope.CHAT), starter_id=ALICE))
    nobodys = desk.wait(desk.converse(place(Scope.CHAT, chat_id=OTHER_GROUP)))

    assert desk.arrive(message("/cancel", user_id=BOB)) is Outcome.PASS
    assert desk.arrive(message("/cancel", user_id=None, chat_id=OTHER_GROUP)) is Outcome.PASS
    assert desk.arrive(message("/cancel")) is Outcome.CANCELLED
    assert nobodys.state is WaitState.PENDING


def test_a_wait_for_buttons_is_cancelled_where_its_handler_is() -> None:
    """The starter's cancel word in the chat ends a wait for one message's buttons; other updates do not find it."""
    desk = Desk()
    conversation = desk.converse(buttons(), user_id=ALICE)
    desk.engine.waits.also(conversation, place())
    wait = desk.wait(conversation, kinds={"callback_query", "message"})

    assert desk.arrive(message("hi")) is Outcome.PASS
    assert desk.arrive(message("/cancel")) is Outcome.CANCELLED
    assert wait.reason == "user"


def test_a_cancel_word_elsewhere_does_not_end_a_wait_for_chatless_kinds() -> None:
    """A group's wait for a poll answer is not ended by /cancel in private, nor a topic's by one beside it (T12)."""
    desk = Desk()
    poll = desk.wait(kinds={"poll_answer"})
    topic = desk.wait(desk.converse(place(Scope.USER_IN_TOPIC, thread_id=5)), kinds=CLICK)

    assert desk.arrive(message("/cancel", chat_id=ALICE)) is Outcome.PASS
    assert desk.arrive(message("/cancel", thread_id=6)) is Outcome.CANCELLED  # the one in the whole group
    assert (poll.reason, topic.state) == ("user", WaitState.PENDING)


# Promise 4: clicks.


def test_another_persons_click_is_not_the_answer() -> None:
    """A click by somebody else on a personal keyboard is consumed as NOT_YOURS; the owner's is the answer (T13)."""
    desk = Desk()
    wait = desk.wait(kinds=CLICK)
    desk.engine.bind(wait, buttons())

    assert desk.arrive(click(user_id=BOB)) is Outcome.NOT_YOURS
    assert desk.arrive(click(on=8, user_id=BOB)) is Outcome.PASS
    assert wait.state is WaitState.PENDING
    assert desk.arrive(click()) is Outcome.CLAIMED


def test_everybody_may_click_a_shared_keyboard() -> None:
    """A keyboard of a chat-wide question belongs to the chat."""
    desk = Desk()
    wait = desk.wait(desk.converse(place(Scope.CHAT)), kinds=CLICK)
    desk.engine.bind(wait, buttons())

    assert desk.arrive(click(user_id=BOB)) is Outcome.CLAIMED


def test_two_people_may_wait_for_one_keyboard() -> None:
    """A click is somebody else's only if nobody who waits for that keyboard wants it (T07, T13)."""
    desk = Desk()
    desk.wait(desk.converse(buttons(), user_id=ALICE), kinds=CLICK)
    second = desk.wait(desk.converse(buttons(), user_id=BOB, on_conflict="queue"), kinds=CLICK)

    assert desk.arrive(click(user_id=BOB)) is Outcome.CLAIMED
    assert second.state is WaitState.CLAIMED
    assert desk.arrive(click(user_id=99)) is Outcome.NOT_YOURS


def test_a_keyboard_is_forgotten_with_its_conversation() -> None:
    """After the end a click on the old keyboard is nobody's any more (T14)."""
    desk = Desk()
    wait = desk.wait(kinds=CLICK)
    desk.engine.bind(wait, buttons())
    desk.end(wait.conversation)

    assert desk.arrive(click(user_id=BOB)) is Outcome.PASS
    assert desk.engine.waits.scopes == ()


def test_a_click_that_names_no_topic_finds_its_wait() -> None:
    """A click on a message that Telegram no longer shows names neither topic nor business (T12)."""
    desk = Desk()
    desk.wait(desk.converse(place(Scope.USER_IN_TOPIC, thread_id=5, business_id="b")), kinds=CLICK)

    assert desk.arrive(click(thread_id=6)) is Outcome.PASS
    assert desk.arrive(click(user_id=BOB, is_inaccessible=True)) is Outcome.PASS
    assert desk.arrive(click(is_inaccessible=True)) is Outcome.CLAIMED


def test_a_wait_for_buttons_is_not_answered_by_other_buttons() -> None:
    """Not even a click of the right person on a message that is no longer shown (T14)."""
    desk = Desk()
    conversation = desk.converse(buttons(), user_id=ALICE)
    desk.engine.waits.also(conversation, place())
    desk.wait(conversation, kinds=CLICK)

    assert desk.arrive(click(on=8, is_inaccessible=True)) is Outcome.PASS
    assert desk.arrive(click(on=7)) is Outcome.CLAIMED


@pytest.mark.parametrize("kind", ["poll_answer", "inline_query", "pre_checkout_query"])
def test_a_group_conversation_gets_kinds_that_name_no_chat(kind: str) -> None:
    """A poll answer names a person but no chat, and still reaches the person's conversation in a group (T12)."""
    desk = Desk()
    wait = desk.wait(kinds={kind})

    assert desk.arrive(message(None, kind=kind, chat_id=None, user_id=BOB)) is Outcome.PASS
    assert desk.arrive(message(None, kind=kind, chat_id=None)) is Outcome.CLAIMED
    assert wait.state is WaitState.CLAIMED


def test_a_private_message_never_answers_a_group_question() -> None:
    """Also while a wait is filed under its person for a kind without chat (promise 4; T12)."""
    desk = Desk()
    wait = desk.wait(kinds={"message", "poll_answer"})

    assert desk.arrive(message(chat_id=ALICE)) is Outcome.PASS
    assert wait.state is WaitState.PENDING


# Promise 11: albums.


def test_an_album_answers_once() -> None:
    """The other parts of an album that was an answer answer nothing else, and pass nobody (promise 11; T08)."""
    desk = Desk()
    conversation = desk.converse()
    first = desk.wait(conversation)
    desk.arrive(part := photo())
    second = desk.wait(conversation)

    assert [desk.arrive(photo()), desk.arrive(photo())] == [Outcome.ABSORBED] * 2
    assert desk.arrive(text := message()) is Outcome.CLAIMED
    assert [first.delivery, second.delivery] == [part, text]


def test_an_album_that_was_no_answer_passes_whole() -> None:
    """An album that nobody wanted goes to the other handlers, every part of it; so does that of another chat."""
    desk = Desk()
    desk.wait(filter=lambda one: one.facts.text is not None)
    assert [desk.arrive(photo()), desk.arrive(photo())] == [Outcome.PASS] * 2

    desk.wait()
    assert desk.arrive(photo()) is Outcome.CLAIMED
    assert desk.arrive(photo(chat_id=OTHER_GROUP)) is Outcome.PASS


# Promise 9: ends from outside.


def test_a_cancelled_conversation_ends_every_wait_once() -> None:
    """Cancelling ends each wait once, with its reason, and hands the mailbox back (promise 9; T22, T28)."""
    desk = Desk()
    conversation = desk.converse()
    desk.arrive(kept := message("/x", command=None))
    waits = [desk.wait(conversation, kinds=CLICK), desk.wait(conversation, kinds=CLICK)]

    desk.end(conversation, "banned")
    desk.end(conversation, "again")

    assert desk.ended == waits
    assert {wait.reason for wait in waits} == {"banned"}
    assert desk.leftovers == [kept]
    assert not desk.engine.waits


def test_end_all_ends_those_that_are_meant() -> None:
    """Ending many at once is safe while the registry changes, and counts them (T30)."""
    desk = Desk()
    waits = [desk.wait(desk.converse(place(user_id=user))) for user in range(1, 11)]

    count, changes = desk.engine.end_all(lambda one: (one.user_id or 0) % 2 == 0, "code")

    assert count == 5
    assert changes.ended == waits[1::2]
    assert len(desk.engine.waits) == 5


def test_what_child_tasks_wait_for_outlives_the_handler() -> None:
    """When the handler is done its conversation closes, unless somebody still waits in it."""
    desk = Desk()
    wait = desk.wait()

    desk.finish(wait.conversation)
    assert wait.conversation.is_orphan
    assert desk.arrive(message()) is Outcome.CLAIMED


def gone(how: str, leaver: int | None = ALICE, **details: Any) -> Any:
    return message(None, **{"kind": "my_chat_member", "gone": how, "leaver_id": leaver, "user_id": BOB} | details)


@pytest.mark.parametrize(
    ("event", "ended"),
    [
        (gone("left"), {"mine", "topic", "keyboard"}),
        (gone("left", BOB), {"bobs"}),
        (gone("left", None), {"mine", "topic", "keyboard", "bobs", "chat"}),
        (gone("migrated", None), {"mine", "topic", "keyboard", "bobs", "chat"}),
        (gone("blocked", chat_id=ALICE), {"private", "global"}),
        (gone("left", bot_id=OTHER_BOT), set()),
        (gone("left", chat_id=OTHER_GROUP), set()),
    ],
)
def test_who_is_gone_is_waited_for_no_longer(event: Any, ended: set[str]) -> None:
    """Blocked, left, migrated: the waits that can never be answered end with that reason, no others (T56)."""
    desk = Desk()
    homed = desk.converse(buttons(), user_id=ALICE)
    desk.engine.waits.also(homed, place())
    waits = {
        "mine": desk.wait(),
        "topic": desk.wait(desk.converse(place(Scope.USER_IN_TOPIC, thread_id=5))),
        "keyboard": desk.wait(homed, kinds=CLICK),
        "bobs": desk.wait(desk.converse(place(user_id=BOB))),
        "chat": desk.wait(desk.converse(place(Scope.CHAT))),
        "private": desk.wait(desk.converse(place(chat_id=ALICE))),
        "global": desk.wait(desk.converse(place(Scope.GLOBAL_USER)), kinds={"poll_answer"}),
    }

    assert desk.arrive(event) is Outcome.PASS
    assert {name for name, wait in waits.items() if wait.state is not WaitState.PENDING} == ended
    assert {waits[name].reason for name in ended} <= {event.facts.gone}


# What may be skipped.

people, chats = st.sampled_from([ALICE, BOB, None]), st.sampled_from([GROUP, ALICE, None])


@given(
    scope=st.sampled_from([one for one in Scope if one not in (Scope.BUTTONS, Scope.REPLY)]),
    kinds=st.sampled_from([{"message"}, {"poll_answer"}, CLICK]),
    user=people,
    chat=chats,
    thread=st.sampled_from([None, 5]),
)
def test_a_quick_no_is_certain(
    scope: Scope, kinds: set[str], user: int | None, chat: int | None, thread: int | None
) -> None:
    """may_concern() may say yes in vain, but an update to which it says no would have passed."""
    desk = Desk()
    desk.wait(desk.converse(place(scope, thread_id=5)), kinds=kinds)
    (kind,) = kinds
    made = message(None, kind=kind, user_id=user, chat_id=chat, thread_id=thread)
    about = kind == "callback_query"

    assert desk.engine.may_concern(made.facts.key, about) or desk.arrive(made) is Outcome.PASS
    assert not Engine().may_concern(made.facts.key, about)


@pytest.mark.parametrize(
    ("text", "details", "found"),
    [
        ("hi", {}, "wait"),
        ("hi", {"update_id": 5}, Glance.UNCLEAR),
        ("Stop", {}, Glance.UNCLEAR),
        ("hi", {"user_id": BOB}, Glance.NOBODY),
        ("hi", {"chat_id": OTHER_GROUP}, Glance.NOBODY),
        ("hi", {"bot_id": OTHER_BOT}, Glance.NOBODY),
    ],
)
def test_a_glance_finds_whose_answer_it_is(text: str, details: dict[str, Any], found: object) -> None:
    """A glance names the wait of a plain message, says that there is none, or leaves it to a closer look."""
    desk = Desk(Engine(cancel_words=("stop",)))
    wait = desk.wait(desk.converse(after=5))
    made = facts(text, **details)
    assert made.chat_id is not None
    assert made.update_id is not None

    seen = desk.engine.glance(made.bot_id, made.chat_id, made.user_id, None, made.update_id)
    seen = Glance.UNCLEAR if desk.engine.is_cancel_text(text) else seen
    assert seen is (wait if found == "wait" else found)


@pytest.mark.parametrize(
    "options", [{"filter": bool}, {"is_ready": False}, {"kinds": CLICK}, {"kinds": {"message", "poll_answer"}}]
)
def test_a_glance_is_not_enough_for_a_wait_that_chooses(options: dict[str, Any]) -> None:
    """With a filter, a prompt on its way, other kinds or further places a closer look is needed."""
    desk = Desk()
    desk.wait(**options)

    assert desk.engine.glance(BOT, GROUP, ALICE, None, 10**9) is Glance.UNCLEAR


@pytest.mark.parametrize(
    ("scope", "user", "is_stranger"),
    [
        (Scope.USER_IN_CHAT, BOB, True),
        (Scope.USER_IN_CHAT, ALICE, False),
        (Scope.GLOBAL_USER, BOB, False),
        (Scope.REPLY, BOB, False),
    ],
)
def test_a_stranger_is_known_at_once(scope: Scope, user: int, is_stranger: bool) -> None:
    """Who has no wait is told apart by one look while all wait in the usual scope; else nothing is said."""
    desk = Desk()
    assert not desk.engine.is_stranger(BOT, GROUP, BOB)  # an engine in which nobody waits is not asked
    desk.wait(desk.converse(Place(scope, MessageKey(BOT, GROUP, 7)) if scope is Scope.REPLY else place(scope)))

    assert desk.engine.is_stranger(BOT, GROUP, user) is is_stranger


def test_nobody_is_a_stranger_while_a_filter_thinks() -> None:
    """Updates queue behind an asynchronous filter, so while one runs nobody is waved through."""
    desk = Desk()
    desk.wait()
    desk.engine.lanes.hold(place(Scope.USER_IN_CHAT, user_id=BOB))

    assert not desk.engine.is_stranger(BOT, GROUP, BOB)


def test_an_engine_is_named_by_what_it_holds() -> None:
    """An engine says how many conversations are open."""
    desk = Desk()
    desk.wait()

    assert repr(desk.engine) == "<Engine with 1 conversations>"
