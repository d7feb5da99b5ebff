"""One ``ask``: prompt, answer, and again until the answer is good."""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .abc import Address, Question, Sent, Timer
from .attending import attend
from .decisions import Outcome
from .durable.effects import CALL
from .durable.values import MadeOf
from .errors import BadArgument, TooManyAttempts, WaitCancelled, WaitTimeout
from .facts import KINDS, Delivery, Facts
from .freshness import Freshness
from .keeping import current_flow, name_of_prompt
from .keyboards import NO_KEYBOARD
from .keys import Key, MessageKey, Place, Scope
from .matching import both
from .passing import Passing
from .questions import Retry
from .questions.prefetching import prefetch
from .resending import LIMIT, Patience, is_repeatable, pause_after, send_in_time
from .setting import Setting, seconds
from .texts import Plain, Saying

if TYPE_CHECKING:
    from .durable.kept import Kept
    from .engine import Decision
    from .waits import Wait

__all__ = ["Prompting", "Unfinished"]

logger = logging.getLogger("aiostep")

#: Seconds without a further part after which an album is complete. Its parts come in one batch, or nearly so.
_QUIET: Final = 0.7


class Unfinished(Exception):
    """Raised for an update that belongs to the question but does not answer it yet, such as turning a page."""


class Prompting:
    """Asks one question.

    Args:
        pause: seconds after which it is asked again when something has passed it by; None: it is not.
        wait: how the waits are opened, see ``Setting.open``.
        send: how prompts are sent, see ``Adapter.send``.
    """

    def __init__(
        self,
        setting: Setting,
        question: Question[Any],
        *,
        check: Callable[[Any], Any] | None,
        timeout: float | None,
        remind: Mapping[float, Any],
        pause: float | None,
        wait: dict[str, Any],
        send: dict[str, Any],
    ) -> None:
        prefetch(question)
        self._setting = setting
        self._question = question
        self._check = check
        self._timeout = timeout
        self._reminders = [(seconds("remind", after) or 0.0, text) for after, text in remind.items()]
        self._wait = wait
        self._send = send
        self._prompt: Any = None
        self._passing = Passing(setting, pause)
        self._freshness = Freshness()
        self._end: float | None = None
        self._timers: list[Timer] = []
        self._album: list[Delivery] = []
        self._is_slow = False
        self._is_over = False
        self._sent: Sent | None = None
        self._key: str | None = self._send.pop("key", None)
        self._kept: Kept | None = None
        self._taken = 0

    async def run(self, prompt: Any, retry: Any, attempts: int | None) -> Any:
        """Ask until there is a good answer; return its value.

        Raises:
            TooManyAttempts: *attempts* answers were no good.
        """
        self._prompt = prompt
        self._prepare()
        flow = current_flow.get()
        if flow is None:
            return (await self._run(prompt, retry, attempts))[0]

        async def perform(kept: Kept) -> tuple[Any, Delivery]:
            self._kept = kept
            first = prompt
            if kept.state is not None:
                self._recall(kept.state)
                owed = kept.state.get("owed")
                first = owed and (Plain if owed[1] else str)(owed[0])
            value, delivery = await self._run(first, retry, attempts)
            kept.made_of = () if self._is_slow else self._album or [delivery]
            return self._written(value), delivery

        return self._again(await flow.wait(name_of_prompt(prompt, self._key), perform, CALL))

    async def _run(self, prompt: Any, retry: Any, attempts: int | None) -> tuple[Any, Delivery]:
        """Ask until there is a good answer; return its value, and the answer."""
        try:
            while True:
                delivery = await self._ask(prompt)
                if self._kept is not None:
                    self._kept.delivery = delivery  # whatever comes of it, it is taken
                try:
                    return await self._value_of(delivery), delivery
                except Unfinished:
                    prompt = None
                except Retry as problem:
                    self._taken += 1
                    left = None if attempts is None else attempts - self._taken
                    said = self._say(problem.problem, delivery)
                    if left == 0:
                        raise TooManyAttempts(self._taken, said) from None
                    prompt = await _what_to_say(retry, said, left) or self._say(Saying("again"), delivery)
                    owed = prompt if isinstance(prompt, str) else self._say(Saying("again"), delivery)
                    await self._keep(delivery, owed=[str(owed), isinstance(owed, Plain)])
        finally:
            self._is_over = True
            self._passing.stop()
            for timer in self._timers:
                timer.cancel()

    def _prepare(self) -> None:
        """See to it that waits get what they are for only.

        Raises:
            BadArgument: the prompt can be sent only once, and would be sent again.
        """
        options = self._wait
        if self._passing.takes_commands and inspect.iscoroutine(self._prompt):
            self._prompt.close()
            raise BadArgument("prompt", "a coroutine", "a text, or a function that sends it, which again=True can call")
        if options.get("escape") is not None or self._passing.takes_commands:
            options |= {"passed": self._passing.note, "takes_commands": self._passing.takes_commands}
        if options["fresh"] and "accepts" not in options:
            only = options.get("filter")
            only = None if only is None else self._setting.adapter.compile_filter(only)
            options["accepts"] = both(self._freshness.allows, only)

    async def _ask(self, prompt: Any) -> Delivery:
        """Send *prompt*, unless it is out already, and return the answer; once more when something passed it by."""
        fresh = self._wait["fresh"] and prompt is not None
        while True:
            try:
                return await self._ask_once(prompt, fresh)
            except WaitCancelled:
                if not self._passing.is_due():
                    raise
                prompt, fresh = self._prompt, False

    async def _ask_once(self, prompt: Any, fresh: bool) -> Delivery:
        """Send *prompt*, unless it is out already, and return the answer.

        The wait comes first: people can be faster than the network.
        """
        setting = self._setting
        # A fresh answer is one to this prompt: until that is out, what comes goes to the mailbox.
        options: dict[str, Any] = {**self._wait, "fresh": fresh}
        if hasattr(self._question, "parse_album"):
            options = {**options, "parts": []}
        wait, reading = setting.open(self._question.kinds, is_ready=not fresh, **options)
        self._passing.begin(wait, anew=prompt is not None)
        try:
            if prompt is not None:
                limit, send = self._limit_for(prompt, wait), functools.partial(self._send_prompt, prompt)
                self._sent, reading = await send_in_time(setting, wait, reading, limit, send)
            if self._sent is not None:
                setting.runtime.engine.bind(wait, self._keyboard_of(self._sent, wait))
            if fresh:
                reading = self._read_mailbox(wait)
            self._start_clock(wait)
            self._passing.watch(wait)
            if self._kept is not None:
                anew = prompt is not None
                await self._kept.asked(wait, self._memory(), reading=reading, anew=anew)
        except BaseException:
            self._passing.rest()
            setting.runtime.abandon(wait, reading)
            raise
        try:
            delivery = await setting.runtime.outcome(wait, setting.turn, reading)
        except WaitTimeout:
            raise WaitTimeout(self._timeout if self._timeout is not None else wait.timeout) from None
        finally:
            self._passing.rest()
        if wait.parts is not None:
            self._album = await self._collect(delivery, wait.parts)
        return delivery

    def _limit_for(self, prompt: Any, wait: Wait) -> float:
        """Return how many seconds the sending of *prompt* may take: what is left for the question."""
        left = LIMIT if self._timeout is None else self._timeout
        if self._timeout is not None and self._end is not None:
            left = self._end - self._setting.runtime.now()
        left = left if wait.timeout is None else min(left, wait.timeout)
        return left if is_repeatable(prompt) else 0.0

    async def _collect(self, first: Delivery, parts: list[Delivery]) -> list[Delivery]:
        """Return all parts of an album, once no further one has come for a while: Telegram does not say how many."""
        setting, count = self._setting, -1
        while first.facts.media_group_id is not None and len(parts) > count:
            count = len(parts)
            # Nothing can answer this wait: what else comes stays in the mailbox meanwhile.
            pause, _ = setting.open(self._question.kinds, is_ready=False, fresh=True, timeout=_QUIET)
            with contextlib.suppress(WaitTimeout):
                await setting.runtime.outcome(pause, setting.turn, None)
        setting.runtime.engine.albums.settle(first.facts)
        return [first, *parts]

    async def _send_prompt(self, prompt: Any, **send: Any) -> Sent:
        adapter, options = self._setting.adapter, {**self._send, **send}
        keyboards = self._setting.runtime.engine.keyboards
        clears = keyboards and "keyboard" not in send and self._clears(prompt, options)
        if clears:
            options["keyboard"] = adapter.keyboard(NO_KEYBOARD)
        try:
            return await adapter.send(self._address(), prompt, **options)
        except Exception as error:
            if clears:
                keyboards.show(self._setting.aim.key)  # it still stands there
            reason = adapter.is_gone(error)
            if reason is None:
                raise
            raise WaitCancelled(reason, "the prompt could not be delivered") from error

    def _clears(self, prompt: Any, options: dict[str, Any]) -> bool:
        """Tell whether the prompt is to take a keyboard away that an earlier question has left."""
        is_bare = options.get("keyboard") is None and "reply_markup" not in options
        if not (is_bare and isinstance(prompt, str) and options.get("force_reply") is not True):
            return False
        return self._setting.runtime.engine.keyboards.take_away(self._setting.aim.key)

    def _address(self) -> Address:
        turn, aim = self._setting.turn, self._setting.aim
        if turn is None:
            return self._address_in(aim.key, None)
        if turn.address is None or turn.address[0] is not aim:  # facts are let go of at each wait, and take long
            turn.address = aim, self._address_in(aim.key, turn.facts)
        return turn.address[1]

    @staticmethod
    def _address_in(key: Key, facts: Facts | None) -> Address:
        if key.chat_id is None:
            key = key._replace(chat_id=key.user_id)
        if facts is None or facts.chat_id != key.chat_id:
            return Address(key=key)
        # A reply forces the person who wrote the message to reply, so it must be theirs.
        is_theirs = facts.kind in KINDS["message"] and facts.user_id == key.user_id
        return Address(key=key, chat_type=facts.chat_type, reply_to_id=facts.message_id if is_theirs else None)

    def _read_mailbox(self, wait: Wait) -> Decision | None:
        """Take an answer to the very prompt that was faster than the network; or return what is to be awaited first."""
        runtime = self._setting.runtime
        self._freshness.begin(self._sent, wait.conversation)
        decision = runtime.engine.read(wait, runtime.now())
        if decision is None or decision.outcome is Outcome.FILTERING:
            return decision
        runtime.perform(decision.changes)
        return None

    def _keyboard_of(self, sent: Sent, wait: Wait) -> Place | None:
        if not sent.has_buttons or "callback_query" not in wait.kinds:
            return None
        return Place(Scope.BUTTONS, MessageKey(self._setting.aim.key.bot_id, sent.chat_id, sent.message_id))

    def _start_clock(self, wait: Wait) -> None:
        """Begin to count when the first prompt is out: a slow network is not the person's fault."""
        runtime = self._setting.runtime
        now = runtime.now()
        if self._end is None:
            age = 0.0 if self._kept is None else self._kept.age
            self._end = now + max(0.0, self._timeout - age) if self._timeout is not None else float("inf")
            for after, text in self._reminders:
                if after >= age:
                    self._timers.append(runtime.call_later(after - age, self._remind, text))
        if self._timeout is not None:
            left = max(0.0, self._end - now)
            wait.timeout = left if wait.timeout is None else min(wait.timeout, left)

    def _remind(self, text: Any, patience: Patience | None = None) -> None:
        self._setting.runtime.start(self._send_reminder(text, patience or Patience()))

    async def _send_reminder(self, text: Any, patience: Patience) -> None:
        runtime, place = self._setting.runtime, self._setting.aim.place
        began = runtime.now()
        try:
            await self._send_prompt(text, keyboard=None, force_reply=False)
        except WaitCancelled as gone:
            turn = self._setting.turn
            runtime.end_all(lambda one: one.place == place and turn in (None, one.owner), gone.reason)
        except Exception as error:
            pause = pause_after(self._setting, patience, error, began)
            if pause is None:
                logger.warning("a reminder could not be sent; the question stands", exc_info=True)
            elif not self._is_over:
                self._timers.append(runtime.call_later(pause, self._remind, text, patience))

    def _say(self, what: str | Saying, delivery: Delivery) -> str:
        language = self._setting.adapter.language_of(delivery.update)
        said = self._setting.runtime.engine.texts.say(what, language)
        return Plain(said) if isinstance(what, Saying) else said

    # What a durable conversation keeps.

    def _memory(self) -> dict[str, Any]:
        """Return what it takes to go on with the question in another process."""
        sent = self._sent
        place = None if sent is None else [sent.chat_id, sent.message_id, sent.has_buttons]
        since = self._freshness.since
        return {"sent": place, "taken": self._taken, **({} if since is None else {"since": since})}

    async def _keep(self, delivery: Delivery, **more: Any) -> None:
        """Have a durable conversation keep how far it is: before anybody hears of it, so that they do."""
        if self._kept is not None:
            await self._kept.refused(delivery, {**self._memory(), **more})

    def _recall(self, memory: dict[str, Any]) -> None:
        """Be as the question was that left *memory*."""
        self._taken = memory.get("taken", 0)
        if memory.get("sent") is not None:
            self._sent = Sent(None, *memory["sent"])
        self._freshness.recall(memory.get("since"))

    def _written(self, value: Any) -> Any:
        """Return what is kept of an answer."""
        return value

    def _again(self, kept: Any) -> Any:
        """Return the answer of which this was kept."""
        return self._parse(kept.deliveries) if isinstance(kept, MadeOf) else self._read(kept)

    def _read(self, written: Any) -> Any:
        """Return the answer that was written down."""
        return written

    def _parse(self, deliveries: Sequence[Delivery]) -> Any:
        """Return what the question makes of an answer, the parts of an album together; perhaps to be awaited."""
        album = getattr(self._question, "parse_album", None)
        return self._question.parse(deliveries[0]) if album is None else album(deliveries)

    async def _value_of(self, delivery: Delivery) -> Any:
        value = self._parse(self._album or [delivery])
        if inspect.isawaitable(value):
            self._is_slow = True
            value = await self._attended(value)
        return await self._checked(value)

    async def _checked(self, value: Any) -> Any:
        if self._check is not None:
            try:
                verdict = self._setting.runtime.consult(self._check, value)
                if inspect.isawaitable(verdict):
                    verdict = await self._attended(verdict)
            except ValueError as error:
                raise Retry(str(error)) from error
            if isinstance(verdict, (str, Saying)) or not verdict:
                raise Retry(verdict or "")
        return value

    async def _attended(self, awaitable: Awaitable[Any]) -> Any:
        """Await what is somebody else's, within the time that is left for the question."""
        setting, end = self._setting, self._end
        if self._kept is not None:
            return await awaitable
        left = None if self._timeout is None or end is None else max(0.0, end - setting.runtime.now())
        try:
            return await attend(setting, awaitable, left, is_cancellable=self._wait["is_cancellable"])
        except WaitTimeout as error:
            raise WaitTimeout(self._timeout if self._timeout is not None else error.timeout) from None


async def _what_to_say(retry: Any, problem: str, left: int | None) -> Any:
    if callable(retry):
        retry = retry(problem, left)
        if inspect.isawaitable(retry):
            retry = await retry
    if retry is None:
        return problem
    if not isinstance(retry, str):
        raise BadArgument("retry", retry, "a text, or a function of (problem, attempts left) that returns one")
    # Not str.format: the texts are people's own, and braces in them must not be read.
    return retry.replace("{problem}", problem).replace("{left}", "" if left is None else str(left))
