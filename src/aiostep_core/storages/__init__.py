"""Where things are kept. ``abc`` has the contracts; one module for each place."""

from .memory import MemorySteps as MemorySteps
from .memory_records import MemoryRecords as MemoryRecords

__all__ = ["MemoryRecords", "MemorySteps"]
