"""The stage of the aiogram tests: the original API is aiogram's."""

from __future__ import annotations

from tests.aiogram.conftest import stage as stage
