"""The contract of adapters: what every framework must do alike, told by what scripted people see.

The whole test file of an adapter::

    from aiostep_testing.contract import AdapterContract, AdapterHarness

    class MyHarness(AdapterHarness): ...  # about 25 lines; copy one from aiostep_testing.harnesses

    class TestMyAdapter(AdapterContract):
        harness_class = MyHarness

The tests of a level that the harness does not claim are skipped with its reason. pytest is all that is needed.
"""

from __future__ import annotations

from . import asserting as asserting
from .all import AdapterContract as AdapterContract
from .context import Ctx as Ctx
from .context import Program as Program
from .context import SyncCtx as SyncCtx
from .context import run_blocking as run_blocking
from .harness import LEVELS as LEVELS
from .harness import TOKEN as TOKEN
from .harness import AdapterHarness as AdapterHarness
from .level import Level as Level
from .stage import Stage as Stage

__all__ = [
    "LEVELS",
    "TOKEN",
    "AdapterContract",
    "AdapterHarness",
    "Ctx",
    "Level",
    "Program",
    "Stage",
    "SyncCtx",
    "run_blocking",
]
