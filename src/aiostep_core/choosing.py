"""Choosing by buttons: one option, several, or yes and no."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias, TypeVar, overload

from .abc import Question, Sent
from .asking import RAISE, check_asking
from .errors import BadArgument, WaitCancelled, WaitTimeout
from .facts import KINDS, Delivery
from .keyboards import pressed
from .keys import MessageScope, Scope
from .menus import Answer, Menu, Option, options_of
from .passing import pause_before
from .prompting import Prompting, Unfinished
from .questions import Retry
from .questions.prefetching import prefetch
from .resending import take_away
from .setting import Setting, seconds
from .texts import Saying, words

__all__ = ["Others", "choose", "choose_many", "choose_with", "confirm"]

K = TypeVar("K")
D = TypeVar("D")
Others: TypeAlias = Literal["alert", "toast", "ignore", "anyone"]

_CLICK: Final = "callback_query"
_PROBLEMS: Final[Mapping[object, str]] = {Answer.TOO_FEW: "choose_more", Answer.TOO_MANY: "choose_fewer"}
_OTHERS: Final = ("alert", "toast", "ignore", "anyone")


# An Enum and a dictionary are iterables too: of what they can come to.
@overload
async def choose(
    prompt: Any,
    options: Iterable[K],
    *,
    columns: int = 1,
    style: Literal["inline", "reply"] = "inline",
    others: Others = "alert",
    page_size: int = 8,
    label: Callable[[K], str] | None = None,
    default: D,
    **ask: Any,
) -> K | D: ...
@overload
async def choose(
    prompt: Any,
    options: Iterable[K],
    *,
    columns: int = 1,
    style: Literal["inline", "reply"] = "inline",
    others: Others = "alert",
    page_size: int = 8,
    label: Callable[[K], str] | None = None,
    **ask: Any,
) -> K: ...
async def choose(
    prompt: Any,
    options: Any,
    *,
    columns: int = 1,
    style: str = "inline",
    others: str = "alert",
    page_size: int = 8,
    label: Callable[[Any], str] | None = None,
    **ask: Any,
) -> Any:
    """Send *prompt* with a button for each option, and return the one that is chosen.

    Who writes an option's label has chosen it too. The buttons go away when the question is over, however it ends;
    one of an earlier question says that it does not work any more.

    Args:
        options: a list of texts or numbers, a dictionary of labels by value, or an ``Enum``; or any values, with
            *label*.
        columns: how many buttons stand in a row.
        style: "inline" puts them under the message, "reply" in the place of the person's keyboard.
        others: what somebody else who clicks gets: an "alert" or a "toast" that the button is not for them; "ignore"
            says nothing; "anyone": their click is as good.
        page_size: how many options are shown at once; inline only.
        label: makes the label of a value.
        ask: as for ``ask``, except *as_*, *filter* and *keyboard*.

    Raises:
        TooManyAttempts, WaitTimeout, WaitCancelled, AlreadyWaiting, WouldDeadlock, NoTarget: as for ``ask``.
        BadArgument: also for options that cannot be shown: none, too many, two alike, a label that is too long.
    """
    found = options_of(options, label)
    if style not in ("inline", "reply"):
        raise BadArgument("style", style, '"inline" or "reply"')
    shown = {"columns": columns, "is_inline": style == "inline", "page_size": page_size}
    return await _ask(prompt, found, others, ask, **shown)


@overload
async def choose_many(
    prompt: Any,
    options: Iterable[K],
    *,
    min: int = 0,
    max: int | None = None,
    chosen: Iterable[K] = (),
    columns: int = 1,
    others: Others = "alert",
    page_size: int = 8,
    label: Callable[[K], str] | None = None,
    default: D,
    **ask: Any,
) -> list[K] | D: ...
@overload
async def choose_many(
    prompt: Any,
    options: Iterable[K],
    *,
    min: int = 0,
    max: int | None = None,
    chosen: Iterable[K] = (),
    columns: int = 1,
    others: Others = "alert",
    page_size: int = 8,
    label: Callable[[K], str] | None = None,
    **ask: Any,
) -> list[K]: ...
async def choose_many(
    prompt: Any,
    options: Any,
    *,
    min: int = 0,
    max: int | None = None,
    chosen: Any = (),
    columns: int = 1,
    others: str = "alert",
    page_size: int = 8,
    label: Callable[[Any], str] | None = None,
    **ask: Any,
) -> Any:
    """Send *prompt* with a button for each option, each click a check mark more or less, and return those chosen.

    They are returned in the order of *options*, when the person presses "Done" or writes labels with commas between.

    Args:
        min, max: how many may be chosen.
        chosen: the values that have a check mark from the beginning.

    Raises:
        Exception: as for ``choose``.
    """
    found = options_of(options, label)
    counts = {"minimum": min, "maximum": max, "chosen": chosen}
    return await _ask(prompt, found, others, ask, many=True, columns=columns, page_size=page_size, **counts)


@overload
async def confirm(
    prompt: Any,
    *,
    yes: str | None = None,
    no: str | None = None,
    others: Others = "alert",
    columns: int = 2,
    default: D,
    **ask: Any,
) -> bool | D: ...
@overload
async def confirm(
    prompt: Any,
    *,
    yes: str | None = None,
    no: str | None = None,
    others: Others = "alert",
    columns: int = 2,
    **ask: Any,
) -> bool: ...
async def confirm(
    prompt: Any, *, yes: str | None = None, no: str | None = None, others: str = "alert", columns: int = 2, **ask: Any
) -> Any:
    """Ask a question with the buttons *yes* and *no*; return whether it was yes.

    Only what comes after the question can confirm it: what somebody typed before does not.

    Raises:
        Exception: as for ``choose``.
    """
    options = [Option(yes or Saying("yes"), True, words("yes")), Option(no or Saying("no"), False, words("no"))]
    return await _ask(prompt, options, others, {"fresh": True, **ask}, columns=columns, is_inline=True)


async def _ask(prompt: Any, options: list[Option], others: str, ask: dict[str, Any], **menu: Any) -> Any:
    if others not in _OTHERS:
        raise BadArgument("others", others, ", ".join(f'"{one}"' for one in _OTHERS))
    unknown = set(ask) & {"as_", "keyboard", "filter"}
    if unknown:
        raise BadArgument("argument", min(unknown), "none of that name: the options say what is asked and shown")
    return await choose_with(prompt, options, others, menu, **ask)


async def choose_with(
    prompt: Any,
    options: list[Option],
    others: str,
    menu: dict[str, Any],
    *,
    to: Any = None,
    check: Callable[[Any], Any] | None = None,
    retry: str | Callable[..., Any] | None = None,
    attempts: int | None = 3,
    timeout: float | timedelta | None = None,
    remind: Mapping[float, Any] | None = None,
    default: Any = RAISE,
    cancel: bool | str = True,
    scope: Scope | MessageScope | None = None,
    escape: Any = None,
    again: bool | float = False,
    on_conflict: str = "replace",
    fresh: bool = False,
    question: Question[Any] | None = None,
    extras: tuple[str, ...] = (),
    **send: Any,
) -> Any:
    """Ask with a menu; the arguments are those of ``ask``, and ``cancel="button"`` adds a button for that.

    Args:
        question: what a text is that names no button.
        extras: further buttons, "back" and "skip": the result is then ``Answer.BACK`` or ``Answer.SKIPPED``.
    """
    check_asking(attempts, check, retry, remind)
    limit = seconds("timeout", timeout)
    setting = Setting.find(to, Scope.CHAT if scope is None and others == "anyone" else scope)
    texts, language = setting.runtime.engine.texts, setting.language
    made = Menu(
        options,
        extras=(*extras, "cancel") if cancel == "button" else extras,
        say=lambda saying: texts.say(saying, language),
        **menu,
    )
    choosing = _Choosing(
        made,
        others,
        question,
        setting,
        _ClickOrMessage(),
        check=check,
        timeout=limit,
        remind=remind or {},
        pause=pause_before(again),
        wait={"escape": escape, "on_conflict": on_conflict, "fresh": fresh, "is_cancellable": bool(cancel)},
        send=send,
    )
    try:
        return await choosing.run(prompt, retry, attempts)
    except WaitTimeout:
        if default is RAISE:
            raise
        return default


class _Choosing(Prompting):
    """Asks with a menu."""

    def __init__(self, menu: Menu, others: str, text: Question[Any] | None, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._menu = menu
        self._text = text
        prefetch(text)
        self._others = others
        self._wait["accepts"] = self._accepts

    async def _run(self, prompt: Any, retry: Any, attempts: int | None) -> tuple[Any, Delivery]:
        buttons = self._setting.runtime.engine.buttons
        buttons[self._menu.token] = self._others
        try:
            return await super()._run(prompt, retry, attempts)
        except asyncio.CancelledError:
            if self._kept is not None:
                self._kept.cut()
            raise
        finally:
            del buttons[self._menu.token]
            self._refuse_unread()
            if self._kept is None or not self._kept.is_leaving:
                self._take_away()

    def _refuse_unread(self) -> None:
        """Answer the clicks that came right after the one that counts: no other question would ever read them."""
        runtime = self._setting.runtime
        for conversation in runtime.engine.waits.at(self._setting.aim.place):
            late = [one for one in conversation.unread or () if self._is_mine(one)]
            if late:
                conversation.unread = [one for one in conversation.unread or () if one not in late]
            for delivery in late:
                runtime.clicks.refuse(delivery)

    def _memory(self) -> dict[str, Any]:
        return {**super()._memory(), **self._menu.memory()}

    def _recall(self, memory: dict[str, Any]) -> None:
        super()._recall(memory)
        self._menu.recall(memory)

    def _written(self, value: Any) -> Any:
        return self._menu.written(value)

    def _read(self, written: Any) -> Any:
        return self._menu.read(written)

    def _parse(self, deliveries: Sequence[Delivery]) -> Any:
        return super()._parse(deliveries) if self._text is None else self._text.parse(deliveries[0])

    async def _send_prompt(self, prompt: Any, **send: Any) -> Sent:
        if "keyboard" in send:  # a reminder
            return await super()._send_prompt(prompt, **send)
        self._take_away()
        markup = self._setting.adapter.keyboard(self._menu.keyboard())
        self._sent = await super()._send_prompt(prompt, keyboard=markup)
        if not self._menu.is_inline:
            self._setting.runtime.engine.keyboards.show(self._setting.aim.key)
        return self._sent

    def _is_mine(self, delivery: Delivery) -> bool:
        press = pressed(delivery.facts.callback_data)
        return press is not None and press.token == self._menu.token

    def _accepts(self, delivery: Delivery) -> bool:
        """Take what may be an answer: any text of the person who is asked, and clicks on the buttons of this menu."""
        facts = delivery.facts
        if facts.kind == _CLICK:
            return self._is_mine(delivery)
        if self._wait["fresh"] and not self._freshness.allows(delivery):
            return False
        return self._others != "anyone" or self._menu.typed(facts.text or "") is not None

    async def _value_of(self, delivery: Delivery) -> Any:
        facts, press = delivery.facts, pressed(delivery.facts.callback_data)
        got = self._menu.typed(facts.text or "") if press is None else self._menu.press(press.code)
        problem = None
        if got is None and press is None and self._text is not None:
            return await super()._value_of(delivery)
        if got is None:
            problem = Saying("choice", {"options": self._menu.shown})
        elif isinstance(got, Answer) and got in _PROBLEMS:
            problem = Saying(_PROBLEMS[got], self._menu.bounds)
        if press is not None:
            self._stop_spinning(delivery, problem)
        elif problem is not None:
            raise Retry(problem)
        if isinstance(got, Answer):
            return await self._go_on(got, delivery)
        return await self._checked(got.value if isinstance(got, Option) else got)

    def _stop_spinning(self, delivery: Delivery, problem: Saying | None) -> None:
        text = None if problem is None else self._say(problem, delivery)
        self._setting.runtime.clicks.settle(self._setting.turn, delivery, text, alert=text is not None)

    async def _go_on(self, answer: Answer, delivery: Delivery) -> Any:
        """Go on after what was no answer yet.

        Raises:
            Unfinished: the person is not done.
            WaitCancelled: the person wants to leave.
        """
        if answer is Answer.CANCELLED:
            raise WaitCancelled("user", "by the button")
        if answer in (Answer.BACK, Answer.SKIPPED):
            return answer
        await self._keep(delivery)
        if answer is Answer.TURNED and self._sent is not None:
            # Awaited: of two changes the later one must arrive last. Further clicks wait in the mailbox.
            await self._setting.adapter.edit(self._address(), self._sent, keyboard=self._menu.keyboard())
        raise Unfinished

    def _take_away(self) -> None:
        """Take the buttons away, while whatever comes next goes on."""
        if self._sent is not None and self._sent.has_buttons:
            self._setting.runtime.start(take_away(self._setting, self._address(), self._sent))
        self._sent = None


class _ClickOrMessage:
    """A click or a message."""

    kinds = KINDS["message"] | {_CLICK}

    def parse(self, delivery: Delivery) -> Any:
        return delivery.update
