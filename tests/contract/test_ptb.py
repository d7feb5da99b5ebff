"""python-telegram-bot under the contract."""

from __future__ import annotations

from aiostep_testing.contract import AdapterContract
from aiostep_testing.harnesses.ptb import PtbHarness


class TestApplication(AdapterContract):
    harness_class = PtbHarness
