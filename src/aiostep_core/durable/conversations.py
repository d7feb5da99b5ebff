"""The durable conversations of one engine: those that are in memory, and finding those that are not."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..context import Turn, current_turn
from ..decisions import Changes
from ..errors import AlreadyWaiting, NotDurable, StorageDamaged, WaitCancelled, WaitEnded
from ..keys import ABOUT_MESSAGE, Key, Place, Scope
from ..storages.abc import RecordKey
from ..storages.owners import new_owner
from ..targets import Aim, aim
from .beginning import Call, aim_of, first_fields, turn_of
from .chats import Chats
from .entries import Entries
from .flows import Flow, flows
from .held import holders
from .journals import FRESH, PARK, RUN, Journals, Stored, hint_of, key_of
from .resumption import Resumption
from .run import Run
from .tasks import LoopTasks, Tasks, promise, tasks_of
from .tending import Tending

if TYPE_CHECKING:
    from ..runtime import Runtime
    from ..storages.values import Values
    from ..waits import Conversation

__all__ = ["Durables", "emptied"]

logger = logging.getLogger("aiostep")

#: How many conversations stay in memory, by default; the others are replayed when they go on.
MAX_LIVE: Final = 10_000
_TRIES: Final = 3


class Durables(Tending):
    """What a runtime does with durable conversations.

    Args:
        is_durable: whether the journals outlive the process; else everything stays in memory.

    Attributes:
        live: those in memory, the one that went on longest ago first.
        owner: what names this process.
    """

    def __init__(
        self,
        runtime: Runtime,
        journals: Journals,
        values: Values,
        wall_clock: Callable[[], float],
        *,
        is_durable: bool,
        max_live: int = MAX_LIVE,
    ) -> None:
        super().__init__()
        self.runtime = runtime
        self.journals = journals
        self.values = values
        self.wall_clock = wall_clock
        self.is_durable = is_durable
        self.max_live = max_live
        self.owner: Callable[[], str] = new_owner
        self.live: OrderedDict[RecordKey, Run] = OrderedDict()
        self.chats = Chats(self)
        self._has_told = False

    @property
    def is_used(self) -> bool:
        """Whether there can be any durable conversation."""
        return self.is_durable and bool(flows)

    @property
    def is_closing(self) -> bool:
        """Whether waits end because the bot stops, and go on in another process."""
        return self.is_durable and self.runtime.closed_for is not None

    # Beginning.

    async def begin(self, flow: Flow, turn: Turn, args: tuple[Any, ...], given: Mapping[str, Any]) -> Any:
        """Begin a conversation; return its result once it is over.

        Raises:
            NotDurable: the framework's adapter cannot keep its updates, or the handler asks for what cannot be kept.
            AlreadyWaiting: another is going on there, and the policy is "reject".
            WaitCancelled: it is not over, and goes on without whoever called it.
        """
        scribe = turn.adapter.scribe
        if scribe is None:
            raise NotDurable(f"{flow.name} on {turn.adapter.name}", "this adapter does not keep updates yet")
        scribe.check(flow.fn)
        entries = Entries(self.values, turn.adapter, scribe, turn.facts.bot_id)
        fields = Call(flow.fn, turn.carrier, scribe, entries, self.values).fields_of(args, given)
        home = turn.aim = aim(None, flow.scope, turn.facts, (), turn.adapter.key_of)
        for _ in range(_TRIES):
            stored = await self.journals.load(key_of(home.place))
            if stored is not None and stored.has_seen(turn.facts.update_id):
                return await self._again(stored, turn)
            if stored is not None and stored.is_open and not await self.make_room(stored, flow, turn.facts.key):
                return None
            stored = emptied(key_of(home.place), stored)
            stored.fields.update(fields)
            run = Run(self, flow, stored, turn)
            run.start()
            if await self.write_begin(run, scribe.format, scribe.write_update(turn.carrier)):
                found = await run.go()
                if run.has_left:  # whoever called it as a function must not take that for its result
                    raise WaitCancelled(self.runtime.closed_for or "elsewhere", f"{flow.name} goes on by itself")
                return found
        raise AlreadyWaiting(home.key, "others begin it at the same time, again and again")

    def _tell_of_memory(self) -> None:
        """Warn once who has forgotten the storage: they would notice only after a restart."""
        from ..installed import was_given_storage

        if not self._has_told and not was_given_storage(self.runtime.engine):
            logger.warning(
                "durable conversations end with this process, as install() was given no storage; pass one, such as "
                'storage="sqlite:///bot.db", or storage="memory://" if that is meant'
            )
        self._has_told = True

    async def write_begin(self, run: Run, format: str, update: Any, origin: str = "") -> bool:
        """Write down that a conversation begins, here and now; return False if somebody else has written there."""
        if not self.is_durable:
            self._tell_of_memory()
        update_id = run.turn.facts.update_id
        after = "" if update_id is None else str(update_id)
        fields = {
            **first_fields(run.stored, run.flow, format, update, self.wall_clock()),
            "origin": after or origin,
            "after": after,
            "holder": run.holder,
            "owner": self.owner(),
            **run.lease(),
        }
        is_begun = False
        await self.chats.note(run.stored.place)
        holders.add(run.holder)  # before anybody can read that it runs
        try:
            is_begun = await self.journals.append(run.stored, [], fields, keep=0, due=float(fields["until"]))
        finally:
            if not is_begun:
                holders.discard(run.holder)
                run.machine.kill()
        return is_begun

    async def _again(self, stored: Stored, turn: Turn) -> Any:
        """Take the update that began a conversation, which was delivered once more."""
        if stored.status == RUN and not self.is_held(stored) and stored.key not in self.live:
            return await self._run(stored, turn).resume()
        return None

    async def make_room(self, stored: Stored, flow: Flow, wanted: Key) -> bool:
        """End what is going on at a place; return False if it is to stay.

        Raises:
            AlreadyWaiting: it is to stay, and whoever begins another is to know.
        """
        if flow.on_conflict == "reject":
            key = stored.place.key
            raise AlreadyWaiting(key if isinstance(key, Key) else wanted)
        if flow.on_conflict == "resume":
            return False
        await self.end(stored, "replaced")
        return True

    async def end(self, stored: Stored, reason: str) -> None:
        """End a conversation with *reason*: its wait raises ``WaitCancelled``, and it runs to its end."""
        run = self._end_soon(stored, reason)
        if run is not None:
            run.over = run.over or promise(self.journals.is_for_threads)
            await run.over
        # Else it failed, or runs in a process that will notice.
        elif (there := await self.journals.load(stored.key)) is not None:
            await self.journals.append(there, [], {"status": "done", "ended": f"WaitCancelled {reason}"}, keep=0)

    async def _leave(self, stored: Stored, *_: Any) -> None:
        """End a conversation because the person wants to leave."""
        await self.leave(stored, "user")

    async def leave(self, stored: Stored, reason: str) -> None:
        """End a conversation with *reason*, without holding up anybody's next update."""
        if self._end_soon(stored, reason) is None:
            await self.end(stored, reason)

    def _end_soon(self, stored: Stored, reason: str) -> Run | None:
        """Have a conversation end beside the handlers; return it, or None if that is not for this process to do."""
        run = self.live.get(stored.key)
        is_ours = stored.status in (RUN, PARK) and self.flow_of(stored.fields) is not None
        if run is None and is_ours and not self.is_held(stored):
            try:
                run = self._run(stored, self._turn_of(stored))
            except StorageDamaged:
                return None  # nobody can go on with it
            run.cancel(reason)
            if self.runtime.closed_for is None:
                self._open(run)  # before anybody's next update: it is not for who leaves
            self.runtime.start(self.alone(run))
        elif run is not None:
            run.cancel(reason)
        return run

    def tasks(self) -> Tasks:
        """Return what runs several questions at once, on a loop or without one."""
        return tasks_of(self.runtime) if self.journals.is_for_threads else LoopTasks()

    # Going on.

    def keys_of(self, places: Sequence[Place]) -> list[RecordKey]:
        """Return where it is written who is at *places*, and who waits there."""
        return [*(key_of(place) for place in _homes(places)), *(hint_of(place) for place in places)]

    async def among(
        self, places: Sequence[Place], keys: Sequence[RecordKey], found: Sequence[Mapping[str, str]]
    ) -> list[Resumption]:
        """Return what an update at one of *places* may be for, of what was found under their keys."""
        homes = _homes(places)
        made = [
            self._resumption(Stored(key, dict(fields), _place=place), place)
            for key, fields, place in zip(keys, found, homes, strict=False)
            if fields
        ]
        for place, hint in zip(places, found[len(homes) :], strict=True):
            if hint:
                made.append(await self._follow(hint, place))
        return [one for one in made if one is not None]

    async def _follow(self, hint: Mapping[str, str], place: Place) -> Resumption | None:
        key = key_of(place)._replace(name=hint.get("at", ""))
        (fields,) = await self.journals.look([key])
        return self._resumption(Stored(key, dict(fields)), place) if fields else None

    def _resumption(self, stored: Stored, place: Place) -> Resumption | None:
        run = self.live.get(stored.key)
        if run is not None and stored.get("holder") != run.stored.get("holder") and not run.is_running:
            run.leave()  # another process has gone on with it
            run = None
        if run is None and stored.is_open and self.flow_of(stored.fields) is None:
            return None
        if self.has_failed_here(stored):
            return None
        go_on = partial(self._resume, stored, place)
        waits_at = (stored.get("at") or stored.key.name).split("\n")
        is_here = run is not None or (stored.status == PARK and key_of(place).name not in waits_at)
        leave, is_back = partial(self._leave, stored), run is not None and run.is_running
        return Resumption(place=place, fn=go_on, end=leave, stored=stored, is_here=is_here, is_back=is_back)

    async def _resume(self, stored: Stored, place: Place, *_: Any) -> Any:
        """Go on with a conversation, for the update of the current turn."""
        turn = current_turn.get()
        assert turn is not None
        if stored.has_seen(turn.facts.update_id):
            return None
        delivery = turn.delivery
        if stored.key in self.live:  # it has just come back
            self.runtime.perform(Changes(leftovers=[delivery]))
            return None
        try:
            run = self._run(stored, turn)
        except StorageDamaged as error:
            await self.set_aside(stored, error, stored.seen_with(turn.facts.update_id))
            raise
        conversation = turn.conversations.get(place) if turn.conversations else None
        if conversation is None:
            conversation = self.runtime.open_conversation(run_aim(turn), turn)
        _fence(conversation, stored)
        conversation.starter_id = turn.aim.user_id if turn.aim is not None else None
        run.offer(delivery, conversation)
        return await run.resume()

    def _run(self, stored: Stored, turn: Turn) -> Run:
        flow = self.flow_of(stored.fields)
        assert flow is not None
        run = Run(self, flow, stored, turn)
        turn.aim = aim_of(stored)
        if turn.aim is None:
            turn.aim = aim(None, flow.scope, turn.adapter.facts(run.read_first()), (), lambda _: None)
        turn.after = stored.after
        return run

    def _turn_of(self, stored: Stored) -> Turn:
        """Return a turn for what goes on without an update."""
        return turn_of(self.runtime, self.runtime.adapter_for(stored.bot_id), stored)

    def wake(self, stored: Stored) -> None:
        """Go on with a conversation without an update."""
        self.runtime.start(self.alone(self._run(stored, self._turn_of(stored))))

    async def alone(self, run: Run, *, is_new: bool = False) -> None:
        """Go on beside the framework's handlers, as a turn of its own; or begin."""
        turn = run.turn
        error: BaseException | None = None
        token = current_turn.set(turn)
        try:
            if run.stored.key in self.live or self.runtime.closed_for is not None:
                if is_new:
                    await self._leave_to_others(run)
                return
            await (run.go() if is_new else self._resume_alone(run))
        except BaseException as raised:
            error = raised
            if not isinstance(raised, Exception):
                raise
        finally:
            await self.runtime.end_turn(turn, error)
            current_turn.reset(token)
        if isinstance(error, Exception) and not isinstance(error, WaitEnded):  # else that is how conversations end
            await turn.adapter.handle_error(turn, error)

    async def _leave_to_others(self, run: Run) -> None:
        """Let another process begin what is written down, as this one stops."""
        run.machine.kill()
        self.remove(run)
        await run._leave_behind()

    async def _resume_alone(self, run: Run) -> None:
        if run.conversation is None:
            self._open(run)
        await run.resume()

    def _open(self, run: Run) -> None:
        # What the conversation has taken must not be taken again.
        run.conversation = self.runtime.open_conversation(run_aim(run.turn), run.turn, on_conflict="queue")
        _fence(run.conversation, run.stored)

    # Memory.

    def add(self, run: Run) -> None:
        """Note that *run* is in memory."""
        holders.add(run.holder)
        self.live[run.stored.key] = run

    def remove(self, run: Run) -> None:
        """Note that it is not."""
        holders.discard(run.holder)
        if self.live.get(run.stored.key) is run:
            del self.live[run.stored.key]

    def touch(self, run: Run) -> None:
        """Note that *run* waits; take out of memory what has done so for longest, if there are too many."""
        if run.stored.key in self.live:
            self.live.move_to_end(run.stored.key)
        if self.is_durable and len(self.live) > self.max_live:
            oldest = next((one for one in self.live.values() if one is not run and one.kept is not None), None)
            if oldest is not None:
                oldest.leave()


def _homes(places: Sequence[Place]) -> list[Place]:
    """Return those of *places* at which conversations can begin."""
    return [place for place in places if place.scope not in ABOUT_MESSAGE and place.scope is not Scope.ANY]


def emptied(key: RecordKey, stored: Stored | None) -> Stored:
    """Return what another conversation begins with where *stored* is, or nothing."""
    left = {} if stored is None else {name: "" for name in FRESH if stored.get(name)}
    return Stored(key, left, revision=0 if stored is None else stored.revision)


def _fence(conversation: Conversation, stored: Stored) -> None:
    conversation.after = stored.after


def run_aim(turn: Turn) -> Aim:
    """Return at whom the conversation of *turn* is aimed."""
    assert turn.aim is not None
    return turn.aim
