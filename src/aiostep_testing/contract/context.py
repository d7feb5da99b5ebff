"""What the programs of the contract see of an adapter: its public face, in the words of no framework."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, TypeAlias

import aiostep_core
from aiostep_core import Scope, blocking

if TYPE_CHECKING:
    from .harness import AdapterHarness

__all__ = ["Ctx", "Program", "SyncCtx", "run_blocking"]


class Ctx:
    """One run of a handler.

    text: what the update says; see ``AdapterHarness.text_of``.
    """

    def __init__(self, harness: AdapterHarness, update: Any) -> None:
        self.harness, self.update = harness, update

    @property
    def text(self) -> str:
        return self.harness.text_of(self.update)

    async def say(self, text: str, *buttons: str) -> Any:
        """Send a message to where the update came from and return the framework's object of it."""
        return await self.harness.say(self.update, text, buttons)

    async def ask(self, prompt: Any, as_: Any = str, *, like: str = "", **options: Any) -> Any:
        """Ask, as ``aiostep.ask`` does; *like* as in ``hear``."""
        if like:
            options["filter"] = self.filter(like, 0)
        return await self.call("ask", prompt, as_, **options)

    async def hear(self, target: Any = None, *, like: str = "", slowly: float = 0, **options: Any) -> str:
        """Wait for an update, as ``aiostep.wait_for`` does, and return what it says.

        Args:
            like: a regular expression; other updates are not meant.
            slowly: seconds that the filter takes to decide.
        """
        if like or slowly:
            options["filter"] = self.filter(like, slowly)
        return self.harness.text_of(await self.call("wait_for", target, **options))

    async def click(self, message: Any, **options: Any) -> str:
        """Wait for a click on a button of *message* and return its data."""
        return await self.hear(kinds="callback_query", scope=Scope.BUTTONS(message), **options)

    async def then(self, program: Program, **options: Any) -> None:
        """Run *program* with the next message, as ``aiostep.register_next_step`` does."""
        await self.call("register_next_step", None, self.harness.handler(program), **options)

    async def unregister(self) -> None:
        """Drop what is registered here, as ``aiostep.unregister_steps`` does."""
        await self.call("unregister_steps")

    async def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call what ``aiostep`` offers under this name."""
        return await getattr(aiostep_core, name)(*args, **kwargs)

    async def stream(self, *args: Any, **options: Any) -> AsyncIterator[str]:
        """Go through what ``aiostep.stream`` gives, by what it says; the block is open when the first is awaited."""
        async with aiostep_core.stream(*args, **options) as updates:
            await self.say("listening")
            async for update in updates:
                yield self.harness.text_of(update)

    async def pause(self, seconds: float) -> None:
        """Be busy with something else."""
        await asyncio.sleep(seconds)

    def filter(self, like: str, slowly: float) -> Callable[[Any], Any]:
        """Make a filter of the adapter."""

        def quick(update: Any) -> bool:
            return re.search(like, self.harness.text_of(update)) is not None

        async def slow(update: Any) -> bool:
            await asyncio.sleep(slowly)
            return quick(update)

        return slow if slowly else quick


class SyncCtx(Ctx):
    """The same for a framework without an event loop: nothing that a program awaits gives way to another.

    Nothing but the questions of a generator handler, which ``yield from program(ctx).__await__()`` makes of it.
    """

    async def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return await self._got(getattr(blocking, name)(*args, **kwargs))

    async def stream(self, *args: Any, **options: Any) -> AsyncIterator[str]:
        with blocking.stream(*args, **options) as updates:
            await self.say("listening")
            while (update := await self._got(updates.next())) is not None:
                yield self.harness.text_of(update)

    async def _got(self, result: Any) -> Any:
        return await Yielded(result) if isinstance(result, blocking.Later) else result

    async def pause(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - there is no loop

    def filter(self, like: str, slowly: float) -> Callable[[Any], Any]:
        def accepts(update: Any) -> bool:
            time.sleep(slowly)
            return re.search(like, self.harness.text_of(update)) is not None

        return accepts


class Yielded:
    """Hand a question to the generator that the coroutine around it is driven by."""

    def __init__(self, question: object) -> None:
        self._question = question

    def __await__(self) -> Generator[object, Any, Any]:
        return (yield self._question)


def run_blocking(program: Coroutine[Any, Any, None]) -> None:
    """Run a program whose calls block, in this thread.

    Raises:
        RuntimeError: it awaits something that does not.
    """
    try:
        program.send(None)
    except StopIteration:
        return
    program.close()
    raise RuntimeError("the program awaits something; in a plain handler every call of the adapter must block")


Program: TypeAlias = Callable[[Ctx], Coroutine[Any, Any, None]]
"""A handler of the contract's bots, a plain coroutine function. Its name is its command."""
