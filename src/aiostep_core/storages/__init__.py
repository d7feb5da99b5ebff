"""Where steps are kept. One module per storage."""

from .memory import MemorySteps as MemorySteps

__all__ = ["MemorySteps"]
