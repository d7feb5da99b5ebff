"""Every contract of aiostep: what an adapter, a storage and a question must do. Read this first.

``Adapter`` is the translation for one framework. ``Question`` turns an update into a value. The storages' contracts
have a module of their own, ``storages.abc``. Optional abilities are methods with a default.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

from .errors import BadArgument
from .sending import Failure as Failure
from .sending import loss_of
from .storages.abc import Records as Records
from .storages.abc import StateStorage as StateStorage
from .storages.abc import StepStorage as StepStorage

if TYPE_CHECKING:
    from .context import Turn
    from .durable.abc import Scribe
    from .facts import Delivery, Facts
    from .keyboards import Keyboard
    from .keys import Key
    from .reports import TimedOut
    from .runtime import Runtime
    from .steps import Step

__all__ = ["Adapter", "Address", "Failure", "Question", "Records", "Sent", "StateStorage", "StepStorage", "Timer"]

T_co = TypeVar("T_co", covariant=True)
TargetT = TypeVar("TargetT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a prompt goes.

    Attributes:
        reply_to_id: the message that led to the question, in the same chat, if there was one.
    """

    key: Key
    chat_type: str | None = None
    reply_to_id: int | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A prompt that was sent: the framework's message, its id, and whether it has inline buttons."""

    message: Any
    chat_id: int | None
    message_id: int
    has_buttons: bool = False


class Timer(Protocol):
    """What stands for a later call."""

    def cancel(self) -> object:
        """Do not call."""
        ...


