"""Entries of a journal as texts, and outcomes as entries: what a replay gives is what the first run was given.

What ``tag`` says of the payload:

* v: a value, written by the codec of all storages
* o: an object of the framework; u: an update, as a wait returns it; m: the updates that an answer is made of
* e: an error, by the name of its class; f: one of the framework's
* t: nobody answered in time; c: the wait was cancelled
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from ..errors import (
    AiostepError,
    EffectFailed,
    EffectInDoubt,
    NotStorable,
    StorageDamaged,
    TooManyAttempts,
    WaitCancelled,
    WaitTimeout,
)
from ..facts import Delivery
from .values import Entry, Kind, MadeOf, Outcome

if TYPE_CHECKING:
    from ..abc import Adapter
    from ..storages.values import Values
    from .abc import Scribe

__all__ = ["Entries"]

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_OURS: Final[dict[str, Callable[..., BaseException]]] = {
    "TooManyAttempts": TooManyAttempts,
    "EffectFailed": EffectFailed,
    "EffectInDoubt": EffectInDoubt,
}
_BUILTIN: Final[dict[str, Callable[..., BaseException]]] = {
    name: one for name, one in vars(builtins).items() if isinstance(one, type) and issubclass(one, Exception)
}


class Entries:
    """Writes and reads the entries of one conversation."""

    def __init__(self, values: Values, adapter: Adapter[Any], scribe: Scribe, bot_id: int) -> None:
        self._values = values
        self._adapter = adapter
        self._scribe = scribe
        self._bot_id = bot_id

    def write(self, entry: Entry) -> str:
        """Return *entry* as a text."""
        parts = list[Any](entry)
        while parts[-1] is None:
            parts.pop()
        return self._values.encode(parts, "the journal")

    def read_all(self, texts: Sequence[str], name: str) -> list[Entry]:
        """Return the entries of the journal of the conversation *name*.

        Raises:
            StorageDamaged: one of them cannot be read.
        """
        entries = list[Entry]()
        try:
            for text in texts:
                entries.append(self.read(text))
        except StorageDamaged as error:
            where = f"entry {len(entries)} of the journal of the durable conversation {name!r}"
            fix = "end_durable() ends it, and whoever it is with can begin again"
            raise StorageDamaged(where, f"cannot be read ({error})", fix) from error
        return entries

    def read(self, text: str) -> Entry:
        """Return the entry of *text*.

        Raises:
            StorageDamaged: it is none.
        """
        parts: Any = self._values.decode(text)
        if not _is_list(parts) or not 2 < len(parts) <= 5 or not all(isinstance(one, str) for one in parts[:3]):
            raise StorageDamaged("a journal", f"has a line that is no entry: {text[:80]!r}", "end it")
        return Entry(*parts)

    def outcome_of(self, entry: Entry) -> Outcome:
        """Return what the conversation gets for *entry*.

        Raises:
            StorageDamaged: nobody can tell.
        """
        try:
            return self._outcome_of(entry)
        except AiostepError:
            raise
        except Exception as error:
            what, fix = (
                f"the outcome of {entry.kind} {entry.name!r} in a journal",
                "end_durable() ends the conversation",
            )
            raise StorageDamaged(what, f"cannot be read ({type(error).__name__}: {error})", fix) from error

    def _outcome_of(self, entry: Entry) -> Outcome:
        tag, payload = entry.tag, entry.payload
        if tag == "v":
            return Outcome(payload)
        if tag == "o":
            return Outcome(self._scribe.read(self._bot_id, payload))
        if tag == "u":
            return Outcome(self._adapter.update_of(self._scribe.read_update(self._bot_id, payload)))
        if tag == "m":
            return Outcome(MadeOf([self.delivery_of(one) for one in payload]))
        if tag == "t":
            return Outcome(error=WaitTimeout(payload))
        if tag == "c":
            return Outcome(error=WaitCancelled(*payload))
        if tag == "f":
            return Outcome(error=self._scribe.read_error(payload))
        if tag == "e":
            return Outcome(error=_error(*payload))
        return Outcome()

    # What has just happened, as an entry and as what the live conversation gets for it.

    def value(self, kind: str, name: str, value: Any, note: Any = None) -> tuple[Entry, Outcome]:
        """Return what a result comes to.

        Raises:
            NotStorable: it would not come back as it is.
        """
        if type(value) in _PLAIN:
            return Entry(kind, name, "v", value, note), Outcome(value)
        written = self._scribe.write(value)
        if written is not None:
            return Entry(kind, name, "o", written, note), Outcome(value)
        copy = self._values.copy(value, f"the result of {name}")
        return Entry(kind, name, "v", copy, note), Outcome(self._values.copy(copy))

    def delivery_of(self, written: Any) -> Delivery:
        """Return the update that the scribe has written."""
        carrier = self._scribe.read_update(self._bot_id, written)
        return Delivery(None, self._adapter.update_of(carrier), carrier, self._adapter)

    def answer(
        self, name: str, value: Any, delivery: Delivery | None, made_of: Sequence[Delivery] = ()
    ) -> tuple[Entry, Outcome]:
        """Return what an answer comes to.

        Args:
            made_of: the updates that it can be made of again, if it cannot be kept itself.

        Raises:
            NotStorable: it would not come back as it is.
        """
        if delivery is None:
            return self.value(Kind.WAIT, name, value)
        note = delivery.update_id
        if value is delivery.update:
            return Entry(Kind.WAIT, name, "u", self._scribe.write_update(delivery.carrier), note), Outcome(value)
        try:
            return self.value(Kind.WAIT, name, value, note)
        except NotStorable:
            if not made_of:
                raise
        written = [self._scribe.write_update(one.carrier) for one in made_of]
        return Entry(Kind.WAIT, name, "m", written, note), Outcome(MadeOf(made_of))

    def error(self, kind: str, name: str, error: BaseException, note: Any = None) -> tuple[Entry, Outcome]:
        """Return what an error comes to; of an unknown class it is ``EffectFailed`` from now on."""
        if isinstance(error, WaitTimeout):
            return Entry(kind, name, "t", error.timeout, note), Outcome(error=error)
        if isinstance(error, WaitCancelled):
            return Entry(kind, name, "c", [error.reason, error.detail], note), Outcome(error=error)
        written = self._scribe.write_error(error)
        if written is not None:
            return Entry(kind, name, "f", written, note), Outcome(error=error)
        payload = _written(error, self._values)
        if payload is None:
            args = [type(error).__name__, str(error)]
            payload = ["EffectFailed", args]
            failed = error if isinstance(error, AiostepError) else _caused(_error("EffectFailed", args), error)
            return Entry(kind, name, "e", payload, note), Outcome(error=failed)
        return Entry(kind, name, "e", payload, note), Outcome(error=error)


def _is_list(value: object) -> bool:
    return type(value) is list


def _written(error: BaseException, values: Values) -> list[Any] | None:
    name = type(error).__name__
    if isinstance(error, TooManyAttempts):
        return [name, [error.attempts, str(error.problem)]]
    if isinstance(error, EffectFailed):
        return [name, [error.error, str(error).partition(": ")[2]]]
    known: object = _BUILTIN.get(name)
    if known is not type(error):
        return None
    try:
        return [name, values.copy(list(error.args))]
    except NotStorable:
        return None


def _error(name: str, args: list[Any]) -> BaseException:
    make = _OURS.get(name) or _BUILTIN.get(name)
    try:
        return make(*args) if make is not None else EffectFailed(name, ", ".join(map(str, args)))
    except TypeError:  # UnicodeDecodeError, for one, checks what it is given
        return EffectFailed(name, ", ".join(map(str, args)))


def _caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error
