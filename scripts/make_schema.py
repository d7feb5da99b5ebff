"""Write the Bot API schema that the emulator checks against, from the installed aiogram's models.

Usage: python scripts/make_schema.py [--check]
With --check nothing is written; the exit status says whether the stored file is up to date.
The output is the same byte for byte for one aiogram version: keys are sorted and the gzip header carries no time.
"""

from __future__ import annotations

import argparse
import datetime
import enum
import gzip
import json
import sys
import types
import typing
from pathlib import Path
from typing import Any

import aiogram.methods
import aiogram.types
from aiogram import __meta__
from aiogram.client.default import Default
from aiogram.methods.base import TelegramMethod
from aiogram.types.base import TelegramObject

TARGET = Path(__file__).parents[1] / "src" / "aiostep_testing" / "schema.json.gz"
NOTICE = "Derived from aiogram's models. Copyright (c) 2017 - present Alex Root Junior. MIT licence."
SCALARS: tuple[tuple[type, str], ...] = (
    (bool, "Boolean"),  # before int: bool is an int
    (int, "Integer"),
    (float, "Float"),
    (str, "String"),
    (datetime.datetime, "Integer"),
    (datetime.timedelta, "Integer"),
)


def type_names(annotation: Any) -> list[str]:
    """Name the Bot API types that *annotation* stands for; alternatives become several names."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is type(None):
        return []
    if origin in (typing.Union, types.UnionType):
        return list(dict.fromkeys(name for arg in args for name in type_names(arg)))
    if origin is list:
        return ["[]" + name for name in type_names(args[0])]
    if origin is typing.Literal:
        values = [arg.value if isinstance(arg, enum.Enum) else arg for arg in args]
        return ["=" + json.dumps(value) for value in values]
    if origin is typing.Annotated:
        return type_names(args[0])
    if not isinstance(annotation, type):
        return [str(annotation)]
    if issubclass(annotation, Default):
        return []
    return [next((name for base, name in SCALARS if issubclass(annotation, base)), annotation.__name__)]


def fields(model: Any) -> dict[str, list[Any]]:
    """Map each field of *model* to [type names, 1 if required].

    aiogram gives a field with one possible value a default; on the wire such a field is always there.
    """
    out: dict[str, list[Any]] = {}
    for name, info in model.model_fields.items():
        names = type_names(info.annotation)
        constant = bool(names) and all(n.startswith("=") for n in names) and info.default is not None
        out[info.alias or name] = [names, int(info.is_required() or constant)]
    return out


def models(module: Any, base: type) -> dict[str, Any]:
    found = {name: getattr(module, name) for name in dir(module)}
    return {n: c for n, c in found.items() if isinstance(c, type) and issubclass(c, base) and c is not base}


def build() -> dict[str, Any]:
    """Build the whole schema: every method with its parameters and answer, every type with its fields."""
    methods = models(aiogram.methods, TelegramMethod).values()
    return {
        "api": __meta__.__api_version__,
        "source": f"aiogram {__meta__.__version__}",
        "notice": NOTICE,
        "methods": {m.__api_method__: {"p": fields(m), "r": type_names(m.__returning__)} for m in methods},
        "types": {name: fields(model) for name, model in models(aiogram.types, TelegramObject).items()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the stored file, write nothing")
    text = json.dumps(build(), separators=(",", ":"), sort_keys=True)
    if parser.parse_args().check:
        return 0 if TARGET.exists() and gzip.decompress(TARGET.read_bytes()).decode() == text else 1
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
