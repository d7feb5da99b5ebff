"""Conversations on an application of python-telegram-bot."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from telegram import TelegramObject, Update
from telegram.ext import Application, CallbackContext, Job

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
from .application import restore_class, swap_class
from .durable import PTBScribe
from .facts import facts_of, key_of_object
from .filters import compile_filter
from .flow import Flow
from .flows import Flows
from .jobs import facts_of_job, following_jobs
from .limits import OPT_IN, check_framework, check_loop, check_place, warn_of
from .steps import StepHandler, call_timeout, check_step
from .writing import Writing, wants_writing

if TYPE_CHECKING:
    from aiostep_core.runtime import Runtime

__all__ = ["PTBAdapter", "install"]

AnyApplication = Application[Any, Any, Any, Any, Any, Any]


class PTBAdapter(Adapter[AnyApplication]):
    """The translation for one ``Application``.

    Args:
        group: the group of the handler that runs next steps; handlers of lower groups see those updates first.
        ordered: with ``concurrent_updates``, handle the updates of one person one after the other.
        identify: for updates of your own types: a function of one that returns whom it is from, as a ``Key`` or as
            (chat id, user id), or None; or ``Facts``.
        grace: seconds that handlers have to take leave when the application stops.

    Raises:
        BadArgument: an option makes no sense.
    """

    name = "ptb"

    def __init__(
        self,
        target: AnyApplication,
        *,
        group: int = -100,
        ordered: bool = True,
        identify: Callable[[Any], Any] | None = None,
        grace: float = 5.0,
    ) -> None:
        check_framework()
        if isinstance(group, bool) or not isinstance(group, int):
            raise BadArgument("group", group, "a whole number, as for Application.add_handler")
        self._target = weakref.ref(target)
        self.group: int = group
        self.ordered: bool = ordered
        self.identify: Callable[[Any], Any] | None = identify
        self.grace: float = seconds("grace", grace) or 0.0
        self.bot_id: int = int(target.bot.token.partition(":")[0])
        self.clicks: clicks.BotWatch = clicks.BotWatch()
        self.writing: Writing | None = None
        self.scribe = self._scribe = PTBScribe(self)
        self.runtime: Runtime
        self._username: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.clock: Callable[[], float] | None = None
        self._warned: set[str] = set()
        self._handler = StepHandler()
        self._undo: Callable[[AnyApplication], object] | None = None
        given: dict[str, Any] = {"group": group, "ordered": ordered, "identify": identify, "grace": grace}
        changed = {name: value for name, value in given.items() if value != _DEFAULTS[name]}
        self.options: Mapping[str, Any] = MappingProxyType(changed)

    @property
    def target(self) -> AnyApplication:  # type: ignore[override]
        """The application. It holds us, not we it."""
        target = self._target()
        assert target is not None
        return target

    @property
    def is_concurrent(self) -> bool:
        """Whether the application handles several updates at once."""
        return self.target.concurrent_updates > 1

    # Installing.

    def install(self, runtime: Runtime) -> None:
        application = self.target
        if hasattr(application, "aiostep_adapter"):
            raise AlreadyInstalled(application)
        self.runtime = runtime
        self.flows: Flows = Flows(self, runtime, type(application).process_update, ordered=self.ordered)
        types = application.context_types
        followed = following_jobs(types, self._begin_job)
        original = swap_class(application, self, self.flows)
        application.context_types = followed

        def undo(application: AnyApplication) -> None:
            restore_class(application, original)
            application.handlers = _without(self._handler, application.handlers)
            if application.context_types is followed:
                application.context_types = types

        self._undo = undo

    def uninstall(self) -> None:
        undo, self._undo = self._undo, None
        application = self._target()
        if undo is not None and application is not None:
            undo(application)
        self.clicks.stop()
        self._scribe.forget()

    def handle_steps(self) -> None:
        """Have the application handle steps, from the first one on; most bots have none, and need not be slower."""
        application, handler = self.target, self._handler
        groups = application.handlers
        if handler not in groups.get(self.group, ()):
            # First of its group, of which only one handles an update. Handlers that are under way go through the old
            # dictionary.
            application.handlers = dict(sorted({**groups, self.group: [handler, *groups.get(self.group, ())]}.items()))

    def begin(self) -> None:
        """Note that the application begins, and where: waits are welcome again."""
        loop, self._loop = self._loop, asyncio.get_running_loop()
        if loop is not self._loop and wants_writing(self.target):
            self.writing = Writing(self.target)
        self.clock = self._loop.time
        self.flows.glances.is_initialized = True
        self.runtime.reopen()

    async def aclose(self) -> None:
        """End what is under way."""
        await self.flows.aclose(self.grace)
        if self.writing is not None:
            await self.writing.done()

    def mark(self, flow: Flow) -> None:
        """Have the persistence write what the handlers of *flow* may have changed, which it only notes at their end."""
        application = self._target()
        if application is not None and application.persistence:
            application.mark_data_for_update_persistence(*self._ids(flow))
            if self.writing is not None:
                self.writing.soon()

    def _ids(self, flow: Flow) -> tuple[int | None, int | None]:
        """Return whose ``chat_data`` and ``user_data`` the handlers of *flow* have."""
        update = flow.carrier
        if isinstance(update, Job):
            return update.chat_id, update.user_id
        if not isinstance(update, Update):
            return flow.facts.chat_id, flow.facts.user_id
        chat, user = update.effective_chat, update.effective_user
        return chat.id if chat is not None else None, user.id if user is not None else None

    def _begin_job(self, job: Job[Any]) -> None:
        flow = self.flows.make_flow(job)
        current_turn.set(flow)
        with contextlib.suppress(RuntimeError):
            task = asyncio.current_task()
            if task is not None:
                self.flows.follow(flow, task)

    # Updates.

    def facts(self, carrier: Any) -> Facts:
        if isinstance(carrier, Update):
            return facts_of(carrier, self.bot_id, self._known_username())
        if isinstance(carrier, Job):
            return facts_of_job(carrier, self.bot_id)  # pyright: ignore[reportUnknownArgumentType]
        found = self.identify(carrier) if self.identify is not None else None
        if isinstance(found, Facts):
            return found
        chat_id, user_id, thread_id, business_id = _identity(found)
        return Facts(
            bot_id=self.bot_id,
            kind=type(carrier).__name__,
            chat_id=chat_id,
            user_id=user_id,
            thread_id=thread_id,
            business_id=business_id,
        )

    def update_of(self, carrier: Any) -> Any:
        return carrier

    def message_of(self, update: Any) -> Any:
        return update.effective_message if isinstance(update, Update) else update

    def language_of(self, update: Any) -> str | None:
        user = update.effective_user if isinstance(update, Update) else None
        return user.language_code if user is not None else None

    def key_of(self, target: object) -> Key | None:
        if not isinstance(target, TelegramObject):
            raise TypeError(target)
        bot_id = self.bot_id
        with contextlib.suppress(RuntimeError):  # an object that was made by hand has no bot
            bot_id = int(target.get_bot().token.partition(":")[0])
        return key_of_object(target, bot_id)

    def bot_ids(self) -> Collection[int]:
        return (self.bot_id,)

    def redispatch(self, deliveries: Sequence[Delivery]) -> None:
        self.flows.arrive_again(deliveries)

    def _known_username(self) -> str | None:
        if self._username is None:
            with contextlib.suppress(RuntimeError):  # it is not initialized yet
                self._username = self.target.bot.username
        return self._username

    # Waiting.

    def compile_filter(self, filter: Any) -> Callable[[Delivery], object]:
        return compile_filter(filter)

    def check_wait(self, turn: Turn | None, kinds: frozenset[str]) -> None:
        is_first = turn is None or turn.conversations is None
        if is_first and self._loop is not asyncio.get_running_loop():
            check_loop(self._loop)
        if turn is None:
            check_place(self.target.post_init)
        if not OPT_IN.isdisjoint(kinds) and not kinds <= self._warned:
            self._warned |= kinds
            warn_of(kinds)

    def suspend(self, turn: Turn) -> Flow | None:
        """Have the persistence see to the data of a handler that waits: it may wait for long."""
        application = self._target()
        has_data = application is not None and application.persistence
        return turn if has_data and isinstance(turn, Flow) else None

    async def release(self, holds: Flow) -> None:
        self.mark(holds)

    async def retake(self, holds: Flow) -> None:
        """Look whether another process has changed the data, as the framework does before it calls a handler."""
        application, (chat_id, user_id) = self.target, self._ids(holds)
        context: CallbackContext[Any, Any, Any, Any] = application.context_types.context(
            application, chat_id=chat_id, user_id=user_id
        )
        await context.refresh_data()

    # Speaking.

    async def send(
        self, to: Address, prompt: Any, *, keyboard: Any = None, force_reply: Any = "auto", **send: Any
    ) -> Sent:
        if to.key.bot_id != self.bot_id:
            raise NoTarget(f"no bot with the id {to.key.bot_id} is here; this application's bot is {self.bot_id}")
        return await sending.send(self.target.bot, to, prompt, keyboard, force_reply, send)

    def watch_click(self, delivery: Delivery) -> None:
        self.clicks.attach(self.target.bot)
        self.clicks.watch(delivery.update.callback_query.id)

    async def answer_click(self, delivery: Delivery, text: str | None = None, *, alert: bool = False) -> None:
        bot, query = self.target.bot, delivery.update.callback_query
        if self.clicks.take(query.id, text):
            await clicks.answer(bot, query.id, text, alert=alert)

    def keyboard(self, keyboard: Keyboard) -> Any:
        return sending.keyboard(keyboard)

    async def edit(
        self, to: Address, sent: Sent, *, text: str | None = None, keyboard: Keyboard | None = None
    ) -> Failure | None:
        return await sending.edit(self.target.bot, to, sent, text, keyboard)

    def failure_of(self, error: BaseException) -> Failure | None:
        return sending.failure_of(error)

    # Steps.

    def compile_step(self, step: Step) -> None:
        check_step(step)

    async def call_timeout(self, step: Step, timed_out: TimedOut) -> None:
        await call_timeout(self.target, step, timed_out)

    async def handle_error(self, turn: Turn, error: Exception) -> None:
        await self.target.process_error(turn.carrier, error)


_DEFAULTS: Final[dict[str, Any]] = {"group": -100, "ordered": True, "identify": None, "grace": 5.0}


def install(
    target: AnyApplication,
    *,
    group: int = -100,
    ordered: bool = True,
    identify: Callable[[Any], Any] | None = None,
    grace: float = 5.0,
    storage: object = None,
    engine: Engine | None = None,
    cancel_words: Collection[str] = CANCEL_WORDS,
    texts: Mapping[str, Mapping[str, str]] | None = None,
    translate: Translate | None = None,
) -> Engine:
    """Make conversations work on *target*; see ``aiostep.install`` and, for the options, ``PTBAdapter``.

    Raises:
        UnsupportedTarget: *target* is no application.
        AlreadyInstalled: it has another engine, or was installed with other options.
        BadArgument: an option makes no sense.
    """
    if not isinstance(target, Application):
        raise UnsupportedTarget(target, ("ptb",), ("this adapter takes a python-telegram-bot Application",))
    adapter = PTBAdapter(target, group=group, ordered=ordered, identify=identify, grace=grace)
    words: dict[str, Any] = {"cancel_words": cancel_words, "texts": texts, "translate": translate}
    return install_adapter(adapter, storage=storage, engine=engine, **words)


def _without(handler: StepHandler, groups: dict[int, Any]) -> dict[int, Any]:
    """Return *groups* without *handler*; a new dictionary, as handlers that are under way go through the old one."""
    rest = {group: [one for one in handlers if one is not handler] for group, handlers in groups.items()}
    return {group: handlers for group, handlers in rest.items() if handlers}


def _identity(found: Any) -> tuple[Any, Any, Any, Any]:
    """Read what ``identify`` has returned.

    Raises:
        BadArgument: it is nothing of the kind.
    """
    if found is None:
        return None, None, None, None
    if isinstance(found, Key):
        return found[1:]
    try:
        chat_id, user_id = found
    except (TypeError, ValueError):
        expected = "a Key, (chat id, user id), Facts or None"
        raise BadArgument("the result of identify", found, expected) from None
    return chat_id, user_id, None, None
