"""What a class says about its fields: what is asked, what an answer becomes, what there is to choose from. Pure."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from .abc import Question
from .errors import BadArgument
from .menus import Option, options_of
from .questions import question_for
from .texts import Saying, words

__all__ = ["Asks", "Factory", "FormField", "field", "fields_of"]

_KEY: Final = "aiostep"
_MANY: Final = (list, set, frozenset, tuple)
#: Types whose values are what they look like; a default of others may be anything that a class takes.
_PLAIN: Final = frozenset({str, int, float, Decimal, bool, date, datetime, time, timedelta})


@dataclass(frozen=True)
class Asks:
    """How a field is asked for; stands in ``Annotated``, or is made by ``field``.

    Attributes:
        prompt: the question; a function is called with the answers so far.
        label: what the field is called on the review page.
        when: called with the answers so far; if it says no, the field is left out.
        options: what there is to choose from; a function is called with the answers so far.
        check, retry: as for ``ask``.
        send: passed on to the framework's own method.
    """

    prompt: str | Callable[[dict[str, Any]], str] | None = None
    _: dataclasses.KW_ONLY
    label: str | None = None
    when: Callable[[dict[str, Any]], object] | None = None
    options: Any = None
    check: Callable[[Any], Any] | None = None
    retry: Any = None
    send: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])


def field(prompt: str | Callable[[dict[str, Any]], str], *, default: Any = dataclasses.MISSING, **asks: Any) -> Any:
    """Make a field of a dataclass that is asked for with *prompt*; the rest is as for ``Asks`` and for dataclasses."""
    names = ("default_factory", "repr", "compare", "kw_only")
    kept: dict[str, Any] = {name: asks.pop(name) for name in names if name in asks}
    if default is not dataclasses.MISSING:
        kept["default"] = default
    return dataclasses.field(metadata={_KEY: Asks(prompt, **asks)}, **kept)


@dataclass(frozen=True)
class FormField:
    """One field.

    Attributes:
        question: what an answer becomes; None for a field with options.
        options: given the answers so far, what there is to choose from; None for a field that is written.
        many: makes the value of several chosen options; None for one.
        counts: how few and how many may be chosen.
        default: what it is when it is skipped, or ``MISSING`` if it cannot be.
    """

    name: str
    asks: Asks
    question: Question[Any] | None
    options: Callable[[dict[str, Any]], list[Option]] | None
    many: Callable[[list[Any]], Any] | None
    counts: tuple[int, int | None]
    default: Any

    @property
    def is_optional(self) -> bool:
        """Whether it can be skipped."""
        return self.default is not dataclasses.MISSING

    @property
    def label(self) -> str:
        """What it is called on the review page."""
        return self.asks.label or self.name.replace("_", " ").capitalize()

    def prompt(self, answers: dict[str, Any]) -> str:
        """Return the question, given the answers so far."""
        prompt = self.asks.prompt
        return f"{self.label}?" if prompt is None else prompt if isinstance(prompt, str) else prompt(dict(answers))

    def applies(self, answers: dict[str, Any]) -> bool:
        """Tell whether it is asked at all, given the answers so far."""
        return self.asks.when is None or bool(self.asks.when(dict(answers)))


class Factory:
    """A default that is made anew each time."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __call__(self) -> Any:
        return self._make()


def fields_of(kind: type[Any]) -> Iterator[FormField]:
    """Go through the fields of a class that its constructor takes.

    Raises:
        BadArgument: it is no class with fields, or nobody knows how to ask for one of them.
    """
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except (NameError, TypeError) as error:
        raise BadArgument("Form", kind, f"a class whose annotations can be read ({error})") from error
    for name, metadata, default in _raw_fields(kind, hints):
        try:
            yield _field(name, hints[name], metadata, default)
        except BadArgument as error:
            where = f"{kind.__name__}.{name}"
            raise BadArgument(where, hints[name], f"something that can be asked for ({error})") from error


def _raw_fields(kind: type[Any], hints: dict[str, Any]) -> Iterator[tuple[str, Asks | None, Any]]:
    """Go through the fields that a constructor takes: name, how it is asked for, default."""
    if dataclasses.is_dataclass(kind):
        for one in dataclasses.fields(kind):
            factory: Any = one.default_factory
            default = one.default if factory is dataclasses.MISSING else Factory(factory)
            if one.init:
                yield one.name, _asks(one.metadata.get(_KEY) or one.metadata.get("ask")), default
    elif hasattr(kind, "model_fields"):
        for name, info in kind.model_fields.items():
            default = dataclasses.MISSING
            if not info.is_required():
                default = Factory(functools.partial(info.get_default, call_default_factory=True))
            # What ``Field`` demands is not in the annotation when it stands in the place of the default.
            hints[name] = _annotated(info.annotation, info.metadata)
            yield name, _asks(info.description), default
    elif hasattr(kind, "__attrs_attrs__"):
        for one in kind.__attrs_attrs__:
            yield one.alias, _asks(one.metadata.get(_KEY) or one.metadata.get("ask")), _attrs_default(one)
    elif hasattr(kind, "__struct_fields__"):
        yield from _struct_fields(kind)
    else:
        raise BadArgument("Form", kind, "a dataclass, a class of attrs, a model of pydantic or a Struct of msgspec")


