"""Where the journals of an engine are: beside its steps, or in memory if those are there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..storages.memory_records import MemoryRecords
from ..storages.source import RecordsSource
from ..storages.values import VALUES, Values
from .conversations import Durables
from .journals import Journals
from .steps import StepsAndConversations

if TYPE_CHECKING:
    from ..runtime import Runtime
    from ..storages.abc import StepStorage

__all__ = ["conversations_in"]


def conversations_in(runtime: Runtime, steps: StepStorage) -> tuple[Durables, StepStorage]:
    """Return the durable conversations of *runtime*, and *steps* with them."""
    from ..storages.steps import RecordedSteps

    if not isinstance(steps, RecordedSteps):
        journals = Journals(RecordsSource(MemoryRecords()))
        return Durables(runtime, journals, VALUES, time.time, is_durable=False), steps
    values = steps._values if isinstance(steps._values, Values) else VALUES
    journals = Journals(steps._source, steps._is_for_threads)
    durables = Durables(runtime, journals, values, steps._wall_clock, is_durable=True)
    return durables, StepsAndConversations(steps, durables)
