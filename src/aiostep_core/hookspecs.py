"""What a plugin of aiostep may implement, and what it must keep to.

A plugin is a module with functions named as those below and marked ``@hookimpl``. Its distribution announces it::

    [project.entry-points."aiostep.plugins"]
    telethon = "aiostep_telethon.plugin"

The entry's name is the plugin's and its adapter's name. Such a module is imported on machines that do not have the
framework, so it must not import it; the adapter that it returns may.

Hooks are plain functions and have no options. They may leave out arguments that they do not need, and are only called
while something is being installed, never for an update.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pluggy

from .errors import BadArgument

if TYPE_CHECKING:
    from .abc import Adapter, Question
    from .engine import Engine
    from .storages.abc import Records, StateStorage, StepStorage

__all__ = ["API_VERSION", "NAME", "PluginInfo", "build_adapter", "hookimpl"]

NAME: Final = "aiostep"

#: Changes when a plugin written for the version before could not work any more.
API_VERSION: Final = 1

hookspec = pluggy.HookspecMarker(NAME)
#: Marks a plugin's functions.
hookimpl = pluggy.HookimplMarker(NAME)

#: What everybody can pass, who may have misspelt it.
OF_INSTALL: Final = "those of install() itself: storage, engine, cancel_words, texts, translate"

AdapterT = TypeVar("AdapterT", bound="Adapter[Any]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """What a plugin says of itself.

    Attributes:
        name: the entry point's name.
        api_version: the version of these hooks that it was written for.
        requires: the distributions it needs, such as "aiogram>=3.4,<4"; the comparisons are == != < <= > >=, of
            numbers. As long as one is not installed, the plugin is left alone.
        capabilities: names of the optional things that its adapter can do.
    """

    name: str
    api_version: int = API_VERSION
    requires: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        requires: object = self.requires
        if isinstance(requires, str):  # whose letters would be taken for names
            raise BadArgument("requires", requires, 'a tuple of texts, such as ("aiogram>=3.4,<4",)')


@hookspec
def aiostep_plugin_info() -> PluginInfo:  # type: ignore[empty-body]
    """Describe the plugin. Every plugin must implement this; it is called right after the plugin's import."""


@hookspec(firstresult=True)
def aiostep_make_adapter(target: object, options: Mapping[str, Any]) -> Adapter[Any] | None:
    """Return an adapter for *target* (a dispatcher, an application, a bot), or None if it is not yours.

    Must not change the target: that is for ``Adapter.install``, once it is certain that no other plugin claims it.
    Must know its targets by class, subclasses too, and must not import the framework to find out: whoever holds a
    target has imported it, so ``sys.modules`` has it.

    Args:
        options: what ``install`` was given beside its own arguments; ``build_adapter`` refuses unknown ones.
    """


@hookspec(firstresult=True)
def aiostep_make_storage(url: str, options: Mapping[str, Any]) -> Records | StateStorage | StepStorage | None:
    """Return a storage for *url*, or None if its scheme is not yours. Must not connect yet.

    ``Records``, on which everything is kept; or a ``StateStorage`` that has them as its ``records``; or a
    ``StepStorage``, which keeps only steps.
    """


@hookspec(firstresult=True)
def aiostep_make_question(annotation: object) -> Question[Any] | None:
    """Return the question that *annotation*, the second argument of ``ask``, stands for, or None if it is not yours.

    Asked once for each annotation that is not built in; the question is kept.
    """


@hookspec
def aiostep_engine_created(engine: Engine) -> None:
    """Add to a new engine what it shall have from its first update on. It is installed, and no update was seen yet."""


def build_adapter(adapter: Callable[..., AdapterT], target: object, options: Mapping[str, Any]) -> AdapterT:
    """Call an adapter's class with *target* and *options*, for ``aiostep_make_adapter``.

    Raises:
        BadArgument: the class has no such option.
    """
    parameters = list(inspect.signature(adapter).parameters.values())[1:]
    known = [one.name for one in parameters if one.kind not in (one.POSITIONAL_ONLY, one.VAR_POSITIONAL)]
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    for name, value in options.items():
        if not takes_any and name not in known:
            theirs = ", ".join(known) or "none"
            raise BadArgument(f"option {name}", value, f"only the adapter's options: {theirs}; or {OF_INSTALL}")
    return adapter(target, **options)
