"""Conversations on an aiogram dispatcher."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from aiogram import Bot, Dispatcher, Router
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.dispatcher.event.handler import HandlerObject
from aiogram.dispatcher.middlewares.error import ErrorsMiddleware
from aiogram.fsm.storage.memory import DisabledEventIsolation
from aiogram.types import ErrorEvent, Message, Update

from aiostep_core.abc import Adapter, Address, Failure, Sent
from aiostep_core.context import Turn, current_turn
from aiostep_core.engine import CANCEL_WORDS, Engine
from aiostep_core.errors import AlreadyInstalled, BadArgument, NoTarget, UnsupportedTarget
from aiostep_core.facts import Delivery, Facts
from aiostep_core.installed import install_adapter
from aiostep_core.keyboards import Keyboard
from aiostep_core.keys import Key
from aiostep_core.reports import TimedOut
from aiostep_core.setting import seconds
from aiostep_core.steps import Step
from aiostep_core.texts import Translate

from . import clicks, sending
from .callbacks import check_step, handler_of
from .detach import Detach, answer_with, parking_of_this_turn
from .durable import AiogramScribe
from .facts import event_of, facts_of, key_of_object
from .filters import compile_filter
from .isolation import Hold, SuspendableIsolation, holds_of_this_task
from .limits import check_concurrency, check_subscription, feeding_coroutine
from .routers import name_of_router
from .sentinel import SUBSCRIBED, Sentinel
from .stages import Arrival, LateClicks, Origin

if TYPE_CHECKING:
    from aiostep_core.runtime import Runtime

__all__ = ["AiogramAdapter", "install"]

_NOT_EVENTS: Final = frozenset({"update", "error"})


class AiogramAdapter(Adapter[Dispatcher]):
    """The translation for one ``Dispatcher``.

    Args:
        detach: run each update in a task of its own that aiogram need not wait for; see ``detach.py``.
        updates: kinds of updates that waits will ask for, beyond messages and callback queries.
        grace: seconds that handlers have at shutdown to take leave.

    Raises:
        BadArgument: an option makes no sense.
    """

    name = "aiogram"

    def __init__(
        self, target: Dispatcher, *, detach: bool = False, updates: Iterable[str] = (), grace: float = 5.0
    ) -> None:
        self._target = weakref.ref(target)
        self.detach = detach
        self.grace = seconds("grace", grace) or 0.0
        self.bots: dict[int, Bot] = {}
        self.fed_by: dict[int, str] = {}
        self._approved: set[frozenset[str]] = set()
        self.clicks = clicks.SessionWatch()
        self._origin = Origin()
        self.scribe = self._scribe = AiogramScribe(self)
        self._noted: set[Router] = set()
        self.runtime: Runtime
        self._undo: list[Callable[[], object]] = []
        self._sentinel = Sentinel(_kinds(updates, target))
        options = {"detach": detach, "updates": frozenset(updates), "grace": grace}
        self.options = MappingProxyType({name: value for name, value in options.items() if value != _DEFAULTS[name]})

    @property
    def target(self) -> Dispatcher:  # type: ignore[override]
        """The dispatcher. It holds us, not we it."""
        target = self._target()
        assert target is not None
        return target

    # Installing.

    def install(self, runtime: Runtime) -> None:
        dispatcher = self.target
        outer = dispatcher.update.outer_middleware
        if any(isinstance(middleware, Arrival) for middleware in outer):
            raise AlreadyInstalled(dispatcher)
        self.runtime = runtime
        self._arrival = Arrival(self)
        self._insert(outer, _after_errors(outer), self._arrival)
        self._insert(dispatcher.callback_query.outer_middleware, 0, LateClicks(self))
        if self.detach:
            self._insert(outer, 0, Detach(self))
        self._wrap_isolation(dispatcher)
        dispatcher.include_router(self._sentinel)
        self._undo.append(lambda: dispatcher.sub_routers.remove(self._sentinel))
        self._follow_life(dispatcher)

    def uninstall(self) -> None:
        while self._undo:
            self._undo.pop()()
        self.clicks.stop()
        self._scribe.forget()

    def _insert(self, manager: Any, index: int, middleware: Any) -> None:
        """Register *middleware* at *index*; a manager only takes them at its end."""
        later = list(manager)[index:]
        for one in later:
            manager.unregister(one)
        for one in (middleware, *later):
            manager.register(one)
        self._undo.append(lambda: manager.unregister(middleware))

    def meet_bot(self, bot: Bot) -> None:
        """Note a bot whose first update comes, and what brings it; the routers are complete by now."""
        self.bots[bot.id] = bot
        self.fed_by[bot.id] = feeding_coroutine()
        self._note_origins()

    def _note_origins(self) -> None:
        """Look which handlers' steps need the inner middlewares of their router.

        Not the dispatcher's: all steps have its own, and a middleware there costs every update a microsecond.
        """
        for router in self.target.chain_tail:
            has_own = any(len(observer.middleware) for observer in router.observers.values())
            if router is not self.target and has_own and router not in self._noted:
                self._noted.add(router)
                for name, observer in router.observers.items():
                    if name not in _NOT_EVENTS:
                        self._insert(observer.middleware, 0, self._origin)

    def _wrap_isolation(self, dispatcher: Dispatcher) -> None:
        fsm, inner = dispatcher.fsm, dispatcher.fsm.events_isolation
        if isinstance(inner, (DisabledEventIsolation, SuspendableIsolation)):
            return
        wrapper = fsm.events_isolation = SuspendableIsolation(inner)

        def unwrap() -> None:
            if fsm.events_isolation is wrapper:
                fsm.events_isolation = inner

        self._undo.append(unwrap)

    def _follow_life(self, dispatcher: Dispatcher) -> None:
        """Be first at shutdown: aiogram closes the state's storage first of all, and handlers may need it."""
        started, stopped = HandlerObject(self._on_startup), HandlerObject(self._on_shutdown)
        dispatcher.startup.handlers.insert(0, started)
        dispatcher.shutdown.handlers.insert(0, stopped)
        self._undo.append(lambda: dispatcher.startup.handlers.remove(started))
        self._undo.append(lambda: dispatcher.shutdown.handlers.remove(stopped))

    async def _on_startup(self, bot: Bot | None = None, bots: Collection[Bot] = ()) -> None:
        self.runtime.reopen()
        self.fed_by.clear()
        self._arrival.forget_bot()
        self._note_origins()
        for one in (*bots, *((bot,) if bot is not None else ())):
            self.bots[one.id] = one
            self.runtime.start(_learn_name(one))

    async def _on_shutdown(self) -> None:
        await self.runtime.aclose(self.grace)

    # Updates.

    def facts(self, carrier: Any) -> Facts:
        update, data = carrier
        return facts_of(update, data["bot"])

    def text_of(self, delivery: Delivery) -> str | None:
        message: Message | None = delivery.carrier[0].message
        if message is None:
            return delivery.facts.text
        return message.text if message.text is not None else message.caption

    def update_id_of(self, delivery: Delivery) -> int | None:
        update: Update = delivery.carrier[0]
        return update.update_id

    def update_of(self, carrier: Any) -> Any:
        return event_of(carrier[0])

    def key_of(self, target: object) -> Key | None:
        bot = getattr(target, "bot", None)
        bot_id = bot.id if isinstance(bot, Bot) else next(iter(self.bots), 0)
        return key_of_object(target, bot_id)

    def bot_ids(self) -> Collection[int]:
        return self.bots

    def redispatch(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            update, data = delivery.carrier
            self.runtime.forget_update(data["bot"].id, update.update_id)
            self.runtime.start(self._feed(update, data))

    async def _feed(self, update: Update, data: dict[str, Any]) -> None:
        rest = {name: value for name, value in data.items() if name not in ("bot", "update", "self")}
        await answer_with(self.target, data["bot"], await self.target.feed_update(data["bot"], update, **rest))

    async def listen(self, *call: Any) -> Any:
        handler, event, data = call
        update, turn = data["event_update"], current_turn.get()
        if turn is not None and turn.carrier[0] is update:
            return await handler(event, data)
        # This update was on its way before we were there; from the next one on, it meets us first.
        return await self._arrival(lambda _, more: handler(event, more), update, data)

    # Waiting.

    def compile_filter(self, filter: Any) -> Callable[[Delivery], object]:
        return compile_filter(filter)

    def check_wait(self, turn: Turn | None, kinds: frozenset[str]) -> None:
        if kinds not in self._approved:
            check_subscription(self.target, kinds)
            self._approved.add(kinds)
        if turn is not None and self.detach:
            turn.park = parking_of_this_turn()
        elif turn is not None and turn.conversations is None:
            check_concurrency(self.fed_by.get(turn.carrier[1]["bot"].id))

    def suspend(self, turn: Turn) -> tuple[Hold, ...] | None:
        return holds_of_this_task() or None

    async def release(self, holds: tuple[Hold, ...]) -> None:
        for hold in reversed(holds):
            await hold.release()

    async def retake(self, holds: tuple[Hold, ...]) -> None:
        for hold in holds:
            await hold.acquire()

    # Speaking.

    async def send(
        self, to: Address, prompt: Any, *, keyboard: Any = None, force_reply: Any = "auto", **send: Any
    ) -> Sent:
        bot = self.bots.get(to.key.bot_id)
        if bot is None:
            known = ", ".join(map(str, self.bots)) or "none"
            raise NoTarget(f"no bot with the id {to.key.bot_id} has started here; the bots seen so far: {known}")
        return await sending.send(bot, to, prompt, keyboard, force_reply, send)

    def watch_click(self, delivery: Delivery) -> None:
        self.clicks.attach(delivery.carrier[1]["bot"])
        self.clicks.watch(delivery.update.id)

    async def answer_click(self, delivery: Delivery, text: str | None = None, *, alert: bool = False) -> None:
        bot, query = delivery.carrier[1]["bot"], delivery.update
        if self.clicks.take(query.id, text):
            await clicks.answer(bot, query.id, text, alert=alert)

    def keyboard(self, keyboard: Keyboard) -> Any:
        return sending.keyboard(keyboard)

    async def edit(
        self, to: Address, sent: Sent, *, text: str | None = None, keyboard: Keyboard | None = None
    ) -> Failure | None:
        return await sending.edit(self.bots[to.key.bot_id], to, sent, text, keyboard)

    def failure_of(self, error: BaseException) -> Failure | None:
        return sending.failure_of(error)

    # Steps.

    def compile_step(self, step: Step) -> None:
        self._note_origins()  # for routers that came late
        check_step(step)
        step.origin_name = name_of_router(step.origin)

    async def call_timeout(self, step: Step, timed_out: TimedOut) -> None:
        handler, named = handler_of(replace(step, fn=step.on_timeout or step.fn))
        dispatcher = self.target
        data = {"dispatcher": dispatcher, **dispatcher.workflow_data, "bot": self.bots.get(timed_out.key.bot_id)}
        await handler.call(timed_out, **{**data, **named})

    async def handle_error(self, turn: Turn, error: Exception) -> None:
        update, data = turn.carrier
        # Error handlers are given an update always; one of nobody says that none has led to this.
        event = ErrorEvent(update=Update(update_id=0) if update is None else update, exception=error)
        given = {**self.target.workflow_data, **data, "event_update": event.update}
        if await self.target.propagate_event(update_type="error", event=event, **given) is UNHANDLED:
            raise error


_DEFAULTS: Final = {"detach": False, "updates": frozenset[str](), "grace": 5.0}


def install(
    target: Dispatcher,
    *,
    detach: bool = False,
    updates: Iterable[str] = (),
    grace: float = 5.0,
    storage: object = None,
    engine: Engine | None = None,
    cancel_words: Collection[str] = CANCEL_WORDS,
    texts: Mapping[str, Mapping[str, str]] | None = None,
    translate: Translate | None = None,
) -> Engine:
    """Make conversations work on *target*; see ``aiostep.install`` and, for the options, ``AiogramAdapter``.

    Raises:
        UnsupportedTarget: *target* is no dispatcher.
        AlreadyInstalled: it has another engine, or was installed with other options.
        BadArgument: an option makes no sense.
    """
    if not isinstance(target, Dispatcher):
        raise UnsupportedTarget(target, ("aiogram",), ("this adapter takes an aiogram Dispatcher",))
    adapter = AiogramAdapter(target, detach=detach, updates=updates, grace=grace)
    words: dict[str, Any] = {"cancel_words": cancel_words, "texts": texts, "translate": translate}
    return install_adapter(adapter, storage=storage, engine=engine, **words)


async def _learn_name(bot: Bot) -> None:
    """Ask who the bot is, to tell its commands from another bot's. Polling does so by itself, webhooks do not."""
    with contextlib.suppress(Exception):  # whatever is wrong with the network, others will say it
        await bot.me()


def _after_errors(middlewares: Any) -> int:
    """Find the first place at which errors reach the error handlers."""
    first = next(iter(middlewares), None)
    return 1 if isinstance(first, ErrorsMiddleware) else 0


def _kinds(updates: Iterable[str], dispatcher: Dispatcher) -> frozenset[str]:
    kinds = frozenset((updates,) if isinstance(updates, str) else updates)
    unknown = kinds - (frozenset(dispatcher.observers) - _NOT_EVENTS)
    if unknown:
        raise BadArgument("updates", sorted(map(str, unknown)), "names of updates, such as message_reaction")
    return kinds | SUBSCRIBED
