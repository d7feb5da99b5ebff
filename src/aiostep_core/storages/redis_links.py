"""The way to the server: one connection that is made when needed, mended when broken, and given up in bounded time.

Commands may be sent twice, because their answer was lost: they are such that this does no harm (``lua/batch.lua``).
So what a broken connection had on its way is simply sent again on the next one.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from .redis_advice import advise
from .redis_commands import Command
from .redis_errors import Meaning, Trouble, refusals, trouble
from .redis_servers import Server

__all__ = ["AsyncLink", "BlockingLink", "Link"]

if sys.version_info >= (3, 11):
    deadline = asyncio.timeout
else:
    import anyio

    @asynccontextmanager
    async def deadline(delay: float) -> AsyncGenerator[None, None]:
        """Do what ``asyncio.timeout`` does."""
        with anyio.fail_after(delay):
            yield


_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.25


class Link(ABC):
    """Sends commands and reads their answers.

    Args:
        grace: for how many seconds to go on trying while the server cannot be reached.
        timeout: how many seconds an answer may take.
    """

    def __init__(self, server: Server, *, grace: float, timeout: float) -> None:
        self._server = server
        self._grace = grace
        self._timeout = timeout
        self._connect_timeout = min(timeout, max(grace, 1.0))
        self._connection: Any = None
        self._refusal = refusals()

    async def fly(self, commands: Sequence[Command], since: float) -> list[Any]:
        """Send *commands* together and return their answers; a ``Trouble`` in place of one that there is none of.

        Args:
            since: the ``time.monotonic()`` from which the grace counts.
        """
        answers = await self._try(commands)
        for answer in answers:
            if type(answer) is Trouble:
                return await self._fly_again(commands, answers, since)
        return answers

    async def _fly_again(self, commands: Sequence[Command], answers: list[Any], since: float) -> list[Any]:
        pause = _FIRST_PAUSE
        while True:
            left = [at for at, answer in enumerate(answers) if type(answer) is Trouble and answer.may_pass]
            if not left:
                return answers
            meanings = {answers[at].meaning for at in left}
            if Meaning.LOST in meanings:
                await self.close(is_broken=True)
            if meanings != {Meaning.NO_SCRIPT}:
                if time.monotonic() + pause > since + self._grace:
                    return answers
                await self._sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - so that not all come at once
                pause = min(2 * pause, _LONGEST_PAUSE)
            is_unknown = Meaning.NO_SCRIPT in meanings
            again = await self._try([commands[at] for at in left], is_whole=is_unknown)
            for at, answer in zip(left, again, strict=True):
                answers[at] = answer

    async def _try(self, commands: Sequence[Command], *, is_whole: bool = False) -> list[Any]:
        """Send *commands* once.

        Args:
            is_whole: with their scripts, because the server does not know them.
        """
        try:
            return await self._exchange(commands, is_whole)
        except Exception as error:
            await self.close(is_broken=True)
            what = trouble(error)
            if what is None:
                raise
            return [what] * len(commands)
        except BaseException:
            # Cancelled, or the program ends: answers that nobody waits for are under way.
            await self.close(is_broken=True)
            raise

    @abstractmethod
    async def _exchange(self, commands: Sequence[Command], is_whole: bool = False) -> list[Any]:
        """Send all, then read an answer to each, connecting first if need be."""

    @abstractmethod
    async def _sleep(self, seconds: float) -> None: ...

    @abstractmethod
    async def close(self, *, is_broken: bool = False) -> None:
        """Close the connection; the next command makes a new one.

        Args:
            is_broken: there may be answers under way, or nobody at the other end: do not wait for anything.
        """


class AsyncLink(Link):
    """A connection for an event loop. It is closed with the loop, if nobody closes it before."""

    _guard: AsyncGenerator[None, None] | None = None

    async def _exchange(self, commands: Sequence[Command], is_whole: bool = False) -> list[Any]:
        if self._connection is None or not self._connection.is_connected:
            async with deadline(self._connect_timeout):
                await self._connect()
        connection: Any = self._connection
        answers = list[Any]()
        async with deadline(self._timeout):
            await connection.send_packed_command(_packed(commands, is_whole), check_health=False)
            for _ in commands:
                try:
                    answers.append(await connection.read_response(disable_decoding=True))
                except self._refusal as error:
                    answers.append(trouble(error))
        return answers

    async def _connect(self) -> None:
        self._connection = self._server.connection(self._timeout, self._connect_timeout)
        await self._connection.connect()
        await self._watch_the_loop()
        await advise(self._server.where, self._exchange)

    async def _watch_the_loop(self) -> None:
        if self._guard is None:
            self._guard = self._until_the_loop_ends()
            await anext(self._guard)

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        """Close the connection when ``asyncio.run`` ends all generators, which is just before it closes the loop."""
        try:
            yield
        finally:
            await self.close()

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self, *, is_broken: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=is_broken)
        if not is_broken:
            for sentinel in self._server.sentinels:
                await sentinel.aclose()


class BlockingLink(Link):
    """A connection for threads, one at a time."""

    async def _exchange(self, commands: Sequence[Command], is_whole: bool = False) -> list[Any]:
        if self._connection is None:
            self._connection = self._server.connection(self._timeout, self._connect_timeout)
            self._connection.connect()
            await advise(self._server.where, self._exchange)
        connection: Any = self._connection
        answers = list[Any]()
        connection.send_packed_command(_packed(commands, is_whole), check_health=False)
        for _ in commands:
            try:
                answers.append(connection.read_response(disable_decoding=True))
            except self._refusal as error:
                answers.append(trouble(error))
        return answers

    async def _sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - there is no event loop

    async def close(self, *, is_broken: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
        if not is_broken:
            for sentinel in self._server.sentinels:
                sentinel.close()


def _packed(commands: Sequence[Command], is_whole: bool) -> list[bytes]:
    return [one.packed_whole() if is_whole and one.script else one.packed() for one in commands]
