"""Imported before all others of this package, so that pytest can say what was compared in their assertions."""

from __future__ import annotations

from typing import Final

import pytest

MODULES: Final = (
    *("fields", "journals", "names", "surroundings", "timers", "together"),
    *("stage", "states", "state_data", "state_input", "state_time"),
)
pytest.register_assert_rewrite(*(f"{__package__}.{name}" for name in MODULES))
