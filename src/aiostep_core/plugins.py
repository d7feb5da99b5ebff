"""Finds plugins, loads them one by one, checks that they keep to ``hookspecs``, and asks them.

Nothing happens at import. A plugin that cannot be loaded does not stop the others: it is named when it is asked for,
or when no other could do what was wanted.

    AIOSTEP_DISABLE_PLUGINS=a,b    leave these alone
    AIOSTEP_TRACE_PLUGINS=1        write every call of a hook to stderr
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

import pluggy

from . import hookspecs
from .abc import Adapter, Question
from .errors import AiostepError, BadArgument, MissingRequirement, PluginConflict, PluginError, UnsupportedTarget
from .hookspecs import API_VERSION, NAME, PluginInfo
from .plugin_checks import check_hook, check_hooks
from .requirements import Requirement, installed_version
from .storages.abc import Records, StateStorage, StepStorage

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .engine import Engine

__all__ = ["DISABLE", "GROUP", "TRACE", "PluginStatus", "Plugins", "default_plugins"]

logger = logging.getLogger("aiostep")

GROUP: Final = "aiostep.plugins"
DISABLE: Final = "AIOSTEP_DISABLE_PLUGINS"
TRACE: Final = "AIOSTEP_TRACE_PLUGINS"

#: "unavailable": what it needs is not installed. "conflict": another distribution has a plugin of that name.
State = Literal["loaded", "unavailable", "broken", "conflict", "disabled"]


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """How a plugin is; ``distribution`` and ``version`` are None for one that this process registered itself."""

    name: str
    distribution: str | None
    version: str | None
    state: State
    detail: str


class Plugins:
    """The plugins of one process.

    The environment's variables are read when this is made, what is installed when a plugin is first needed.
    """

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(NAME)
        self._manager.add_hookspecs(hookspecs)
        self._disabled = frozenset(name.strip() for name in os.environ.get(DISABLE, "").split(","))
        self._found: dict[str, list[EntryPoint]] | None = None
        self._failures: dict[str, PluginError] = {}
        self._details: dict[str, str] = {}
        if os.environ.get(TRACE, "0") not in ("", "0"):
            self._manager.add_hookcall_monitoring(_before, _after)

    # Finding and loading.

    def discover(self) -> Mapping[str, EntryPoint]:
        """Return the plugins that installed distributions offer, without the disabled ones; imports none of them.

        Raises:
            PluginConflict: two distributions offer one name.
        """
        return {name: self._entry(name) for name in self._entries() if name not in self._disabled}

    def load(self, name: str) -> None:
        """Import the plugin *name* and check it. Again is harmless; one that failed is tried anew.

        Raises:
            PluginError: there is none, it is disabled, cannot be imported, or does not keep to ``hookspecs``.
            MissingRequirement: what it needs is not installed.
            PluginConflict: two distributions offer it.
        """
        if name in self._disabled:
            raise PluginError(name, f"is switched off by {DISABLE}")
        if self._manager.has_plugin(name):
            return
        entry = self._entry(name)
        self._failures.pop(name, None)
        try:
            self._add(_imported(entry), name)
        except PluginError as error:
            self._failures[name] = error
            raise

    def register(self, plugin: object, name: str) -> None:
        """Add a plugin of this process: a module, or an object with the hooks as methods.

        Raises:
            PluginError: it does not keep to ``hookspecs``, or there is one of that name.
            MissingRequirement: what it needs is not installed.
        """
        if name in self._disabled:
            return
        if name in self._entries() or self._manager.has_plugin(name):
            raise PluginError(name, "is there already; register this one under another name")
        self._add(plugin, name)

    def _entries(self) -> dict[str, list[EntryPoint]]:
        if self._found is None:
            from importlib.metadata import entry_points

            self._found = {}
            for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name):
                self._found.setdefault(entry.name, []).append(entry)
        return self._found

    def _entry(self, name: str) -> EntryPoint:
        entries = self._entries().get(name, [])
        if not entries:
            raise PluginError(name, f"is not installed; there are: {', '.join(self._names()) or 'none'}")
        if len(entries) > 1:
            raise PluginConflict(name, map(_distribution, entries))
        return entries[0]

    def _load_all(self) -> None:
        for name in self.discover():
            if name not in self._failures:
                with contextlib.suppress(PluginError):
                    self.load(name)

    def _add(self, plugin: object, name: str) -> None:
        """Register *plugin* when nothing is wrong with it: pluggy keeps half of one that it refuses."""
        options = {one: self._manager.parse_hookimpl_opts(plugin, one) for one in dir(plugin)}
        marked = {hook: dict(given) for hook, given in options.items() if given is not None}
        info = self._info(plugin, name, marked)
        check_hooks(plugin, name, marked)
        self._details[name] = ", ".join(self._met(name, text) for text in info.requires)
        self._manager.register(plugin, name)

    def _info(self, plugin: Any, name: str, marked: Mapping[str, Mapping[str, Any]]) -> PluginInfo:
        """Ask first for the version: everything else may be wrong because that is."""
        hook = "aiostep_plugin_info"
        if hook not in marked:
            raise PluginError(name, f"has no hook {hook}; add one that returns a PluginInfo, and mark it @hookimpl")
        check_hook(plugin, name, hook, marked[hook])
        try:
            info: object = plugin.aiostep_plugin_info()
        except Exception as error:
            raise _failed(name, hook, error) from error
        if not isinstance(info, PluginInfo):
            raise PluginError(name, f"returned {info!r} from {hook}; expected a PluginInfo")
        if info.name != name:
            raise PluginError(name, f"calls itself {info.name!r}; make the two names the same")
        if info.api_version != API_VERSION:
            was = f"was written for version {info.api_version} of the plugin interface"
            raise PluginError(name, f"{was}, but this aiostep has version {API_VERSION}; update the older of the two")
        return info

    def _met(self, name: str, text: str) -> str:
        """Check that *text* is installed; return what is."""
        try:
            needed = Requirement.parse(text)
        except ValueError as error:
            raise PluginError(name, f"has a requirement that cannot be read: {error}") from error
        version = installed_version(needed.name)
        if version is None:
            raise MissingRequirement(name, text, self._command(name, text))
        if not needed.admits(version):
            problem = f"needs {text}, but {needed.name} {version} is installed"
            raise PluginError(name, f"{problem}; {self._command(name, text)}")
        return f"{needed.name} {version}"

    def _command(self, name: str, text: str) -> str:
        """Return what to type so that *text* is installed: an extra of the plugin's name, if there is one."""
        for entry in self._entries().get(name, ()):
            if entry.dist is not None and name in (entry.dist.metadata.get_all("Provides-Extra") or ()):
                return f"pip install '{entry.dist.name}[{name}]'"
        return f"pip install '{text}'"

    # Asking.

    def make_adapter(self, target: object, options: Mapping[str, Any]) -> Adapter[Any]:
        """Return the adapter of the one plugin that claims *target*.

        Raises:
            UnsupportedTarget: no plugin does.
            BadArgument: its adapter has no such option.
            PluginError: two plugins do, or one failed and no other does.
            PluginConflict: two distributions offer one name.
        """
        self._load_all()
        what = f"this {type(target).__qualname__}"
        given = {"target": target, "options": MappingProxyType(dict(options))}
        adapter: Adapter[Any] | None = self._ask("aiostep_make_adapter", Adapter, what, given)
        if adapter is None:
            raise UnsupportedTarget(target, self._names(), self._hints())
        return adapter

    def make_storage(self, url: str, options: Mapping[str, Any]) -> Records | StateStorage | StepStorage:
        """Return the storage of the one plugin that knows *url*.

        Raises:
            BadArgument: no plugin does.
            PluginError: two plugins do, or one failed and no other does.
            PluginConflict: two distributions offer one name.
        """
        self._load_all()
        scheme = f"{url.partition(':')[0]}://..."  # the rest may hold a password
        given = {"url": url, "options": MappingProxyType(dict(options))}
        kinds = (Records, StateStorage, StepStorage)
        storage: Records | StateStorage | StepStorage | None = self._ask("aiostep_make_storage", kinds, scheme, given)
        if storage is None:
            expected = '"memory://", "sqlite:///bot.db", "redis://host:6379/0", or a URL that a plugin knows'
            raise BadArgument("storage", scheme, "; ".join([expected, *self._hints(but_ours=True)]))
        return storage

    def make_question(self, annotation: object) -> Question[Any] | None:
        """Return the question that *annotation* stands for in the one plugin that knows it, or None.

        Raises:
            PluginError: two plugins do, or one failed and no other does.
            PluginConflict: two distributions offer one name.
        """
        self._load_all()
        made: Question[Any] | None = self._ask(
            "aiostep_make_question", Question, repr(annotation), {"annotation": annotation}
        )
        return made

    def engine_created(self, engine: Engine) -> None:
        """Tell every plugin that *engine* is there.

        Raises:
            PluginError: a plugin failed.
            PluginConflict: two distributions offer one name.
        """
        self._load_all()
        for name in self._loaded():
            try:
                self._call(name, "aiostep_engine_created", engine=engine)
            except Exception as error:
                raise _failed(name, "aiostep_engine_created", error) from error

    def _ask(self, hook: str, kind: type[Any] | tuple[type[Any], ...], what: str, given: Mapping[str, object]) -> Any:
        """Ask every plugin for a *kind* of thing: the first answer would hide that two know *what*."""
        answers: dict[str, object] = {}
        failures: list[PluginError] = []
        for name in self._loaded():
            try:
                answer = self._call(name, hook, **given)
            except AiostepError:
                raise
            except Exception as error:  # noqa: BLE001 - another plugin may do it
                failures.append(_failed(name, hook, error))
                continue
            if answer is not None and not isinstance(answer, kind):
                kinds = ", ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
                raise PluginError(name, f"returned {answer!r} from {hook}; expected {kinds} or None")
            if answer is not None:
                answers[name] = answer
        if len(answers) > 1:
            first, second, *_ = answers
            raise PluginError(first, f"and plugin {second!r} both claim {what}; switch one off with {DISABLE}={second}")
        if failures and not answers:
            raise failures[0]
        for failure in failures:
            logger.warning("%s", failure)
        return next(iter(answers.values()), None)

    def _call(self, name: str, hook: str, **arguments: object) -> Any:
        others = [plugin for other, plugin in self._manager.list_name_plugin() if other != name]
        caller = self._manager.subset_hook_caller(hook, others)
        return caller(**arguments) if caller.get_hookimpls() else None

    # Telling.

    def describe(self) -> list[PluginStatus]:
        """Load what can be loaded and say how each plugin is; raises nothing for a broken one."""
        rows: list[PluginStatus] = []
        for name in self._names():
            state, detail = self._state(name)
            dists = [entry.dist for entry in self._entries().get(name, ())] or [None]
            for dist in dists:
                owner, version = (dist.name, dist.version) if dist is not None else (None, None)
                rows.append(PluginStatus(name, owner, version, state, detail))
        return rows

    def _state(self, name: str) -> tuple[State, str]:
        try:
            self.load(name)
        except PluginConflict as error:
            return "conflict", str(error)
        except MissingRequirement as error:
            return "unavailable", str(error)
        except PluginError as error:
            return "disabled" if name in self._disabled else "broken", str(error)
        return "loaded", self._details[name]

    def _loaded(self) -> list[str]:
        return sorted(name for name, plugin in self._manager.list_name_plugin() if plugin is not None)

    def _names(self) -> list[str]:
        return sorted({*self._entries(), *self._loaded()})

    def _hints(self, *, but_ours: bool = False) -> Iterable[str]:
        """Say what could be missing, one sentence each; of our own plugins, which bring adapters only, if need be."""
        names = self._names()
        if not names:
            # A frozen program, as a rule: it lacks the metadata of its distributions.
            yield "no distribution offers any; import one yourself: from aiostep_<framework> import adapter"
        for name in names:
            if but_ours and any(
                one.dist is not None and one.dist.name == NAME for one in self._entries().get(name, ())
            ):
                continue
            if name in self._disabled:
                yield f"plugin {name!r} is switched off by {DISABLE}"
            elif name in self._failures:
                yield str(self._failures[name])


@functools.cache
def default_plugins() -> Plugins:
    """Return the plugins that ``aiostep.install`` asks."""
    return Plugins()


def _imported(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except Exception as error:
        problem = f"cannot be imported: {type(error).__name__}: {error}"
        raise PluginError(entry.name, f"of {_distribution(entry)} {problem}") from error


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "an unknown distribution"


def _failed(name: str, hook: str, error: Exception) -> PluginError:
    failure = PluginError(name, f"failed in {hook}: {type(error).__name__}: {error}")
    failure.__cause__ = error
    return failure


def _before(*_: object) -> None:
    pass


def _after(outcome: Any, hook: str, implementations: Any, arguments: Mapping[str, object]) -> None:
    """Write one call to stderr: types only, since a value may hold a token or a password."""
    names = ", ".join(one.plugin_name for one in implementations)
    given = ", ".join(f"{name}: {type(value).__qualname__}" for name, value in arguments.items())
    error = outcome.exception
    result = f"raised {type(error).__qualname__}" if error is not None else type(outcome.get_result()).__qualname__
    sys.stderr.write(f"aiostep: {names}: {hook}({given}) -> {result}\n")
