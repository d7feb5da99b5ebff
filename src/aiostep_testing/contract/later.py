"""Levels durable and workers: nothing can be checked yet, so nobody can claim them."""

from __future__ import annotations

from .level import Level
from .stage import Stage

__all__ = ["Durable", "Workers"]


class Durable(Level, level="durable"):
    """Promise 12."""

    async def test_a_restart(self, stage: Stage) -> None:
        """T53: what was waiting before a restart goes on after it."""
        raise NotImplementedError("the contract has no tests of durable conversations yet; do not claim 'durable'")


class Workers(Level, level="workers"):
    """Promise 13."""

    async def test_another_worker_gets_the_answer(self, stage: Stage) -> None:
        """T50: an answer that another worker receives reaches the one who asked."""
        raise NotImplementedError("the contract has no tests of many workers yet; do not claim 'workers'")
