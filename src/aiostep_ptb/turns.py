"""Whose turn it is, where updates are handled one at a time; also the turn of those whose time limit is up."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Final

from .naps import Nap

if TYPE_CHECKING:
    from .flow import Flow

__all__ = ["Turns"]

#: Seconds that a handler whose time is up lets another one finish, which may itself wait for it.
PATIENCE: Final = 5.0


class Turns:
    """Those that the framework waits for, and those that go on after them.

    Attributes:
        overdue: the waits whose time is up and whose handlers have not gone on to their end or next wait.
    """

    def __init__(self) -> None:
        self.overdue: deque[Nap] = deque()
        self._under_way: list[Flow] = []
        self._making_up: asyncio.Future[None] | None = None

    async def wait_for(self, flow: Flow) -> None:
        """Wait until *flow* is idle: it is its turn."""
        if flow.is_idle:
            return
        self._under_way.append(flow)
        try:
            await flow.idle()
        finally:
            self._under_way.remove(flow)

    def make_up_for(self, nap: Nap) -> None:
        """Let a handler go on whose time is up, when nobody else runs."""
        self.overdue.append(nap)
        if self._making_up is None:
            self._making_up = asyncio.ensure_future(self._make_up())

    async def made_up(self) -> None:
        """Wait until nobody is overdue."""
        while self._making_up is not None:
            await asyncio.wait([self._making_up])

    async def _make_up(self) -> None:
        try:
            while self.overdue:
                nap = self.overdue[0]
                for flow in tuple(self._under_way):
                    await _patiently(flow)
                nap.go_on_soon()
                await _patiently(nap.flow)
                del self.overdue[0]
        finally:
            self.overdue.clear()
            self._making_up = None


async def _patiently(flow: Flow) -> None:
    if not flow.is_idle:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(flow.idle(), PATIENCE)
