"""Level workers: nothing can be checked yet, so nobody can claim it."""

from __future__ import annotations

from .level import Level
from .stage import Stage

__all__ = ["Workers"]


class Workers(Level, level="workers"):
    """Promise 13."""

    async def test_another_worker_gets_the_answer(self, stage: Stage) -> None:
        """T50: an answer that another worker receives reaches the one who asked."""
        raise NotImplementedError("the contract has no tests of many workers yet; do not claim 'workers'")
