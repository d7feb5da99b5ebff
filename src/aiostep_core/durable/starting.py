"""Beginning a durable conversation with somebody who has sent nothing: from a job, at the start, for another person."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..context import current_turn
from ..errors import AlreadyWaiting, BadArgument, NoTarget, NotDurable, WaitCancelled
from ..installed import runtime_of, runtime_with
from ..keys import Key
from ..targets import Aim, aim
from .beginning import StartedTurn, bound, fields_of_start, first_fields
from .conversations import emptied
from .effects import HARMLESS
from .flows import Flow, flow_named, flow_of
from .journal import current_flow
from .journals import RUN, Stored, key_of
from .run import Run

if TYPE_CHECKING:
    from ..abc import Adapter
    from .abc import Scribe
    from .conversations import Durables

__all__ = ["start_durable"]

_TRIES: Final = 3


async def start_durable(flow: Callable[..., Any] | str, /, *args: Any, to: Any = None, **kwargs: Any) -> bool:
    """Begin a durable conversation with *to*, without an update; return once it is stored, before it has done anything.

    The function is called with these arguments, and with what the framework knows by name: ``bot`` everywhere. There
    is no update, so it must not need one. From then on it goes on by itself, in whichever process has the bot.

    Args:
        flow: a function with ``@durable``, or the name of one.
        args, kwargs: what it is called with; values that can be stored.
        to: whom it is with, as for ``wait_for``; in a handler by default whoever is being handled.

    Returns:
        False if one is going on there, and its ``on_conflict`` is "resume".

    Raises:
        AlreadyWaiting: one is going on there, and ``on_conflict`` is "reject".
        BadArgument: *flow* is no durable conversation, or cannot be called with the arguments.
        NotStorable: an argument cannot be kept.
        NotInstalled, NoTarget: as for ``wait_for``.
        WaitCancelled: the bot stops.
    """
    known = flow_named(flow) if isinstance(flow, str) else flow_of(flow)
    if known is None:
        raise BadArgument("flow", flow, "a function decorated with @durable(...), or the name of one that is imported")
    machine = current_flow.get()
    if machine is None:
        return await _start(known, args, kwargs, to, "")

    def perform(key: str) -> Any:
        return _start(known, args, kwargs, to, f"start {key}")

    is_new: bool = await machine.effect(f"start {known.name}", perform, HARMLESS)
    return is_new


async def _start(flow: Flow, args: tuple[Any, ...], kwargs: dict[str, Any], to: Any, origin: str) -> bool:
    turn = current_turn.get()
    there = runtime_with(to.bot_id) if isinstance(to, Key) else None  # there may be several, one for each bot
    runtime = runtime_of(turn) if there is None else there
    if runtime.closed_for is not None:
        raise WaitCancelled(runtime.closed_for)
    meant = aim(to, flow.scope, None if turn is None else turn.facts, runtime.bot_ids(), runtime.key_of)
    durables, adapter = runtime.steps.durables, runtime.adapter_for(meant.key.bot_id)
    scribe = adapter.scribe
    if scribe is None:
        raise NotDurable(f"{flow.name} on {adapter.name}", "this adapter does not keep updates yet")
    more, named = bound(flow, scribe.given(flow.fn, meant.key), args, kwargs)
    fields = fields_of_start(durables.values, meant.key, more, named)
    _refuse_itself(durables, meant)
    runtime.steps.begin()
    return await _Start(durables, flow, adapter, scribe, meant, fields).begin(origin)


def _refuse_itself(durables: Durables, meant: Aim) -> None:
    """Raise if the conversation that goes on right now is to begin another in its own place.

    Raises:
        BadArgument: so it is; it would wait for its own end.
    """
    ours = durables.live.get(key_of(meant.place))
    if ours is not None and ours.turn is current_turn.get():
        wanted = "somebody else: this conversation is with them, and continue_as_new() begins it anew"
        raise BadArgument("to", str(meant.key), wanted)


class _Start:
    """One beginning without an update, of which each try may come too late."""

    def __init__(
        self, durables: Durables, flow: Flow, adapter: Adapter[Any], scribe: Scribe, meant: Aim, fields: dict[str, str]
    ) -> None:
        self._durables = durables
        self._flow = flow
        self._adapter = adapter
        self._scribe = scribe
        self._meant = meant
        self._fields = fields

    async def begin(self, origin: str) -> bool:
        """Begin; return False if what is going on there stays.

        Raises:
            AlreadyWaiting: it stays, or others begin something else there all the time.
        """
        durables, meant = self._durables, self._meant
        key, is_here = key_of(meant.place), meant.key.bot_id in durables.runtime.bot_ids()
        if not is_here and not durables.is_durable:
            raise NoTarget(f"no bot with the id {meant.key.bot_id} has started here, and nothing is kept for another")
        for _ in range(_TRIES):
            there = await durables.journals.load(key)
            if there is not None and origin and there.get("origin") == origin:
                return True  # a crash has cut the conversation that begins this one
            turn = StartedTurn(durables.runtime, self._adapter, meant) if is_here else None
            if there is not None and there.is_open:
                if not await durables.make_room(there, self._flow, meant.key):
                    return False
                there = await durables.journals.load(key)
            stored = emptied(key, there)
            stored.fields.update(self._fields)
            if await (self._hand_over(stored, origin) if turn is None else self._go(stored, turn, origin)):
                return True
        raise AlreadyWaiting(meant.key, "others begin it at the same time, again and again")

    async def _go(self, stored: Stored, turn: StartedTurn, origin: str) -> bool:
        """Begin in this process."""
        durables = self._durables
        run = Run(durables, self._flow, stored, turn)
        run.load()
        if not await durables.write_begin(run, self._scribe.format, {}, origin):
            return False
        durables.runtime.start(durables.alone(run, is_new=True))
        return True

    async def _hand_over(self, stored: Stored, origin: str) -> bool:
        """Write it down as one that nobody goes on with: the process that has the bot looks for such."""
        durables = self._durables
        await durables.chats.note(self._meant.place)
        wall = durables.wall_clock()
        fields = first_fields(stored, self._flow, self._scribe.format, {}, wall)
        left = {"origin": origin, "after": "", "holder": "", "owner": "", "status": RUN, "until": "0"}
        return await durables.journals.append(stored, [], fields | left, keep=0, due=wall)
