"""Run a bot script, unmodified, against the emulator: `python boot.py SCRIPT [ARGUMENT ...]`.

This file is run by its path in the child process, so that the script meets a fresh interpreter: it must
import nothing but the standard library, and nothing the script would have to pay for.

The emulator's address comes in `AIOSTEP_BOT_API`; a script that sets its own base URL reads it from there. A
library is patched when the script imports it and not before, and only where its default address stands: what
the author chose himself stays.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Sequence
from pathlib import Path

ADDRESS = "AIOSTEP_BOT_API"
TELEGRAM = "https://api.telegram.org"
TOKEN = "42:PLAY"
TOKEN_NAMES = ("BOT_TOKEN", "TELEGRAM_BOT_TOKEN", "TELEGRAM_TOKEN", "TOKEN", "API_TOKEN")

Patch = Callable[[types.ModuleType, str], None]


def redirect_aiogram(module: types.ModuleType, base: str) -> None:
    """Redirect the server objects that every session defaults to."""
    for name, infix in (("PRODUCTION", ""), ("TEST", "test/")):
        server = getattr(module, name)
        # A frozen dataclass that other modules have imported by value: it can only be changed underneath.
        object.__setattr__(server, "base", f"{base}/bot{{token}}/{infix}{{method}}")
        object.__setattr__(server, "file", f"{base}/file/bot{{token}}/{{path}}")


def redirect_ptb(module: types.ModuleType, base: str) -> None:
    """Redirect every `telegram.Bot` that is made with the default URLs."""
    original = module.Bot.__init__
    defaults = {"base_url": "/bot", "base_file_url": "/file/bot"}

    def __init__(self: object, token: str, *args: object, **options: object) -> None:
        positional = list(args)
        for position, (name, path) in enumerate(defaults.items()):
            if position < len(positional):
                if str(positional[position]).startswith(TELEGRAM):
                    positional[position] = base + path
            elif str(options.get(name, TELEGRAM)).startswith(TELEGRAM):
                options[name] = base + path
        original(self, token, *positional, **options)

    module.Bot.__init__ = __init__


def redirect_telebot(module: types.ModuleType, base: str) -> None:
    """Redirect the two module variables of `telebot.apihelper` and `telebot.asyncio_helper`."""
    module.__dict__["API_URL"] = base + "/bot{0}/{1}"
    module.__dict__["FILE_URL"] = base + "/file/bot{0}/{1}"


PATCHES: dict[str, Patch] = {
    "aiogram.client.telegram": redirect_aiogram,
    "telegram._bot": redirect_ptb,
    "telebot.apihelper": redirect_telebot,
    "telebot.asyncio_helper": redirect_telebot,
}


class RedirectFinder(importlib.abc.MetaPathFinder):
    """Patch the modules named in PATCHES right after they were executed."""

    def __init__(self, base: str) -> None:
        self._base = base

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        patch = PATCHES.get(fullname)
        if patch is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: types.ModuleType) -> None:
            execute(module)
            patch(module, self._base)

        # A loader object belongs to one spec, so this changes nothing but the import of this module.
        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def end_with_parent() -> None:
    """Interrupt this process when its standard input is closed, and give the script an empty one.

    A player that was killed can send no signal; the end of the pipe arrives nevertheless.
    """
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(lifeline, 1):
                pass
        os.kill(os.getpid(), signal.SIGINT if os.name == "posix" else signal.SIGTERM)

    threading.Thread(target=watch, name="aiostep-play-lifeline", daemon=True).start()


def show_traceback(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
    """Print the traceback as Python would for the script alone: without the frames of this file."""
    # In a session of its own, this process is interrupted by nobody but the player.
    if issubclass(kind, KeyboardInterrupt):
        return
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


def run(script: str) -> None:
    """Execute the file as `__main__`, as `python SCRIPT` does."""
    # Not runpy.run_path: it empties the script's globals when the last line is done, under threads that still
    # run.
    code = compile(Path(script).read_bytes(), script, "exec")
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=script, __builtins__=__builtins__)
    sys.modules["__main__"] = main
    exec(code, main.__dict__)


def boot() -> None:
    """Prepare the interpreter and run the script named on the command line."""
    script = str(Path(sys.argv[1]).absolute())
    for name in TOKEN_NAMES:
        os.environ.setdefault(name, TOKEN)
    sys.argv = sys.argv[1:]
    # Python put the directory of this file there (unless told not to), and the script must not see our
    # modules.
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = str(Path(script).parent)
    sys.meta_path.insert(0, RedirectFinder(os.environ[ADDRESS].rstrip("/")))
    sys.excepthook = show_traceback
    end_with_parent()
    run(script)


if __name__ == "__main__":
    boot()
