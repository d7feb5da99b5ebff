"""The classes whose instances may be stored, each under a stable name.

A stored name only ever looks something up here. Nothing is imported because a storage says so.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, Flag
from typing import Any, TypeVar, overload

from ..errors import BadArgument

__all__ = ["DEFAULT_TYPES", "StorableType", "StorableTypes", "storable"]

ClassT = TypeVar("ClassT", bound=type[Any])


@dataclass(frozen=True, slots=True)
class StorableType:
    """How the instances of one class are written and read.

    Attributes:
        dump: returns what to write for an instance: made of values that can be stored, such as a dict of its fields.
        load: makes the instance again from what ``dump`` returned.
        is_immutable: whether an instance may be handed out as it is.
    """

    name: str
    cls: type[Any]
    dump: Callable[[Any], Any]
    load: Callable[[Any], Any]
    is_immutable: bool = False


class StorableTypes:
    """A registry of classes: by class to write, by name to read."""

    def __init__(self) -> None:
        self._by_class: dict[type[Any], StorableType] = {}
        self._by_name: dict[str, StorableType] = {}

    @overload
    def storable(self, name: str) -> Callable[[ClassT], ClassT]: ...
    @overload
    def storable(
        self,
        name: str,
        cls: ClassT,
        *,
        dump: Callable[[Any], Any] | None = None,
        load: Callable[[Any], Any] | None = None,
    ) -> ClassT: ...
    def storable(
        self,
        name: str,
        cls: Any = None,
        *,
        dump: Callable[[Any], Any] | None = None,
        load: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Let the instances of a class be stored under *name*; usable as a decorator: ``@storable("shop.order")``.

        The name must never change, nor be given to another class, as long as something is stored under it. The class
        may be an ``Enum``, a dataclass, a named tuple, an attrs class, a pydantic model or a ``msgspec.Struct``; of any
        other class say how, with *dump* and *load*. Subclasses are classes of their own.

        Raises:
            BadArgument: the name is taken or no name, or it is unclear how the class is written.
        """
        if cls is None:
            return functools.partial(self.storable, name, dump=dump, load=load)
        self._check(name, cls)
        if (dump is None) != (load is None):
            raise BadArgument("dump" if dump is None else "load", None, "both dump and load, or neither")
        if dump is not None and load is not None:
            entry = StorableType(name, cls, dump, load)
        else:
            entry = _entry(name, cls)
        self._by_class[cls] = self._by_name[name] = entry
        return cls

    def of(self, cls: type[Any]) -> StorableType | None:
        """Return how instances of exactly *cls* are stored, or None."""
        return self._by_class.get(cls)

    def named(self, name: str) -> StorableType | None:
        """Return what is registered as *name*, or None."""
        return self._by_name.get(name)

    def _check(self, name: Any, cls: Any) -> None:
        if not isinstance(name, str) or not name:
            raise BadArgument("name", name, 'a text that stays, such as "shop.order"')
        if not isinstance(cls, type):
            raise BadArgument("cls", cls, "a class")
        there = self._by_name.get(name)
        # A module that is loaded again brings the same class anew.
        if there is not None and _origin(there.cls) != _origin(cls):
            raise BadArgument("name", name, f"a name that is not taken: {there.cls!r} has it")
        if (known := self._by_class.get(cls)) is not None and known.name != name:
            raise BadArgument("name", name, f"{known.name!r}, under which {cls.__qualname__} is registered")


#: The registry that everybody uses who names no other.
DEFAULT_TYPES = StorableTypes()
storable = DEFAULT_TYPES.storable


def _origin(cls: type[Any]) -> tuple[str, str]:
    """Return where a class was defined: by its file, since a script is ``__main__`` and its own module."""
    module = sys.modules.get(cls.__module__)
    return (getattr(module, "__file__", None) or cls.__module__, cls.__qualname__)


def _entry(name: str, cls: type[Any]) -> StorableType:
    """Find out how instances of *cls* are written."""
    if issubclass(cls, Flag):  # a combination of flags has no name
        return StorableType(name, cls, lambda member: member.value, cls, is_immutable=True)
    if issubclass(cls, Enum):
        return StorableType(name, cls, lambda member: member.name, lambda written: cls[written], is_immutable=True)
    for kind in (_dataclass, _named_tuple, _attrs, _pydantic, _struct):
        entry = kind(name, cls)
        if entry is not None:
            return entry
    raise BadArgument(
        "cls",
        cls,
        "an Enum, dataclass, NamedTuple, attrs class, pydantic model or msgspec.Struct; for others dump= and load=",
    )


