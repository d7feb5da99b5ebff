"""The three places where updates meet us on their way through a dispatcher.

``Arrival`` is first: before the state's lock and before any middleware that may wait, so that updates are seen in
the order in which they arrive and no lock of a waiting handler is in the way of its answer. ``StepStage`` is last:
a registered step runs there, inside all middlewares, as a handler would. ``Origin`` only takes note of the router
whose handler runs, so that a step gets the inner middlewares of the router that it was registered in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiogram import Bot, Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.dispatcher.event.telegram import TelegramEventObserver
from aiogram.dispatcher.middlewares.user_context import UserContextMiddleware
from aiogram.methods import AnswerCallbackQuery
from aiogram.types import CallbackQuery, Message, TelegramObject, Update

from aiostep_core.bot_api import PLACEHOLDERS, is_about_message, may_be_loss
from aiostep_core.context import Turn, current_turn
from aiostep_core.engine import Decision, Glance, Outcome
from aiostep_core.errors import WaitEnded
from aiostep_core.facts import Delivery
from aiostep_core.keyboards import is_ours
from aiostep_core.keys import Scope
from aiostep_core.recent import RecentIds
from aiostep_core.steps import Step
from aiostep_core.waits import Wait

from .callbacks import handler_of, remembering_handlers
from .facts import key_of_update
from .routers import router_of

if TYPE_CHECKING:
    from .adapter import AiogramAdapter

__all__ = ["Arrival", "LateClicks", "Origin", "StepStage"]

Handler = Callable[[Any, dict[str, Any]], Awaitable[Any]]
_STEP = "aiostep_step"
_SETTLING = (Outcome.HELD, Outcome.FILTERING)
_context = UserContextMiddleware()
# Looking a member up in its enumeration takes as long as three look-ups in a dictionary, until Python 3.12.
_NOBODY: Final = Glance.NOBODY
_UNCLEAR: Final = Glance.UNCLEAR
_REPLY: Final = Scope.REPLY


class Arrival:
    """Decides about each update before anything can wait."""

    def __init__(self, adapter: AiogramAdapter) -> None:
        self._adapter = adapter
        self._runtime = adapter.runtime
        self._stages: dict[str, StepStage] = {}
        self._bot: Bot | None = None
        # Asked about every update, so without a call in between.
        engine = adapter.runtime.engine
        self._updates = engine.updates
        self._bot_id, self._recent = 0, engine.updates.of(0)
        self._is_stranger, self._glance, self._is_cancel = engine.is_stranger, engine.glance, engine.is_cancel_text
        self._index, self._albums, self._held = engine.signs_of_life
        self._steps = adapter.runtime.steps.storage.scopes

    def __call__(self, handler: Handler, event: Update, data: dict[str, Any]) -> Awaitable[Any]:
        """Take the update, or hand it on. Nothing is awaited before that is decided, if no filter has to be.

        It is long because every update pays for every call, and for every part of a message that is read.
        """
        bot = data["bot"]
        recent = self._recent if bot is self._bot else self._meet_bot(bot)
        update_id = event.update_id
        if update_id == recent.end:  # nearly always, and then it is new
            recent.end = update_id + 1
        elif not recent.add(update_id):
            return _nothing()  # it came before
        if self._index or self._steps or self._albums or self._held:
            message = event.message
            if (
                message is None
                or message.text is None
                or (user := message.from_user) is None
                or (user_id := user.id) in PLACEHOLDERS
            ):
                found = self._look_closely(event)
            elif self._is_stranger(self._bot_id, chat_id := message.chat.id, user_id):
                found = self._look_closely(event) if self._steps else _NOBODY  # steps come after whoever waits
            else:
                found = self._look(event, message, chat_id, user_id)
            if found is _UNCLEAR:
                # What filters and error handlers are given besides the update comes from there.
                return _context(partial(self._meet, handler), event, data)
            if found is not _NOBODY:
                self._runtime.claim(found, Delivery(None, message, (event, data), self._adapter))
                return _nothing()
        turn = _Turn()
        turn.runtime, turn.adapter, turn.carrier = self._runtime, self._adapter, (event, data)
        return self._run(turn, handler, event, data)

    def forget_bot(self) -> None:
        """Meet the bot anew: it may be fed in another way from now on."""
        self._bot = None

    def _meet_bot(self, bot: Bot) -> RecentIds:
        """Remember *bot*, nearly always the only one, and its id, which aiogram works out whenever it is asked."""
        self._bot, self._bot_id = bot, bot.id
        self._recent = self._updates.of(self._bot_id)
        if self._bot_id not in self._adapter.fed_by:
            self._adapter.meet_bot(bot)
        return self._recent

    def _look(self, event: Update, message: Message, chat_id: int, user_id: int) -> Wait | Glance:
        """Look at a glance who waits for the text of a person."""
        thread_id = message.message_thread_id if message.is_topic_message else None
        found = self._glance(self._bot_id, chat_id, user_id, thread_id, event.update_id)
        if found is _NOBODY and self._steps:
            return self._look_closely(event)
        if found is _NOBODY and (message.reply_to_message is None or _REPLY not in self._index):
            return found
        text: Any = message.text
        is_plain = text[:1] != "/" and message.reply_to_message is None and user_id != self._bot_id
        return found if is_plain and not self._is_cancel(text) else _UNCLEAR

    def _look_closely(self, event: Update) -> Wait | Glance:
        """Look whether there is anything to decide about what is no plain message."""
        key = key_of_update(event, self._bot_id)
        concerns = may_be_loss(event) or self._runtime.concerns(key, about_message=is_about_message(event))
        return _UNCLEAR if concerns else _NOBODY

    async def _meet(self, handler: Handler, event: Any, data: dict[str, Any]) -> Any:
        turn = Turn(self._runtime, self._adapter, (event, data))
        runtime, delivery = self._runtime, turn.delivery
        try:
            decision = runtime.meet(delivery)
            if decision.outcome in _SETTLING:
                decision = await runtime.settle(decision)
            if decision.outcome is not Outcome.PASS:
                self._consume(decision, delivery)
                return None
            step = await runtime.steps.take(delivery)
        except BaseException:
            # A filter raised: it may be delivered again, as below.
            runtime.forget_update(data["bot"].id, event.update_id)
            raise
        if step is None:
            return await self._run(turn, handler, event, data)
        return await self._run_step(step, turn, handler, event, data)

    def _consume(self, decision: Decision, delivery: Delivery) -> None:
        if decision.outcome is Outcome.NOT_YOURS:
            self._runtime.clicks.refuse(delivery)

    async def _run(self, turn: Turn, handler: Handler, event: Update, data: dict[str, Any]) -> Any:
        """Let the update go on, as the turn that waits of its handler belong to."""
        token = current_turn.set(turn)
        error: BaseException | None = None
        try:
            result = await handler(event, data)
        except WaitEnded as ended:
            error = ended  # a conversation that ended is no error of the bot
            return None
        except BaseException as raised:
            error = raised
            # It was not handled: a webhook that answers with an error has it delivered again.
            self._runtime.forget_update(data["bot"].id, event.update_id)
            raise
        else:
            if turn.clicks and isinstance(result, AnswerCallbackQuery):
                self._adapter.clicks.note(result.callback_query_id)
            return result
        finally:
            turn.is_over = True
            if turn.conversations is not None:  # clicks are answers: who has some has conversations
                await self._runtime.end_turn(turn, error)
            current_turn.reset(token)

    async def _run_step(self, step: Step, turn: Turn, handler: Handler, event: Update, data: dict[str, Any]) -> Any:
        """Send the update through all middlewares to the step; give the step back if one of them swallows it."""
        kind = turn.delivery.facts.kind
        stage = self._stages.get(kind)
        if stage is None:
            stage = self._stages[kind] = StepStage(self._adapter.target.observers[kind])
        run = _StepRun(step, turn, stage)
        self._runtime.open_for_step(step, turn)
        try:
            return await self._run(turn, handler, event, {**data, _STEP: run})
        finally:
            if run.arrive():
                await self._runtime.steps.give_back(step)


class _Turn(Turn):
    """A turn that is told nothing while it is made: it takes half the time, and one is made for every update."""

    if TYPE_CHECKING:

        def __init__(self) -> None: ...

    else:
        __init__ = object.__init__


class _StepRun:
    """A taken step on its way through the middlewares to *stage*."""

    __slots__ = ("_is_under_way", "_stage", "step", "turn")

    def __init__(self, step: Step, turn: Turn, stage: StepStage) -> None:
        self.step = step
        self.turn = turn
        self._stage = stage
        self._is_under_way = True
        stage.expect()

    def arrive(self) -> bool:
        """Note that the step is on its way no longer; True the first time."""
        if not self._is_under_way:
            return False
        self._is_under_way = False
        self._stage.forget()
        return True


class StepStage:
    """Runs steps in the place of the dispatcher's handlers of one kind of update.

    It is a middleware only while a step is on its way: whatever was registered in the meantime comes before it, and
    updates without a step do not pay for it. Not one for each step, as a chain of a thousand overflows the stack.
    """

    def __init__(self, observer: TelegramEventObserver) -> None:
        self._observer = observer
        self._handlers = remembering_handlers()
        self._expected = 0

    def expect(self) -> None:
        """Be the last outer middleware; aiogram builds the chain anew for every update."""
        if self._expected:
            self._observer.outer_middleware.unregister(self)
        self._observer.outer_middleware.register(self)
        self._expected += 1

    def forget(self) -> None:
        """Leave, if no other step is on its way."""
        self._expected -= 1
        if not self._expected:
            self._observer.outer_middleware.unregister(self)

    def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Awaitable[Any]:
        """Run the step if this update has one."""
        run = data.pop(_STEP, None)
        return handler(event, data) if run is None else self._call(run, handler, event, data)

    async def _call(self, run: _StepRun, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        run.arrive()
        callback, named = handler_of(run.step, self._handlers)
        router = router_of(run.step, self._observer.router)
        inner = self._inner_middlewares(router)
        steps, has_run, has_skipped = run.turn.runtime.steps, False, False

        async def run_it(event: TelegramObject, **data: Any) -> Any:
            nonlocal has_run
            has_run = True
            return await callback.call(event, **data)

        call = self._observer.outer_middleware.wrap_middlewares(inner, run_it)

        async def attempt() -> Any:
            nonlocal has_skipped
            try:
                return await call(event, {**data, **named, "handler": callback, "event_router": router})
            except SkipHandler:  # a word of aiogram's, not a failure
                has_skipped = True

        result = await steps.run(run.step, attempt)
        if has_skipped or not has_run:
            await steps.give_back(run.step)
        return await handler(event, data) if has_skipped else result

    def _inner_middlewares(self, router: Router) -> list[Any]:
        observers = [one.observers.get(self._observer.event_name) for one in reversed(tuple(router.chain_head))]
        return [middleware for observer in observers if observer is not None for middleware in observer.middleware]


class LateClicks:
    """Answers clicks on buttons of ours that nobody waits for any more, before they reach any handler."""

    def __init__(self, adapter: AiogramAdapter) -> None:
        self._adapter = adapter

    def __call__(self, handler: Handler, event: CallbackQuery, data: dict[str, Any]) -> Awaitable[Any]:
        """Take the click, or hand it on if it is the bot's own."""
        if not is_ours(event.data) or _STEP in data:  # a stored conversation waits for it
            return handler(event, data)
        update = data["event_update"]
        self._adapter.runtime.clicks.refuse(Delivery(None, event, (update, data), self._adapter))
        return _nothing()


class Origin:
    """Notes the router whose handler is about to run, for the steps that it registers."""

    def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Awaitable[Any]:
        turn = current_turn.get()
        if turn is not None:
            turn.origin = data.get("event_router")
        return handler(event, data)


async def _nothing() -> None:
    """Be what awaiting an update that was taken comes to."""
