"""The smallest framework there is, and its adapter: updates go in at one end, handlers run at the other.

The real frameworks have tests of their own; this one shows the core what an adapter must do, and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from typing import Any

from aiostep_core.abc import Adapter, Address, Failure, Sent
from aiostep_core.context import Turn, current_turn
from aiostep_core.engine import Decision, Engine, Outcome
from aiostep_core.errors import BadArgument
from aiostep_core.facts import Delivery, Facts
from aiostep_core.installed import install_adapter
from aiostep_core.keys import Key
from aiostep_core.runtime import Runtime
from aiostep_core.steps import Step
from tests.core.making import ALICE, BOT, facts

Handler = Callable[[Facts], Coroutine[Any, Any, object]]


class Refused(Exception):
    """What this framework raises when Telegram or the network refuses: ``Refused(Failure(...))``."""


class Line:
    """A bot: text starts the handler of that name, everything else the one called "*".

    Attributes:
        handled: what reached a handler, in order.
        errors: what handlers raised.
        consumed: what became of the updates that reached none.
        sent: the prompts, with their addresses.
        answered: the clicks that were answered, and with which text.
        on_send: called while a prompt is on its way; may raise.
    """

    def __init__(self, bot_id: int = BOT) -> None:
        self.bot_id = bot_id
        self.adapter: LineAdapter | None = None
        self.handlers: dict[str, Handler] = {}
        self.handled: list[Facts] = []
        self.errors: list[BaseException] = []
        self.consumed: list[Outcome] = []
        self.sent: list[tuple[str, Address]] = []
        self.answered: list[tuple[Facts, str | None]] = []
        self.on_send: Callable[[str], Awaitable[None] | None] | None = None
        self.tasks: list[asyncio.Task[None]] = []

    def on(self, text: str) -> Callable[[Handler], Handler]:
        """Register the handler of *text*."""

        def register(handler: Handler) -> Handler:
            self.handlers[text] = handler
            return handler

        return register

    def arrive(self, text: str | None = "hi", **details: Any) -> Facts:
        """Let an update arrive, as a framework does: in order, in a task of its own, without awaiting."""
        made = facts(text, **{"bot_id": self.bot_id} | details)
        self.feed(made)
        return made

    def feed(self, update: Facts) -> None:
        """Let *update* arrive."""
        if self.adapter is None:
            self._start(self._handle(update))
        else:
            self.adapter.arrive(update)

    @property
    def texts(self) -> list[str | None]:
        """What reached a handler, by text."""
        return [one.text for one in self.handled]

    @property
    def prompts(self) -> list[str]:
        """What was sent, by text."""
        return [text for text, _ in self.sent]

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(coroutine))

    async def _handle(self, update: Facts) -> None:
        self.handled.append(update)
        handler = self.handlers.get(update.text or "", self.handlers.get("*"))
        if handler is not None:
            await handler(update)


class LineAdapter(Adapter[Line]):
    """Does for every update what ``Adapter`` prescribes, in that order."""

    name = "line"

    def __init__(self, target: Line) -> None:
        self.target = target
        self.redispatched: list[Delivery] = []

    def install(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.target.adapter = self

    def uninstall(self) -> None:
        self.target.adapter = None

    def facts(self, carrier: Any) -> Facts:
        made: Facts = carrier
        return made

    def update_of(self, carrier: Any) -> Any:
        return carrier

    def key_of(self, target: object) -> Key | None:
        if not isinstance(target, Facts):
            raise TypeError(target)
        return target.key if target.user_id is not None or target.chat_id is not None else None

    def bot_ids(self) -> Collection[int]:
        return (self.target.bot_id,)

    def compile_filter(self, filter: Any) -> Callable[[Delivery], object]:
        if not callable(filter):
            raise BadArgument("filter", filter, "something to call with the update")
        return lambda delivery: filter(delivery.update)

    def redispatch(self, deliveries: Sequence[Delivery]) -> None:
        self.redispatched += deliveries
        for one in deliveries:
            self.arrive(one.update, again=True)

    def arrive(self, update: Facts, *, again: bool = False) -> None:
        runtime = self.runtime
        if again or update.update_id is None or not runtime.is_duplicate(update.bot_id, update.update_id):
            self.target._start(self._go_on(Turn(runtime, self, update)))

    async def _go_on(self, turn: Turn) -> None:
        runtime, facts = self.runtime, turn.carrier
        try:
            step = None
            if facts.gone is not None or runtime.concerns(facts.key):
                decision = await runtime.settle(runtime.meet(turn.delivery))
                if decision.outcome is not Outcome.PASS:
                    return await self._consume(decision, turn)
                step = await runtime.steps.take(turn.delivery)
        except Exception as error:  # noqa: BLE001 - a filter raised: the error handlers have it
            return self.target.errors.append(error)
        return await self._run(turn, step)

    async def _consume(self, decision: Decision, turn: Turn) -> None:
        self.target.consumed.append(decision.outcome)
        if decision.outcome is Outcome.NOT_YOURS:
            await self.answer_click(turn.delivery, "not for you")

    async def _run(self, turn: Turn, step: Step | None) -> None:
        current_turn.set(turn)
        error: BaseException | None = None
        try:
            if step is None:
                await self.target._handle(turn.carrier)
            else:
                self.runtime.open_for_step(step, turn)
                await self.runtime.steps.run(step, lambda: step.fn(turn.carrier, *step.args, **step.kwargs))
        except BaseException as raised:
            error = raised
            if not isinstance(raised, Exception):
                raise
        finally:
            is_quiet = await self.runtime.end_turn(turn, error)
            if error is not None and not is_quiet:
                self.target.errors.append(error)

    async def send(
        self, to: Address, prompt: Any, *, keyboard: Any = None, force_reply: Any = "auto", **send: Any
    ) -> Sent:
        line = self.target
        line.sent.append((prompt, to))
        if line.on_send is not None and (sending := line.on_send(prompt)) is not None:
            await sending
        return Sent(prompt, to.key.chat_id, 5000 + len(line.sent), has_buttons=keyboard is not None)

    def watch_click(self, delivery: Delivery) -> None:
        """Handlers of this bot never answer a click themselves, unless a test says so."""

    async def answer_click(self, delivery: Delivery, text: str | None = None, *, alert: bool = False) -> None:
        self.target.answered.append((delivery.facts, text))

    def failure_of(self, error: BaseException) -> Failure | None:
        return error.args[0] if isinstance(error, Refused) else None

    def is_gone(self, error: BaseException) -> str | None:
        return "blocked" if isinstance(error, ConnectionRefusedError) else None


def installed(line: Line, **options: Any) -> Engine:
    """Install an engine on *line*."""
    return install_adapter(LineAdapter(line), **options)


def alice(**details: Any) -> dict[str, Any]:
    """Describe Alice's private chat."""
    return {"chat_id": ALICE, "user_id": ALICE, "chat_type": "private"} | details
