"""Durable conversations by stable names: what ``@durable`` registers."""

from __future__ import annotations

import functools
import inspect
import math
import warnings
import weakref
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from ..context import current_turn
from ..errors import BadArgument, NoTarget, NotDurable
from ..keys import MessageScope, Scope
from ..named import Names
from .journal import current_flow

if TYPE_CHECKING:
    from ..context import Turn

__all__ = ["DurableWarning", "Flow", "durable", "flow_for", "flow_named", "flow_of", "flows", "is_starter"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_CONFLICTS: Final = ("replace", "reject", "resume")
_DURABILITIES: Final = ("turn", "step", "intent")
_DOUBTS: Final = ("redo", "skip", "raise")
_CHANGES: Final = ("fail", "carry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A function that is a durable conversation, and how it is to be run."""

    name: str
    version: int
    fn: Callable[..., Coroutine[Any, Any, Any]]
    scope: Scope | None = None
    on_conflict: str = "replace"
    durability: str = "step"
    on_doubt: str = "redo"
    on_change: str = "fail"
    limit: float = math.inf
    strict: bool = False
    verify: bool = False


class _Flows(Names["dict[int, Flow]"]):
    """Flows by name, each in one version or several."""


flows: Final = _Flows("durable")


def flow_named(name: str, version: int | None = None) -> Flow | None:
    """Return the flow of that version, or of the newest; None: there is none."""
    versions = flows.get(name)
    if not versions:
        return None
    return versions.get(version) if version is not None else versions[max(versions)]


def flow_for(fields: Mapping[str, str], formats: Sequence[str]) -> Flow | str:
    """Return the code of a stored conversation, or why none that is here fits.

    Args:
        fields: those of its journal.
        formats: what the frameworks that are here write; none: it is not known.
    """
    name, version = fields.get("name", ""), int(fields.get("version") or 0)
    if formats and (written := fields.get("format")) and written not in formats:
        fix = "it is kept: run it with the framework that it began with, or end it"
        return f"a durable conversation {name!r} is written as {written}, not as {formats[0]}; {fix}"
    found = flow_named(name, version)
    if found is not None:
        return found
    newest = flow_named(name)
    if newest is None:
        return f'a durable conversation is called {name!r}, and nothing is; it is kept: @durable("{name}")'
    if newest.on_change == "carry" and newest.version > version:
        return newest
    return (
        f"a durable conversation {name!r} is of version {version}, and only {newest.version} is here; it is "
        f'kept: register its version too, or decorate the new one with on_change="carry"'
    )


def durable(
    name: str,
    *,
    version: int = 1,
    scope: Scope | None = None,
    on_conflict: str = "replace",
    durability: str = "step",
    on_doubt: str = "redo",
    on_change: str = "fail",
    limit: int | None = 10_000,
    strict: bool = False,
    verify: bool = False,
) -> Callable[[FunctionT], FunctionT]:
    """Make a handler a durable conversation: it goes on where it was after a restart, in whichever process.

    Inside, ``ask``, ``choose``, ``wait_for`` and so on are what they are outside, and so are the framework's own calls
    to Telegram; whatever else has an effect or depends on the outside goes through ``run``, ``now``, ``random``
    and ``uuid``. When a conversation goes on in another process, the function runs again from its beginning, and all
    of these return what they returned before, without doing it again.

    Args:
        name: stays the same for as long as conversations are stored under it; the function may be renamed and moved.
        version: of the code. Several may be registered side by side; who began with one goes on with it.
        scope: with whom it is; by default the person, in this chat and topic.
        on_conflict: what happens when it is started where a durable conversation is going on: "replace" ends that one,
            "reject" raises ``AlreadyWaiting``, "resume" leaves it as it is and does nothing.
        durability: when the journal is written besides before and after each wait: not at all ("turn"), after each
            effect ("step"), or also before it ("intent"), so that one which a crash cuts is noticed.
        on_doubt: what becomes of such an effect: "redo", "skip" (calls to Telegram only) or "raise".
        on_change: what becomes of a conversation that the code does not fit any more: "fail" raises
            ``NonDeterminismError`` and keeps it, "carry" begins anew and gives the answers there are.
        limit: the most operations that a journal may have; see ``continue_as_new``.
        strict: refuse what else is only warned of, clocks, chance, files and network in the code; and also context
            managers that are held open while it waits.
        verify: replay everything whenever it waits, and raise ``NonDeterminismError`` if that comes out elsewhere: for
            tests.

    Raises:
        BadArgument: an option makes no sense, or the name is taken.
        NotDurable: the function could not be called again after a restart.
    """
    _check(name, version, scope, limit)
    _one_of("on_conflict", on_conflict, _CONFLICTS)
    _one_of("durability", durability, _DURABILITIES)
    _one_of("on_doubt", on_doubt, _DOUBTS)
    _one_of("on_change", on_change, _CHANGES)

    def register(fn: FunctionT) -> FunctionT:
        _check_function(fn)
        _lint(fn, strict=strict)
        flow = Flow(
            name=name,
            version=version,
            fn=fn,
            scope=scope,
            on_conflict=on_conflict,
            durability=durability,
            on_doubt=on_doubt,
            on_change=on_change,
            limit=math.inf if limit is None else limit,
            strict=strict,
            verify=verify,
        )
        _add(flow)
        return cast("FunctionT", _starter(flow))

    return register


def _add(flow: Flow) -> None:
    """Register *flow*.

    Raises:
        BadArgument: another function has its name and version.
    """
    there = flows.get(flow.name) or {}
    old = there.get(flow.version)
    if old is not None and _origin(old.fn) != _origin(flow.fn):
        taken = f"a name that is not taken: {old.fn.__qualname__} is version {old.version}"
        raise BadArgument("name", flow.name, taken)
    # Names tells things apart by where they come from; versions of one name share it.
    flows.add(flow.name, {**there, flow.version: flow}, "durable")


def _origin(fn: Callable[..., Any]) -> tuple[str, str]:
    return (fn.__code__.co_filename, fn.__qualname__)


def _starter(flow: Flow) -> Callable[..., Any]:
    """Return the handler that begins the conversation."""

    @functools.wraps(flow.fn)
    async def start(*args: Any, **kwargs: Any) -> Any:
        if current_flow.get() is not None:
            return await flow.fn(*args, **kwargs)  # a part of the conversation that calls it
        turn: Turn | None = current_turn.get()
        if turn is None:
            fix = "await start_durable(...) begins it for somebody; one that goes on already gets send_signal()"
            raise NoTarget(f"{flow.name} is called with an update by a handler, and not by a job or task; {fix}")
        return await turn.runtime.steps.durables.begin(flow, turn, args, kwargs)

    _starters[start] = flow
    return start


#: The handlers that begin durable conversations, and which.
_starters: Final[weakref.WeakKeyDictionary[Callable[..., Any], Flow]] = weakref.WeakKeyDictionary()


def is_starter(handler: Any) -> bool:
    """Tell whether *handler* begins a durable conversation; it may be decorated in a way that says so."""
    return flow_of(handler) is not None


def flow_of(handler: Any) -> Flow | None:
    """Return the durable conversation that *handler* begins, if it begins one."""
    if not inspect.isfunction(handler):
        return None
    return _starters.get(inspect.unwrap(handler, stop=_starters.__contains__))


def _check(name: Any, version: Any, scope: Any, limit: Any) -> None:
    if not isinstance(name, str):
        raise BadArgument("name", name, 'a text: @durable("order")')
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise BadArgument("version", version, "a whole number from 1")
    if scope is not None and (isinstance(scope, MessageScope) or not isinstance(scope, Scope)):
        raise BadArgument("scope", scope, "a Scope, such as Scope.CHAT")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise BadArgument("limit", limit, "a whole number from 1, or None")


def _one_of(option: str, got: object, known: tuple[str, ...]) -> None:
    if got not in known:
        raise BadArgument(option, got, ", ".join(f'"{one}"' for one in known))


def _lint(fn: Callable[..., Any], *, strict: bool) -> None:
    """Warn of what a replay would do otherwise.

    Raises:
        NotDurable: there is something, and *strict* is true.
    """
    from .linting import faults_of

    for fault in faults_of(fn):
        if strict:
            raise NotDurable(f"{fn.__qualname__}: {fault.partition('; write ')[0]}:", fault.partition("; ")[2])
        warnings.warn(fault, DurableWarning, stacklevel=4)


class DurableWarning(UserWarning):
    """The code of a durable conversation does what a replay would do otherwise."""


def _check_function(fn: Any) -> None:
    """Refuse what could not be called again in another process.

    Raises:
        BadArgument: it is no function.
        NotDurable: it is one that depends on where it was made.
    """
    if isinstance(fn, functools.partial):
        raise NotDurable("a partial", "write a function that calls it, and decorate that")
    if inspect.ismethod(fn):
        raise NotDurable(f"the bound method {fn.__qualname__}", "decorate a function; its object would not come back")
    if not inspect.isfunction(fn):
        raise BadArgument("what @durable decorates", fn, "an async function")
    if fn.__name__ == "<lambda>":
        raise NotDurable("a lambda", "write an async function, and decorate that")
    if fn.__code__.co_varnames[: min(1, fn.__code__.co_argcount)] in (("self",), ("cls",)):
        raise NotDurable(f"the object of the method {fn.__qualname__}", "decorate a function of the module instead")
    if inspect.isasyncgenfunction(fn) or inspect.isgeneratorfunction(fn):
        raise NotDurable(f"the generator {fn.__qualname__}", "write `async def` and `await ask(...)`")
    if not inspect.iscoroutinefunction(fn):
        raise BadArgument("what @durable decorates", fn, "an async function: `async def`")
    if fn.__closure__:
        names = ", ".join(fn.__code__.co_freevars)
        raise NotDurable(
            f"{fn.__qualname__}, which uses {names} of the function around it,",
            "define it in the module, where it is the same after a restart",
        )
