"""The two contracts, whole."""

from __future__ import annotations

from .fields import Fields
from .journals import Journals
from .names import Names
from .surroundings import Surroundings
from .timers import Timers
from .together import Together

__all__ = ["RecordsContract", "StateStorageContract"]


class RecordsContract(Fields, Names, Timers, Journals, Together, Surroundings):
    """What every ``Records`` must do."""


class StateStorageContract:
    """What every ``StateStorage`` and ``BlockingStateStorage`` must do."""