class Adapter(ABC, Generic[TargetT]):
    """The translation for one framework, bound to one target (a dispatcher, an application, a bot).

    For every update that the framework receives, before any handler, lock, limiter or middleware that may wait, an
    adapter must, in this order and without awaiting:

    1. drop it if ``runtime.is_duplicate(bot_id, update_id)``;
    2. unless ``runtime.concerns(key)`` is false, make the ``Delivery`` and ask ``runtime.meet(delivery)``; when the
       answer cannot be given at once, await ``runtime.settle(decision)``;
    3. consume the update (the framework's handlers must not see it) if the decision says so, else take the step
       (``runtime.steps.take``, always: later updates are held for it) and, without awaiting anything more, if there is
       one call ``runtime.open_for_step``, and let the update go on with a new ``Turn`` current;
    4. when the handler has returned or raised, call ``runtime.end_turn``, also for next steps.
    """

    #: The plugin's name, which is the extra's name too.
    name: str
    #: The object that was given to install(). Held weakly or not, as the adapter likes: the target holds the adapter.
    target: TargetT
    #: What performs its waits; None: the runtime for asyncio.
    runtime_class: type[Runtime] | None = None
    #: The options that were given to install().
    options: Mapping[str, Any] = MappingProxyType({})
    #: What writes down the framework's objects; without it there are no durable conversations.
    scribe: Scribe | None = None

    # Installing.

    @abstractmethod
    def install(self, runtime: Runtime) -> None:
        """Hook into the target. It may be built and configured already, but must not be changed in any other way.

        Raises:
            AlreadyInstalled: the target is served by another adapter.
        """

    @abstractmethod
    def uninstall(self) -> None:
        """Undo ``install``: the target is as it was before. Again is harmless."""

    # Updates.

    @abstractmethod
    def facts(self, carrier: Any) -> Facts:
        """Return what the core needs to know of an update. Pure; must not raise for any update Telegram sends."""

    def text_of(self, delivery: Delivery) -> str | None:
        """Return ``delivery.facts.text``; faster, where that is easy: nothing else is read of nearly all answers."""
        return delivery.facts.text

    def update_id_of(self, delivery: Delivery) -> int | None:
        """Return ``delivery.facts.update_id``; faster, where that is easy: durable conversations note it."""
        return delivery.facts.update_id

    @abstractmethod
    def update_of(self, carrier: Any) -> Any:
        """Return the object that users get for the carried update, such as the framework's message."""

    @abstractmethod
    def key_of(self, target: object) -> Key | None:
        """Return the key of a framework object (a message, a user, a chat); None if it has neither user nor chat.

        Raises:
            TypeError: *target* is no object of this framework.
        """

    @abstractmethod
    def redispatch(self, deliveries: Sequence[Delivery]) -> None:
        """Dispatch updates again, in this order, as if they had just arrived; returns before they are handled."""

    def message_of(self, update: Any) -> Any:
        """Return the framework's message that an update, as users get it, is or has."""
        return update

    def language_of(self, update: Any) -> str | None:
        """Return the language code of the person who an update, as users get it, is from."""
        return getattr(getattr(update, "from_user", None), "language_code", None)

    def bot_ids(self) -> Collection[int]:
        """Return the ids of the bots seen so far."""
        return ()

    async def listen(self, *call: Any) -> Any:
        """Take a call of ``Listen``, in the form that the framework gives to its middlewares."""
        raise NotImplementedError

    # Waiting.

    @abstractmethod
    def compile_filter(self, filter: Any) -> Callable[[Delivery], object]:
        """Turn whatever the framework takes as a filter into a call that gives a truth or an awaitable of one.

        A filter that can be called without awaiting must be, so that updates keep their order for free.

        Raises:
            BadArgument: *filter* is nothing that can be called.
        """

    def check_wait(self, turn: Turn | None, kinds: frozenset[str]) -> None:
        """Refuse a wait that could not end.

        Raises:
            WouldDeadlock: the framework holds something while the handler runs without which no answer comes.
            NotSubscribed: the bot does not receive *kinds*.
        """

    def suspend(self, turn: Turn) -> Any:
        """Begin to let go of what the framework must not hold while a handler waits; None if there is nothing.

        A result that is not None is awaited by ``release`` and later given to ``retake``.
        """
        return None

    async def release(self, holds: Any) -> None:
        """Let go of *holds*, last taken first."""

    async def retake(self, holds: Any) -> None:
        """Take *holds* again, before the handler goes on. Not called when its task was cancelled."""

    # Speaking.

    @abstractmethod
    async def send(
        self, to: Address, prompt: Any, *, keyboard: Any = None, force_reply: Any = "auto", **send: Any
    ) -> Sent:
        """Send *prompt* (a text, or what the framework can send) to *to*; errors of the framework pass through.

        A text that is a ``texts.Plain`` is sent without any parse mode, unless *send* has one.
        """

    def watch_click(self, delivery: Delivery) -> None:
        """Begin to notice whether the handler that got this click answers it itself; then ``answer_click`` must not."""

    @abstractmethod
    async def answer_click(self, delivery: Delivery, text: str | None = None, *, alert: bool = False) -> None:
        """Answer a callback query, so that its button stops spinning. Must not raise for one that is too old.

        Args:
            alert: show *text* in a window that the person must close.
        """

    def keyboard(self, keyboard: Keyboard) -> Any:
        """Return the framework's own reply markup for *keyboard*. Its data are ours; do not change them.

        A keyboard that is not inline goes away when one of its buttons was pressed, and is shown only to those whom
        the message is for; without rows, it takes away the one that is shown. Without this ability there is no
        ``choose``, ``confirm`` and ``fill``.
        """
        raise BadArgument("keyboard", keyboard, f"a keyboard of the framework: {self.name} cannot make one of ours")

    async def edit(
        self, to: Address, sent: Sent, *, text: str | None = None, keyboard: Keyboard | None = None
    ) -> Failure | None:
        """Change a message that was sent: its inline keyboard, None takes it away, and with *text* what it says.

        Must not raise what Telegram or the network say but return it: nobody's conversation ends because of it.
        """

    def failure_of(self, error: BaseException) -> Failure | None:
        """Describe an *error* of a send for the decision what becomes of it; None: nothing that the network says.

        Without this ability no prompt is sent again. Whoever retries inside of a call, as some frameworks do, must not
        call what they gave up ``is_unsent``.
        """
        return None

    def is_gone(self, error: BaseException) -> str | None:
        """Return "blocked", "left" or "migrated" if *error* of a send says that nobody will ever answer there."""
        return loss_of(self.failure_of(error))

    # Steps.

    def compile_step(self, step: Step) -> None:
        """Look at a step when it is registered; give it the ``origin_name`` of its ``origin``, if there is one.

        Raises:
            BadArgument: the framework could not call it.
        """

    async def call_timeout(self, step: Step, timed_out: TimedOut) -> None:
        """Call the ``on_timeout`` of *step* as the step would be called, with *timed_out* in the update's place.

        What it raises goes to the error handlers that the framework has for what no update has led to, if any.
        """
        assert step.on_timeout is not None
        result = step.on_timeout(timed_out, *step.args, **step.kwargs)
        if inspect.isawaitable(result):
            await result

    async def handle_error(self, turn: Turn, error: Exception) -> None:
        """Give *error* to the framework's error handlers, or raise it, and it is logged.

        Raised by what goes on beside the handlers, so that nobody of the framework has called it: ``turn.carrier`` is
        the update that it began with, if one did.
        """
        raise error


@runtime_checkable
class Question(Protocol[T_co]):
    """How an answer becomes a value.

    ``parse`` gets the delivery and returns the value, or an awaitable of it, or raises ``Retry`` with what is wrong
    with it. Anything else that it raises is a bug and goes to the handler.
    """

    @property  # an attribute will do
    def kinds(self) -> frozenset[str]:
        """The kinds of update that can answer."""
        ...

    def parse(self, delivery: Delivery) -> T_co:
        """Return the value of the answer.

        Raises:
            Retry: the answer is no good; its text says why.
        """
        ...
