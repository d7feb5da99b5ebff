"""Arrows point inwards only: who may import what, read from the syntax trees."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.repository.sources import Module, modules, packages

# A package may import itself, the standard library and these.
PACKAGES: dict[str, set[str]] = {
    "aiostep": {"aiostep_core"},
    "aiostep_core": {"anyio"},
    "aiostep_aiogram": {"aiostep_core", "aiogram", "magic_filter"},  # aiogram comes with it
    "aiostep_ptb": {"aiostep_core", "telegram"},
    "aiostep_telebot": {"aiostep_core", "telebot"},
    "aiostep_testing": {"aiostep_core", "anyio"},
}
# One file may import more than its package.
FILES: dict[str, set[str]] = {
    "aiostep_aiogram/sending.py": {"aiohttp"},  # the frameworks come with these, and their errors have theirs inside
    "aiostep_ptb/sending.py": {"httpx"},
    "aiostep_telebot/sending.py": {"aiohttp", "urllib3"},
    "aiostep_core/hookspecs.py": {"pluggy"},
    "aiostep_core/plugin_checks.py": {"pluggy"},
    "aiostep_core/plugins.py": {"pluggy"},
    "aiostep_core/storages/state_storages.py": {"redis"},  # for type checkers
    "aiostep_testing/contract/asserting.py": {"pytest"},
    "aiostep_testing/contract/command.py": {"pytest"},
    "aiostep_testing/contract/level.py": {"pytest"},
    "aiostep_testing/storage_contract/asserting.py": {"pytest"},
    "aiostep_testing/storage_contract/machine.py": {"hypothesis"},
    "aiostep_testing/storage_contract/state_input.py": {"pytest"},
    "aiostep_testing/storage_contract/suite.py": {"pytest"},
    "aiostep_testing/storage_contract/surroundings.py": {"pytest"},
    "aiostep_testing/harnesses/aiogram.py": {"aiogram"},
    "aiostep_testing/harnesses/ptb.py": {"telegram"},
    "aiostep_testing/harnesses/telebot.py": {"telebot"},
    "aiostep_testing/transports/aiogram.py": {"aiogram"},
    "aiostep_testing/transports/ptb.py": {"telegram"},
    "aiostep_testing/transports/telebot.py": {"telebot"},
}
# The same, but only inside a function: whoever does not call it does not pay for it.
LAZY: dict[str, set[str]] = {
    "aiostep/__main__.py": {"aiostep_testing"},
    "aiostep_core/storages/redis_errors.py": {"redis"},
    "aiostep_core/storages/redis_servers.py": {"redis"},
    "aiostep_core/storages/values.py": {"msgspec"},  # where it is installed
    "aiostep_core/form_fields.py": {"attrs", "msgspec"},  # where the bot uses them
    "aiostep_core/questions/contact.py": {"email_validator", "phonenumbers"},
    "aiostep_core/questions/dates.py": {"babel"},
    "aiostep_core/questions/known.py": {"msgspec", "pydantic"},  # where the bot uses them
}
# Type checkers bring their own copy of it.
TYPING = {"typing_extensions"}
# Discovery reads these on machines without the framework.
FRAMEWORK_FREE = {"plugin.py"}

# The pure ring decides; it never waits or asks what time it is. Each is a file or a folder of aiostep_core.
PURE = ("engine", "facts", "keys", "sending", "steps", "waits")
PURE_FILES = {"aiostep_core/durable/journal.py", "aiostep_core/durable/values.py"}
IMPURE_IMPORTS = {"anyio", "asyncio", "concurrent", "random", "secrets", "socket", "threading", "time"}


@dataclass(frozen=True)
class Import:
    """One imported top-level name; `lazy` when a function does it, `typing` when only type checkers do."""

    name: str
    line: int
    lazy: bool
    typing: bool


def imports(module: Module) -> Iterator[Import]:
    """Find every import, also `import_module("...")`, however deep."""
    pending: list[tuple[ast.AST, bool, bool]] = [(module.tree, False, False)]
    while pending:
        node, lazy, typing = pending.pop()
        for name in imported_names(node):
            yield Import(name.partition(".")[0], getattr(node, "lineno", 0), lazy, typing)
        lazy = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        typing = typing or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        pending.extend((child, lazy, typing) for child in ast.iter_child_nodes(node))


def imported_names(node: ast.AST) -> list[str]:
    """Read the absolute names that one node imports."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(name), level=0):
            return [name]
        case ast.Call(
            func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name)), *_],
        ) if not name.startswith("."):
            return [name]
        case _:
            return []