def _attrs_default(one: Any) -> Any:
    import attrs

    if one.default is attrs.NOTHING:
        return dataclasses.MISSING
    if isinstance(one.default, attrs.Factory):  # type: ignore[arg-type]
        return Factory(one.default.factory)
    return one.default


def _struct_fields(kind: type[Any]) -> Iterator[tuple[str, Asks | None, Any]]:
    import msgspec

    for one in msgspec.structs.fields(kind):
        default: Any = dataclasses.MISSING
        if one.default_factory is not msgspec.NODEFAULT:
            default = Factory(one.default_factory)
        elif one.default is not msgspec.NODEFAULT:
            default = one.default
        yield one.name, None, default


def _asks(found: Any) -> Asks | None:
    return found if found is None or isinstance(found, Asks) else Asks(found)


def _field(name: str, annotation: Any, asks: Asks | None, default: Any) -> FormField:
    kind, metadata = _bare(annotation)
    asks = asks or next((one for one in metadata if isinstance(one, Asks)), None) or Asks(_description(metadata))
    if NoneType in get_args(kind) and get_origin(kind) in (Union, UnionType):
        kind, more = _bare(_but_none(kind))
        metadata = (*metadata, *more)
        default = None if default is dataclasses.MISSING else default
    origin = get_origin(kind)
    many: Any = origin if origin in _MANY else None
    options = asks.options if asks.options is not None else _choices(kind if many is None else get_args(kind)[0])
    _check_default(kind, default)
    if options is not None:
        counts = _counts(metadata)
        return FormField(name, asks, None, _options(options), many, counts, default)
    if many is not None:
        raise BadArgument("annotation", annotation, "several of what can be chosen: an Enum, a Literal, or options=")
    question = question_for(_annotated(kind, tuple(one for one in metadata if not isinstance(one, Asks))))
    return FormField(name, asks, question, None, None, (0, None), default)


def _but_none(kind: Any) -> Any:
    """Return the union *kind* without None."""
    rest = tuple(one for one in get_args(kind) if one is not NoneType)
    return functools.reduce(lambda one, other: Union[one, other], rest)  # noqa: UP007


def _check_default(kind: Any, default: Any) -> None:
    """Refuse a default of another type, as far as that is plain to see: who skips the field would be given it.

    Raises:
        BadArgument: it is.
    """
    if default is dataclasses.MISSING or default is None or isinstance(default, Factory):
        return
    if get_origin(kind) is Literal:
        fits = default in get_args(kind)
    else:
        is_plain = isinstance(kind, type) and (kind in _PLAIN or issubclass(kind, Enum))
        fits = not is_plain or isinstance(default, (kind, int) if kind in (float, Decimal) else kind)
    if not fits:
        raise BadArgument("default", default, f"a value of {kind!r}, or None")


def _annotated(kind: Any, metadata: Sequence[Any]) -> Any:
    annotated: Any = Annotated  # a type checker wants what is between the brackets written out
    parts = (kind, *metadata)
    return annotated[parts] if metadata else kind


def _bare(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(annotation) is not Annotated:
        return annotation, ()
    kind, *metadata = get_args(annotation)
    return kind, tuple(metadata)


def _description(metadata: tuple[Any, ...]) -> str | None:
    """Return what pydantic's ``Field`` and msgspec's ``Meta`` say about a field."""
    found = (getattr(one, "description", None) for one in metadata)
    return next((one for one in found if isinstance(one, str)), None)


def _choices(kind: Any) -> Any:
    """Return the options that a type has of its own, or None."""
    if kind is bool:
        return [Option(Saying("yes"), True, words("yes")), Option(Saying("no"), False, words("no"))]
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    return kind if isinstance(kind, type) and issubclass(kind, Enum) else None


def _options(chosen: Any) -> Callable[[dict[str, Any]], list[Option]]:
    def options(answers: dict[str, Any]) -> list[Option]:
        found: Any = chosen(dict(answers)) if callable(chosen) and not isinstance(chosen, type) else chosen
        return found if isinstance(found, list) and found and isinstance(found[0], Option) else options_of(found)  # pyright: ignore[reportUnknownVariableType]

    if not callable(chosen) or isinstance(chosen, type):
        options({})
    return options


def _counts(metadata: tuple[Any, ...]) -> tuple[int, int | None]:
    """Return how few and how many may be chosen: the lengths that annotated-types and the like give."""
    least, most = 0, None
    for one in metadata:
        for part in one if hasattr(one, "__iter__") and not isinstance(one, str) else (one,):
            least = getattr(part, "min_length", None) or least
            most = getattr(part, "max_length", None) or most
    return least, most
