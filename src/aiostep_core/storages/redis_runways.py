"""Who waits for whom: a call that finds nothing under way leaves at once; those that come meanwhile leave together.

So a lonely call costs one round trip and nothing else, and a hundred concurrent ones cost two.
"""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import chain
from typing import Any

from .redis_batches import Batch, Pile
from .redis_commands import Call, OperationFailed, Sender
from .redis_errors import Trouble, trouble
from .redis_links import Link

__all__ = ["AsyncRunway", "BlockingRunway", "Runway"]


class Runway(ABC):
    """One after the other: at most one flight of batches is under way."""

    def __init__(self, link: Link, sender: Sender, where: str) -> None:
        self._link = link
        self._sender = sender
        self._where = where

    @abstractmethod
    async def call(self, call: Call) -> Any:
        """Carry out an operation and return its answer."""

    @abstractmethod
    async def close(self) -> None:
        """Let what is under way come to its end, then break the connection."""

    async def _fly_alone(self, call: Call) -> Any:
        """Return what a call is answered.

        Raises:
            StorageError: it is not.
        """
        (reply,) = await self._link.fly((self._sender.lone(call),), time.monotonic())
        return self._sender.lone_answer(call, self._result(reply))

    async def _fly(self, batches: Sequence[Batch[Any]], since: float) -> list[list[Any]]:
        """Return what each call of each batch is answered; a ``Trouble`` if it is not."""
        commands = [batch.command(self._sender) for batch in batches]
        replies = await self._link.fly(commands, since)
        return [
            [reply] * len(batch.calls)
            if isinstance(reply, Trouble)
            else [
                trouble(one) if isinstance(one, OperationFailed) else one for one in batch.answers(self._sender, reply)
            ]
            for batch, reply in zip(batches, replies, strict=True)
        ]

    def _result(self, answer: Any) -> Any:
        if isinstance(answer, Trouble):
            raise answer.error(self._where)
        return answer


class AsyncRunway(Runway):
    """For the tasks of one event loop."""

    def __init__(self, link: Link, sender: Sender, where: str) -> None:
        super().__init__(link, sender, where)
        self._loop = asyncio.get_running_loop()
        self._pile = Pile[tuple[asyncio.Future[Any], float]]()
        self._is_busy = False
        self._task: asyncio.Task[None] | None = None  # the loop itself would let go of it
        self._idle: asyncio.Future[None] | None = None

    async def call(self, call: Call) -> Any:
        if self._is_busy:
            future = self._loop.create_future()
            self._pile.add(call, (future, time.monotonic()))
            return self._result(await future)
        self._is_busy = True
        try:
            # In the caller's own task: a task of its own costs as much as half the round trip.
            return await self._fly_alone(call)
        finally:
            self._go_on()

    def _go_on(self) -> None:
        if self._pile:
            self._task = self._loop.create_task(self._clear())
            return
        self._is_busy = False
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    async def _clear(self) -> None:
        """Carry out what piled up, until there is nothing."""
        try:
            while self._pile:
                await self._carry_out(self._pile.take())
                # Whoever was just answered may call again at once; let them come along.
                await asyncio.sleep(0)
        except BaseException:  # the loop ends, and with it everybody who waits
            for future, _ in chain(*(batch.tickets for batch in self._pile.take_all())):
                future.cancel()
            raise
        finally:
            self._go_on()

    async def _carry_out(self, batches: Sequence[Batch[tuple[asyncio.Future[Any], float]]]) -> None:
        futures = [future for batch in batches for future, _ in batch.tickets]
        since = min(began for batch in batches for _, began in batch.tickets)
        try:
            answers = await self._fly(batches, since)
        except Exception as error:  # noqa: BLE001 - whoever waits for an answer is told
            for future in futures:
                if not future.done():
                    future.set_exception(error)
            return
        except BaseException:
            for future in futures:
                future.cancel()
            raise
        for future, answer in zip(futures, chain(*answers), strict=True):
            if not future.done():
                future.set_result(answer)

    async def close(self) -> None:
        while self._is_busy:
            if self._idle is None or self._idle.done():
                self._idle = self._loop.create_future()
            await asyncio.shield(self._idle)
        await self._link.close()


class _Ticket:
    """A thread that waits for its answer, or to carry out the next batches."""

    __slots__ = ("answer", "began", "is_gone", "turn", "work")

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.turn = threading.Lock()
        self.turn.acquire()
        self.answer: Any = None
        self.work: list[Batch[_Ticket]] | None = None
        self.is_gone = False


class BlockingRunway(Runway):
    """For the threads of a process. Whoever finds nothing under way flies; then the first of those who wait does."""

    def __init__(self, link: Link, sender: Sender, where: str) -> None:
        super().__init__(link, sender, where)
        self._lock = threading.Lock()
        self._pile = Pile[_Ticket]()
        self._is_busy = False
        self._is_closing = False

    async def call(self, call: Call) -> Any:
        with self._lock:
            if self._is_busy:
                ticket = _Ticket()
                self._pile.add(call, ticket)
            else:
                self._is_busy, ticket = True, None
        if ticket is not None:
            return await self._wait(ticket)
        try:
            return await self._fly_alone(call)
        finally:
            with self._lock:
                is_over = not self._pile and not self._is_closing
                self._is_busy = not is_over
            if not is_over:
                await self._hand_over()

    async def _wait(self, ticket: _Ticket) -> Any:
        try:
            ticket.turn.acquire()
        except BaseException:  # interrupted: nobody may rely on this thread
            with self._lock:
                ticket.is_gone = True
            if ticket.work is not None:
                await self._lead(ticket.work)
            raise
        if ticket.work is not None:
            await self._lead(ticket.work)
        if isinstance(ticket.answer, BaseException):
            raise ticket.answer
        return self._result(ticket.answer)

    async def _lead(self, batches: list[Batch[_Ticket]]) -> None:
        tickets = [ticket for batch in batches for ticket in batch.tickets]
        answers: list[list[Any]]
        try:
            answers = await self._fly(batches, min(ticket.began for ticket in tickets))
        except BaseException as error:  # noqa: BLE001 - whoever waits for an answer is told, this thread too
            answers = [[error] * len(batch.calls) for batch in batches]
        for ticket, answer in zip(tickets, chain(*answers), strict=True):
            ticket.answer = answer
            if ticket.work is None:
                ticket.turn.release()
        await self._hand_over()

    async def _hand_over(self) -> None:
        with self._lock:
            while self._pile:
                batches = self._pile.take()
                tickets = (ticket for batch in batches for ticket in batch.tickets)
                leader = next((ticket for ticket in tickets if not ticket.is_gone), None)
                if leader is not None:
                    leader.work = batches
                    leader.turn.release()
                    return
            self._is_busy = False
            if self._is_closing:
                await self._link.close()

    async def close(self) -> None:
        with self._lock:
            self._is_closing = True
            if not self._is_busy:
                await self._link.close()
