"""Signals: what somebody gives to a durable conversation, in whichever process either of them is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from .journals import PARK, RUN, Stored

if TYPE_CHECKING:
    from ..storages.abc import RecordKey
    from .conversations import Durables

__all__ = ["put_signal"]

_TRIES: Final = 5


async def put_signal(durables: Durables, key: RecordKey, name: str, text: str) -> bool:
    """Put a signal where the conversation finds it, and have it look; return whether there is one."""
    for _ in range(_TRIES):
        run = durables.live.get(key)
        stored = run.stored if run is not None else await durables.journals.load(key)
        if stored is None or not stored.is_open:
            return False
        signals: dict[str, list[str]] = stored.parts("signals", {})
        signals.setdefault(name, []).append(text)
        is_asleep = run is None and stored.status == PARK
        wakes = is_asleep and _can_wake(durables, stored)
        fields, due = {"signals": json.dumps(signals)}, stored.number("until") if stored.status == RUN else stored.due
        if is_asleep and not wakes and f"signal {name}" in stored.get("asked"):
            due = durables.wall_clock()  # those who can will look after what is due
            fields["due"] = repr(due)
        if await durables.journals.append(stored, [], fields, due=due):
            if run is not None:
                run.notice()
            elif wakes:
                durables.wake(stored)
            return True
        if run is not None and not run.is_running:
            run.leave()
    return False


def _can_wake(durables: Durables, stored: Stored) -> bool:
    """Tell whether this process has the bot and the code of a conversation, rather than being one of a web server."""
    return stored.bot_id in durables.runtime.bot_ids() and durables.flow_of(stored.fields) is not None
