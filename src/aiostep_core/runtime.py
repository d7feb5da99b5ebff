"""The shell around the engine: futures, timers and tasks. The only module that awaits for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import anyio

from .clicks import Clicks
from .context import Turn, current_turn
from .deadlines import Deadlines
from .engine import Changes, Decision, Engine, Outcome
from .errors import AlreadyWaiting, BadArgument, WaitCancelled, WaitEnded, WaitTimeout
from .facts import Delivery
from .filtering import Filtering
from .keys import Key
from .reports import Exit, Pending, tell
from .sleeping import fall_asleep, over, wake
from .stepping import Stepping
from .storages.memory import MemorySteps
from .targets import aim, is_with
from .waits import Conversation, Signal, Wait, WaitState

if TYPE_CHECKING:
    from .abc import Adapter, StepStorage, Timer
    from .steps import Step
    from .targets import Aim

__all__ = ["Runtime"]

logger = logging.getLogger("aiostep")
# Looking a member up in its enumeration takes as long as three look-ups in a dictionary, until Python 3.12.
_PENDING: Final = WaitState.PENDING


class Runtime:
    """Performs what the engine decides, for waits of asyncio tasks.

    All its methods belong to the thread of the event loop.
    """

    def __init__(self, engine: Engine, steps: StepStorage | None = None) -> None:
        self.engine = engine
        engine.runtime = self
        self.steps = Stepping(self, steps if steps is not None else MemorySteps())
        self.adapters: list[Adapter[Any]] = []
        self.on_exit: list[Callable[[Exit], object]] = []
        self.closed_for: str | None = None
        self.filtering = Filtering(self)
        self.clicks = Clicks(self)
        self.deadlines = Deadlines(self._expire)
        self._turns: set[Turn] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._all_over: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    # An update arrives. Called by adapters.

    def is_duplicate(self, bot_id: int, update_id: int) -> bool:
        """Tell whether the update came before; note it."""
        return not self.engine.updates.add(bot_id, update_id)

    def forget_update(self, bot_id: int, update_id: int) -> None:
        """Let the update be delivered again: it was not handled."""
        self.engine.updates.discard(bot_id, update_id)

    @property
    def is_idle(self) -> bool:
        """Whether no update can concern anybody."""
        return self.engine.is_idle and not self.steps.storage.scopes

    def concerns(self, key: Key, *, about_message: bool = True) -> bool:
        """Tell quickly whether an update with *key* is worth a ``Delivery``. False is certain.

        Args:
            about_message: whether it is a click, a reply, a reaction or a part of an album. An update that reports a
                loss (``Facts.gone``) is worth one in any case.
        """
        return self.engine.may_concern(key, about_message) or self.steps.concerns(key, about_message)

    def meet(self, delivery: Delivery) -> Decision:
        """Decide what becomes of an update, and do what that asks for. FILTERING and HELD need ``settle``."""
        decision = self.engine.decide(delivery, self.now())
        self.perform(decision.changes)
        if decision.held is not None:
            decision.held.future = asyncio.get_running_loop().create_future()
        elif decision.outcome is Outcome.PASS:
            self.steps.hold(delivery)
        return decision

    def claim(self, wait: Wait, delivery: Delivery) -> None:
        """Let the wait that a glance of the engine found have the update."""
        wait.take(Signal.ANSWER, delivery=delivery)
        wake(wait)

    async def settle(self, decision: Decision) -> Decision:
        """Await filters, and earlier updates of the same key, until the decision is made."""
        return await self.filtering.settle(decision)

    async def end_turn(self, turn: Turn, error: BaseException | None = None) -> bool:
        """Close what the handler of *turn* opened; return whether *error* is a quiet end."""
        turn.is_over = True
        if turn.clicks:
            self.clicks.answer(turn)
        if turn.conversations is None:
            return isinstance(error, WaitEnded)
        conversations, turn.conversations = turn.conversations, {}
        try:
            # What arrives meanwhile is kept, or it would overtake what is unread.
            for conversation in conversations.values() if self.on_exit else ():
                if not conversation.is_silent:
                    await tell(self.on_exit, Exit(turn, conversation, error))
        finally:
            self._turns.discard(turn)
            if not self._turns and self._all_over is not None:
                self._all_over.set()
            for conversation in conversations.values():
                self.perform(self.engine.finish(conversation))
        return isinstance(error, WaitEnded)

    # A handler waits.

    def open_conversation(
        self, aim: Aim, turn: Turn | None, *, on_conflict: str = "replace", own: bool = False
    ) -> Conversation:
        """Return the conversation that *turn* has at the place aimed at, or open one.

        Outside a turn it lasts as long as its one wait, or with *own* until ``close_conversation``.

        Raises:
            WaitCancelled: it was ended while it did not wait, or the engine is closing.
            AlreadyWaiting: see ``Engine.open``.
        """
        if self.closed_for is not None:
            raise WaitCancelled(self.closed_for)
        mine = None if turn is None else turn.conversation_at(aim.place)
        if mine is not None:
            return mine
        after, starter_id = (None, aim.user_id) if turn is None else turn.leads_to(aim)
        conversation = Conversation(aim.place, turn, aim.user_id, starter_id, after, self.now())
        self.perform(self.engine.open(conversation, on_conflict))
        if turn is not None and turn.is_of_album:
            self.engine.albums.add(turn.facts, conversation.opened_at)  # the rest of what led here answers nothing
        if aim.home is not None:
            self.engine.waits.also(conversation, aim.home)
        if turn is not None and not turn.is_over:
            turn.conversations = turn.conversations if turn.conversations is not None else {}
            turn.conversations[aim.place] = conversation
            self._expect_end(turn)
        else:
            conversation.is_orphan = not own
        return conversation

    def open_for_step(self, step: Step, turn: Turn) -> None:
        """Keep what arrives while *step* runs: it may ask, or register the next step."""
        key, facts = step.place.key, turn.facts
        user_id = key.user_id if isinstance(key, Key) else None
        conversation = Conversation(step.place, turn, user_id, facts.user_id, facts.update_id, self.now())
        conversation.is_silent = True
        with contextlib.suppress(AlreadyWaiting):  # a queue that is full can do without
            self.perform(self.engine.open(conversation, "queue"))
            turn.conversations = {step.place: conversation}
            self._expect_end(turn)

    def close_conversation(self, conversation: Conversation) -> None:
        """Close *conversation* before its turn ends; what is unread goes to ordinary handlers."""
        self.perform(self.engine.finish(conversation))

    def open_wait(self, wait: Wait, now: float, *, fresh: bool = False) -> Decision | None:
        """Open *wait* at the time *now*; the decision is that of a filter to be awaited over the mailbox."""
        turn: Any = wait.conversation.owner
        try:
            if turn is not None and turn.conversations and len(turn.conversations) > 1:
                self.engine.gather(wait.conversation, turn.conversations.values())
            decision = self.engine.ask(wait, now, fresh=fresh)
        except BaseException:  # its filter raised
            self.abandon(wait)
            raise
        if decision is not None and decision.outcome is not Outcome.FILTERING:
            self.perform(decision.changes)
            return None
        return decision

    async def outcome(self, wait: Wait, turn: Turn | None, reading: Decision | None = None) -> Delivery:
        """Wait until *wait* has ended; return the answer.

        Raises:
            WaitTimeout: nobody answered in time.
            WaitCancelled: it was ended otherwise.
        """
        try:
            await self.end_of(wait, turn, reading)
        except BaseException:
            self.abandon(wait, reading)
            raise
        return self.answer(wait, turn, reading)

    def end_of(self, wait: Wait, turn: Turn | None, reading: Decision | None) -> Awaitable[None]:
        """Return what is to be awaited until *wait* has ended; then call ``answer``, or ``abandon`` if it raises.

        Almost always this is a future: one coroutine more would be a tenth of what a wait takes.
        """
        if wait.state is not _PENDING:
            return over()
        holds = None
        if turn is not None:
            if turn.clicks:
                self.clicks.answer(turn)
            turn.rest()
            holds = turn.adapter.suspend(turn)
        if reading is not None or holds is not None or (turn is not None and turn.park is not None):
            return self._until_ended(wait, turn, reading, holds)
        return self._fall_asleep(wait)

    def answer(self, wait: Wait, turn: Turn | None, reading: Decision | None) -> Delivery:
        """Return the answer that *wait* got.

        Raises:
            WaitTimeout: nobody answered in time.
            WaitCancelled: it was ended otherwise.
        """
        if reading is not None:
            self.filtering.stop(reading)
        if wait.conversation.is_orphan:
            self._close_orphan(wait.conversation)
        delivery = self._result(wait)
        if "callback_query" in wait.kinds and delivery.facts.kind == "callback_query":
            self.clicks.watch(turn, delivery)
        return delivery

    def abandon(self, wait: Wait, reading: Decision | None = None) -> None:
        """Take back a wait whose handler cannot have the answer any more; an answer that it has is not lost."""
        if not wait.take(Signal.CANCEL, reason="abandoned"):
            self.perform(self.engine.return_unread(wait))
        wake(wait)
        self.filtering.stop(reading)
        self._close_orphan(wait.conversation)

    # From outside.

    def adapter_for(self, bot_id: int, turn: Turn | None = None) -> Adapter[Any]:
        """Return the adapter that *turn* came through, or the one that serves the bot."""
        if turn is not None:
            return turn.adapter
        return next((one for one in self.adapters if bot_id in one.bot_ids()), self.adapters[0])

    def bot_ids(self) -> set[int]:
        """Return the ids of the bots seen so far."""
        return {bot_id for adapter in self.adapters for bot_id in adapter.bot_ids()}

    def key_of(self, target: object) -> Key | None:
        """Return the key of a framework's object, or None if it has neither user nor chat.

        Raises:
            BadArgument: it is no object of an installed framework.
        """
        for adapter in self.adapters:
            with contextlib.suppress(TypeError):
                return adapter.key_of(target)
        raise BadArgument("target", target, "a user id, a chat id, a Key or an update of the framework")

    async def pending(self) -> list[Pending]:
        """List the waits and the registered steps, oldest first."""
        now = self.now()
        found = [Pending.of_wait(wait, now) for conversation in self.engine.waits for wait in conversation.waits]
        found += [Pending.of_step(step, now) for step in await self.steps.storage.steps(now)]
        return sorted(found, key=lambda one: -one.age)

    def end_all(self, which: Callable[[Conversation], bool], reason: str) -> int:
        """End the conversations for which *which* is true; return how many those were."""
        count, changes = self.engine.end_all(which, reason)
        self.perform(changes)
        return count

    def cancel(
        self, target: Any = None, *, user: int | None = None, chat: int | None = None, reason: str = "code"
    ) -> int:
        """End the conversations that are meant; see ``aiostep.cancel``."""
        turn, key = current_turn.get(), None
        if target is not None or user is chat is None:
            facts = turn.facts if turn is not None else None
            key = aim(target, None, facts, self.bot_ids(), self.key_of).key
        # Without a target the handler that calls this is not meant: it is not over yet.
        spared = turn if target is None else None
        return self.end_all(
            lambda one: (spared is None or one.owner is not spared) and is_with(one, key, user, chat), reason
        )

    async def aclose(self, grace: float = 5.0) -> None:
        """End every wait with "shutdown", refuse new ones, and give the handlers *grace* seconds to finish."""
        self.closed_for = "shutdown"
        self.end_all(lambda _: True, "shutdown")
        loop = asyncio.get_running_loop()
        self._turns = {turn for turn in self._turns if not turn.is_over} if loop is self._loop else set()
        with anyio.move_on_after(grace):
            if self._turns:
                self._all_over = asyncio.Event()
                await self._all_over.wait()
            # What is sent afterwards, such as answers to clicks, would open the bot's closed session again.
            if beside := {task for task in self._tasks if task.get_loop() is loop} - {asyncio.current_task()}:
                await asyncio.wait(beside)
        await self.steps.close()

    def uninstall(self) -> None:
        """Leave every target; what still waits ends with "code", as does what begins to."""
        self.closed_for = "code"  # no answer would come any more
        self.end_all(lambda _: True, "code")
        self.steps.stop()
        for adapter in self.adapters:
            adapter.uninstall()
        self.adapters.clear()

    def reopen(self) -> None:
        """Accept waits again, after ``aclose``: a dispatcher may be started more than once."""
        self.closed_for = None
        self.steps.begin()

    def perform(self, changes: Changes) -> None:
        """Do what a decision asks for."""
        for wait in changes.ended:
            wake(wait)
        # Not of those that are installed: what a handler left behind may outlive the installation.
        adapters = {id(one.adapter): one.adapter for one in changes.leftovers} if changes.leftovers else {}
        for adapter in adapters.values():
            adapter.redispatch([one for one in changes.leftovers if one.adapter is adapter])

    def now(self) -> float:
        """Return the time of the running loop, so that a loop with a clock of its own is obeyed."""
        return asyncio.get_running_loop().time()

    def call_later(self, delay: float, call: Callable[..., object], *args: Any) -> Timer:
        """Call *call* in so many seconds, unless the timer is cancelled."""
        return asyncio.get_running_loop().call_later(delay, call, *args)

    def consult(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of the bot's author, which may take long; return its result, or an awaitable of it."""
        return function(*args)

    # Inside.

    def _expect_end(self, turn: Turn) -> None:
        """Have ``aclose`` wait for *turn*: not for those of another loop before, which ended without them."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._turns = loop, set()
        self._turns.add(turn)

    async def _until_ended(self, wait: Wait, turn: Turn | None, reading: Decision | None, holds: Any) -> None:
        if reading is not None and wait.timeout == 0:  # it looks at what has come, however long its filter thinks
            await self.filtering.read(reading)
            reading = None
            if wait.state is not WaitState.PENDING:
                return
        future = self._fall_asleep(wait)
        if holds is not None and turn is not None:
            await turn.adapter.release(holds)
        if reading is not None:
            await self.filtering.read(reading)
        if turn is not None and turn.park is not None:
            turn.park()
        await future
        if holds is not None and turn is not None:
            await turn.adapter.retake(holds)

    def _fall_asleep(self, wait: Wait) -> Awaitable[None]:
        owner: Any = wait.conversation.owner
        return fall_asleep(wait, self.deadlines, None if owner is None else owner.sleep)

    def _expire(self, wait: Wait) -> None:
        if wait.take(Signal.DEADLINE):
            self.perform(Changes(ended=[wait]))

    def _result(self, wait: Wait) -> Delivery:
        delivery, wait.delivery = wait.delivery, None
        if delivery is not None:
            return delivery
        raise WaitTimeout(wait.timeout) if wait.state is WaitState.TIMED_OUT else WaitCancelled(wait.reason)

    def _close_orphan(self, conversation: Conversation) -> None:
        if conversation.is_orphan and not conversation.waits:
            self.perform(Changes(leftovers=self.engine.waits.close(conversation)))

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run *coroutine* beside the handlers; what it raises is logged."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._started_task_done)

    def _started_task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a task beside the handlers failed", exc_info=error)
