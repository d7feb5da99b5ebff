"""A conversation that is not in memory, as the step that goes on with it: adapters run it as they run any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ..facts import Facts
from ..steps import Step
from .journals import PARK, Stored

__all__ = ["Resumption"]


@dataclass(slots=True, eq=False, kw_only=True)
class Resumption(Step):
    """Goes on with a stored conversation, or takes an update that it has taken already.

    Attributes:
        end: ends it, because the person wants to leave.
        is_back: it goes on in this process, and has not come to a question yet.
        is_here: it goes on in this process, and its wait has been asked about the update; or it waits elsewhere.
    """

    stored: Stored = field(kw_only=True)
    is_here: bool = False
    is_back: bool = False
    end: Callable[..., Any] = field(kw_only=True)

    def leaving(self) -> Resumption | None:
        """Return what takes the word with which the person wants to leave; None if that is not for this one."""
        is_asked = self.is_here and not self.is_back  # by the engine, which knows it since before the update came
        if is_asked or not self.stored.is_open or "firm" in self.stored.get("takes").split():
            return None
        return replace(self, fn=self.end)

    def admits(self, facts: Facts, now: float) -> bool:
        """Tell whether an update may be for the conversation, before its filter is asked; see ``Wait.admits``."""
        stored = self.stored
        if stored.has_seen(facts.update_id):
            return True
        takes = stored.get("takes").split()
        after = stored.after
        is_old = facts.update_id is not None and after is not None and facts.update_id <= after
        return (
            stored.is_open
            and not self.is_here
            and not is_old
            and not facts.is_own
            and (facts.kind in stored.get("kinds").split() or stored.status != PARK)
            and (facts.command is None or "commands" in takes)
            and (not facts.is_service or "service" in takes)
        )
