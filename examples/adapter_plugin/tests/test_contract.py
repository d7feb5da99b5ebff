"""Telethon under the contract: everything that the adapter claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiostep_telethon.testing.harness import TelethonHarness

from aiostep_testing.contract import AdapterContract


class TestTelegramClient(AdapterContract):
    """As Telethon is by default."""

    harness_class = TelethonHarness


class OneAfterTheOther(TelethonHarness):
    """With ``sequential_updates=True`` Telethon awaits each handler before it looks at the next update."""

    options: ClassVar[Mapping[str, Any]] = {"sequential_updates": True}


class TestSequentialTelegramClient(AdapterContract):
    """As it is when updates are handled one after the other."""

    harness_class = OneAfterTheOther
