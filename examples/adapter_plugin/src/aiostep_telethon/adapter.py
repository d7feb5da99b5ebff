"""The adapter: where updates come in, how prompts go out, and what is put back afterwards.

Telethon calls ``client._dispatch_update(update)`` for every update, in a task of its own and in the order of arrival;
with ``sequential_updates=True`` it awaits each call. The adapter stands in the place of that method.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import logging
from collections.abc import Callable, Collection, Sequence
from types import MappingProxyType
from typing import Any, Final

from telethon import Button, TelegramClient, errors, events, types
from telethon.client.updates import EventBuilderDict

from aiostep_core.abc import Adapter, Address, Failure, Sent
from aiostep_core.context import Turn, current_turn
from aiostep_core.engine import Outcome
from aiostep_core.errors import BadArgument, NotSubscribed, WaitEnded
from aiostep_core.facts import Delivery, Facts
from aiostep_core.keyboards import Button as OurButton
from aiostep_core.keyboards import Keyboard, is_ours
from aiostep_core.keys import Key
from aiostep_core.runtime import Runtime
from aiostep_core.sending import manner_of
from aiostep_core.steps import Step
from aiostep_core.texts import Plain

from .durable import TelethonScribe
from .facts import EVENTS, facts_of, key_of_object, kind_of

__all__ = ["TelethonAdapter"]

_BLOCKED: Final = (errors.UserIsBlockedError, errors.InputUserDeactivatedError, errors.UserDeactivatedError)
_LEFT: Final = (errors.ChannelPrivateError, errors.ChatWriteForbiddenError, errors.PeerIdInvalidError)


class TelethonAdapter(Adapter[TelegramClient]):
    """The translation for one ``TelegramClient``.

    Args:
        grace: seconds that handlers have to take leave when the client disconnects.
    """

    name = "telethon"

    def __init__(self, target: TelegramClient, *, grace: float = 5.0) -> None:
        self.target = target
        self.scribe = TelethonScribe(self)
        self.options = MappingProxyType({} if grace == 5.0 else {"grace": grace})
        self._grace = grace
        self._raised: dict[Turn, BaseException] = {}
        self._username: str | None = None
        self._is_learning = self._is_closing = self._is_watching = False
        self._undo: list[Callable[[], object]] = []

    # Installing.

    def install(self, runtime: Runtime) -> None:
        client = self.target
        self.runtime = runtime
        self._go_on, self._disconnect = client._dispatch_update, client._disconnect_coro
        self._replace("_dispatch_update", self._dispatch)
        self._replace("_disconnect_coro", self._on_disconnect)
        # This is how Telethon handles errors of handlers: it logs them here.
        self._log: logging.Logger = client._log["telethon.client.updates"]
        self._log.addFilter(self._note_error)
        self._undo.append(lambda: self._log.removeFilter(self._note_error))

    def watch_requests(self, request: Callable[..., Any], find: Callable[..., Any]) -> None:
        """Have every request pass *request*, and every search for a chat *find*, which are given the client's own."""
        if not self._is_watching:
            self._is_watching = True
            self._replace("_call", functools.partial(request, self.target._call))
            self._replace("get_input_entity", functools.partial(find, self.target.get_input_entity))

    def uninstall(self) -> None:
        self._is_watching = False
        while self._undo:
            self._undo.pop()()

    def _replace(self, name: str, value: Any) -> None:
        """Give the client an attribute of its own in place of its class's method."""
        own = vars(self.target)
        before = own.get(name)
        own[name] = value

        def undo() -> None:
            if own.get(name) != value:
                return  # somebody else has put theirs around ours
            if before is not None:
                own[name] = before
            else:
                del own[name]

        self._undo.append(undo)

    # Updates come in.

    async def _dispatch(self, update: Any) -> None:
        """Stand in the place of ``_dispatch_update``."""
        if self.runtime.closed_for is not None and self._undo and not self._is_closing:
            self.runtime.reopen()  # it disconnected before, and is connected again
        turn = Turn(self.runtime, self, update)
        if not self.target._sequential_updates:
            await self._take(turn)
            return
        # Telethon awaits us before it looks at the next update, so come back as soon as the handler waits for one.
        parked = asyncio.get_running_loop().create_future()

        def park(_: object = None) -> None:
            if not parked.done():
                parked.set_result(None)

        turn.park = park
        self._start(turn).add_done_callback(park)
        await parked

    def _start(self, turn: Turn) -> asyncio.Task[None]:
        """Take an update in a task that Telethon cancels when it disconnects, as it does with its own."""
        task = asyncio.get_running_loop().create_task(self._take(turn))
        tasks: set[asyncio.Task[None]] = self.target._event_handler_tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    async def _take(self, turn: Turn) -> None:
        """Decide about an update before anything is awaited, and let it go on if nobody waits for it."""
        step, number = None, _number_of(turn.carrier)
        if number is not None and self.runtime.is_duplicate(self._bot_id, number):
            return
        if not self.runtime.is_idle:
            try:
                if await self._is_consumed(turn.delivery):
                    return
                step = await self.runtime.steps.take(turn.delivery)
            except Exception:  # noqa: BLE001 - whatever a filter raises goes where Telethon has it go
                self._log.exception("Unhandled exception on a filter")
                return
        if step is None and self._is_late(turn):
            return
        token = current_turn.set(turn)
        try:
            if step is None:
                await self._go_on(turn.carrier)
            else:
                self.runtime.open_for_step(step, turn)
                await self._run(step, turn)
        finally:
            await self.runtime.end_turn(turn, self._raised.pop(turn, None))
            current_turn.reset(token)

    async def _is_consumed(self, delivery: Delivery) -> bool:
        decision = self.runtime.meet(delivery)
        if decision.outcome in (Outcome.HELD, Outcome.FILTERING):
            decision = await self.runtime.settle(decision)
        if decision.outcome is Outcome.NOT_YOURS:
            self.runtime.clicks.refuse(delivery)
        return decision.outcome is not Outcome.PASS

    def _is_late(self, turn: Turn) -> bool:
        """Answer a click on a button of ours that nobody waits for any more; no handler knows it."""
        is_click = isinstance(turn.carrier, (types.UpdateBotCallbackQuery, types.UpdateInlineBotCallbackQuery))
        if not is_click or not is_ours(turn.facts.callback_data):
            return False
        self.runtime.clicks.refuse(turn.delivery)
        return True

    async def _run(self, step: Step, turn: Turn) -> None:
        """Call a step as Telethon calls a handler."""

        async def call() -> None:
            with contextlib.suppress(events.StopPropagation):
                await step.fn(turn.delivery.update, *step.args, **step.kwargs)

        try:
            await self.runtime.steps.run(step, call)
        except Exception:  # noqa: BLE001 - as above
            self._log.exception("Unhandled exception on %s", step.name)

    def _note_error(self, record: logging.LogRecord) -> bool:
        """Keep the end of a conversation that its handler did not catch out of the log: it is no error."""
        turn = current_turn.get()
        error = record.exc_info[1] if record.exc_info is not None else None
        if turn is None or turn.adapter is not self or error is None:
            return True
        self._raised[turn] = error
        return not isinstance(error, WaitEnded)

    async def _on_disconnect(self) -> None:
        """Stand in the place of ``_disconnect_coro``, while handlers can still say goodbye."""
        self._is_closing = True
        try:
            if len(self.runtime.adapters) == 1:
                await self.runtime.aclose(self._grace)
            else:
                self.runtime.end_all(lambda one: one.place.key.bot_id == self._bot_id, "shutdown")
        finally:
            self._is_closing = False
            await self._disconnect()

    # What the core asks about updates.

    @property
    def _bot_id(self) -> int:
        return self.target._self_id or 0

    def bot_ids(self) -> Collection[int]:
        return (self._bot_id,) if self._bot_id else ()

    def facts(self, carrier: Any) -> Facts:
        return facts_of(carrier, self._bot_id, self._username)

    def update_of(self, carrier: Any) -> Any:
        builder = EVENTS.get(kind_of(carrier))
        event = EventBuilderDict(self.target, carrier, None)[builder] if builder is not None else None
        return event or carrier

    def message_of(self, update: Any) -> Any:
        return getattr(update, "message", update)

    def language_of(self, update: Any) -> str | None:
        return getattr(getattr(update, "sender", None), "lang_code", None)

    def key_of(self, target: object) -> Key | None:
        key, turn = key_of_object(target, self._bot_id), current_turn.get()
        is_own = isinstance(target, types.Message) and key is not None and key.user_id is None
        if key is not None and is_own and turn is not None and turn.facts.chat_id == key.chat_id:
            return key._replace(user_id=turn.facts.user_id)  # it is about the person whose handler sent it
        return key

    def redispatch(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if (number := _number_of(delivery.carrier)) is not None:
                self.runtime.forget_update(self._bot_id, number)
            self._start(Turn(self.runtime, self, delivery.carrier))

    # Waiting.

    def check_wait(self, turn: Turn | None, kinds: frozenset[str]) -> None:
        if self.target._no_updates:
            raise NotSubscribed(kinds, "make the client with receive_updates=True")
        if self._username is None and not self._is_learning:
            self._is_learning = True
            self.runtime.start(self._learn_name())

    async def _learn_name(self) -> None:
        """Ask what the bot is called, to tell its commands from another bot's."""
        with contextlib.suppress(Exception):  # whatever is wrong with the network, others will say it
            self._username = (await self.target.get_me()).username
        self._is_learning = False

    def compile_filter(self, filter: Any) -> Callable[[Delivery], object]:
        builder = filter() if isinstance(filter, type) and issubclass(filter, events.common.EventBuilder) else filter
        if isinstance(builder, events.common.EventBuilder):
            return lambda delivery: self._matches(builder, delivery.update)
        if isinstance(filter, type) or not callable(filter):
            raise BadArgument("filter", filter, "a function of the event, or an event such as events.NewMessage(...)")
        return lambda delivery: filter(delivery.update)

    def _matches(self, builder: Any, event: Any) -> object:
        if not isinstance(event, type(builder).Event):
            return False
        return builder.filter(event) if builder.resolved else self._resolve(builder, event)

    async def _resolve(self, builder: Any, event: Any) -> object:
        """Look up the chats that the filter names, once, as Telethon does before it first uses one."""
        await builder.resolve(self.target)
        verdict = builder.filter(event)
        return await verdict if inspect.isawaitable(verdict) else verdict

    # Speaking.

    async def send(
        self, to: Address, prompt: Any, *, keyboard: Any = None, force_reply: Any = "auto", **send: Any
    ) -> Sent:
        if inspect.isawaitable(prompt):  # client.send_file(...)
            return _sent(await prompt)
        names: Any = {"own_markup": ("buttons",), "own_reply": ("reply_to",)}
        manner, shown = manner_of(to, keyboard, force_reply, send, **names), keyboard
        if manner.forces_reply:
            shown = Button.force_reply(selective=manner.is_selective)
        plain = {"parse_mode": None} if isinstance(prompt, Plain) else {}  # not Telethon's Markdown
        given = {"buttons": shown, "reply_to": manner.reply_to_id or to.key.thread_id, **plain, **send}
        return _sent(await self.target.send_message(to.key.chat_id, prompt, **given))

    async def answer_click(self, delivery: Delivery, text: str | None = None, *, alert: bool = False) -> None:
        with contextlib.suppress(errors.RPCError):  # it is too old
            await delivery.update.answer(text, alert=alert)  # does nothing if the handler has answered it

    def keyboard(self, keyboard: Keyboard) -> Any:
        if not (keyboard.is_inline or keyboard.rows):
            return Button.clear()
        make = _inline_button if keyboard.is_inline else _reply_button
        return self.target.build_reply_markup([[make(one) for one in row] for row in keyboard.rows])

    async def edit(
        self, to: Address, sent: Sent, *, text: str | None = None, keyboard: Keyboard | None = None
    ) -> Failure | None:
        buttons = None if keyboard is None else self.keyboard(keyboard)
        try:
            await self.target.edit_message(sent.chat_id, sent.message_id, text, buttons=buttons)
        except (errors.RPCError, ConnectionError) as error:
            return self.failure_of(error)
        return None

    def failure_of(self, error: BaseException) -> Failure | None:
        if isinstance(error, errors.FloodError):  # of more seconds than Telethon waits by itself
            return Failure(429, str(error), retry_after=getattr(error, "seconds", None))
        if isinstance(error, errors.RPCError):
            return Failure(abs(error.code or 500), str(error))
        return Failure() if isinstance(error, ConnectionError) else None

    def is_gone(self, error: BaseException) -> str | None:
        if isinstance(error, _BLOCKED):
            return "blocked"
        return "left" if isinstance(error, _LEFT) else None

    # Steps.

    def compile_step(self, step: Step) -> None:
        if not inspect.iscoroutinefunction(inspect.unwrap(step.fn)):
            raise BadArgument("the step", step.name, "an async function, as Telethon's handlers are")


def _number_of(update: Any) -> int | None:
    """Return what no other update has, if duplicates of it are for us to drop: those of messages Telethon drops."""
    number: int | None = getattr(update, "query_id", None)
    return number


def _inline_button(one: OurButton) -> Any:
    return Button.inline(one.text, one.data)


def _reply_button(one: OurButton) -> Any:
    makers = {"contact": Button.request_phone, "location": Button.request_location}
    make = Button.text if one.request is None else makers[one.request]
    return make(one.text, resize=True, single_use=True, selective=True)


def _sent(message: Any) -> Sent:
    if isinstance(message, list):
        message = message[0]
    if not isinstance(message, types.Message):
        raise BadArgument("prompt", type(message).__name__, "a text, or a call that sends a message")
    return Sent(message, message.chat_id, message.id, isinstance(message.reply_markup, types.ReplyInlineMarkup))
