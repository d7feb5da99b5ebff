"""What users are told: who waits for what, and how a conversation ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .abc import Address
from .errors import NoTarget, TooManyAttempts, WaitCancelled, WaitTimeout
from .keys import Key

if TYPE_CHECKING:
    from .abc import Adapter
    from .context import Turn
    from .keys import MessageKey, Scope
    from .steps import Step
    from .waits import Conversation, Wait

__all__ = ["Exit", "Pending", "TimedOut"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One wait or one registered step.

    Attributes:
        what: ``"wait"`` or ``"step"``.
        kinds: the kinds of update that can answer.
        name: the function of a step.
        age: seconds since it began.
        left: seconds until it times out; None: never.
        unread: updates in the conversation's mailbox.
    """

    what: str
    scope: Scope
    key: Key | MessageKey
    kinds: frozenset[str]
    age: float
    left: float | None
    name: str | None = None
    unread: int = 0

    @classmethod
    def of_wait(cls, wait: Wait, now: float) -> Pending:
        """Describe *wait*."""
        conversation, age = wait.conversation, now - wait.opened_at
        return cls(
            what="wait",
            scope=conversation.place.scope,
            key=conversation.place.key,
            kinds=wait.kinds,
            age=age,
            left=None if wait.timeout is None else wait.timeout - age,
            unread=len(conversation.unread or ()),
        )

    @classmethod
    def of_step(cls, step: Step, now: float) -> Pending:
        """Describe *step*."""
        left = None if step.expires_at is None else step.expires_at - now
        return cls(
            what="step",
            scope=step.place.scope,
            key=step.place.key,
            kinds=step.kinds,
            age=now - step.opened_at,
            left=left,
            name=step.name,
        )


class Exit:
    """How a conversation ended, for ``on_exit``.

    Attributes:
        reason: ``"finished"``, ``"timeout"``, ``"attempts"``, ``"error"``, or the reason of a ``WaitCancelled``.
        key: whom it was with.
        update: the update whose handler held it.
        error: what the handler raised, or None.
    """

    __slots__ = ("_turn", "error", "key", "reason", "update")

    def __init__(self, turn: Turn, conversation: Conversation, error: BaseException | None) -> None:
        self._turn = turn
        self.key = conversation.place.key
        self.reason = _reason(error)
        self.update = turn.delivery.update
        self.error = error

    async def send(self, text: str, **send: Any) -> Any:
        """Write to the chat that the conversation began in; return the framework's message."""
        turn = self._turn
        to = Address(key=turn.facts.key, chat_type=turn.facts.chat_type)
        return (await turn.adapter.send(to, text, force_reply=False, **send)).message

    def __repr__(self) -> str:
        return f"<Exit {self.reason} with {self.key}>"


class TimedOut:
    """What an ``on_timeout`` function gets in the place of an update: nobody answered in time.

    Attributes:
        key: who was waited for.
        step: the name of the step that did not run.
    """

    __slots__ = ("_adapter", "key", "scope", "step")

    def __init__(self, step: Step, adapter: Adapter[Any]) -> None:
        self._adapter = adapter
        self.key = step.place.key
        self.scope = step.place.scope
        self.step = step.name

    async def send(self, text: str, **send: Any) -> Any:
        """Write to the chat, or else to the person, that was waited for; return the framework's message.

        Raises:
            NoTarget: it was neither.
        """
        key = self.key
        if not isinstance(key, Key):
            key = Key(key.bot_id, key.chat_id)
        elif key.chat_id is None:
            key = key._replace(chat_id=key.user_id)
        if key.chat_id is None:
            raise NoTarget("a step for anybody has no chat to write to")
        return (await self._adapter.send(Address(key=key), text, force_reply=False, **send)).message

    def __repr__(self) -> str:
        return f"<TimedOut {self.step} of {self.key}>"


async def tell(callbacks: Sequence[Callable[[Exit], object]], event: Exit) -> None:
    """Call *callbacks*, plain or async, with *event*."""
    for callback in callbacks:
        result = callback(event)
        if isinstance(result, Awaitable):
            await result


def _reason(error: BaseException | None) -> str:
    if error is None:
        return "finished"
    if isinstance(error, WaitCancelled):
        return error.reason
    if isinstance(error, WaitTimeout):
        return "timeout"
    return "attempts" if isinstance(error, TooManyAttempts) else "error"
