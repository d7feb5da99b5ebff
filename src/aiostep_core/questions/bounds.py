"""What is too little or too much, and how that is said of a number, of a date, and of anything else."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ..texts import Saying

__all__ = ["is_multiple", "out_of_bounds"]

#: What holds of a value that is within a limit, by the name that the sentences have.
_HOLDS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "low": operator.ge,
    "above": operator.gt,
    "high": operator.le,
    "below": operator.lt,
}


def out_of_bounds(bound: str, value: Any, limit: Any) -> Saying | None:
    """Return what is wrong with a value that is not within *limit*; *bound* is "low", "above", "high" or "below"."""
    if _HOLDS[bound](*_comparable(value, limit)):
        return None
    kind = "number" if isinstance(limit, (int, float, Decimal)) else "value"
    if isinstance(limit, (date, time)):
        kind = "date"
        limit = limit.isoformat(" ", "minutes") if isinstance(limit, datetime) else limit.isoformat()
    return Saying(f"{kind}_{bound}", {"min" if bound in ("low", "above") else "max": limit})


def is_multiple(value: Any, step: Any) -> bool:
    """Tell whether *value* is a multiple of *step*, as it is written: 0.3 is one of 0.1, though not in binary."""
    if isinstance(value, (float, Decimal)) or isinstance(step, (float, Decimal)):
        try:
            return not Decimal(str(value)) % Decimal(str(step))
        except InvalidOperation:  # there are more digits in between than decimals keep
            return not float(value) % float(step)
    return not value % step


def _comparable(value: Any, limit: Any) -> tuple[Any, Any]:
    """Return moments that can be compared: people may write a zone or none, whatever the limit has."""
    if not (isinstance(value, datetime) and isinstance(limit, datetime)):
        return value, limit
    if value.tzinfo is None and limit.tzinfo is not None:
        return value.replace(tzinfo=limit.tzinfo), limit
    return value, limit.astimezone() if value.tzinfo is not None and limit.tzinfo is None else limit