def _dataclass(name: str, cls: type[Any]) -> StorableType | None:
    if not dataclasses.is_dataclass(cls) or "__dataclass_fields__" not in vars(cls):
        return None
    pseudo: Mapping[str, Any] = vars(cls)["__dataclass_fields__"]
    fields = dataclasses.fields(cls)
    only_init = [one for one, field in pseudo.items() if field not in fields and "InitVar" in str(field.type)]
    if only_init:
        raise BadArgument("cls", cls, f"one without InitVar ({only_init[0]} cannot be read back), or dump= and load=")
    names = [field.name for field in fields]
    later = {field.name for field in fields if not field.init}
    return StorableType(name, cls, _reader(names), _maker(cls, {one: one for one in names}, later))


def _named_tuple(name: str, cls: type[Any]) -> StorableType | None:
    names: tuple[str, ...] | None = getattr(cls, "_fields", None)
    if names is None or tuple not in cls.__mro__:
        return None
    return StorableType(name, cls, _reader(names), _maker(cls, {one: one for one in names}, set()))


def _attrs(name: str, cls: type[Any]) -> StorableType | None:
    fields = vars(cls).get("__attrs_attrs__")
    if fields is None:
        return None
    arguments = {field.name: getattr(field, "alias", None) or field.name.lstrip("_") for field in fields}
    later = {field.name for field in fields if not field.init}
    return StorableType(name, cls, _reader(list(arguments)), _maker(cls, arguments, later))


def _struct(name: str, cls: type[Any]) -> StorableType | None:
    msgspec = sys.modules.get("msgspec")  # who has such a class has imported it
    if msgspec is None or not issubclass(cls, msgspec.Struct):
        return None
    names: tuple[str, ...] = cls.__struct_fields__
    return StorableType(name, cls, _reader(names), _maker(cls, {one: one for one in names}, set()))


def _pydantic(name: str, cls: type[Any]) -> StorableType | None:
    pydantic = sys.modules.get("pydantic")
    if pydantic is None or not issubclass(cls, pydantic.BaseModel):
        return None
    model: Any = cls

    def dump(value: Any) -> dict[str, Any]:
        written = {"fields": dict(value.__dict__), "set": set(value.model_fields_set)}
        if value.model_extra:
            written["extra"] = dict(value.model_extra)
        if value.__pydantic_private__:
            written["private"] = dict(value.__pydantic_private__)
        return written

    def load(written: dict[str, Any]) -> Any:
        fields: dict[str, Any] = written["fields"]
        unknown = fields.keys() - model.model_fields.keys()
        missing = {one for one, field in model.model_fields.items() if field.is_required()} - fields.keys()
        if unknown or missing:
            raise ValueError(_mismatch(model, unknown, missing))
        made = model.model_construct(set(written["set"]), **fields, **written.get("extra", {}))
        for one, value in written.get("private", {}).items():
            setattr(made, one, value)
        return made

    return StorableType(name, cls, dump, load)


def _reader(names: Any) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {one: getattr(value, one) for one in names}


def _maker(cls: type[Any], arguments: Mapping[str, str], later: set[str]) -> Callable[[dict[str, Any]], Any]:
    """Return what makes an instance from its fields.

    Args:
        arguments: by the name of the field, that of the class's argument.
        later: the fields that the class takes no argument for.
    """

    def load(written: dict[str, Any]) -> Any:
        if unknown := written.keys() - arguments.keys():
            raise ValueError(_mismatch(cls, unknown, ()))
        made = cls(**{arguments[one]: value for one, value in written.items() if one not in later})
        for one in later & written.keys():
            object.__setattr__(made, one, written[one])  # also of a frozen class
        return made

    return load


def _mismatch(cls: type[Any], unknown: Any, missing: Any) -> str:
    problems = [f"has no field {one!r} any more" for one in sorted(unknown)]
    problems += [f"has a new field {one!r} without a default" for one in sorted(missing)]
    return f"{cls.__qualname__} {' and '.join(problems)}"
