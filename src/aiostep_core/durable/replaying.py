"""Replaying a journal beside its bot: the code runs as far as the journal goes, and nothing is done or written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ..context import current_turn
from ..errors import NonDeterminismError, WaitEnded
from ..storages.records import settle
from .beginning import turn_of
from .held import Held
from .journals import FAILED, PARK, Stored
from .values import Asked, Operation

if TYPE_CHECKING:
    from ..abc import Adapter
    from ..runtime import Runtime
    from .flows import Flow

__all__ = ["Replay", "is_open"]

#: Stands behind the last entry of a conversation that did not wait: no code does this, so none gets past it.
_END: Final = '["end","of the journal",""]'


class Replay(Held):
    """One journal, and today's code.

    Args:
        stored: of which nothing is changed.

    Raises:
        Exception: the journal cannot be read.
    """

    def __init__(self, runtime: Runtime, adapter: Adapter[Any], flow: Flow, stored: Stored) -> None:
        assert adapter.scribe is not None
        stored = Stored(stored.key, dict(stored.fields), list(stored.entries))
        stored.place  # noqa: B018 - it must be one
        super().__init__(runtime.steps.durables, flow, stored, turn_of(runtime, adapter, stored))
        for entry in self._entries.read_all(stored.entries, flow.name):
            self._entries.outcome_of(entry)
        if stored.get("asked"):
            Asked(*runtime.steps.durables.values.decode(stored.get("asked")))

    def play(self) -> str:
        """Run the code; return what it comes to.

        Raises:
            NonDeterminismError: it does something else than the journal says.
            Exception: what the code raises.
        """
        token = current_turn.set(self.turn)
        try:
            return self._play()
        finally:
            current_turn.reset(token)

    def carry(self) -> str:
        """Begin the code with the answers of the journal, as ``on_change="carry"`` does; return what it comes to.

        Raises:
            Exception: what the code raises.
        """
        token = current_turn.set(self.turn)
        try:
            self.machine = self._machine_of(self.stored)
            settle(self._carry())
            return self._play()
        finally:
            current_turn.reset(token)

    def _play(self) -> str:
        stored, waits = self.stored, bool(self.stored.get("asked"))
        length = len(stored.entries)
        if not waits:
            stored.entries = [*stored.entries, _END]
        self.machine = machine = self._machine_of(stored)
        try:
            stop = machine.step()
        except NonDeterminismError as error:
            if waits or error.position < length:
                raise
            return "is as far as the journal goes"
        except WaitEnded as ended:
            if waits or machine.position < length:
                raise
            return f"ends: {type(ended).__name__}"
        finally:
            machine.kill()
        if isinstance(stop, Operation):
            return f"waits at {stop.name!r}"
        if waits or machine.position < length:
            raise NonDeterminismError(machine.position, f"is {stop.how.value}", machine._expected())
        return stop.how.value

    # Nothing is written.

    async def save(self, fields: Mapping[str, str], *, due: float | None = None, **how: Any) -> None:
        self.stored.fields.update(fields)
        if how.get("keep") is not None:
            self.stored.entries = list(self.stored.entries)[: how["keep"]]

    async def _reload(self) -> None:
        self.machine.kill()


def is_open(fields: Mapping[str, str]) -> bool:
    """Tell whether a conversation goes on by its journal; for those that are over, nothing of it is kept."""
    return bool(fields.get("update")) and fields.get("status") in ("run", PARK, FAILED)
