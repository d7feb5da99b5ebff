"""`python -m aiostep play`: the command line of the player."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from aiostep_testing.play import boot
from aiostep_testing.play.process import PlayError, check_script, shell_status

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Play with a bot script; return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # What stands behind "--" is the script's, even if it looks like an option of ours.
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    options, extra = _parser().parse_known_args(arguments[:cut])
    return _run(options, [*extra, *arguments[cut + 1 :]])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aiostep play",
        usage="%(prog)s SCRIPT [--cli | --live] [--wait SECONDS] [SCRIPT ARGUMENT ...]",
        description="Run your own, unmodified bot script against an emulated Telegram and talk to it.",
        allow_abbrev=False,
    )
    parser.add_argument("script", metavar="SCRIPT", type=Path, help="the Python file that starts your bot")
    parser.add_argument("--cli", action="store_true", help="chat in this terminal; there is no web page yet")
    parser.add_argument("--live", action="store_true", help="run the script against Telegram; needs BOT_TOKEN")
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=_seconds,
        default=10.0,
        help="how long the script may take to connect (10)",
    )
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds")
    return seconds


def _run(options: argparse.Namespace, arguments: list[str]) -> int:
    try:
        check_script(options.script)
        if options.live:
            return _live(options.script, arguments)
        if not options.cli:
            raise PlayError("the web page comes in a later version; add --cli to chat in this terminal")
        return _chat(options.script, arguments, options.wait)
    except PlayError as exc:
        print(f"play: {exc}", file=sys.stderr)
        return exc.status
    except KeyboardInterrupt:
        return INTERRUPTED


def _chat(script: Path, arguments: list[str], wait: float) -> int:
    from aiostep_testing.play.terminal import chat

    try:
        return asyncio.run(_interruptible(chat(script, arguments, wait=wait)))
    except asyncio.CancelledError:
        return INTERRUPTED


async def _interruptible(talk: Coroutine[Any, Any, int]) -> int:
    """Let Ctrl-C cancel the chat: before Python 3.11 asyncio lets it strike whatever task is running."""
    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    return await talk


def _live(script: Path, arguments: list[str]) -> int:
    """Run the script untouched, as `python SCRIPT` would."""
    if not os.environ.get("BOT_TOKEN"):
        raise PlayError("--live talks to Telegram and needs a token: set the environment variable BOT_TOKEN")
    environment = {name: value for name, value in os.environ.items() if name != boot.ADDRESS}
    process = subprocess.Popen([sys.executable, str(script), *arguments], env=environment)
    while True:
        try:
            return shell_status(process.wait())
        except KeyboardInterrupt:
            # Ctrl-C reached the bot as well; leave it the time to stop, which may be seconds.
            continue
