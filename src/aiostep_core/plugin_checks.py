"""Whether the functions of a plugin keep to ``hookspecs``: pluggy misreads or drops most of what is refused here."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from typing import Any, Final

from . import hookspecs
from .errors import PluginError

__all__ = ["check_hook", "check_hooks"]

Hooks = Mapping[str, Mapping[str, Any]]

_NO_EFFECT: Final = ("wrapper", "hookwrapper", "tryfirst", "trylast", "specname")
_NOT_PLAIN: Final = {
    "a coroutine function": inspect.iscoroutinefunction,
    "a generator function": inspect.isgeneratorfunction,
    "an async generator function": inspect.isasyncgenfunction,
}
_NEVER_PASSED: Final[Mapping[Any, str]] = {
    inspect.Parameter.KEYWORD_ONLY: "keyword-only",
    inspect.Parameter.VAR_POSITIONAL: "a catch-all",
    inspect.Parameter.VAR_KEYWORD: "a catch-all",
}


def check_hooks(plugin: object, name: str, marked: Hooks) -> None:
    """Look at every hook of *plugin*.

    Args:
        marked: the options of each function with ``@hookimpl``.

    Raises:
        PluginError: a hook would not be called, or without what it expects, or not give an answer.
    """
    known = [one for one in vars(hookspecs) if one.startswith(f"{hookspecs.NAME}_")]
    for hook in known:
        if hook in marked:
            check_hook(plugin, name, hook, marked[hook])
        elif inspect.isroutine(getattr(plugin, hook, None)):
            raise PluginError(name, f"has a function {hook} without @hookimpl; mark it")
    for hook, options in marked.items():
        if hook not in known and not options.get("optionalhook"):
            raise PluginError(name, f"has an unknown hook {hook}; there are: {', '.join(sorted(known))}")


def check_hook(plugin: object, name: str, hook: str, options: Mapping[str, Any]) -> None:
    """Look at one hook that there is a specification for.

    Raises:
        PluginError: as ``check_hooks``.
    """
    problem = _problem(getattr(plugin, hook), inspect.signature(getattr(hookspecs, hook)).parameters, options)
    if problem is not None:
        raise PluginError(name, f"has a hook {hook} that {problem}")


def _problem(function: Any, passed: Collection[str], options: Mapping[str, Any]) -> str | None:
    for kind, is_kind in _NOT_PLAIN.items():
        if is_kind(function):
            return f"is {kind}; make it a plain function"
    for option in _NO_EFFECT:
        if options.get(option):
            return f"is marked hookimpl({option}=...), which has no effect here; use @hookimpl alone"
    for parameter in inspect.signature(function).parameters.values():
        what = _NEVER_PASSED.get(parameter.kind)
        if what is None and parameter.default is not parameter.empty:
            what = "optional"
        if what is not None:
            return f"has the argument {parameter.name}, which is {what} and so never passed; make it a plain one"
        if parameter.name not in passed:
            return f"has the argument {parameter.name}; it can have: {', '.join(passed) or 'none'}"
    return None
