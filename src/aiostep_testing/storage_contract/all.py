"""The two contracts, whole."""

from __future__ import annotations

from .fields import Fields
from .journals import Journals
from .names import Names
from .state_data import StateData
from .state_input import StateInput
from .state_time import StateTime
from .states import States
from .surroundings import Surroundings
from .timers import Timers
from .together import Together

__all__ = ["RecordsContract", "StateStorageContract"]


class RecordsContract(Fields, Names, Timers, Journals, Together, Surroundings):
    """What every ``Records`` must do."""


class StateStorageContract(States, StateData, StateInput, StateTime):
    """What every ``StateStorage`` and ``BlockingStateStorage`` must do."""
