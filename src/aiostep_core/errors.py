"""Every error of aiostep, one tree.

    AiostepError
     +-- WaitEnded                     what a wait raises in the handler that waits
     |    +-- WaitTimeout              also a builtin TimeoutError
     |    +-- WaitCancelled            .reason says who ended it
     |    +-- TooManyAttempts          the last allowed answer was no good either
     +-- AlreadyWaiting                on_conflict="reject", or a queue that is full
     +-- WouldDeadlock                 the framework cannot deliver the answer while this handler waits
     +-- NotSubscribed                 the bot does not receive the kind of update the wait asks for
     +-- BadArgument                   also a ValueError
     |    +-- NoTarget                 no way to tell whose answer is meant
     +-- UnsupportedTarget             also a TypeError: install() on something no adapter knows
     +-- NotInstalled                  nothing is installed, or it is unclear which engine is meant
     +-- AlreadyInstalled              the target has an engine already
     +-- PluginError                   a plugin cannot be used
     |    +-- PluginConflict           two plugins have one name
     |    +-- MissingRequirement       what the plugin needs is not installed
     +-- StorageError                  a storage cannot do what it was asked for
     |    +-- StorageUnavailable       it cannot be reached, is full, read-only, or refused us
     |    +-- StorageClosed            it was closed
     |    +-- StorageDamaged           what is there is no storage of ours, damaged, or of a newer version
     |    +-- NotStorable              also a TypeError: a value that cannot be written down
     +-- NotDurable                    what cannot be kept in a storage that outlives the process
     |    +-- NonDurableAwait          a durable conversation awaits what cannot be replayed
     +-- NonDeterminismError           the code of a durable conversation does not fit what it did before
     +-- NotAwaitable                  also a TypeError: `await` before a call of a bot without an event loop
     +-- EffectInDoubt                 a crash cut an effect, and nobody knows whether it was done
     +-- EffectFailed                  an effect raised what cannot be written down

The classes build their messages: what was got, what was expected, what to do.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .keys import Key

__all__ = [
    "AiostepError",
    "AlreadyInstalled",
    "AlreadyWaiting",
    "BadArgument",
    "EffectFailed",
    "EffectInDoubt",
    "MissingRequirement",
    "NoTarget",
    "NonDeterminismError",
    "NonDurableAwait",
    "NotAwaitable",
    "NotDurable",
    "NotInstalled",
    "NotStorable",
    "NotSubscribed",
    "PluginConflict",
    "PluginError",
    "StorageClosed",
    "StorageDamaged",
    "StorageError",
    "StorageUnavailable",
    "TooManyAttempts",
    "UnsupportedTarget",
    "WaitCancelled",
    "WaitEnded",
    "WaitTimeout",
    "WouldDeadlock",
]

if sys.version_info >= (3, 11):
    _Timeout = TimeoutError
else:
    import asyncio

    # Until 3.11 asyncio.TimeoutError was another class; code that catches either must catch ours.
    class _Timeout(TimeoutError, asyncio.TimeoutError):
        pass


class AiostepError(Exception):
    """Base of every error that aiostep raises."""


class WaitEnded(AiostepError):
    """Base of the ways in which a wait ends without an answer."""


class WaitTimeout(WaitEnded, _Timeout):
    """Nobody answered in time.

    Attributes:
        timeout: the seconds that the wait was given.
    """

    def __init__(self, timeout: float | None = None) -> None:
        self.timeout = timeout
        super().__init__(f"no answer within {timeout:g} s" if timeout is not None else "no answer in time")


class WaitCancelled(WaitEnded):
    """The wait was ended by something other than an answer or the clock.

    Attributes:
        reason: ``"user"`` (the cancel command), ``"code"``, ``"replaced"`` (a newer conversation took the key),
            ``"blocked"``, ``"left"``, ``"migrated"``, ``"shutdown"``, or the word given to ``cancel(reason=...)``.
        detail: one sentence for a log, or an empty string.
    """

    def __init__(self, reason: str = "code", detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"the wait was cancelled: {reason}" + (f" ({detail})" if detail else ""))


class TooManyAttempts(WaitEnded):
    """The last allowed answer did not fit the question.

    Attributes:
        attempts: how many answers were taken.
        problem: what was wrong with the last one.
    """

    def __init__(self, attempts: int, problem: str = "") -> None:
        self.attempts = attempts
        self.problem = problem
        super().__init__(f"no good answer in {attempts} attempts" + (f": {problem}" if problem else ""))


class AlreadyWaiting(AiostepError):
    """Somebody else waits for this key and the conflict policy forbids a second wait."""

    def __init__(self, key: Key, detail: str = "on_conflict='reject' was asked for") -> None:
        self.key = key
        super().__init__(
            f"a conversation with {key} is open already and {detail}; "
            "use on_conflict='replace' to end it, or cancel() it first"
        )


class WouldDeadlock(AiostepError):
    """The framework could not deliver the answer while this handler waits for it."""

    def __init__(self, because: str, fix: str) -> None:
        super().__init__(f"waiting here would block the bot: {because}; {fix}")


class NotSubscribed(AiostepError):
    """The bot does not ask Telegram for the kind of update that a wait needs."""

    def __init__(self, kinds: Iterable[str], fix: str) -> None:
        self.kinds = tuple(sorted(kinds))
        super().__init__(
            f"this bot does not receive {', '.join(self.kinds)} updates, so the wait could never end; {fix}"
        )


class BadArgument(AiostepError, ValueError):
    """A value that the function cannot work with."""

    def __init__(self, name: str, got: object, expected: str) -> None:
        super().__init__(f"{name} is {got!r}; expected {expected}")


class NoTarget(BadArgument):
    """It is unclear whose answer is meant."""

    def __init__(self, detail: str) -> None:
        AiostepError.__init__(self, detail)


class UnsupportedTarget(AiostepError, TypeError):
    """No adapter knows what was given to install()."""

    def __init__(self, target: object, known: Iterable[str], hints: Iterable[str] = ()) -> None:
        kind = target if isinstance(target, type) else type(target)
        got = f"the class {kind.__qualname__}" if isinstance(target, type) else f"{kind.__module__}.{kind.__qualname__}"
        notes = "; ".join(hints)
        super().__init__(
            f"no adapter for {got}; pass a dispatcher, application or bot of a known framework "
            f"({', '.join(sorted(known)) or 'no adapters found'})" + (f"; {notes}" if notes else "")
        )


class NotInstalled(AiostepError):
    """There is no engine to work with, or more than one."""

    def __init__(self, installed: int) -> None:
        if installed:
            detail = (
                f"{installed} engines are installed; outside a handler call the method of the one you mean, "
                "and in a handler of another bot call aiostep.install() on that bot first"
            )
        else:
            detail = "aiostep is not installed; call aiostep.install(dispatcher) once at start"
        super().__init__(detail)


class AlreadyInstalled(AiostepError):
    """The target is served by another engine."""

    def __init__(self, target: object, detail: str = "has another engine already") -> None:
        super().__init__(f"{type(target).__qualname__} {detail}; call uninstall() on that engine first")


class PluginError(AiostepError):
    """A plugin cannot be loaded or does not keep its contract."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        super().__init__(f"plugin {name!r} {problem}")


