"""Functions by stable names: what a storage can keep of a step, and the only way in which it is found again.

A name that is read from a storage is looked up here and nowhere else: nothing is imported for its sake.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from .errors import BadArgument

__all__ = ["Names", "filters", "name_of", "named", "step", "step_filter", "steps"]

T = TypeVar("T")
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_NAME = re.compile(r"[^\s\x00-\x1f]{1,100}")


class Names(Generic[T]):
    """Things of one sort by name.

    Args:
        decorator: how users spell the decorator, for messages.
    """

    def __init__(self, decorator: str) -> None:
        self._decorator = decorator
        self._things: dict[str, tuple[T, object]] = {}
        # By identity: filters may compare in any way, and hash in none. What is here is kept alive by the other.
        self._names: dict[object, str] = {}

    def add(self, name: str, thing: T, origin: object) -> None:
        """Register *thing* as *name*.

        Args:
            origin: where it was defined. From there a thing may come again, when its module is reloaded.

        Raises:
            BadArgument: *name* is no name, or that of something else.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BadArgument("name", name, f'a short text without spaces: @{self._decorator}("orders.got_name")')
        known = self._things.get(name)
        if known is not None:
            if known[0] is not thing and known[1] != origin:
                raise BadArgument("name", name, f"a name that is not taken: {known[0]!r} has it")
            self._names.pop(_identity(known[0]), None)
        self._things[name] = (thing, origin)
        self._names[_identity(thing)] = name

    def __len__(self) -> int:
        return len(self._things)

    def name_of(self, thing: object) -> str | None:
        """Return the name that *thing* was registered as, or None."""
        return self._names.get(_identity(thing))

    def get(self, name: str) -> T | None:
        """Return what was registered as *name*, or None."""
        known = self._things.get(name)
        return None if known is None else known[0]


#: The steps.
steps: Final[Names[Callable[..., Any]]] = Names("step")
#: The filters of steps.
filters: Final[Names[Any]] = Names("step_filter")

name_of = steps.name_of
named = steps.get


def step(name: str) -> Callable[[FunctionT], FunctionT]:
    """Give a function a stable name, under which a storage that outlives the process can keep it as a next step.

    The function itself stays as it is. Its name must stay the same for as long as steps are stored under it; the
    function may be renamed, moved and rewritten.

    Raises:
        BadArgument: *name* is no text, or another function has it.
    """

    def register(fn: FunctionT) -> FunctionT:
        if not callable(fn):
            raise BadArgument("what @step decorates", fn, "a function")
        steps.add(name, fn, _origin(fn) or _caller())
        return fn

    if not isinstance(name, str):
        raise BadArgument("name", name, 'a text: @step("orders.got_name")')
    return register


def step_filter(name: str) -> Callable[[T], T]:
    """Give a filter of steps a stable name, as ``step`` does; an object as well: ``step_filter("is_text")(F.text)``.

    Raises:
        BadArgument: *name* is no text, or another filter has it.
    """

    def register(filter: T) -> T:
        filters.add(name, filter, _origin(filter) or _caller())
        return filter

    if not isinstance(name, str):
        raise BadArgument("name", name, 'a text: @step_filter("is_text")')
    return register


def _identity(thing: object) -> object:
    """Return what tells *thing* from others; a bound method is a new object whenever it is asked for."""
    return (id(thing.__self__), id(thing.__func__)) if inspect.ismethod(thing) else id(thing)


def _origin(thing: object) -> object:
    """Return where a function was defined: its file, because a script is ``__main__`` and its own module; or None."""
    if inspect.isroutine(thing) or isinstance(thing, type):
        inner = inspect.unwrap(thing)
        code = getattr(inner, "__code__", None)
        return (code.co_filename if code is not None else inner.__module__, inner.__qualname__)
    return None


def _caller() -> object:
    """Return the line that registers something which does not know where it comes from."""
    frame = sys._getframe(2)
    return (frame.f_code.co_filename, frame.f_lineno)
