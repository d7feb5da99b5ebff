"""What `python -m aiostep conformance` gives to pytest: the contract on the harness that was named."""

from __future__ import annotations

from aiostep_testing.contract import AdapterContract
from aiostep_testing.contract.command import chosen


class TestConformance(AdapterContract):
    """The contract, for whoever was named."""

    harness_class = chosen()
