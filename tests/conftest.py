"""What every test shares: the event loop, and the proof that the right copy of the code is under test."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# No deadlines: a busy machine is no bug. In CI the same examples every time: red means the change is wrong.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run every async test on asyncio: the frameworks know no other loop."""
    return "asyncio"


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run against another copy than the one in AIOSTEP_EXPECT_ROOT, be it src or a wheel."""
    expected = os.environ.get("AIOSTEP_EXPECT_ROOT")
    if expected is None:
        return
    wanted = (ROOT / expected).resolve()
    for package in sorted(init.parent.name for init in (ROOT / "src").glob("*/__init__.py")):
        spec = importlib.util.find_spec(package)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found is None or found.parent.parent != wanted:
            message = f"{package} comes from {found}, but these tests are for {wanted}; run them through make"
            raise pytest.UsageError(message)
