"""What there is to choose from, which page is shown, and what is chosen so far. Pure: clicks come in, keyboards out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

from .errors import BadArgument
from .keyboards import Button, Keyboard, data_of, new_token
from .questions.choices import listed
from .texts import Saying, words

__all__ = ["Answer", "Menu", "Option", "options_of"]

#: Telegram shows no more than a hundred buttons under a message, and rows of at most eight.
BUTTONS: Final = 90
COLUMNS: Final = 8
#: Characters of a label; Telegram cuts what a button cannot show, long before this.
LABEL: Final = 128
#: More options than anybody turns pages for; a person who writes can still choose one of them.
OPTIONS: Final = 10_000

_CHOSEN: Final = "✓ "
#: Under what an option is kept instead of its value.
_MENU: Final = "aiostep.menu"
_DONE, _CANCEL, _BACK, _SKIP = "ok", "x", "b", "s"


class Option(NamedTuple):
    """One thing to choose: what is shown, what it stands for, and the words that mean it too."""

    label: str | Saying
    value: Any
    words: frozenset[str] = frozenset()


class Answer(Enum):
    """What a click comes to when it is not an answer yet, or is none."""

    TURNED = "the keyboard has changed"
    TOO_FEW = "more must be chosen first"
    TOO_MANY = "no more can be chosen"
    CANCELLED = "the person wants to leave"
    BACK = "the person wants the question before"
    SKIPPED = "the person leaves this one out"


def _is_a(kind: type[Any], value: object) -> bool:
    return type(value) is kind


class Menu:
    """The buttons of one question.

    Args:
        many: whether several options are chosen, and confirmed by a button of their own.
        extras: further buttons: "cancel", "back", "skip".
        say: puts sentences into the person's language.

    Attributes:
        token: in the data of every button.
        is_inline: whether the buttons stand under the message.
    """

    def __init__(
        self,
        options: Sequence[Option],
        *,
        columns: int = 1,
        page_size: int = 8,
        is_inline: bool = True,
        many: bool = False,
        chosen: Iterable[Any] = (),
        minimum: int = 0,
        maximum: int | None = None,
        extras: Sequence[str] = (),
        say: Callable[[Saying], str] = str,
    ) -> None:
        self.token = new_token()
        self.page = 0
        self._options = options
        self._say = say
        self._labels = [say(one.label) if isinstance(one.label, Saying) else one.label for one in options]
        _check_labels(self._labels)
        self._columns, self._page_size = columns, page_size
        self.is_inline, self._many = is_inline, many
        self._chosen = _marked(options, list(chosen))
        self._minimum, self._maximum = minimum, len(options) if maximum is None else maximum
        self._extras = extras
        self._by_text = {_plain(label): number for number, label in enumerate(self._labels)}
        self._by_word = {word: number for number, one in enumerate(options) for word in one.words}
        self._check()

    # For durable conversations: options are known by their numbers, as their values may be anything.

    def memory(self) -> dict[str, Any]:
        """Return what it takes to go on with the menu in another process."""
        return {"token": self.token, "page": self.page, "chosen": sorted(self._chosen)}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Be as the menu was that left *memory*."""
        if "token" in memory:
            self.token, self.page = memory["token"], min(memory["page"], self._pages - 1)
            self._chosen = {number for number in memory["chosen"] if number < len(self._options)}

    def written(self, value: Any) -> Any:
        """Return what is kept of an answer: options by number, and anything else as it is."""
        if isinstance(value, Answer):
            return {_MENU: value.name}
        if self._many and _is_a(list, value):
            numbers = {id(self._options[number].value): number for number in reversed(range(len(self._options)))}
            return {_MENU: [numbers.get(id(one)) for one in value]}
        number = self._number_of(value)
        return value if number is None else {_MENU: number}

    def read(self, written: Any) -> Any:
        """Return the answer that was kept."""
        if not _is_a(dict, written) or _MENU not in written:
            return written
        return self._read(written[_MENU])

    def _read(self, kept: Any) -> Any:
        if _is_a(str, kept):
            return Answer[kept]
        numbers: list[int] = kept if _is_a(list, kept) else [kept]
        values = [self._options[number].value for number in numbers]
        return values if _is_a(list, kept) else values[0]

    def _number_of(self, value: Any) -> int | None:
        return next((number for number, one in enumerate(self._options) if one.value is value), None)

    def keyboard(self) -> Keyboard:
        """Return the page that is shown now."""
        numbers = range(len(self._options))
        if self._is_paged:
            numbers = numbers[self.page * self._page_size : (self.page + 1) * self._page_size]
        buttons = [self._button(number) for number in numbers]
        rows = [tuple(buttons[start : start + self._columns]) for start in range(0, len(buttons), self._columns)]
        return Keyboard((*rows, *self._controls()), self.is_inline)

    def press(self, code: str) -> Option | Answer | list[Any]:
        """Take a click: the option or the list that was chosen, or what else it comes to."""
        extra = {_CANCEL: Answer.CANCELLED, _BACK: Answer.BACK, _SKIP: Answer.SKIPPED}.get(code)
        if extra is not None:
            return extra
        if code == _DONE:
            return Answer.TOO_FEW if len(self._chosen) < self._minimum else self._list()
        if code.startswith("p") and code[1:].isdecimal():
            self.page = min(int(code[1:]), self._pages - 1)
            return Answer.TURNED
        number = int(code) if code.isdecimal() else len(self._options)
        if number >= len(self._options):
            return Answer.TURNED  # nothing of ours; the keyboard that is shown is right
        return self._toggle(number) if self._many else self._options[number]

    def typed(self, text: str) -> Option | Answer | list[Any] | None:
        """Take what somebody wrote instead: an option's label, or several with commas between them; None: neither."""
        plain = _plain(text)
        for name in self._extras:
            if plain == _plain(self._say(Saying(name))) or plain.lstrip("/") in words(name):
                return self.press({"cancel": _CANCEL, "back": _BACK, "skip": _SKIP}[name])
        if not self._many:
            number = self._by_text.get(plain, self._by_word.get(plain.rstrip(".!")))
            return None if number is None else self._options[number]
        if plain == _plain(self._say(Saying("done"))):
            return self.press(_DONE)
        parts = [text] if plain in self._by_text else text.split(",")  # a label may have a comma itself
        numbers = [self._by_text.get(_plain(part)) for part in parts]
        if not all(number is not None for number in numbers):
            return None
        self._chosen = {number for number in numbers if number is not None}
        return Answer.TOO_MANY if len(self._chosen) > self._maximum else self.press(_DONE)

    @property
    def shown(self) -> str:
        """The labels, for a sentence that lists them; not more than fit."""
        return listed(self._labels)

    @property
    def bounds(self) -> dict[str, int]:
        """How few and how many can be chosen."""
        return {"min": self._minimum, "max": self._maximum}

    @property
    def _is_paged(self) -> bool:
        return self.is_inline and len(self._options) > self._page_size

    @property
    def _pages(self) -> int:
        return -(-len(self._options) // self._page_size) if self._is_paged else 1

    def _list(self) -> list[Any]:
        return [self._options[number].value for number in sorted(self._chosen)]

    def _toggle(self, number: int) -> Answer:
        if number not in self._chosen and len(self._chosen) >= self._maximum:
            return Answer.TOO_MANY
        self._chosen ^= {number}
        return Answer.TURNED

    def _button(self, number: int) -> Button:
        label = self._labels[number]
        if not self.is_inline:
            return Button(label)
        return Button(_CHOSEN + label if number in self._chosen else label, data_of(self.token, str(number)))

    def _controls(self) -> list[tuple[Button, ...]]:
        rows = list[tuple[Button, ...]]()
        if self._is_paged:
            before, after = max(self.page - 1, 0), min(self.page + 1, self._pages - 1)
            where = Button(f"{self.page + 1}/{self._pages}", data_of(self.token, f"p{self.page}"))
            turn = [("previous_page", before), ("next_page", after)]
            left, right = (Button(self._say(Saying(name)), data_of(self.token, f"p{page}")) for name, page in turn)
            rows.append((left, where, right))
        if self._many:
            rows.append((self._control("done", _DONE),))
        extras = {"back": _BACK, "skip": _SKIP, "cancel": _CANCEL}
        if self._extras:
            rows.append(tuple(self._control(name, code) for name, code in extras.items() if name in self._extras))
        return rows

    def _control(self, name: str, code: str) -> Button:
        text = self._say(Saying(name))
        return Button(text, data_of(self.token, code)) if self.is_inline else Button(text)

    def _check(self) -> None:
        """Refuse what cannot be shown.

        Raises:
            BadArgument: there is nothing to choose, too much, or something that nobody could choose.
        """
        count = len(self._options)
        if not (self._extras or count) or count > OPTIONS:
            raise BadArgument("options", f"{count} options", f"from 1 to {OPTIONS:,}")
        if not self.is_inline and count > BUTTONS * 3:
            raise BadArgument("options", f"{count} options", 'fewer than 270, or style="inline", which has pages')
        if len(self._by_text) < count:
            counts = Counter(map(_plain, self._labels))
            twice = next(one for one in self._labels if counts[_plain(one)] > 1)
            raise BadArgument("options", twice, "labels that differ in more than upper and lower case")
        if isinstance(self._columns, bool) or not 1 <= self._columns <= COLUMNS:
            raise BadArgument("columns", self._columns, f"a whole number from 1 to {COLUMNS}")
        if isinstance(self._page_size, bool) or not 1 <= self._page_size <= BUTTONS:
            raise BadArgument("page_size", self._page_size, f"a whole number from 1 to {BUTTONS}")
        if not 0 <= self._minimum <= self._maximum <= count:
            got = f"{self._minimum} and {self._maximum}"
            raise BadArgument("min and max", got, f"0 <= min <= max <= {count}, the number of options")


def _check_labels(labels: Iterable[object]) -> None:
    for label in labels:
        if not isinstance(label, str):
            raise BadArgument("a label of options", label, 'a text; a dictionary has labels by value: {1: "One"}')
        if not label.strip() or len(label) > LABEL:
            raise BadArgument("options", label, f"labels of 1 to {LABEL} characters")


def _marked(options: Sequence[Option], values: list[Any]) -> set[int]:
    """Return the numbers of the options with these values; quickly, if they can be hashed: they may be thousands."""
    try:
        known = set(values)
        return {number for number, one in enumerate(options) if one.value in known} if known else set()
    except TypeError:
        return {number for number, one in enumerate(options) if one.value in values}


def options_of(options: Any, label: Callable[[Any], str] | None = None) -> list[Option]:
    """Read what somebody offers: labels by value, an ``Enum``, or values with or without a function for their labels.

    Raises:
        BadArgument: it is nothing of the sort.
    """
    if isinstance(options, Mapping):
        labels: Mapping[Any, Any] = options  # pyright: ignore[reportUnknownVariableType]
        return [Option(text if label is None else label(value), value) for value, text in labels.items()]
    if isinstance(options, (str, bytes)) or not isinstance(options, Iterable):
        raise BadArgument("options", options, "a list, a dictionary of labels by value, or an Enum")
    values: Iterable[Any] = options  # pyright: ignore[reportUnknownVariableType] - an Enum is its members
    return [Option(label(one) if label is not None else _name_of(one), one) for one in values]


def _name_of(value: Any) -> str:
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, str) else value.name.replace("_", " ").capitalize()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise BadArgument("options", value, "texts or numbers, or label= with a function that names them")


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
