"""The command line: `python -m aiostep COMMAND ...`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

Command = Callable[[Sequence[str]], int]


def play(argv: Sequence[str]) -> int:
    """Chat with a bot script on this machine, without a token and without the internet."""
    from aiostep_testing.play.cli import main

    return main(argv)


COMMANDS: Final[Mapping[str, Command]] = {"play": play}
"""Every command imports what it needs when it is called: the help text must not wait for a framework."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    lines = [f"  {name:<10} {(command.__doc__ or '').splitlines()[0]}" for name, command in COMMANDS.items()]
    parser = argparse.ArgumentParser(
        prog="python -m aiostep",
        description="Tools for bots that use aiostep.",
        epilog="\n".join(["commands:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=sorted(COMMANDS), metavar="COMMAND", help="one of the commands below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="COMMAND --help explains them")
    options = parser.parse_args(argv)
    return COMMANDS[options.command](options.arguments)


if __name__ == "__main__":
    sys.exit(main())
