"""Waiting and asking: what handlers await."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import Enum
from operator import attrgetter
from typing import Any, Final, TypeGuard

from .context import Talk, Turn, current_talk, current_turn
from .durable.blocks import block_kept
from .errors import BadArgument, WaitTimeout
from .facts import KINDS, Delivery, kinds_of
from .keeping import current_flow, wait_kept
from .keys import MessageScope, Scope
from .matching import Matching
from .passing import pause_before
from .prompting import Prompting
from .questions import is_spec, question_for
from .setting import Setting, seconds
from .sleeping import doze
from .waits import Conversation

__all__ = ["RAISE", "Default", "ask", "conversation", "wait_for"]


class Default(Enum):
    """The default of ``default=``: there is none, raise."""

    RAISE = "raise"


RAISE: Final = Default.RAISE
_MESSAGES: Final = KINDS["message"]


async def wait_for(
    target: Any = None,
    timeout: float | timedelta | None = None,
    *,
    kinds: str | Collection[str] = "message",
    filter: Any = None,
    scope: Scope | MessageScope | None = None,
    default: Any = RAISE,
    on_conflict: str = "replace",
    fresh: bool = False,
    commands: str = "pass",
) -> Any:
    """Wait for the next update of somebody and return it: the framework's own object.

    Args:
        target: who; by default the person, chat and topic of the update being handled. A number names a user or a
            chat; a ``Key`` or an object of the framework says it exactly. Or what: ``wait_for(Photo | Location)``
            returns a value of such a type, as ``ask`` does, and lets everything else pass.
        timeout: seconds; None waits for ever, 0 only looks at what has come already.
        kinds: Telegram's names of updates, one or several. "message" means whichever way a message comes.
        filter: whether an update is meant: a filter of the framework or any callable, also an async one. An update
            that is not meant goes on to the other handlers. A service message, such as a pin, is an answer only
            to a filter that says so.
        scope: which parts of the target count; see ``Scope``.
        default: returned instead of raising ``WaitTimeout``.
        on_conflict: what to do when somebody else waits there: "replace" them, "queue" behind, or "reject" this wait.
        fresh: leave out what came before this call.
        commands: "pass" lets a /command through to its handler; "take" makes it an answer like any other.

    Raises:
        WaitTimeout: nobody answered in time. It is a ``TimeoutError``.
        WaitCancelled: the wait was ended; ``.reason`` says by what.
        AlreadyWaiting: somebody else waits there, and *on_conflict* is "reject".
        WouldDeadlock: the framework could not deliver the answer while this handler waits.
        NotSubscribed: the bot does not receive updates of these *kinds*.
        NoTarget: there is no telling whose answer is meant.
        BadArgument: another argument makes no sense.
    """
    if commands not in ("pass", "take"):
        raise BadArgument("commands", commands, '"pass" or "take"')
    if target is not None and is_spec(target):
        options: dict[str, Any] = {"on_conflict": on_conflict, "fresh": fresh, "takes_commands": commands == "take"}
        return await _wait_for_value(Matching(question_for(target)), timeout, filter, scope, default, options)
    names, limit = kinds_of(kinds), seconds("timeout", timeout)
    turn = current_turn.get()
    is_plain = target is filter is scope is None and names is _MESSAGES and not fresh and on_conflict == "replace"
    dozing = doze(turn, limit) if is_plain and commands == "pass" and _may_doze(turn) else None
    if dozing is not None:
        (runtime, wait, end), reading = dozing, None
    else:
        setting, end = Setting.find(target, scope), None
        if current_flow.get() is not None:
            options = {"filter": filter, "takes_commands": commands == "take", "takes_service": filter is not None}
            return await _wait_kept(setting, names, limit, default, on_conflict=on_conflict, fresh=fresh, **options)
        runtime, turn = setting.runtime, setting.turn
        wait, reading = setting.open(
            names,
            filter=filter,
            timeout=limit,
            on_conflict=on_conflict,
            fresh=fresh,
            takes_commands=commands == "take",
            takes_service=filter is not None,
        )
        del setting  # or it would be kept for as long as this waits
    del dozing
    # What follows is ``runtime.outcome``, without a coroutine of its own: this may wait a hundred thousand times.
    try:
        await (runtime.end_of(wait, turn, reading) if end is None else end)
    except BaseException:
        runtime.abandon(wait, reading)
        raise
    try:
        return runtime.answer(wait, turn, reading).update
    except WaitTimeout:
        if default is RAISE:
            raise
        return default


def _may_doze(turn: Turn | None) -> TypeGuard[Turn]:
    """Tell whether a handler may wait once more without a look around, if it has no block and is not durable."""
    return turn is not None and turn.dozes and current_talk.get() is None and current_flow.get() is None


async def _wait_kept(
    setting: Setting,
    kinds: frozenset[str],
    timeout: float | None,
    default: Any,
    value_of: Callable[[Delivery], Any] = attrgetter("update"),
    **options: Any,
) -> Any:
    """Wait in a durable conversation; see ``wait_for``."""
    try:
        return await wait_kept(setting, f"wait {' '.join(sorted(kinds))}", kinds, timeout, value_of, **options)
    except WaitTimeout:
        if default is RAISE:
            raise
        return default


async def _wait_for_value(
    matching: Matching,
    timeout: float | timedelta | None,
    filter: Any,
    scope: Scope | MessageScope | None,
    default: Any,
    options: dict[str, Any],
) -> Any:
    """Wait for the first update that *matching* can make a value of; see ``wait_for``."""
    setting, limit = Setting.find(None, scope), seconds("timeout", timeout)
    if filter is not None:
        matching.only(setting.adapter.compile_filter(filter))
    if current_flow.get() is not None:
        options |= {"accepts": matching, "parse": matching.parse}
        return await _wait_kept(setting, matching.kinds, limit, default, matching.value_of, **options)
    wait, reading = setting.open(matching.kinds, accepts=matching, timeout=limit, **options)
    try:
        return matching.value_of(await setting.runtime.outcome(wait, setting.turn, reading))
    except WaitTimeout:
        if default is RAISE:
            raise
        return default


async def ask(
    prompt: Any,
    as_: Any = None,
    *,
    to: Any = None,
    check: Callable[[Any], Any] | None = None,
    retry: str | Callable[..., Any] | None = None,
    attempts: int | None = 3,
    timeout: float | timedelta | None = None,
    remind: Mapping[float, Any] | None = None,
    default: Any = RAISE,
    cancel: bool = True,
    keyboard: Any = None,
    force_reply: bool | str = "auto",
    scope: Scope | MessageScope | None = None,
    filter: Any = None,
    escape: Any = None,
    again: bool | float = False,
    on_conflict: str = "replace",
    fresh: bool = False,
    **send: Any,
) -> Any:
    """Send *prompt*, wait for the answer and return it: the framework's message, or a value of the type *as_*.

    The wait is open before the prompt is sent, so no answer is too fast.

    Args:
        as_: what to make of the answer: a type such as ``str``, ``int``, ``date`` or ``Photo``, a union of them, a
            regular expression, or a ``Question``; by default it stays the framework's message.
        to: whom to ask, by default the person of the update being handled; see ``wait_for``.
        check: called with the answer, may be async. A true result takes it; a false one, a text (the reason), or
            ``ValueError("reason")`` raised asks again.
        retry: what to say then: a text, in which {problem} and {left} are filled in, or a function of (problem,
            attempts left). By default the reason.
        attempts: how many answers to look at; None: any number.
        timeout: seconds from the first prompt, over all attempts.
        remind: what to say after so many seconds without a good answer: ``{60: "Still there?"}``.
        default: returned as it is instead of raising ``WaitTimeout``.
        cancel: whether the cancel command ends the question.
        keyboard: a reply markup of the framework.
        force_reply: "auto" asks for a reply in groups, where a bot may not see other messages; True, False.
        filter, scope, on_conflict: as for ``wait_for``.
        escape: a filter for what goes to the other handlers although it could be an answer; the question stands.
        again: send *prompt* once more when a /command or what *escape* names has passed the question by: a second
            after the last of them, or so many seconds.
        fresh: leave out what was written before the prompt was out, also when it reaches the bot later.
        send: passed on to the framework's own method.

    Raises:
        TooManyAttempts: the last answer allowed was no good either.
        WaitTimeout, WaitCancelled, AlreadyWaiting, WouldDeadlock, NoTarget, BadArgument: as for ``wait_for``.
        Exception: what the framework raises when it cannot send; no wait is left behind.
    """
    check_asking(attempts, check, retry, remind)
    if not isinstance(cancel, bool):
        raise BadArgument("cancel", cancel, "True or False; only what has buttons, such as choose(), can add one")
    question, limit = question_for(as_), seconds("timeout", timeout)
    prompting = Prompting(
        Setting.find(to, scope),
        question,
        check=check,
        timeout=limit,
        remind=remind or {},
        pause=pause_before(again),
        wait={"filter": filter, "escape": escape, "on_conflict": on_conflict, "fresh": fresh, "is_cancellable": cancel},
        send={"keyboard": keyboard, "force_reply": force_reply, **send},
    )
    try:
        return await prompting.run(prompt, retry, attempts)
    except WaitTimeout:
        if default is RAISE:
            raise
        return default


def check_asking(attempts: object, check: object = None, retry: object = None, remind: object = None) -> None:
    """Refuse what would go wrong only when somebody answers badly, or not at all.

    Raises:
        BadArgument: one of the arguments of ``ask`` is nothing of the sort.
    """
    if check is not None and not callable(check):
        raise BadArgument("check", check, "a function that is called with the answer")
    if retry is not None and not isinstance(retry, str) and not callable(retry):
        raise BadArgument("retry", retry, "a text, or a function of (problem, attempts left) that returns one")
    if remind is not None and not isinstance(remind, Mapping):
        raise BadArgument("remind", remind, 'what to say after so many seconds: {60: "Still there?"}')
    if attempts is not None and (isinstance(attempts, bool) or not isinstance(attempts, int) or attempts < 1):
        raise BadArgument("attempts", attempts, "a whole number from 1, or None for any number")


@asynccontextmanager
async def conversation(
    target: Any = None,
    *,
    scope: Scope | MessageScope | None = None,
    timeout: float | timedelta | None = None,
    on_conflict: str = "replace",
) -> AsyncGenerator[Conversation, None]:
    """Hold a conversation: from here on, what arrives for it is kept for the waits inside.

    A handler's first wait opens one by itself. Use this to begin earlier, in code outside a handler, or to give
    several waits one *timeout*, in seconds: a wait inside raises ``WaitTimeout`` when it is up. Where a conversation
    is open already, in a handler that asked before or in another block, the block is a part of it.

    Raises:
        WaitCancelled, AlreadyWaiting, NoTarget, BadArgument: as for ``wait_for``.
    """
    limit = seconds("timeout", timeout)
    setting = Setting.find(target, scope)
    if current_flow.get() is not None:
        async with block_kept(setting, limit, on_conflict) as kept:
            yield kept
        return
    deadline = setting.deadline(limit)
    was_open = setting.is_open
    held = setting.conversation(on_conflict, own=True)
    token = current_talk.set(Talk(setting.turn, held, setting.aim, deadline))
    try:
        yield held
    finally:
        current_talk.reset(token)
        if not was_open:
            setting.runtime.close_conversation(held)
