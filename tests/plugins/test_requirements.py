"""What "aiogram>=3.4,<4" means."""

from __future__ import annotations

import pytest

from aiostep_core.requirements import Requirement, installed_version


@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        ("aiogram>=3.4,<4", ["3.4", "3.4.0", "3.31.0", "v3.10", "1!3.5"], ["3.3.9", "4", "4.0.0", "4.0rc1", "2.25"]),
        ("a == 2.0", ["2", "2.0.0"], ["2.0.1", "1.9"]),
        ("a !=2, >1, <=3", ["3", "2.1"], ["2.0", "1", "3.0.1"]),
        ("python-telegram-bot", ["0", "99", "unknown"], []),
        ("a>0", ["0.0.1", "unknown"], ["0", "0.0"]),
    ],
)
def test_release_numbers_are_compared(text: str, admitted: list[str], refused: list[str]) -> None:
    """Numbers compare as numbers, zeros at the end do not count, and what has no number is not judged."""
    requirement = Requirement.parse(text)

    assert [version for version in admitted + refused if requirement.admits(version)] == admitted


@pytest.mark.parametrize("text", ["", ">=3", "a>=", "a=3", "a~=3", "a>=3.*", "a[b]>=3", "a>=3,", "a 3", "a; python"])
def test_anything_else_is_refused(text: str) -> None:
    """Half-understood requirements would be ignored ones."""
    with pytest.raises(ValueError, match=r"is no requirement such as 'aiogram>=3\.4,<4'"):
        Requirement.parse(text)


def test_what_is_installed_is_known() -> None:
    """The version comes from the metadata; what is not there has none."""
    assert installed_version("pluggy")
    assert installed_version("no-such-distribution") is None
