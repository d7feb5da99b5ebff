"""aiogram under the contract."""

from __future__ import annotations

from aiostep_testing.contract import AdapterContract
from aiostep_testing.harnesses.aiogram import AiogramHarness


class TestDispatcher(AdapterContract):
    harness_class = AiogramHarness