class PluginConflict(PluginError):
    """Two installed distributions offer a plugin of one name."""

    def __init__(self, name: str, distributions: Iterable[str]) -> None:
        owners = " and ".join(sorted(distributions))
        super().__init__(name, f"is offered by {owners}; uninstall one of them")


class MissingRequirement(PluginError):
    """A distribution that a plugin needs, such as its framework, is not installed."""

    def __init__(self, name: str, requirement: str, fix: str) -> None:
        super().__init__(name, f"needs {requirement}, which is not installed; {fix}")


class StorageError(AiostepError):
    """A storage cannot do what it was asked for."""


class StorageUnavailable(StorageError):
    """A storage cannot be reached or refused the work; nothing is lost that was acknowledged before.

    Args:
        where: the storage, without any password.
    """

    def __init__(self, where: str, problem: str, fix: str = "") -> None:
        super().__init__(f"{where} {problem}" + (f"; {fix}" if fix else ""))


class StorageClosed(StorageError):
    """A storage was used after it was closed."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where} was closed; open a new storage, or close it only after the bot has stopped")


class StorageDamaged(StorageError):
    """A storage holds something that is not ours, is damaged, or was written by a newer version."""

    def __init__(self, where: str, problem: str, fix: str) -> None:
        super().__init__(f"{where} {problem}; {fix}")


class NotStorable(StorageError, TypeError):
    """A value cannot be written down.

    Attributes:
        path: where it is inside of what was to be stored, such as ``data["a"][3]``.
    """

    def __init__(self, path: str, value: object, fix: str) -> None:
        self.path = path
        kind = type(value)
        super().__init__(f"{path}: {kind.__module__}.{kind.__qualname__} cannot be stored; {fix}")


class NotDurable(AiostepError):
    """Something without a stable name was to be kept in a storage that outlives the process."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what} would be lost with this process; {fix}")


class NonDurableAwait(NotDurable):
    """A durable conversation awaits something that cannot be replayed."""

    def __init__(self, awaited: object, where: str = "") -> None:
        if where:
            shown = f"the result of awaiting {awaited!r} at {where}"
            fix = "await run(fn, ...) instead: it is called once, and its result is kept"
        else:
            shown = f"{awaited}, which a task of its own does,"
            fix = "in a durable conversation only its own code can ask, send and run; use gather() or first()"
        super().__init__(shown, fix)


class NonDeterminismError(AiostepError):
    """The code of a durable conversation does something else than it did before, so it cannot be gone on with.

    Nothing is lost: the conversation stays as it is until code that fits is deployed.

    Attributes:
        position: how many operations of the journal the code agreed with.
    """

    def __init__(self, position: int, code: str, journal: str, where: str = "") -> None:
        self.position = position
        super().__init__(
            f"at operation {position} the code {code}, and the journal says {journal}"
            + (f" ({where})" if where else "")
            + '; keep the old code behind `if not patched("name")`, register it as another version, '
            'or decorate with on_change="carry"'
        )


class NotAwaitable(AiostepError, TypeError):
    """A durable conversation of a bot without an event loop awaits what was done when it returned.

    Args:
        problem: what Python says.
    """

    def __init__(self, problem: str, where: str) -> None:
        super().__init__(
            f"{problem}, at {where}: this bot has no event loop, and its own calls are done when they return; "
            "await only what is aiostep's, and leave out the `await`"
        )


class EffectInDoubt(AiostepError):
    """A crash cut an effect: it may have been done or not.

    Attributes:
        key: what the effect was given to be known by.
    """

    def __init__(self, name: str, key: str) -> None:
        self.key = key
        super().__init__(
            f"{name} was begun and cut off, and nobody knows whether it was done; look it up by its key {key!r}"
        )


class EffectFailed(AiostepError):
    """An effect of a durable conversation raised an error of a class that cannot be written down.

    Attributes:
        error: the name of that class.
    """

    def __init__(self, error: str, message: str) -> None:
        self.error = error
        super().__init__(f"{error}: {message}")
