"""Imported before all others of this package, so that pytest can say what was compared in their assertions."""

from __future__ import annotations

from typing import Final

import pytest

MODULES: Final = (
    *(
        "answers",
        "callbacks",
        "endings",
        "groups",
        "kinds",
        "media",
        "menus",
        "next_steps",
        "polling",
        "questions",
        "stage",
        "sync",
        "topics",
    ),
    "webhook",
)
pytest.register_assert_rewrite(*(f"{__package__}.{name}" for name in MODULES))
