"""Both bot classes of pyTelegramBotAPI under the contract."""

from __future__ import annotations

from aiostep_testing.contract import AdapterContract
from aiostep_testing.harnesses.telebot import AsyncTelebotHarness, GeneratorTelebotHarness, ThreadedTelebotHarness


class TestAsyncTeleBot(AdapterContract):
    harness_class = AsyncTelebotHarness


class TestTeleBot(AdapterContract):
    harness_class = ThreadedTelebotHarness


class TestTeleBotWithGenerators(AdapterContract):
    harness_class = GeneratorTelebotHarness
