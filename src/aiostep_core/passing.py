"""What passes a question by: other handlers have it, and what they say may push the question out of sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .decisions import Changes
from .errors import BadArgument
from .setting import Setting, seconds
from .waits import Signal, Wait

if TYPE_CHECKING:
    from .abc import Timer
    from .facts import Delivery
    from .waits import Conversation

__all__ = ["Passing", "pause_before"]

#: Seconds that other handlers have to say what they have to say, before the question is asked again below it.
_PAUSE: Final = 1.0


class Passing:
    """Looks at what passes one question by; *pause* is how long after that it is asked again, None: not at all."""

    __slots__ = ("_conversation", "_is_due", "_is_out_of_sight", "_pause", "_setting", "_timer", "_wait")

    def __init__(self, setting: Setting, pause: float | None) -> None:
        self._setting = setting
        self._pause = pause
        self._timer: Timer | None = None
        self._wait: Wait | None = None
        self._conversation: Conversation | None = None
        self._is_out_of_sight = False
        self._is_due = False

    @property
    def takes_commands(self) -> bool:
        """Whether a wait must take commands, for ``note`` to be told of them."""
        return self._pause is not None

    def begin(self, wait: Wait, *, anew: bool) -> None:
        """Begin, now that *wait* is open; the question is sent *anew*, or was sent before."""
        self._is_due = False
        if self._pause is not None:
            self._conversation = wait.conversation
            self._conversation.passed = self.note
            self._is_out_of_sight = self._is_out_of_sight and not anew

    def watch(self, wait: Wait) -> None:
        """Go on, now that the question is out."""
        self._wait = wait
        if self._is_out_of_sight and self._pause is not None:
            self._is_out_of_sight = False
            self._start(self._pause)

    def rest(self) -> None:
        """Stop for now: the wait is over."""
        self._wait = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stop(self) -> None:
        """Stop: the question is over."""
        if self._conversation is not None:
            self._conversation.passed = None

    def is_due(self) -> bool:
        """Tell whether the wait ended because the question is to be asked again. It is told once."""
        is_due, self._is_due = self._is_due, False
        return is_due

    def note(self, delivery: Delivery) -> None:
        """Note that an update is none of the question's. Of several in a row the last one counts."""
        runtime, command = self._setting.runtime, delivery.facts.command
        if any(delivery in (one.unread or ()) for one in runtime.engine.waits.at(self._setting.aim.place)):
            runtime.call_later(0, self._hand_on, delivery)  # not now: the mailbox is being read
        if self._pause is None or (command is not None and "@" in command):  # another bot's
            return
        if self._wait is None:
            self._is_out_of_sight = True  # it is being sent, or a page is being turned
        else:
            self._start(self._pause)

    def _hand_on(self, delivery: Delivery) -> None:
        """Let other handlers have at once what came while nobody waited: they would get it when all is over."""
        runtime = self._setting.runtime
        for conversation in runtime.engine.waits.at(self._setting.aim.place):
            if delivery in (conversation.unread or ()):
                conversation.unread = [one for one in conversation.unread or () if one is not delivery]
                runtime.perform(Changes(leftovers=[delivery]))
                return

    def _start(self, pause: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._setting.runtime.call_later(pause, self._ask_again)

    def _ask_again(self) -> None:
        """End the wait: whoever asks must send the question, for only they can tell what comes of that."""
        wait = self._wait
        if wait is not None and wait.take(Signal.CANCEL, reason="again"):
            self._is_due = True
            self._setting.runtime.perform(Changes(ended=[wait]))


def pause_before(again: object) -> float | None:
    """Read ``again=``: how many seconds to wait before the question is asked again; None: it is not.

    Raises:
        BadArgument: it says neither yes nor no, nor how many seconds.
    """
    if isinstance(again, bool):
        return _PAUSE if again else None
    try:
        return seconds("again", again)  # type: ignore[arg-type]
    except BadArgument:
        raise BadArgument("again", again, "True, False, or seconds from 0") from None
