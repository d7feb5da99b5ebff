"""Journals of real conversations, kept as files: today's code is replayed against them before it is deployed.

``export_journals`` writes down how far the durable conversations in a storage have come, and ``replay_journals`` runs
the code that is registered now against that, without a network, a storage or any effect::

    def test_recorded_conversations():
        replay_journals("tests/journals", dp).check()

A journal holds what people wrote. ``export_journals(..., redact=True)`` masks it.
"""

from __future__ import annotations

from .exporting import export_journals as export_journals
from .files import Recording as Recording
from .files import RecordingDamaged as RecordingDamaged
from .files import recordings_in as recordings_in
from .replaying import Replayed as Replayed
from .replaying import Replays as Replays
from .replaying import replay_journal as replay_journal
from .replaying import replay_journals as replay_journals

__all__ = [
    "Recording",
    "RecordingDamaged",
    "Replayed",
    "Replays",
    "export_journals",
    "recordings_in",
    "replay_journal",
    "replay_journals",
]
