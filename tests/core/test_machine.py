"""The engine, its mailboxes, lanes and steps against a naive model, in whatever order things may happen.

After every step: each update is in exactly one place, and the model agrees who has it. In the end nothing is left.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from aiostep_core import waits as waits_module
from aiostep_core.engine import Changes, Decision, Engine, Glance, Outcome
from aiostep_core.facts import Delivery, Facts
from aiostep_core.keys import Key, MessageKey, Place, Scope, project
from aiostep_core.stepping import Stepping
from aiostep_core.steps import Step
from aiostep_core.storages import MemorySteps
from aiostep_core.waits import Conversation, Signal, Wait, WaitState
from tests.core.making import ALICE, BOB, BOT, GROUP
from tests.core.model import ORDER, AStep, ATalk, AWait, Filing, Model, Update

pytestmark = pytest.mark.timeout(1800)  # HYPOTHESIS_PROFILE=long takes minutes

ROOM = 3  # small, so that mailboxes overflow
KINDS = ["message", "callback_query", "poll_answer"]
STATES = {"claimed": WaitState.CLAIMED, "timed out": WaitState.TIMED_OUT, "cancelled": WaitState.CANCELLED}
PARTS = {
    "user_in_topic": ("chat", "user", "thread"),
    "user_in_chat": ("chat", "user"),
    "global_user": ("user",),
    "chat": ("chat",),
    "any": (),
}
MORE = st.fixed_dictionaries(
    {
        "value": st.integers(0, 3),
        "command": st.sampled_from([None] * 8 + ["help", "cancel"]),
        "album": st.sampled_from([None, None, None, "a", "b"]),
        "is_lost": st.sampled_from([False, False, True]),
    }
)
ACTIONS: list[tuple[int, str, Any, dict[str, Any]]] = []


def action(weight: int, when: Callable[[Conversations], object] = lambda _: True, **draws: Any) -> Any:
    """Let a method be chosen, as often as *weight* says: the rules of Hypothesis are equals, and most end things."""

    def register(method: Any) -> Any:
        ACTIONS.append((weight, method.__name__, when, draws))
        return method

    return register


class Later:
    """What a slow filter gives; whoever awaits it is sent the answer."""

    def __await__(self) -> Any:
        return (yield self)


@dataclass(eq=False)
class Thought:
    """A slow filter that has yet to answer: about an arriving update, an unread one, or one for a step."""

    about: Update
    decision: Decision | None = None
    wait: AWait | None = None
    asked: tuple[Any, ...] = ()
    taking: Coroutine[Any, Any, Step | None] | None = None
    step: AStep | None = None


class Conversations(RuleBasedStateMachine):
    """Opens, feeds, filters, ends and forgets, and compares."""

    @initialize()
    def begin(self) -> None:
        self._room, waits_module.UNREAD = waits_module.UNREAD, ROOM  # type: ignore[misc]
        self.engine = Engine()
        self.model = Model(ROOM)
        bench: Any = SimpleNamespace(engine=self.engine, now=lambda: self.model.now, filtering=self)
        self.stepping = Stepping(bench, MemorySteps())
        self.updates: list[Update] = []
        self.deliveries: dict[Update, Delivery] = {}
        self.ids: list[int] = []
        self.talks: dict[ATalk, Conversation] = {}
        self.waits: dict[AWait, Wait] = {}
        self.steps: dict[AStep, Step] = {}
        self.ended: list[Wait] = []
        self.passed: list[Update] = []
        self.gone: list[Update] = []  # absorbed, a cancel word, not yours, parts of an album that was read
        self.taken: list[tuple[AWait, Update]] = []
        self.held: list[Update] = []
        self.thoughts: list[Thought] = []
        self.to_dispatch: list[Update] = []
        self.to_take: list[Update] = []
        self.closed: list[list[Update]] = []

    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        """Let something happen."""
        able = [one for one in ACTIONS if one[2](self)]
        name = data.draw(st.sampled_from([name for weight, name, _, _ in able for _ in range(weight)]), "action")
        ((method, draws),) = [(getattr(self, name), draws) for _, one, _, draws in able if one == name]
        given = {label: data.draw(strategy, label) for label, strategy in draws.items()}
        if "data" in inspect.signature(method).parameters:
            given["data"] = data
        method(**given)

    # What people do.

    @action(
        weight=4,
        kind=st.sampled_from(["message", "message", "message", "callback_query", "poll_answer"]),
        user=st.sampled_from([ALICE, ALICE, BOB]),
        is_private=st.booleans(),
        thread=st.sampled_from([None, None, 5]),
        message=st.sampled_from([7, 8]),
        more=MORE,
    )
    def arrive(
        self, kind: str, user: int, is_private: bool, thread: int | None, message: int, more: dict[str, Any]
    ) -> None:
        """Somebody writes, clicks or votes."""
        chat = None if kind == "poll_answer" else user if is_private else GROUP
        self.feed(kind, user, chat, thread if chat == GROUP else None, message, more)

    @action(
        weight=12,
        when=lambda self: self.model.talks,
        times=st.integers(1, 4),
        user=st.sampled_from([ALICE, BOB]),
        more=MORE,
    )
    def answer(self, data: st.DataObject, times: int, user: int, more: dict[str, Any]) -> None:
        """Somebody does what a conversation may be waiting for, one or several times."""
        talk = data.draw(st.sampled_from(self.model.talks))
        parts = talk.filings[0].parts
        kinds = sorted({kind for wait in talk.waits for kind in wait.kinds} or talk.kinds or {"message"})
        user = talk.user if talk.user is not None else user
        for _ in range(times):
            kind = data.draw(st.sampled_from(kinds))
            chat = None if kind == "poll_answer" else parts.get("chat", GROUP)
            self.feed(kind, user, chat, parts.get("thread"), parts.get("message", 7), more)

    def feed(
        self, kind: str, user: int, chat: int | None, thread: int | None, message: int | None, more: dict[str, Any]
    ) -> None:
        is_message, is_click = kind == "message", kind == "callback_query"
        is_lost = more["is_lost"] and is_click
        update = Update(
            number=len(self.updates),
            id=len(self.updates) + 1,
            kind=kind,
            user=user,
            chat=chat,
            thread=thread if chat is not None and not is_lost else None,
            message=message if is_click else None,
            value=more["value"],
            command=more["command"] if is_message else None,
            album=more["album"] if is_message and more["command"] is None else None,
            is_lost=is_lost,
        )
        facts = Facts(
            bot_id=BOT,
            kind=kind,
            update_id=update.id,
            chat_id=chat,
            user_id=user,
            thread_id=update.thread,
            message_id=update.message,
            media_group_id=update.album,
            command=update.command,
            is_inaccessible=is_lost,
            text=str(update.value),
        )
        self.updates.append(update)
        self.deliveries[update] = Delivery(facts, update)
        assert self.engine.updates.add(BOT, update.id)
        self.dispatch(update)
        self.go_on()

    @action(weight=1, when=lambda self: self.updates)
    def arrive_again(self, data: st.DataObject) -> None:
        """Telegram delivers an update once more."""
        assert not self.engine.updates.add(BOT, data.draw(st.sampled_from(self.updates)).id)

    @action(weight=1, leaver=st.sampled_from([ALICE, BOB, None]), how=st.sampled_from(["left", "blocked"]))
    def leave(self, leaver: int | None, how: str) -> None:
        """Somebody leaves the group or blocks the bot, or the group is lost."""
        chat = leaver if how == "blocked" and leaver is not None else GROUP
        how = "left" if leaver is None else how
        facts = Facts(bot_id=BOT, kind="my_chat_member", chat_id=chat, user_id=BOB, gone=how, leaver_id=leaver)
        if self.engine.lanes:  # it might be held, and that is not what is looked at here
            return
        decision = self.engine.decide(Delivery(facts, None), self.model.now)
        assert decision.outcome is Outcome.PASS
        leaving = [talk for talk in self.model.talks if self.is_gone(talk, leaver, chat, how)]
        self.end_in_model(leaving)
        self.perform(decision.changes)
        self.go_on()

    def is_gone(self, talk: ATalk, leaver: int | None, chat: int, how: str) -> bool:
        own = talk.filings[0]
        where = own.parts.get("chat")
        is_here = where == chat or (where is None and how == "blocked")
        return is_here and leaver in (None, talk.user)

    # What handlers do.

    @action(
        weight=4,
        scope=st.sampled_from([*PARTS, "buttons"]),
        user=st.sampled_from([ALICE, BOB]),
        is_private=st.booleans(),
        thread=st.sampled_from([None, 5]),
        message=st.sampled_from([7, 8]),
        policy=st.sampled_from(["replace", "queue", "reject"]),
        is_fenced=st.booleans(),
    )
    def open(self, scope: str, user: int, is_private: bool, thread: int | None, **more: Any) -> None:
        """A handler begins a conversation."""
        chat = user if is_private else GROUP
        here: dict[str, Any] = {"chat": chat, "user": user, "thread": thread if chat == GROUP else None}
        place, parts = self.place(scope, here, more["message"])
        is_personal = "user" in parts or scope == "buttons"
        rivals = [one for one in self.model.talks if (one.scope, one.filings[0].parts) == (scope, parts)]
        if rivals and more["policy"] == "reject":
            return
        talk = ATalk(
            scope=scope,
            user=user if is_personal else None,
            starter=user,
            after=len(self.updates) if more["is_fenced"] else None,
            opened_at=self.model.now,
            filings=[Filing(self.model.tick(), scope, parts, "own")],
            kinds=set() if scope == "buttons" else {"message"},
        )
        real = Conversation(
            place, user_id=talk.user, starter_id=user, after=talk.after, opened_at=self.model.now
        )  # fmt: skip
        self.talks[talk] = real
        self.model.talks.append(talk)
        if parts.get("thread") is not None:
            self.file(talk, "user_in_chat", {"chat": chat, "user": user}, "lost")
        if more["policy"] == "replace":
            self.end_in_model(rivals)
        self.perform(self.engine.open(real, more["policy"]))
        if scope == "buttons":
            self.file(talk, "user_in_chat", {"chat": chat, "user": user}, "home")
            self.engine.waits.also(real, Place(Scope.USER_IN_CHAT, Key(BOT, chat, user)))
        self.go_on()

    def place(self, scope: str, here: dict[str, Any], message: int) -> tuple[Place, dict[str, Any]]:
        if scope == "buttons":
            return (
                Place(Scope.BUTTONS, MessageKey(BOT, here["chat"], message)),
                {"chat": here["chat"], "message": message},
            )
        key = Key(BOT, here["chat"], here["user"], here["thread"])
        return Place(Scope(scope), project(Scope(scope), key)), {name: here[name] for name in PARTS[scope]}

    def file(self, talk: ATalk, scope: str, parts: dict[str, Any], why: str) -> None:
        if all((one.scope, one.parts) != (scope, parts) for one in talk.filings):
            talk.filings.append(Filing(self.model.tick(), scope, parts, why))

    @action(
        weight=12,
        when=lambda self: self.model.talks,
        kinds=st.sets(st.sampled_from(KINDS), min_size=1),
        filter=st.sampled_from([None, None, None, "even", "odd", "slow", "slow"]),
        takes_commands=st.booleans(),
        is_cancellable=st.sampled_from([True, True, False]),
        is_fresh=st.sampled_from([False, False, False, True]),
        timeout=st.sampled_from([None, None, 5.0, 60.0]),
    )
    def wait(self, data: st.DataObject, kinds: set[str], filter: str | None, is_fresh: bool, **more: Any) -> None:
        """A conversation waits."""
        talk = data.draw(st.sampled_from(self.model.talks))
        deadline = None if more["timeout"] is None else self.model.now + more["timeout"]
        wait = AWait(
            talk, kinds, filter, more["takes_commands"], more["is_cancellable"], True, is_fresh, deadline
        )  # fmt: skip
        real = Wait(
            self.talks[talk],
            kinds=frozenset(kinds),
            filter=self.filter_of(wait.filter),
            takes_commands=wait.takes_commands,
            is_cancellable=wait.is_cancellable,
            is_ready=not is_fresh,
            opened_at=self.model.now,
            timeout=more["timeout"],
        )
        wait.is_ready = not is_fresh
        self.waits[wait] = real
        talk.waits.append(wait)
        talk.kinds |= kinds
        if kinds & {"poll_answer"} and "user" in talk.filings[0].parts and talk.scope != "global_user":
            self.file(talk, "global_user", {"user": talk.user}, "chatless")
        decision = self.engine.ask(real, self.model.now, fresh=is_fresh)
        if not is_fresh:
            self.read(wait, decision, ())
        else:
            assert decision is None
        self.go_on()

    def read(self, wait: AWait, decision: Decision | None, asked: tuple[Update, ...]) -> None:
        word, update = self.model.read(wait, asked)
        assert (decision.outcome.name if decision is not None else "WAITS") == word
        if decision is None:
            return
        assert decision.delivery is self.deliveries[update]
        if word == "FILTERING":
            self.thoughts.append(Thought(update, decision, wait, (*asked, update)))
            return
        self.claim(wait, update)
        self.perform(decision.changes)

    @action(
        weight=4,
        when=lambda self: any(not one.is_ready for one in self.pending()),
        has_keyboard=st.booleans(),
        message=st.sampled_from([7, 8]),
    )
    def prompt_is_out(self, data: st.DataObject, has_keyboard: bool, message: int) -> None:
        """The prompt of a wait has been sent, maybe with a keyboard of its own."""
        wait = data.draw(st.sampled_from([one for one in self.pending() if not one.is_ready]))
        wait.is_ready = True
        keyboard = Place(Scope.BUTTONS, MessageKey(BOT, GROUP, message)) if has_keyboard else None
        if has_keyboard:
            self.file(wait.talk, "buttons", {"chat": GROUP, "message": message}, "keyboard")
        self.engine.bind(self.waits[wait], keyboard)

    @action(weight=1, when=lambda self: self.model.talks)
    def handler_ends(self, data: st.DataObject) -> None:
        """The handler that holds a conversation returns."""
        talk = data.draw(st.sampled_from(self.model.talks))
        if talk.waits:
            talk.is_orphan = True
            left = []
        else:
            left = self.model.close(talk)
        self.hand_back(left, self.engine.finish(self.talks[talk]))
        self.go_on()

    @action(
        weight=4,
        when=lambda self: any(one.state == "claimed" and one.answer for one in self.waits),
        is_cancelled=st.booleans(),
    )
    def handler_wakes(self, data: st.DataObject, is_cancelled: bool) -> None:
        """A handler takes its answer, or is cancelled before it could."""
        wait = data.draw(st.sampled_from([one for one in self.waits if one.state == "claimed" and one.answer]))
        update, wait.answer = wait.answer, None
        assert update is not None
        assert self.waits[wait].delivery is self.deliveries[update]
        if not is_cancelled:
            self.waits[wait].delivery = None
            self.taken.append((wait, update))
            return
        self.model.forget_album(update)
        changes = self.engine.return_unread(self.waits[wait])
        if wait.talk.is_open:
            newer = [one for one in wait.talk.unread if one.id > update.id]
            wait.talk.unread.insert(wait.talk.unread.index(newer[0]) if newer else len(wait.talk.unread), update)
            self.hand_back([], changes)
        else:
            self.hand_back([update], changes)
        self.go_on()

    # What ends waits.

    @action(weight=1, when=lambda self: self.model.talks)
    def cancel(self, data: st.DataObject) -> None:
        """Code ends a conversation."""
        talk = data.draw(st.sampled_from(self.model.talks))
        self.end_in_model([talk])
        self.perform(self.engine.end(self.talks[talk], "code"))
        self.go_on()

    @action(weight=1, when=lambda self: self.pending())
    def task_is_cancelled(self, data: st.DataObject) -> None:
        """The task that waits is cancelled."""
        wait = data.draw(st.sampled_from(self.pending()))
        self.model.end(wait, "cancelled")
        assert self.waits[wait].take(Signal.CANCEL)
        self.perform(Changes(ended=[self.waits[wait]]))
        self.go_on()

    @action(weight=2, seconds=st.sampled_from([1.0, 1.0, 5.0, 60.0, 301.0, 86400.0]))
    def time_passes(self, seconds: float) -> None:
        """Timers fire."""
        self.model.now += seconds
        self.model.expire_steps()
        for wait in self.pending():
            if wait.deadline is not None and wait.deadline <= self.model.now:
                self.model.end(wait, "timed out")
                assert self.waits[wait].take(Signal.DEADLINE)
                self.perform(Changes(ended=[self.waits[wait]]))
        self.go_on()

    # Filters.

    @action(weight=5, when=lambda self: self.thoughts, accepted=st.booleans())
    def filter_answers(self, data: st.DataObject, accepted: bool) -> None:
        """A slow filter has thought enough."""
        thought = data.draw(st.sampled_from(self.thoughts))
        self.thoughts.remove(thought)
        if thought.taking is not None:
            self.go_on_taking(thought, accepted)
        elif thought.wait is not None:
            self.go_on_reading(thought, accepted)
        else:
            self.go_on_offering(thought, accepted)
        self.go_on()

    def go_on_offering(self, thought: Thought, accepted: bool) -> None:
        update, wait, last = thought.about, thought.asked[-1], thought.decision
        assert last is not None
        if accepted and self.model.admits(wait, update):
            expected: tuple[str, Any] = ("CLAIMED", wait)
        else:
            expected = self.model.offer(update, thought.asked)
        decision = self.engine.resume(last, accepted, self.model.now)
        self.settle(update, expected, decision, thought.asked)
        if decision.outcome is not Outcome.FILTERING:
            assert last.lane is not None
            self.release(last.lane)

    def go_on_reading(self, thought: Thought, accepted: bool) -> None:
        update, wait, last = thought.about, thought.wait, thought.decision
        assert last is not None
        assert wait is not None
        decision = self.engine.resume_reading(last, accepted, self.model.now)
        if accepted and update in wait.talk.unread and self.model.admits(wait, update):
            assert decision is not None
            assert decision.outcome is Outcome.CLAIMED
            self.claim(wait, update)
            self.perform(decision.changes)
        else:
            self.read(wait, decision, thought.asked)
        if decision is None or decision.outcome is not Outcome.FILTERING:
            self.release(last.lane)

    def go_on_taking(self, thought: Thought, accepted: bool) -> None:
        update, step = thought.about, thought.step
        assert thought.taking is not None
        assert step is not None
        # The storage's own `take` decides: a step that was replaced, dropped or run meanwhile is not run again.
        is_there = step in self.model.steps
        scopes = [one for one in thought.asked if ORDER.index(one) > ORDER.index(step.scope)]
        self.take(update, thought.taking, accepted, scopes, step if accepted and is_there else None)

    # Steps.

    @action(
        weight=2,
        scope=st.sampled_from(["user_in_topic", "user_in_chat", "global_user", "chat"]),
        user=st.sampled_from([ALICE, BOB]),
        filter=st.sampled_from([None, None, "even", "slow"]),
        timeout=st.sampled_from([None, None, 5.0]),
        is_fenced=st.booleans(),
    )
    def register(self, scope: str, user: int, filter: str | None, timeout: float | None, is_fenced: bool) -> None:
        """A handler registers a step."""
        now = self.model.now
        place, parts = self.place(scope, {"chat": GROUP, "user": user, "thread": None}, 0)
        step = AStep(
            scope,
            parts,
            filter,
            len(self.updates) if is_fenced else None,
            now,
            None if timeout is None else now + timeout,
        )
        self.model.steps = [one for one in self.model.steps if (one.scope, one.parts) != (scope, parts)]
        self.model.steps.append(step)
        self.steps[step] = Step(
            place=place,
            fn=self.register,
            filter=self.filter_of(filter),
            after=step.after,
            opened_at=now,
            expires_at=step.expires_at,
        )
        finished(self.stepping.storage.put(self.steps[step], now))

    @action(weight=1, when=lambda self: self.model.steps)
    def unregister(self, data: st.DataObject) -> None:
        """A handler drops a step."""
        step = data.draw(st.sampled_from(self.model.steps))
        self.model.steps.remove(step)
        assert finished(self.stepping.storage.take(self.steps[step]))

    # The bench.

    def dispatch(self, update: Update) -> None:
        """Do with an update what an adapter does."""
        found = self.glance(update)
        if isinstance(found, Wait) and update.number % 2:
            expected = self.model.decide(update)
            assert (expected[0], self.waits[expected[1]]) == ("CLAIMED", found)
            assert found.take(Signal.ANSWER, delivery=self.deliveries[update])
            self.claim(expected[1], update)
            self.perform(Changes([found]))
            return
        decision = self.engine.decide(self.deliveries[update], self.model.now)
        assert found is not Glance.NOBODY or decision.outcome is Outcome.PASS
        assert not isinstance(found, Wait) or decision.wait is found
        if decision.outcome is Outcome.HELD:
            assert decision.held is not None
            assert self.thoughts
            decision.held.future = update
            self.held.append(update)
            return
        # Whoever is thought about must not be overtaken by the same person in the same chat.
        about = [one.about for one in self.thoughts if one.wait is None and one.taking is None]
        assert all((one.user, one.chat) != (update.user, update.chat) or one.chat is None for one in about)
        self.settle(update, self.model.decide(update), decision, ())

    def glance(self, update: Update) -> Wait | Glance:
        """Look at a plain message as adapters do, who need not look closer if that tells whose it is."""
        is_plain = update.kind == "message" and update.command is None and update.album is None
        if not is_plain or update.chat is None:
            return Glance.UNCLEAR
        if update.user is not None and self.engine.is_stranger(BOT, update.chat, update.user):
            return Glance.NOBODY
        found = self.engine.glance(BOT, update.chat, update.user, update.thread, update.id)
        return Glance.UNCLEAR if self.engine.is_cancel_text(str(update.value)) else found

    def settle(self, update: Update, expected: tuple[str, Any], decision: Decision, asked: tuple[Any, ...]) -> None:
        """Compare with the model, and do what is left to do."""
        word, whom = expected
        assert decision.outcome.name == word, (decision, expected, update)
        if word == "FILTERING":
            assert decision.wait is self.waits[whom]
            self.thoughts.append(Thought(update, decision, asked=(*asked, whom)))
        elif word == "CLAIMED":
            assert decision.wait is self.waits[whom]
            self.claim(whom, update)
        elif word == "KEPT":
            whom.unread.append(update)
        elif word == "PASS":
            assert not decision.changes.ended
            self.to_take.append(update)
        else:
            self.gone.append(update)
            if word == "CANCELLED":
                self.end_in_model(whom)
        self.perform(decision.changes)

    def take(
        self,
        update: Update,
        taking: Coroutine[Any, Any, Step | None],
        answer: bool | None,
        scopes: list[str] | None,
        mine: AStep | None,
    ) -> None:
        """Let the update run a step; the coroutine is stepped by hand."""
        if update.command == "cancel":
            personal = [one for one in self.model.steps if "user" in one.parts]
            for step in personal:
                if self.model.fits(step.scope, step.parts, update):
                    self.model.steps.remove(step)
        scopes = self.model.step_scopes() if scopes is None else scopes
        expected = mine if mine is not None else self.model.step_for(update, scopes)
        try:
            taking.send(answer)
        except StopIteration as result:
            assert result.value is (self.steps[expected] if expected is not None else None)
            if expected is None:
                self.passed.append(update)
                return
            self.model.steps.remove(expected)
            self.model.note_album(update)
            self.gone.append(update)
        else:
            assert expected is not None
            assert expected.filter == "slow"
            self.thoughts.append(Thought(update, taking=taking, asked=tuple(scopes), step=expected))

    def claim(self, wait: AWait, update: Update) -> None:
        before = list(wait.talk.unread)
        self.model.claim(wait, update)
        self.gone += [one for one in before if one is not update and one not in wait.talk.unread]
        assert self.waits[wait].delivery is self.deliveries[update]

    def release(self, lane: Any) -> None:
        """Decide about those who queued, in order."""
        for held in self.engine.release(lane) if lane is not None else ():
            self.held.remove(held.future)
            self.dispatch(held.future)

    def end_in_model(self, talks: list[ATalk]) -> None:
        for talk in list(talks):
            for wait in list(talk.waits):
                self.model.end(wait, "cancelled")
            self.hand_over(self.model.close(talk))

    def hand_over(self, left: list[Update]) -> None:
        self.to_dispatch += left
        self.closed.append(left)

    def hand_back(self, left: list[Update], changes: Changes) -> None:
        self.hand_over(left)
        self.perform(changes)

    def perform(self, changes: Changes) -> None:
        """Wake who ended, and note what is to be dispatched again: the model noted it before."""
        self.ended += changes.ended
        left = [one.update for one in changes.leftovers]
        assert sorted(one.number for one in left) == sorted(one.number for mailbox in self.closed for one in mailbox)
        # Those of one conversation keep their order; among several that end at once there is none.
        for mailbox in self.closed:
            assert [one for one in left if one in mailbox] == mailbox
        if left:
            self.to_dispatch[-len(left) :] = left
        self.closed.clear()
        for wait in changes.ended:
            conversation = wait.conversation
            if conversation.is_orphan and not conversation.waits and conversation.is_open:
                talk = next(one for one, real in self.talks.items() if real is conversation)
                self.hand_over(self.model.close(talk))
                self.perform(Changes(leftovers=self.engine.waits.close(conversation)))

    def go_on(self) -> None:
        """Let those that pass run their steps, and dispatch again what was handed back, oldest first."""
        while self.to_take or self.to_dispatch:
            if self.to_take:
                update = self.to_take.pop(0)
                self.take(update, self.stepping.take(self.deliveries[update]), None, None, None)
            else:
                self.dispatch(self.to_dispatch.pop(0))

    def pending(self) -> list[AWait]:
        return [wait for wait in self.waits if wait.state == "pending"]

    def filter_of(self, name: str | None) -> Any:
        if name is None:
            return None
        if name == "slow":
            return lambda delivery: Later()
        return lambda delivery: delivery.update.value % 2 == (1 if name == "odd" else 0)

    # What must be so, whatever happened.

    @invariant()
    def every_update_is_in_one_place(self) -> None:
        """Nothing is lost and nothing is consumed twice."""
        places = [*self.passed, *self.gone, *self.held, *self.to_dispatch]
        places += [update for _, update in self.taken]
        places += [one.about for one in self.thoughts if one.wait is None]
        places += [wait.delivery.update for wait in self.waits.values() if wait.delivery is not None]
        places += [one.update for real in self.talks.values() for one in real.unread or ()]
        assert sorted(one.number for one in places) == list(range(len(self.updates)))

    @invariant()
    def the_model_agrees(self) -> None:
        """Every mailbox, wait and step is as the model has it."""
        for talk, real in self.talks.items():
            assert real.is_open is talk.is_open
            assert [one.update for one in real.unread or ()] == talk.unread
            assert len(talk.unread) <= ROOM + len(self.waits)
        for wait, real_wait in self.waits.items():
            assert real_wait.state is STATES.get(wait.state, WaitState.PENDING)
        assert set(self.engine.waits) == {self.talks[one] for one in self.model.talks}
        assert len(self.engine.waits) == len(self.model.talks)
        steps = finished(self.stepping.storage.steps(self.model.now))
        assert set(steps) == {self.steps[one] for one in self.model.steps}

    @invariant()
    def every_wait_ends_once(self) -> None:
        """A wait that is over was woken exactly once, one that is not over never."""
        over = [real for wait, real in self.waits.items() if wait.state != "pending"]
        assert len(self.ended) == len(over)
        assert set(self.ended) == set(over)

    @invariant()
    def answers_are_in_order(self) -> None:
        """Waits of one conversation that take any message get them in order of arrival."""
        plain = [(wait, one) for wait, one in self.taken if wait.filter is None and not wait.is_fresh]
        for talk in self.talks:
            mine = [(wait, one) for wait, one in plain if wait.talk is talk and wait.kinds == {"message"}]
            order = [wait for wait in self.ended if any(wait is self.waits[one] for one, _ in mine)]
            mine.sort(key=lambda pair: order.index(self.waits[pair[0]]))
            assert [one.id for _, one in mine] == sorted(one.id for _, one in mine)

    def teardown(self) -> None:
        """When all handlers have ended nothing is left but the steps that have yet to run."""
        if not hasattr(self, "engine"):
            return
        try:
            while self.thoughts or self.model.talks:
                if self.thoughts:
                    self.drain()
                for talk in list(self.model.talks):
                    self.end_in_model([talk])
                    self.perform(self.engine.end(self.talks[talk], "shutdown"))
                self.go_on()
            self.every_update_is_in_one_place()
            self.the_model_agrees()
            self.every_wait_ends_once()
            assert (self.engine.waits.index, self.engine.lanes.held, self.held) == ({}, {}, [])
            assert not self.engine.waits
        finally:
            waits_module.UNREAD = self._room  # type: ignore[misc]

    def drain(self) -> None:
        thought = self.thoughts.pop(0)
        if thought.taking is not None:
            self.go_on_taking(thought, False)
        elif thought.wait is not None:
            self.go_on_reading(thought, False)
        else:
            self.go_on_offering(thought, False)
        self.go_on()


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run what must not await anything."""
    try:
        coroutine.send(None)
    except StopIteration as result:
        return result.value
    raise AssertionError("a storage in memory awaited something")


TestConversations = Conversations.TestCase
# Explaining a failure takes longer than finding and shrinking it.
TestConversations.settings = settings(phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink])
