"""Imported before all others of this package, so that pytest can say what was compared in their assertions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

# By name: of the package itself pytest would say that it is imported already.
MODULES: Final = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py") if path.stem != "asserting")
pytest.register_assert_rewrite(*(f"{__package__}.{name}" for name in MODULES))
