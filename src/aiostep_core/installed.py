"""Which engines are installed where, and what can be done with them from outside handlers."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Mapping
from typing import Any

from .abc import Adapter, StepStorage
from .context import Turn, current_turn
from .engine import CANCEL_WORDS, Engine
from .errors import AlreadyInstalled, BadArgument, NotInstalled
from .reports import Exit, Pending
from .runtime import Runtime
from .storages import MemorySteps
from .texts import Texts, Translate

__all__ = [
    "cancel",
    "clear",
    "engine_of",
    "install",
    "install_adapter",
    "on_exit",
    "open_steps",
    "pending",
    "runtime_of",
    "runtime_with",
    "was_given_storage",
]

# The targets hold their engines, by way of the hooks in them; nothing here keeps either alive.
_by_target: weakref.WeakKeyDictionary[Any, weakref.ref[Engine]] = weakref.WeakKeyDictionary()
# What was passed as the storage, to know it again.
_storages: weakref.WeakKeyDictionary[Engine, object] = weakref.WeakKeyDictionary()


def install(
    target: Any,
    *,
    storage: object = None,
    engine: Engine | None = None,
    cancel_words: Collection[str] = CANCEL_WORDS,
    texts: Mapping[str, Mapping[str, str]] | None = None,
    translate: Translate | None = None,
    **options: Any,
) -> Engine:
    """Make conversations work on *target*: a dispatcher, application or bot of any framework that has an adapter.

    The one line a bot needs. It may come before or after the handlers. Again on the same target it returns the same
    engine.

    Args:
        storage: where next steps and durable conversations are kept: None or "memory://" for this process; or what
            ``open_storage`` takes, such as "sqlite:///bot.db" or "redis://localhost", or returns; or a ``StepStorage``.
        engine: serve the target with this engine, so that several targets share their conversations.
        cancel_words: what a person writes to leave: "/cancel" is a command, "stop" the whole text of a message.
        texts: what aiostep says to people, in your words: ``{"en": {"again": "Once more, please."}}``.
        translate: a function of (name, language code, values) that is asked first about everything it says; None as
            its result is the built-in text. See the guide to texts.
        options: the adapter's own.

    Raises:
        UnsupportedTarget: no adapter knows *target*; the message names those there are and how to get them.
        AlreadyInstalled: *target* has another engine, or was installed with other options.
        BadArgument: an argument makes no sense, or the adapter has no such option.
        PluginError, PluginConflict: a plugin is broken, or two are one too many.
    """
    if (installed := engine_of(target)) is not None and not options:
        return _again(installed, target, engine, options, storage, cancel_words, (texts, translate))
    from .plugins import default_plugins

    plugins = default_plugins()
    adapter = plugins.make_adapter(target, options)
    words: dict[str, Any] = {"cancel_words": cancel_words, "texts": texts, "translate": translate}
    made = install_adapter(adapter, storage=storage, engine=engine, **words)
    if engine is None and made is not installed:
        try:
            plugins.engine_created(made)
        except BaseException:
            made.uninstall()
            raise
    return made


def install_adapter(
    adapter: Adapter[Any],
    *,
    storage: object = None,
    engine: Engine | None = None,
    cancel_words: Collection[str] = CANCEL_WORDS,
    texts: Mapping[str, Mapping[str, str]] | None = None,
    translate: Translate | None = None,
) -> Engine:
    """Do what ``install`` does, with an adapter at hand and without asking any plugin."""
    target = adapter.target
    if (installed := engine_of(target)) is not None:
        return _again(installed, target, engine, adapter.options, storage, cancel_words, (texts, translate))
    if engine is None:
        _check_words(cancel_words)
        engine = Engine(cancel_words=cancel_words, texts=Texts(texts, translate))
        (adapter.runtime_class or Runtime)(engine, open_steps(storage))
        _storages[engine] = storage
    else:
        _check_passed(engine, storage, cancel_words, (texts, translate))
    adapter.install(engine.runtime)
    engine.runtime.reopen()
    engine.runtime.adapters.append(adapter)
    _by_target[target] = weakref.ref(engine)
    return engine


def engine_of(target: Any) -> Engine | None:
    """Return the engine installed on *target*, or None."""
    try:
        reference = _by_target.get(target)
    except (TypeError, RuntimeError):  # not hashable, or not yet, or not weakly referable: no target
        return None
    engine = reference() if reference is not None else None
    return engine if engine is not None and engine.runtime.adapters else None


def was_given_storage(engine: Engine) -> bool:
    """Tell whether whoever installed *engine* has said where things are kept, be it in memory."""
    return _storages.get(engine) is not None


def runtime_of(turn: Turn | None) -> Runtime:
    """Return the runtime of *turn*, or else of the only engine there is.

    Raises:
        NotInstalled: there is none, or several.
    """
    if turn is not None:
        return turn.runtime
    engines = _engines()
    if len(engines) != 1:
        raise NotInstalled(len(engines))
    return engines[0].runtime


def runtime_with(bot_id: int) -> Runtime | None:
    """Return the runtime of the engine that has this bot, or None."""
    return next((one.runtime for one in _engines() if bot_id in one.runtime.bot_ids()), None)


def _engines() -> list[Engine]:
    referred = [one() for one in list(_by_target.values())]
    return list({id(one): one for one in referred if one is not None and one.runtime.adapters}.values())


def cancel(target: Any = None, *, user: int | None = None, chat: int | None = None, reason: str = "code") -> int:
    """End conversations; their waits raise ``WaitCancelled`` with *reason*. Return how many those were.

    Args:
        target: as for ``wait_for``. Without any argument, in a handler: the other conversations with whoever is
            being handled.
        user: those with this person, anywhere.
        chat: those in this chat.

    Raises:
        NotInstalled, NoTarget, BadArgument: as for ``wait_for``.
    """
    return runtime_of(current_turn.get()).engine.cancel(target, user=user, chat=chat, reason=reason)


async def pending() -> list[Pending]:
    """List who waits for what, oldest first: waits and registered steps."""
    return await runtime_of(current_turn.get()).pending()


async def clear() -> int:
    """End every conversation with reason "code" and drop every registered step; return how many those were."""
    runtime = runtime_of(current_turn.get())
    return runtime.engine.cancel_all("code") + await runtime.steps.storage.clear()


def on_exit(callback: Callable[[Exit], Any]) -> Callable[[Exit], Any]:
    """Have *callback*, plain or async, called when a conversation has ended; usable as a decorator."""
    runtime_of(current_turn.get()).on_exit.append(callback)
    return callback


def open_steps(storage: object) -> StepStorage:
    """Return the step storage that *storage* stands for.

    Raises:
        BadArgument: it stands for none.
        MissingRequirement: what the storage needs is not installed.
    """
    if isinstance(storage, StepStorage):
        return storage
    if storage is None or storage == "memory://":
        return MemorySteps()
    from .storages.opening import open_steps

    return open_steps(storage)


def _check_words(cancel_words: object) -> None:
    words: Any = cancel_words
    is_one = isinstance(cancel_words, str) or not isinstance(cancel_words, Collection)
    if is_one or not all(isinstance(word, str) and word for word in words):
        raise BadArgument("cancel_words", words, 'a collection of texts, such as ("/cancel", "stop")')


def _check_passed(
    engine: object,
    storage: object,
    cancel_words: Collection[str],
    texts: tuple[Mapping[str, Mapping[str, str]] | None, Translate | None],
) -> None:
    """Refuse to give an engine that is there already what it got when it was made.

    Raises:
        BadArgument: something of that sort was passed with it; or it is no engine.
    """
    if not isinstance(engine, Engine):
        raise BadArgument("engine", engine, "what install() returned for another target")
    if storage is not None:
        raise BadArgument("storage", storage, "nothing: the engine that was passed has a storage")
    if cancel_words is not CANCEL_WORDS and not engine.has_cancel_words(cancel_words):
        raise BadArgument("cancel_words", cancel_words, "nothing: the engine that was passed has cancel words")
    if not engine.texts.has(*texts):
        given = texts[0] if texts[0] is not None else texts[1]
        raise BadArgument("texts or translate", given, "nothing: the engine that was passed has texts")


def _again(
    installed: Engine,
    target: Any,
    engine: Engine | None,
    options: Any,
    storage: object,
    cancel_words: Collection[str],
    texts: tuple[Mapping[str, Mapping[str, str]] | None, Translate | None],
) -> Engine:
    """Return *installed* if it is what was asked for.

    Raises:
        AlreadyInstalled: it is not.
    """
    if engine is not None and engine is not installed:
        raise AlreadyInstalled(target)
    adapter = next(one for one in installed.runtime.adapters if one.target is target)
    if options and dict(options) != dict(adapter.options):
        raise AlreadyInstalled(target, f"is installed with {dict(adapter.options)}, not with {dict(options)}")
    if cancel_words is not CANCEL_WORDS and not installed.has_cancel_words(cancel_words):
        raise AlreadyInstalled(target, f"is installed with other cancel words than {tuple(cancel_words)}")
    if not installed.texts.has(*texts):
        raise AlreadyInstalled(target, "is installed with other texts, or another translate")
    if not _keeps_steps_in(installed, storage):
        raise AlreadyInstalled(target, "keeps its steps in another storage")
    return installed


def _keeps_steps_in(engine: Engine, storage: object) -> bool:
    kept, given = engine.runtime.steps.storage, _storages.get(engine)
    if storage == "memory://":
        return isinstance(kept, MemorySteps)
    return storage is None or storage is kept or storage is given or (isinstance(storage, str) and storage == given)
