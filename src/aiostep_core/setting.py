"""What a wait finds around it: the handler's turn, the engine, and whose answer is meant."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from .context import Talk, Turn, current_talk, current_turn
from .errors import BadArgument, WaitCancelled
from .installed import runtime_of
from .matching import but_not
from .targets import Aim, aim
from .waits import Wait

if TYPE_CHECKING:
    from .abc import Adapter
    from .engine import Decision
    from .facts import Delivery
    from .keys import MessageScope, Scope
    from .runtime import Runtime
    from .waits import Conversation

__all__ = ["Setting", "seconds"]


class Setting(NamedTuple):
    """Where a wait takes place; ``talk`` is the ``conversation()`` block around it, if that is meant."""

    runtime: Runtime
    adapter: Adapter[Any]
    turn: Turn | None
    aim: Aim
    talk: Talk | None = None

    @classmethod
    def find(cls, target: Any, scope: Scope | MessageScope | None) -> Setting:
        """Look around.

        Raises:
            NotInstalled: there is no engine, or there are several.
            NoTarget, BadArgument: see ``aim``.
        """
        turn = current_turn.get()
        if turn is not None and target is None and scope is None and current_talk.get() is None:
            return cls(turn.runtime, turn.adapter, turn, turn.find_aim())
        runtime = runtime_of(turn)
        talk = current_talk.get() if target is None and scope is None else None
        if talk is not None and talk.turn is turn and (talk.conversation is None or _is_on(talk.conversation)):
            return cls(runtime, runtime.adapter_for(talk.aim.key.bot_id, turn), turn, talk.aim, talk)
        facts = turn.facts if turn is not None else None
        found = aim(target, scope, facts, runtime.bot_ids(), runtime.key_of)
        if turn is not None and target is None and scope is None:
            turn.aim = found
        return cls(runtime, runtime.adapter_for(found.key.bot_id, turn), turn, found)

    def open(
        self,
        kinds: frozenset[str],
        *,
        filter: Any = None,
        timeout: float | None = None,
        on_conflict: str = "replace",
        fresh: bool = False,
        accepts: Callable[[Delivery], object] | None = None,
        escape: Any = None,
        passed: Callable[[Delivery], object] | None = None,
        takes_commands: bool = False,
        takes_service: bool = False,
        **options: Any,
    ) -> tuple[Wait, Decision | None]:
        """Open a wait now; also return the decision of a filter that must be awaited over the mailbox.

        *accepts* is a filter of ours, in the place of the user's; *escape* a filter for what is not meant; *passed*
        is called with that, and with commands if the wait takes any, since it shall not have them.
        """
        self.adapter.check_wait(self.turn, kinds)
        if accepts is None and filter is not None:
            accepts = self.adapter.compile_filter(filter)
        if passed is not None:
            accepts = but_not(None if escape is None else self.adapter.compile_filter(escape), accepts, passed)
        now = self.runtime.now()
        if self.talk is not None and (deadline := self.deadline(timeout)) is not None:
            timeout = max(0.0, deadline - now)
        wait = Wait(
            self.conversation(on_conflict),
            kinds,
            accepts,
            now,
            timeout,
            takes_commands,
            takes_service,
            **options,
        )
        return wait, self.runtime.open_wait(wait, now, fresh=fresh)

    def deadline(self, timeout: float | None) -> float | None:
        """Return when *timeout* is up, or the block around, on the runtime's clock; None: never."""
        ends = [self.runtime.now() + timeout] if timeout is not None else []
        if self.talk is not None and self.talk.deadline is not None:
            ends.append(self.talk.deadline)
        return min(ends, default=None)

    @property
    def language(self) -> str | None:
        """The language code of the person whose update is being handled."""
        return None if self.turn is None else self.adapter.language_of(self.turn.delivery.update)

    @property
    def is_open(self) -> bool:
        """Whether the handler, or the block around, has a conversation here already."""
        known = (
            self.turn.conversations.get(self.aim.place) if self.turn is not None and self.turn.conversations else None
        )
        return self.talk is not None or (known is not None and known.is_open)

    def conversation(self, on_conflict: str, *, own: bool = False) -> Conversation:
        """Return the conversation that is open here, or open one; see ``Runtime.open_conversation``."""
        if self.talk is None or self.talk.conversation is None:
            return self.runtime.open_conversation(self.aim, self.turn, on_conflict=on_conflict, own=own)
        conversation = self.talk.conversation
        if not conversation.is_open:
            reason, conversation.reason = conversation.reason, None
            raise WaitCancelled(reason or "code")
        return conversation


def _is_on(conversation: Conversation) -> bool:
    """Tell whether the block is not over, or its waits have not been told that it is."""
    return conversation.is_open or conversation.reason is not None


def seconds(name: str, value: float | timedelta | None) -> float | None:
    """Return *value* as seconds, or None.

    Raises:
        BadArgument: it is no number, negative, infinite or NaN.
    """
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number <= sys.float_info.max:
        raise BadArgument(name, value, "seconds from 0, a timedelta, or None for no limit")
    return float(number)
