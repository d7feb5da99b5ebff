"""Who goes on with a stored conversation: this process, another one, or nobody for now."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from .flows import Flow, flow_for
from .held import LATER, failed_fields, holders
from .journals import FAILED, Journals, Stored

if TYPE_CHECKING:
    from ..runtime import Runtime

__all__ = ["Custody"]

logger = logging.getLogger("aiostep")

#: Seconds until what cannot go on here is looked at again: a process with mended code takes as long to find it.
_LATER: Final = 300.0


class Custody:
    """What is known of stored conversations before they are gone on with.

    Attributes:
        owner: what names this process.
    """

    runtime: Runtime
    journals: Journals
    wall_clock: Callable[[], float]
    owner: Callable[[], str]

    def __init__(self) -> None:
        self._reported: set[str] = set()

    def is_held(self, stored: Stored) -> bool:
        """Tell whether somebody goes on with it now: a process that lives, and here one that has not failed."""
        is_over_here = stored.get("owner") == self.owner() and stored.get("holder") not in holders
        return stored.is_held(self.wall_clock()) and not is_over_here

    def has_failed_here(self, stored: Stored) -> bool:
        """Tell whether it failed in this process, which would only fail again."""
        return stored.status == FAILED and self.owner() in stored.get("tried").split()

    def flow_of(self, fields: Mapping[str, str]) -> Flow | None:
        """Return the code of a stored conversation; None, and say so once, if there is none that fits."""
        try:
            found = flow_for(fields, [one.scribe.format for one in self.runtime.adapters if one.scribe is not None])
        except ValueError:
            found = (
                f"a durable conversation {fields.get('name')!r} is of version {fields.get('version')!r}, which is none"
            )
        if isinstance(found, Flow):
            return found
        self.report(found)
        return None

    def report(self, problem: str) -> None:
        if problem not in self._reported and len(self._reported) < 1000:
            self._reported.add(problem)
            logger.warning("%s", problem)

    async def set_aside(
        self, stored: Stored, error: BaseException, fields: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Write down that a journal cannot be read here."""
        there = await self.journals.load(stored.key)
        if there is not None:
            failed = failed_fields(there, error, self.owner())
            await self.journals.append(there, [], {**failed, **fields}, due=self.wall_clock() + LATER)

    async def put_off(self, stored: Stored) -> None:
        """Look later again at what cannot go on here."""
        there = await self.journals.load(stored.key)
        if there is not None:
            await self.journals.append(there, [], {}, due=self.wall_clock() + _LATER)
