"""``IsState``, the filter of the original API."""

from aiostep_core.is_state import IsState as IsState

__all__ = ["IsState"]
