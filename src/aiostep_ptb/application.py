"""The class that an application has while aiostep is installed: a subclass that overrides public methods only.

``install`` swaps the class of an application that is built already. That is plain Python, works over the author's own
subclass too, and needs no private name of the framework; an attribute of the object could not replace its methods, as
applications have no ``__dict__`` from Python 3.13 on. Whoever builds the application can name ``StepApplication``
instead and needs no ``install``.
"""

from __future__ import annotations

import asyncio
import inspect
import types
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from telegram.ext import Application, BaseHandler

from aiostep_core.context import current_turn
from aiostep_core.engine import CANCEL_WORDS, Engine
from aiostep_core.errors import UnsupportedTarget, WaitEnded
from aiostep_core.texts import Translate

from .flow import Flow
from .writing import wants_writing, writing_after

if TYPE_CHECKING:
    from .adapter import PTBAdapter
    from .flows import Flows

__all__ = ["StepApplication", "restore_class", "swap_class"]

AnyApplication = Application[Any, Any, Any, Any, Any, Any]


class StepApplication(AnyApplication):
    """An application with aiostep installed: ``ApplicationBuilder().application_class(StepApplication, {...})``.

    Args:
        storage, engine, cancel_words, texts, translate: as for ``aiostep.install``.
        group, ordered, identify, grace: as for ``PTBAdapter``.
        built: what the builder passes.
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        storage: object = None,
        engine: Engine | None = None,
        cancel_words: Collection[str] = CANCEL_WORDS,
        texts: Mapping[str, Mapping[str, str]] | None = None,
        translate: Translate | None = None,
        group: int = -100,
        ordered: bool = True,
        identify: Callable[[Any], Any] | None = None,
        grace: float = 5.0,
        **built: Any,
    ) -> None:
        super().__init__(**built)
        from .adapter import install

        options: dict[str, Any] = {"group": group, "ordered": ordered, "identify": identify, "grace": grace}
        words: dict[str, Any] = {"cancel_words": cancel_words, "texts": texts, "translate": translate}
        install(self, storage=storage, engine=engine, **words, **options)


class _Overrides(AnyApplication):
    """What the subclass of an application overrides. Never used itself: its functions are put into a class of one base.

    As one of two bases it would make objects that differ, to Python from 3.13 on, from those of an author's subclass.
    """

    __slots__ = ()
    aiostep_base: ClassVar[type[AnyApplication]]
    aiostep_adapter: ClassVar[PTBAdapter]
    aiostep_flows: ClassVar[Flows]

    async def initialize(self) -> None:
        await self.aiostep_base.initialize(self)
        self.aiostep_adapter.begin()

    async def start(self) -> None:
        self.aiostep_adapter.begin()
        await self.aiostep_base.start(self)

    async def process_error(
        self, update: object | None, error: Exception, job: Any = None, coroutine: Any = None
    ) -> bool:
        flow = current_turn.get()
        if isinstance(flow, Flow) and flow.carrier is (update if job is None else job):
            flow.error = error
        if isinstance(error, WaitEnded):
            return False  # a conversation that ended is no error of the bot
        return await self.aiostep_base.process_error(self, update, error, job, coroutine)

    def create_task(self, coroutine: Any, update: object | None = None, **options: Any) -> asyncio.Task[Any]:
        if not self.running and _is_quiet_end(coroutine):
            return asyncio.ensure_future(coroutine)  # a job that waited; the framework would warn of a late task
        is_handler = _is_handler(coroutine)
        task: asyncio.Task[Any] = self.aiostep_base.create_task(self, coroutine, update, **options)
        flow = current_turn.get()
        if is_handler and isinstance(flow, Flow) and not flow.is_over:
            self.aiostep_flows.add_child(flow, task)
        return task

    async def stop(self) -> None:
        """Stop as ever; but what is queued reaches those who wait for it, and nobody waits any longer then.

        The framework waits for jobs and non-blocking handlers to end, so they must be told in the middle of it.
        """
        closing = asyncio.ensure_future(self._close_when_drained()) if self.running else None
        try:
            await self.aiostep_base.stop(self)
            if closing is not None:
                await closing  # what is held is in no queue any more
        finally:
            if closing is not None:
                closing.cancel()
                await self.aiostep_adapter.aclose()

    async def shutdown(self) -> None:
        if not self.running:  # else the framework says that it must be stopped first
            await self.aiostep_adapter.aclose()
        await self.aiostep_base.shutdown(self)
        self.aiostep_flows.glances.is_initialized = False

    async def _close_when_drained(self) -> None:
        await self.update_queue.join()
        await self.aiostep_flows.quiet()
        await self.aiostep_adapter.aclose()


def _is_handler(coroutine: object) -> bool:
    """Tell a non-blocking handler, which may ask as any other, from what its author starts beside the handlers."""
    return inspect.iscoroutine(coroutine) and isinstance(inspect.getcoroutinelocals(coroutine).get("self"), BaseHandler)


def _is_quiet_end(coroutine: object) -> bool:
    """Tell whether this is ``process_error`` for a conversation that has ended."""
    return inspect.iscoroutine(coroutine) and isinstance(inspect.getcoroutinelocals(coroutine).get("error"), WaitEnded)


def swap_class(application: AnyApplication, adapter: PTBAdapter, flows: Flows) -> type[AnyApplication]:
    """Give *application* the class that has aiostep in it; return its own.

    Raises:
        UnsupportedTarget: the class of *application* does not let itself be extended.
    """
    original = type(application)
    body = {name: function for name, function in vars(_Overrides).items() if isinstance(function, types.FunctionType)}
    place = {name: getattr(original, name) for name in ("__module__", "__qualname__", "__doc__")}
    entry = flows.entry()
    ours = {
        "aiostep_base": original,
        "aiostep_adapter": adapter,
        "aiostep_flows": flows,
        "process_update": writing_after(entry, adapter) if wants_writing(application) else entry,
    }
    content = {**body, **place, **ours, "__slots__": ()}
    try:
        extended = types.new_class(original.__name__, (original,), {}, lambda space: space.update(content))
        application.__class__ = extended
    except TypeError as error:
        hint = f"its class cannot be extended ({error}); name StepApplication in ApplicationBuilder.application_class()"
        raise UnsupportedTarget(application, ("ptb",), (hint,)) from error
    return original


def restore_class(application: AnyApplication, original: type[AnyApplication]) -> None:
    """Give *application* its own class back, unless somebody has given it yet another one."""
    if vars(type(application)).get("aiostep_base") is original:
        application.__class__ = original
