"""python-telegram-bot under the contract."""

from __future__ import annotations

import pytest

from aiostep_testing.contract import AdapterContract
from aiostep_testing.harnesses.ptb import PtbHarness

# The framework warns of an attribute of its own whenever it makes its error for a flood limit.
pytestmark = pytest.mark.filterwarnings("ignore:.*retry_after")


class TestApplication(AdapterContract):
    harness_class = PtbHarness
