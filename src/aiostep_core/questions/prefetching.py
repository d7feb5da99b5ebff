"""Loading beside the event loop what a question will need: libraries that take a tenth of a second to import."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["Load", "prefetch", "slow_of"]

Load = Callable[[], object]

_begun: set[Load] = set()


def prefetch(question: Any) -> None:
    """Call what *question* says is slow, once in the life of the process, in a thread, while the person thinks.

    Not when a question is made: that may be at import, before a server forks, and a fork copies no threads.
    """
    for load in getattr(question, "slow", ()):
        if load not in _begun:
            _begun.add(load)
            threading.Thread(target=load, name="aiostep-prefetch", daemon=True).start()


def slow_of(questions: Iterable[Any]) -> tuple[Load, ...]:
    """Return what is slow about the questions that another one is made of."""
    return tuple(load for one in questions for load in getattr(one, "slow", ()))
