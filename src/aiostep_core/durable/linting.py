"""What in the code of a durable conversation a replay would do otherwise: clocks, chance, files, network.

Names are resolved to the real objects, so it does not matter how something was imported. Only what the conversation
itself calls is looked at, and functions of its own module that it calls; what is inside of a lambda or a function that
is given to ``run`` is not called by it.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import datetime
import inspect
import os
import random
import secrets
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final

__all__ = ["faults_of"]

_NOW, _RANDOM, _UUID = "await now()", "await random()", "await uuid()"
_RUN: Final = "await run(fn, ...)"
_TASKS: Final = "await gather(...) or await first(...) of aiostep: tasks of its own cannot be replayed"
_FIXES: Final[dict[Any, str]] = {
    **dict.fromkeys((time.time, time.time_ns, time.monotonic, time.perf_counter), _NOW),
    **{getattr(random, name): _RANDOM for name in ("random", "randint", "choice", "choices", "shuffle", "uniform")},
    **{getattr(random, name): _RANDOM for name in ("sample", "randrange", "gauss")},
    **dict.fromkeys((secrets.token_hex, secrets.token_urlsafe, secrets.choice, secrets.randbelow), _RUN),
    **dict.fromkeys((uuid.uuid1, uuid.uuid4), _UUID),
    **dict.fromkeys((open, input, os.urandom, os.getenv), _RUN),
    **dict.fromkeys((asyncio.gather, asyncio.wait, asyncio.create_task, asyncio.ensure_future), _TASKS),
    asyncio.sleep: "a time limit: ask(..., timeout=...)",
    asyncio.wait_for: "a time limit: ask(..., timeout=...)",
}
_DATES: Final = (datetime.datetime, datetime.date)
_DATE_NAMES: Final = frozenset({"now", "utcnow", "today"})
#: Packages whose every call leaves the process.
_OUTSIDE: Final = frozenset({"aiohttp", "httpx", "requests", "socket", "subprocess", "urllib3"})
_DEPTH: Final = 3


def faults_of(fn: Callable[..., Any]) -> list[str]:
    """Return what is wrong with *fn*: where, what is called, and what to write instead."""
    return list(_faults(fn, set(), _DEPTH))


def _faults(fn: Callable[..., Any], seen: set[Any], depth: int) -> Iterator[str]:
    if fn in seen or depth < 0:
        return
    seen.add(fn)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(fn)))
    except (OSError, TypeError, SyntaxError):  # typed in at a prompt, say
        return
    code, names = fn.__code__, {**vars(builtins), **fn.__globals__}
    for call in _calls(tree.body[0]):
        called = _resolve(call.func, names)
        fix = _fix(call, called, names)
        if fix is not None:
            line = code.co_firstlineno + call.lineno - 1
            yield f"{code.co_filename}:{line}: {ast.unparse(call.func)}() is not the same in a replay; write {fix}"
        elif inspect.isfunction(called) and called.__module__ == fn.__module__:
            yield from _faults(called, seen, depth - 1)


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """Find the calls that a function makes itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls(child)


def _resolve(node: ast.expr, names: dict[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _resolve(node.value, names)
        return None if owner is None else inspect.getattr_static(owner, node.attr, None)
    return None


def _fix(call: ast.Call, called: Any, names: dict[str, Any]) -> str | None:
    if isinstance(call.func, ast.Attribute) and call.func.attr in _DATE_NAMES:
        return _NOW if _resolve(call.func.value, names) in _DATES else None
    if called is None:
        return None
    try:
        fix = _FIXES.get(called)
    except TypeError:  # it cannot be hashed
        return None
    module = getattr(called, "__module__", None) or ""
    return fix or (_RUN if isinstance(module, str) and module.partition(".")[0] in _OUTSIDE else None)
