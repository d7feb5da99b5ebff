"""Kinds of update: what users write and what Telegram calls it."""

from __future__ import annotations

from typing import Any

import pytest

from aiostep_core.errors import BadArgument
from aiostep_core.facts import kinds_of


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        ("message", {"message", "business_message", "channel_post"}),
        ("edited_message", {"edited_message", "edited_business_message", "edited_channel_post"}),
        ("callback_query", {"callback_query"}),
        (["message", "poll_answer"], {"message", "business_message", "channel_post", "poll_answer"}),
        ({"business_message"}, {"business_message"}),
    ],
)
def test_kinds_are_expanded(kinds: Any, names: set[str]) -> None:
    """A "message" is one whichever way it comes; the other names are Telegram's own (T17)."""
    assert kinds_of(kinds) == names


@pytest.mark.parametrize("kinds", ["", [], ["message", 3], "call back", None, 5, [[]]])
def test_what_names_no_kind_is_refused(kinds: Any) -> None:
    """Anything but names of updates is refused in one sentence."""
    with pytest.raises(BadArgument, match='^kinds is .*; expected names of updates such as "message"'):
        kinds_of(kinds)