def layering_faults(module: Module) -> list[str]:
    """Say which imports of a module its place does not allow."""
    always = PACKAGES[module.package] | FILES.get(module.name, set()) | {module.package}
    if module.name.rpartition("/")[2] in FRAMEWORK_FREE and module.package != "aiostep_core":
        always = {"aiostep_core", module.package}
    faults = []
    for found in imports(module):
        allowed = always | (LAZY.get(module.name, set()) if found.lazy else set())
        allowed |= TYPING if found.typing else set()
        if found.name not in allowed and found.name not in sys.stdlib_module_names:
            faults.append(f"{module.name}:{found.line} must not import {found.name}")
    return faults


def purity_faults(module: Module) -> list[str]:
    """Say what in a pure module waits, or knows the time."""
    faults = [
        f"{module.name}:{found.line} imports {found.name}" for found in imports(module) if found.name in IMPURE_IMPORTS
    ]
    awaiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    for node in ast.walk(module.tree):
        if isinstance(node, awaiting) or (isinstance(node, ast.comprehension) and node.is_async):
            line = getattr(node, "lineno", 0)
            faults.append(f"{module.name}:{line} is asynchronous")
        if isinstance(node, ast.Attribute) and reads_clock(node):
            faults.append(f"{module.name}:{node.lineno} reads the clock")
    return faults


def reads_clock(node: ast.Attribute) -> bool:
    """Tell `datetime.now` from `self.now`."""
    owner = ast.unparse(node.value).rpartition(".")[2]
    return owner in {"date", "datetime"} and node.attr in {"now", "utcnow", "today"}


def is_pure(module: Module) -> bool:
    """Tell whether a module belongs to the pure ring."""
    package, _, rest = module.name.partition("/")
    first = rest.partition("/")[0].removesuffix(".py")
    return package == "aiostep_core" and (first in PURE or module.name in PURE_FILES)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_imports_point_inwards(module: Module) -> None:
    """A module imports only what its place in the design allows."""
    assert layering_faults(module) == []


@pytest.mark.parametrize("module", [module for module in modules() if is_pure(module)], ids=lambda module: module.name)
def test_pure_modules_neither_wait_nor_know_the_time(module: Module) -> None:
    """A pure module has no await, no clock and no chance in it."""
    assert purity_faults(module) == []


def test_the_tables_name_real_packages() -> None:
    """Every package has a row, and every pure module exists."""
    assert set(packages()) <= set(PACKAGES)
    if "aiostep_core" in packages():
        found = {module.name.split("/")[1].removesuffix(".py") for module in modules() if is_pure(module)}
        assert set(PURE) <= found
        assert {module.name for module in modules()} >= PURE_FILES


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("aiostep_core/waits.py", "import aiogram"),
        ("aiostep_core/waits.py", "from pluggy import HookspecMarker"),
        ("aiostep_core/storages/memory.py", "import redis.asyncio"),
        ("aiostep/__init__.py", "from aiostep_aiogram import adapter"),
        ("aiostep/__main__.py", "import aiostep_testing"),
        ("aiostep_aiogram/adapter.py", "def f():\n    import aiostep_ptb"),
        ("aiostep_aiogram/adapter.py", "importlib.import_module('telegram.ext')"),
        ("aiostep_aiogram/plugin.py", "import aiogram"),
        ("aiostep_testing/world.py", "import typing_extensions"),
        ("aiostep_testing/world.py", "if TYPE_CHECKING:\n    from aiogram import Bot"),
    ],
)
def test_a_wrong_import_is_seen(name: str, code: str) -> None:
    """The check finds an import that points outwards, also a lazy, typed or spelled-out one."""
    assert len(layering_faults(Module(name, code))) == 1


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("aiostep_core/plugins.py", "import pluggy"),
        ("aiostep_core/storages/redis_servers.py", "def f():\n    import redis.asyncio"),
        ("aiostep_testing/world.py", "if TYPE_CHECKING:\n    from typing_extensions import Self"),
        ("aiostep/__main__.py", "def f():\n    from aiostep_testing import play"),
        ("aiostep_aiogram/adapter.py", "from aiogram import Dispatcher\nfrom . import facts\nimport asyncio"),
    ],
)
def test_a_right_import_is_allowed(name: str, code: str) -> None:
    """The check has nothing against what the design allows."""
    assert layering_faults(Module(name, code)) == []


@pytest.mark.parametrize(
    "code",
    [
        "async def f(): ...",
        "import time",
        "from random import choice",
        "def f():\n    import asyncio",
        "x = datetime.now(tz)",
    ],
)
def test_an_impure_line_is_seen(code: str) -> None:
    """The check finds waiting, clocks and chance."""
    assert len(purity_faults(Module("aiostep_core/waits.py", code))) == 1
