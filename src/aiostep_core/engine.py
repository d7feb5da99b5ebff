"""What happens with an update, and with those who wait for one. Pure: it decides and says what is left to do.

Whoever calls must *perform* what a ``Decision`` or ``Changes`` says, at once and without awaiting in between: wake
whoever sleeps in a wait that ended, and dispatch every leftover again, in order. ``runtime.py`` does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from .decisions import NOTHING
from .decisions import Changes as Changes
from .decisions import Decision as Decision
from .decisions import Glance as Glance
from .decisions import Outcome as Outcome
from .facts import Delivery, Facts
from .keyboards import Keyboards, is_stale
from .keys import ABOUT_MESSAGE, Key, Place, Scope, personal, places_of, project
from .lanes import Held, Lane, Lanes
from .recent import RecentAlbums, RecentUpdates
from .texts import Texts
from .waits import Conversation, Registry, Signal, Wait

if TYPE_CHECKING:
    from .reports import Exit
    from .runtime import Runtime

__all__ = ["CANCEL_WORDS", "Changes", "Decision", "Engine", "Glance", "Outcome"]

#: What a person writes to leave a conversation. With a slash: a command; without: the whole text of a message.
CANCEL_WORDS = ("/cancel",)


_NOBODY: Final = frozenset[object]()


# Looking a member up in its enumeration takes as long as three look-ups in a dictionary, until Python 3.12.
_NO_ONE: Final = Glance.NOBODY
_UNCLEAR: Final = Glance.UNCLEAR
_USER_IN_CHAT: Final = Scope.USER_IN_CHAT


class Engine:
    """The state of all conversations, and every decision about it; what ``install`` returns.

    Args:
        cancel_words: what a person writes to leave; an empty collection switches it off.
        texts: what is said to people.

    Attributes:
        runtime: who performs the decisions; it puts itself here.
    """

    runtime: Runtime

    def __init__(self, *, cancel_words: Collection[str] = CANCEL_WORDS, texts: Texts | None = None) -> None:
        self.texts = texts if texts is not None else Texts()
        self.waits = Registry()
        self.lanes = Lanes()
        self.albums = RecentAlbums()
        self.updates = RecentUpdates()
        # The tokens of the questions that are open, and what somebody else who clicks there is told.
        self.buttons: dict[str, str] = {}
        self.keyboards = Keyboards()
        self._cancel_words = frozenset(word.casefold() for word in cancel_words)
        self._cancel_texts = frozenset(word for word in self._cancel_words if not word.startswith("/"))

    # For those who installed it.

    def cancel(
        self, target: Any = None, *, user: int | None = None, chat: int | None = None, reason: str = "code"
    ) -> int:
        """End the conversations with *target*, *user* or in *chat*; see ``aiostep.cancel``."""
        return self.runtime.cancel(target, user=user, chat=chat, reason=reason)

    def cancel_all(self, reason: str = "code") -> int:
        """End every conversation; return how many those were."""
        return self.runtime.end_all(lambda _: True, reason)

    def on_exit(self, callback: Callable[[Exit], Any]) -> Callable[[Exit], Any]:
        """Have *callback*, plain or async, called when a conversation has ended; usable as a decorator."""
        self.runtime.on_exit.append(callback)
        return callback

    def has_cancel_words(self, words: Collection[str]) -> bool:
        """Tell whether these are the words that a person leaves with."""
        return self._cancel_words == {word.casefold() for word in words}

    def uninstall(self) -> None:
        """Take the engine out of everything it was installed on; its waits end with reason "code"."""
        self.runtime.uninstall()

    def __repr__(self) -> str:
        return f"<Engine with {len(self.waits)} conversations>"

    # An update arrives.

    @property
    def signs_of_life(self) -> tuple[Collection[object], ...]:
        """The collections that are all empty while every update would be passed on.

        They stay the same ones, so an adapter can ask them itself, at a fifth of the cost, about every update.
        """
        return self.waits.index, self.albums.seen, self.lanes.held

    @property
    def is_idle(self) -> bool:
        """Whether every update would be passed on."""
        return not any(self.signs_of_life)

    def may_concern(self, key: Key, about_message: bool) -> bool:
        """Tell quickly whether an update that reports no loss can be anything but PASS. False is certain."""
        if self.lanes.held or (about_message and self.albums.seen):
            return True
        for scope, keys in self.waits.index.items():
            if about_message if scope in ABOUT_MESSAGE else project(scope, key) in keys:
                return True
        return False

    def is_stranger(self, bot_id: int, chat_id: int, user_id: int) -> bool:
        """Tell at once whether nobody waits for a text of this person. True is certain, replies included."""
        people = self.waits.people
        if not people or len(self.waits.index) != 1 or self.lanes.held:
            return False
        # A tuple is equal to the key with these parts, and made in a fifth of the time.
        return (bot_id, chat_id, user_id, None, None) not in people

    def glance(
        self, bot_id: int, chat_id: int, user_id: int | None, thread_id: int | None, update_id: int
    ) -> Wait | Glance:
        """Look who waits for a text that is no reply, if anybody may wait for replies.

        This is ``decide`` for nearly all answers and nearly all other messages, at a tenth of what that costs: it
        makes no object at all. The wait that is returned may claim the message, at once, if that is neither a
        command nor a cancel word nor a reply nor the bot's own.
        """
        if self.lanes.held:
            return _UNCLEAR
        found: Conversation | None = None
        for scope, keys in self.waits.index.items():
            if scope is _USER_IN_CHAT:
                filed = keys.get((bot_id, chat_id, user_id, None, None))  # type: ignore[call-overload]
            elif scope in ABOUT_MESSAGE:
                continue
            else:
                filed = keys.get(project(scope, Key(bot_id, chat_id, user_id, thread_id)))
            if filed is None:
                continue
            if found is not None or len(filed) != 1:
                return _UNCLEAR
            found = filed[0]
        if found is None:
            return _NO_ONE
        return found.waits[0] if found.takes_at_once(user_id, "message", update_id) else _UNCLEAR

    def decide(self, delivery: Delivery, now: float) -> Decision:
        """Decide what becomes of an update that has just arrived."""
        facts = delivery.facts
        if self.lanes and (lane := self.lanes.find(places_of(facts))) is not None:
            return Decision(Outcome.HELD, delivery, lane=lane, held=lane.join(delivery))
        if facts.gone is not None:
            return Decision(Outcome.PASS, delivery, changes=self._leave(facts))
        if self.albums and self.albums.has(facts, now):
            self.albums.collect(delivery)
            return Decision(Outcome.ABSORBED, delivery)
        places = places_of(facts, self.waits.index)
        if self.is_cancel(facts) and (changes := self._cancel(facts, places)) is not None:
            return Decision(Outcome.CANCELLED, delivery, changes=changes)
        return self._offer(delivery, places, now)

    def resume(self, decision: Decision, accepted: bool, now: float) -> Decision:
        """Go on after the filter of a FILTERING *decision* answered. Its lane is held until ``release``."""
        wait, delivery = decision.wait, decision.delivery
        assert wait is not None and delivery is not None
        if accepted and wait.admits(delivery.facts, now):
            return self._claim(wait, delivery, now)
        return self._offer(delivery, places_of(delivery.facts, self.waits.index), now, decision)

    def release(self, lane: Lane) -> list[Held]:
        """Let those go who queued behind a filter; each is to be decided anew, in this order."""
        return self.lanes.release(lane)

    def is_cancel_text(self, text: str) -> bool:
        """Tell whether *text*, which is no command, is a cancel word."""
        return bool(self._cancel_texts) and text.casefold() in self._cancel_texts

    def is_cancel(self, facts: Facts) -> bool:
        """Tell whether a person wrote that they want to leave."""
        word = f"/{facts.command}" if facts.command is not None else facts.text
        return word is not None and not facts.is_own and not facts.is_edit and word.casefold() in self._cancel_words

    def _offer(self, delivery: Delivery, places: list[Place], now: float, last: Decision | None = None) -> Decision:
        """Offer the update to one conversation after the other, most specific first, oldest first."""
        facts = delivery.facts
        offered: list[Conversation] = []
        for place in places:
            filed, is_for_somebody = self.waits.at(place), False
            for conversation in filed:
                if not conversation.concerns(place, facts):
                    continue
                is_for_somebody = True
                if conversation in offered:  # under its keyboard, say: a filter is asked once
                    continue
                offered.append(conversation)
                decision = self._offer_waits(conversation, delivery, now, last)
                if decision is not None:
                    return decision
                if conversation.passed is not None and facts.command is not None and not conversation.is_waiting:
                    conversation.passed(delivery)
                if conversation.keeps(facts, now) and not is_stale(facts.callback_data, self.buttons):
                    return Decision(Outcome.KEPT if conversation.put(delivery) else Outcome.PASS, delivery)
            if filed and not is_for_somebody and place.scope is Scope.BUTTONS and facts.kind == "callback_query":
                return Decision(Outcome.NOT_YOURS, delivery)
        return Decision(Outcome.PASS, delivery)

    def _offer_waits(
        self, conversation: Conversation, delivery: Delivery, now: float, last: Decision | None
    ) -> Decision | None:
        asked = last.asked if last is not None else _NOBODY
        for wait in conversation.waits:
            if wait in asked or not wait.is_ready or not wait.admits(delivery.facts, now):
                continue
            verdict = wait.filter is None or wait.filter(delivery)
            if verdict is not True and inspect.isawaitable(verdict):
                lane = last.lane if last is not None else self._hold(conversation, delivery.facts)
                return Decision(Outcome.FILTERING, delivery, wait, verdict=verdict, lane=lane, asked=asked | {wait})
            if verdict:
                return self._claim(wait, delivery, now)
        return None

    def _claim(self, wait: Wait, delivery: Delivery, now: float) -> Decision:
        wait.take(Signal.ANSWER, delivery=delivery)
        self.albums.add(delivery.facts, now, wait.parts)
        return Decision(Outcome.CLAIMED, delivery, wait, Changes((wait,)))

    def _cancel(self, facts: Facts, places: list[Place]) -> Changes | None:
        """End the conversations of a person who wants to leave; None when there are none to leave."""
        ending = [
            one
            for place in places
            for one in self.waits.at(place)
            if one.starter_id == facts.user_id
            and not one.is_silent
            and one.is_left_from(place)
            and all(wait.is_cancellable for wait in one.waits)
        ]
        if facts.user_id is None or not ending:
            return None
        return Changes.of(self.end(conversation, "user") for conversation in ending)

    def _leave(self, facts: Facts) -> Changes:
        """End what can never be answered: the chat is gone, or the person is."""
        leaver = facts.leaver_id
        key = facts.key._replace(user_id=leaver)
        # Only the loss of a whole group looks at everything: strangers can cause the other events at will.
        around = self.waits if leaver is None else [one for place in personal(key) for one in self.waits.at(place)]
        ending: list[Conversation] = []
        for conversation in around:
            where = conversation.place.key
            # A person who blocks the bot is gone for every chat; one who leaves a group, for that group only.
            is_here = where.chat_id == facts.chat_id or (where.chat_id is None and facts.gone == "blocked")
            if where.bot_id == facts.bot_id and is_here and leaver in (None, conversation.user_id):
                ending.append(conversation)
        return Changes.of(self.end(conversation, facts.gone or "left") for conversation in ending)

    # Conversations and waits come and go.

    def open(self, conversation: Conversation, on_conflict: str = "replace") -> Changes:
        """Open *conversation*; those it replaces end.

        Raises:
            AlreadyWaiting: the place is taken and *on_conflict* is "reject", or the queue is full.
            BadArgument: *on_conflict* is no known policy.
        """
        rivals = self.waits.open(conversation, on_conflict)
        return Changes.of(self.end(rival, "replaced") for rival in rivals) if rivals else NOTHING

    def ask(self, wait: Wait, now: float, *, fresh: bool = False) -> Decision | None:
        """Open *wait* and, unless it wants *fresh* updates, look through the mailbox; None: it has to wait."""
        self.waits.add_wait(wait)
        return None if fresh or not wait.conversation.unread else self.read(wait, now)

    def read(self, wait: Wait, now: float, last: Decision | None = None) -> Decision | None:
        """Look through the mailbox, in order; *last* is a FILTERING decision whose filter said no."""
        conversation = wait.conversation
        asked = last.asked if last is not None else frozenset[object]()
        for delivery in tuple(conversation.unread or ()):
            if delivery in asked or not wait.admits(delivery.facts, now):
                continue
            verdict = True if wait.filter is None else wait.filter(delivery)
            if inspect.isawaitable(verdict):
                lane = last.lane if last is not None else self._hold_unless_held(conversation)
                return Decision(Outcome.FILTERING, delivery, wait, verdict=verdict, lane=lane, asked=asked | {delivery})
            if verdict:
                return self._claim_unread(wait, delivery, now)
        return None

    def resume_reading(self, decision: Decision, accepted: bool, now: float) -> Decision | None:
        """Go on after the filter of a FILTERING *decision* of ``read`` answered."""
        wait, delivery = decision.wait, decision.delivery
        assert wait is not None and delivery is not None
        # Another wait of the conversation may have read it meanwhile.
        if accepted and delivery in (wait.conversation.unread or ()) and wait.admits(delivery.facts, now):
            return self._claim_unread(wait, delivery, now)
        return self.read(wait, now, decision)

    def bind(self, wait: Wait, keyboard: Place | None = None) -> None:
        """Note that the prompt of *wait* was sent, with a *keyboard* of its own or none."""
        wait.is_ready = True
        if keyboard is not None:
            self.waits.also(wait.conversation, keyboard)

    def end(self, conversation: Conversation, reason: str) -> Changes:
        """End *conversation* from outside: its waits are cancelled, or else the next one will be."""
        waits = [wait for wait in conversation.waits if wait.take(Signal.CANCEL, reason=reason)]
        if not waits and conversation.is_open and not conversation.is_silent:
            conversation.reason = reason
        return Changes(waits, self.waits.close(conversation))

    def end_all(self, which: Callable[[Conversation], bool], reason: str) -> tuple[int, Changes]:
        """End every conversation for which *which* is true; return how many those were."""
        ending = [one for one in self.waits if which(one) and not one.is_silent]
        return len(ending), Changes.of(self.end(conversation, reason) for conversation in ending)

    def finish(self, conversation: Conversation) -> Changes:
        """Note that the handler is done. What its child tasks wait for goes on until they have it."""
        if conversation.waits:
            conversation.is_orphan = True
            return NOTHING
        leftovers = self.waits.close(conversation)
        return Changes(leftovers=leftovers) if leftovers else NOTHING

    def gather(self, conversation: Conversation, others: Iterable[Conversation]) -> None:
        """Move to *conversation* what the *others* of its handler keep unread and it is about as well.

        A handler that asks in one scope and then in another is one conversation to whoever answers it.
        """
        place = conversation.place
        for other in others:
            if other is conversation or not other.unread:
                continue
            mine = [
                one
                for one in other.unread
                if place in places_of(one.facts, {place.scope}) and conversation.concerns(place, one.facts)
            ]
            other.unread = [one for one in other.unread if one not in mine]
            for one in mine:
                _insert(conversation, one)

    def return_unread(self, wait: Wait) -> Changes:
        """Put an answer back whose handler was cancelled before it could take it."""
        delivery, conversation = wait.delivery, wait.conversation
        wait.delivery = None
        if delivery is None:
            return NOTHING
        self.albums.discard(delivery.facts)
        if not conversation.is_open:
            return Changes(leftovers=[delivery])
        _insert(conversation, delivery)
        return NOTHING

    def _hold(self, conversation: Conversation, facts: Facts) -> Lane:
        """Hold what could overtake an update with *facts* that a filter of *conversation* thinks about.

        Not everything that a conversation with ANY would get: that would hold up everybody.
        """
        overtaken = [one for one in places_of(facts) if one.scope is Scope.USER_IN_CHAT or self.waits.at(one)]
        others = [one for one in overtaken if one.scope is not Scope.ANY and one != conversation.place]
        return self.lanes.hold(conversation.place, *others)

    def _hold_unless_held(self, conversation: Conversation) -> Lane | None:
        if self.lanes.find((conversation.place,)) is not None:
            return None
        return self.lanes.hold(conversation.place, *conversation.also)

    def _claim_unread(self, wait: Wait, delivery: Delivery, now: float) -> Decision:
        """Take *delivery* out of the mailbox, with the other parts of its album: they are one answer."""
        conversation, group = wait.conversation, delivery.facts.media_group_id
        unread, conversation.unread = conversation.unread or (), []
        for one in unread:
            if one is delivery:
                continue
            if group is None or one.facts.media_group_id != group:
                conversation.unread.append(one)
            elif wait.parts is not None:
                wait.parts.append(one)
        return self._claim(wait, delivery, now)


def _insert(conversation: Conversation, delivery: Delivery) -> None:
    """Put *delivery* where it belongs in the mailbox by its time of arrival."""
    unread = conversation.unread = conversation.unread or []
    unread.insert(len([*takewhile(delivery.is_after, unread)]), delivery)
