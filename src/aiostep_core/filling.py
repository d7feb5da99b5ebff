"""Filling a form: one question after the other, back and forth, and a last look at all answers."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from .asking import ask, check_asking
from .choosing import choose_with
from .errors import BadArgument
from .forms import Form, FormField, Progress, shown
from .menus import Answer, Option
from .setting import Setting
from .texts import Plain, Saying, words

__all__ = ["fill"]

T = TypeVar("T")

_READY: Final = object()
#: Characters for the answers on the review page. A message has 4,096, some take two, and we say more than that.
_ROOM: Final = 1_900


async def fill(
    form: type[T],
    *,
    initial: dict[str, Any] | None = None,
    review: bool = True,
    back: bool = True,
    progress: bool = True,
    attempts: int | None = None,
    **ask_options: Any,
) -> T:
    """Ask for every field of a class, one after the other, and return an object of it.

    The class is a dataclass, a class of attrs, a model of pydantic or a Struct of msgspec. A field is asked for by
    its annotation, as ``ask`` does; an ``Enum``, a ``Literal`` and a ``bool`` by buttons, a list of them by several
    check marks. One with a default can be skipped. What is asked says ``field("...")`` in a dataclass, and
    ``Annotated[..., Asks("...")]`` anywhere; pydantic's and msgspec's ``description`` do too.

    Args:
        initial: values that are known and not asked for.
        review: show all answers at the end, each with a button to correct it.
        back: offer a button that goes back by one question.
        progress: say how far it is, such as "2 of 5".
        attempts: how many answers to one question are looked at before the form is given up, and all answers with it;
            any number, unless you say otherwise. The last page is not counted.
        ask_options: as for ``ask``, for every question: ``timeout`` is that of each one.

    Raises:
        BadArgument: a field that nobody knows how to ask for; said before the first question.
        TooManyAttempts: all *attempts* at one question were no good.
        WaitTimeout, WaitCancelled, AlreadyWaiting, WouldDeadlock, NoTarget: as for ``ask``.
    """
    check_asking(attempts, None, ask_options.get("retry"), ask_options.get("remind"))
    unknown = set(ask_options) & {"as_", "keyboard", "default", "check"}
    if unknown:
        raise BadArgument("argument", min(unknown), "none of that name: the fields say what is asked")
    read: Form[T] = Form.of(form)
    filling = _Filling(read, Progress(read, initial), back, progress, {**ask_options, "attempts": attempts})
    while True:
        await filling.ask_all()
        if review:
            await filling.review()
        try:
            return read.make(filling.progress.answers)
        except ValueError as error:
            # Values that are good, but not together; a form without anything to correct would go round for ever.
            if not review:
                raise
            filling.problem = _reason(error)


class _Filling:
    """One form on its way; *problem* is what its class said about answers that do not go together."""

    def __init__(self, form: Form[Any], progress: Progress, back: bool, counts: bool, ask: dict[str, Any]) -> None:
        self.progress = progress
        self.problem = ""
        self._form = form
        self._back = back
        self._counts = counts and len(form.fields) > 1
        self._ask = ask

    async def ask_all(self) -> None:
        """Ask for what is not known yet."""
        while (one := self.progress.next) is not None:
            number, count = self.progress.position
            heading = self._say(Saying("progress", {"number": number, "count": count})) if self._counts else ""
            await self._ask_for(one, heading, can_go_back=self._back and self.progress.can_go_back)

    async def review(self) -> None:
        """Show all answers until they are right."""
        while True:
            answers = self.progress.answers
            fields = [self.progress.field(name) for name in answers]
            lines = _fitting([self._line(one, answers) for one in fields])
            ready = Option(Saying("review_ok"), _READY, words("yes"))
            problem = [self.problem, ""] if self.problem else []
            text = Plain("\n".join([*problem, *lines, "", self._say(Saying("review"))]))
            labels = [Option(one.label, one.name) for one in fields]
            self.problem = ""
            # What names no button is no bad answer here: a filled form must not be lost to some chatter.
            how: dict[str, Any] = {"fresh": True, **self._ask, "attempts": None}
            name = await choose_with(text, [*labels, ready], "alert", {"page_size": 90}, **how)
            if name is _READY:
                return
            await self._ask_for(self.progress.field(name), "", can_go_back=False)
            await self.ask_all()

    async def _ask_for(self, one: FormField, heading: str, *, can_go_back: bool) -> None:
        answers, asks = self.progress.answers, one.asks
        prompt = "\n".join(part for part in (heading, one.prompt(answers)) if part)
        extras = (*(("back",) if can_go_back else ()), *(("skip",) if one.is_optional else ()))
        options = one.options(answers) if one.options is not None else []
        counts = {"many": True, "minimum": one.counts[0], "maximum": one.counts[1]} if one.many is not None else {}
        more: dict[str, Any] = {**self._ask, **asks.send, "check": asks.check}
        if asks.retry is not None:
            more["retry"] = asks.retry
        if one.question is not None and not extras and more.get("cancel") != "button":
            got = await ask(prompt, one.question, **more)
        else:
            got = await choose_with(prompt, options, "alert", counts, question=one.question, extras=extras, **more)
        if got is Answer.BACK:
            self.progress.back()
        elif got is Answer.SKIPPED:
            self.progress.skip(one.name)
        else:
            self.progress.answer(one.name, got if one.many is None else one.many(got))

    def _line(self, one: FormField, answers: dict[str, Any]) -> str:
        value = answers[one.name]
        if one.options is not None and one.many is None:
            labels = [option.label for option in one.options(answers) if option.value == value]
            value = labels[0] if labels else value
        found = value if isinstance(value, Saying) else shown(value)
        return f"{one.label}: {self._say(found) if isinstance(found, Saying) else found}"

    def _say(self, saying: Saying) -> str:
        setting = Setting.find(self._ask.get("to"), self._ask.get("scope"))
        return setting.runtime.engine.texts.say(saying, setting.language)


def _fitting(lines: list[str]) -> list[str]:
    """Cut the longest of *lines* until all of them fit into one message: people write as much in each answer."""
    length = _ROOM
    while sum(len(line) + 1 for line in lines) > _ROOM and length > 1:
        length //= 2
        lines = [line if len(line) <= length else f"{line[: length - 1]}…" for line in lines]
    return lines


def _reason(error: ValueError) -> str:
    """Return what a class says about values that do not go together; pydantic says it in parts."""
    errors: Any = getattr(error, "errors", None)
    if callable(errors):
        parts: Any = errors()
        return "\n".join(str(one.get("msg", "")) for one in parts)
    return str(error)
