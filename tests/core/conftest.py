"""How the core is tested: asyncio tests on a loop whose hours take no time, and how long the property tests look."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import settings

from tests.core.virtual_time import VirtualLoop

# What tests/conftest.py chose (CI repeats itself, a developer's machine explores) stays, unless a longer look is
# asked for: HYPOTHESIS_PROFILE=long.
settings.register_profile("long", settings.default, max_examples=2000, derandomize=False, stateful_step_count=60)
if wanted := os.environ.get("HYPOTHESIS_PROFILE"):
    settings.load_profile(wanted)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run async tests on a loop of their own with a clock that jumps."""
    return "asyncio", {"loop_factory": VirtualLoop}
