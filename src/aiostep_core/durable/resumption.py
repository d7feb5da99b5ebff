"""A conversation that is not in memory, as the step that goes on with it: adapters run it as they run any other."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..facts import Facts
from ..steps import Step
from .journals import PARK, Stored

__all__ = ["Resumption"]


@dataclass(slots=True, eq=False, kw_only=True)
class Resumption(Step):
    """Goes on with a stored conversation, or takes an update that it has taken already.

    Attributes:
        is_here: it goes on in this process, and its wait has been asked about the update; or it waits elsewhere.
    """

    stored: Stored = field(kw_only=True)
    is_here: bool = False

    def admits(self, facts: Facts, now: float) -> bool:
        """Tell whether an update may be for the conversation, before its filter is asked; see ``Wait.admits``."""
        stored = self.stored
        if stored.has_seen(facts.update_id):
            return True
        takes = stored.get("takes").split()
        after = stored.get("after")
        is_old = facts.update_id is not None and bool(after) and facts.update_id <= int(after)
        return (
            stored.is_open
            and not self.is_here
            and not is_old
            and not facts.is_own
            and (facts.kind in stored.get("kinds").split() or stored.status != PARK)
            and (facts.command is None or "commands" in takes)
            and (not facts.is_service or "service" in takes)
        )
