"""What the feeders of all frameworks share: start and stop, how they come to rest, and ids that go on counting."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final

from aiostep_testing.accounts import BotAccount
from aiostep_testing.wire import Json
from aiostep_testing.world import World

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["BaseFeeder", "cancel_all", "go_on_counting"]

#: Rounds of the event loop in which nothing has changed, after which nothing more is to come.
_QUIET_PASSES: Final = 25


class BaseFeeder(ABC):
    """Feeds what a world has for a bot to its framework, for the length of an ``async with`` block.

    Attributes:
        errors: what handlers raised and nobody took.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.errors: list[BaseException] = []
        self._remove: Callable[[], None] | None = None
        self._started: int = 0

    async def start(self) -> None:
        """Start the bot, and feed what is already queued.

        Raises:
            RuntimeError: it runs already.
        """
        if self._remove is not None:
            raise RuntimeError("this Feeder is already running; stop() it first, or make another one")
        await self._open()
        self._remove = self.world.add_delivery(self._deliver)
        for account in self._accounts():
            for update in list(account.updates):
                self._deliver(account, update)

    async def stop(self) -> None:
        """Stop feeding, stop the bot, and end what still runs."""
        if self._remove is None:
            return
        self._remove()
        self._remove = None
        await self._close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def settle(self, *, passes: int = 10_000) -> None:
        """Let the bot run until it does nothing more by itself; handlers may still wait for updates or timers.

        At most *passes* rounds of the event loop; sleeping handlers are not waited for.
        """
        quiet, before = 0, self._progress()
        for _ in range(passes):
            pause = self._pause()
            await asyncio.sleep(pause)
            now = self._progress()
            quiet = quiet + 1 if now == before and not pause else 0
            before = now
            if quiet >= _QUIET_PASSES:
                return

    @abstractmethod
    async def _open(self) -> None:
        """Start the bot, subscribe it to what it wants, and have its accounts go on counting."""

    @abstractmethod
    async def _close(self) -> None:
        """Stop the bot as its framework does."""

    @abstractmethod
    def _accounts(self) -> Sequence[BotAccount]:
        """Return the accounts of the bots that are fed."""

    @abstractmethod
    def _deliver(self, account: BotAccount, update: Json) -> None:
        """Take what the world has for *account*, which may be another bot's."""

    @abstractmethod
    def _progress(self) -> tuple[int, ...]:
        """Return numbers that are others whenever something has happened."""

    def _pause(self) -> float:
        """Return the seconds to give to what is under way elsewhere, such as in threads; 0: nothing is."""
        return 0


async def cancel_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel *tasks*, and wait for their ends."""
    running = list(tasks)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def go_on_counting(account: BotAccount, last_id: int) -> None:
    """Let the ids of updates follow *last_id*, which the bot has seen in another world."""
    ahead = last_id - account.next_update
    if ahead > 0:
        ahead += len(account.updates)
        account.next_update += ahead
        for update in account.updates:
            update["update_id"] += ahead
