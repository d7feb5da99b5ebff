"""A registered step as a record: its key, its fields, and back. What the fields mean is told in ``steps.py``."""

from __future__ import annotations

import functools
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..errors import AiostepError, NotDurable
from ..keys import ABOUT_MESSAGE, Key, MessageKey, Place, Scope
from ..named import filters, name_of, named
from ..steps import Step
from .abc import RecordKey
from .records import record_key, split_name
from .values import Codec

__all__ = ["KIND", "Missing", "StepFields", "is_known", "key_at", "key_of", "place_of"]

logger = logging.getLogger("aiostep")

KIND: Final = "step"


class Missing:
    """Stands for a function or filter whose name nobody has here."""

    def __init__(self, name: str) -> None:
        self.__qualname__ = name  # what Step.name reads

    def __call__(self, *args: object, **kwargs: object) -> None:
        raise LookupError(self.__qualname__)


class StepFields:
    """Writes steps as fields and reads them again. What cannot be read is logged, once."""

    def __init__(self, values: Codec) -> None:
        self._values = values
        self._reported: set[str] = set()

    def write(self, step: Step, wall: float, now: float) -> dict[str, str]:
        """Write *step* down; every field is there, for they take the place of another step's.

        Raises:
            NotDurable: the step, its filter or its ``on_timeout`` has no name.
            NotStorable: an argument cannot be written down.
        """
        if step.filter is not None and step.filter_name is None:
            raise NotDurable("a filter without a name", 'name it: is_text = step_filter("is_text")(...)')
        return {
            "id": secrets.token_hex(8),
            "name": _name(step.fn),
            "args": self._values.encode(list(step.args), "args"),
            "kwargs": self._values.encode(dict(step.kwargs), "kwargs"),
            "filter": step.filter_name or "",
            "on_timeout": "" if step.on_timeout is None else _name(step.on_timeout),
            "kinds": " ".join(sorted(step.kinds)),
            "after": "" if step.after is None else str(step.after),
            "opened": repr(wall),
            "expires": "" if step.expires_at is None else repr(wall + step.expires_at - now),
            "failures": str(step.failures),
            "origin": step.origin_name,
            "owner": "",
            "until": "",
        }

    def read(self, fields: Mapping[str, str], place: Place, wall: float, now: float) -> Step | None:
        """Return the step; functions that are not known here are ``Missing``. None: its arguments cannot be read."""
        try:
            args, kwargs = self._values.decode(fields["args"]), self._values.decode(fields["kwargs"])
        except AiostepError as error:
            self._report(f"the arguments of the stored step {fields['name']!r} cannot be read: {error}")
            return None
        opened, expires = float(fields["opened"]), float(fields["expires"]) if fields["expires"] else None
        return Step(
            place=place,
            fn=self._function(fields["name"]),
            args=tuple(args),
            kwargs=kwargs,
            filter=self._filter(fields["filter"]),
            filter_name=fields["filter"] or None,
            on_timeout=self._function(fields["on_timeout"]) if fields["on_timeout"] else None,
            after=int(fields["after"]) if fields["after"] else None,
            # A wall clock that was put back must not make it last longer, nor have it begin in the future.
            opened_at=now - max(0.0, wall - opened),
            expires_at=None if expires is None else now + min(expires - wall, expires - opened),
            kinds=frozenset(fields["kinds"].split()),
            origin_name=fields.get("origin", ""),  # records that are older have none
        )

    def _function(self, name: str) -> Callable[..., Any]:
        fn = named(name)
        if fn is None:
            self._report(
                f"a stored step is called {name!r}, and no function is; the step is kept: deploy a function with "
                f'@step("{name}"), or drop it with unregister_steps()'
            )
        return fn if fn is not None else Missing(name)

    def _filter(self, name: str) -> Missing | None:
        """Return None, as only an adapter can make a call of a filter, unless there is none of that name."""
        if not name or filters.get(name) is not None:
            return None
        self._report(f"a stored step has the filter {name!r}, and no filter is called so; the step is kept")
        return Missing(name)

    def _report(self, problem: str) -> None:
        if problem not in self._reported and len(self._reported) < 1000:
            self._reported.add(problem)
            logger.warning("%s", problem)


def is_known(step: Step) -> bool:
    """Tell whether everything is here that running *step* takes."""
    return not isinstance(step.fn, Missing) and not isinstance(step.filter, Missing)


def key_of(place: Place) -> RecordKey:
    """Return the key of the record for *place*."""
    return key_at(KIND, place)


def key_at(kind: str, place: Place) -> RecordKey:
    """Return the key of a record of *kind* for *place*."""
    return RecordKey(kind, *_name_of(place))


@functools.lru_cache(maxsize=1024)  # at each place of an update three kinds of records are looked for
def _name_of(place: Place) -> tuple[str, str]:
    bot_id, *parts = place.key
    _, space, name = record_key(KIND, bot_id, place.scope.value, *parts)
    return space, name


def place_of(key: RecordKey) -> Place:
    """Return the place that a record is for."""
    first, *parts = split_name(key.name)
    scope, bot_id, last = Scope(first), int(key.space), parts[-1]
    numbers = [None if part is None else int(part) for part in parts[:-1]]
    if scope not in ABOUT_MESSAGE:
        chat_id, user_id, thread_id = numbers
        return Place(scope, Key(bot_id, chat_id, user_id, thread_id, last))
    (chat_id,) = numbers
    # Only messages of a chat have numbers, see MessageKey.
    return Place(scope, MessageKey(bot_id, chat_id, (last or "") if chat_id is None else int(last or 0)))


def _name(fn: Callable[..., Any]) -> str:
    """Return the name under which *fn* can be stored.

    Raises:
        NotDurable: it has none.
    """
    name = name_of(fn)
    if name is None:
        shown, short = getattr(fn, "__qualname__", type(fn).__qualname__), getattr(fn, "__name__", "name")
        if short == "<lambda>":
            raise NotDurable(f"the step {shown}", 'write it as a function with a name that stays: @step("name")')
        raise NotDurable(f"the step {shown}", f'give it a name that stays: @step("{short}")')
    return name
