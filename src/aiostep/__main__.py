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


def plugins(argv: Sequence[str]) -> int:
    """List the plugins and how they are; the exit status is 1 if one is broken."""
    parser = argparse.ArgumentParser(prog="python -m aiostep plugins", description=plugins.__doc__)
    parser.parse_args(argv)
    from aiostep_core.plugins import default_plugins

    rows = default_plugins().describe()
    if not rows:
        print("No plugin is installed.")
    for line in aligned([(one.name, one.distribution or "", one.version or "", one.state, one.detail) for one in rows]):
        print(line)
    return int(any(one.state in ("broken", "conflict") for one in rows))


def conformance(argv: Sequence[str]) -> int:
    """Run the contract of adapters on an installed one and print what it keeps, a line per level."""
    try:
        from aiostep_testing.contract.command import main
    except ModuleNotFoundError as error:
        if error.name != "pytest":
            raise
        print("conformance: this needs pytest; pip install 'aiostep[testing]'", file=sys.stderr)
        return 2
    return main(argv)


def inspect(argv: Sequence[str]) -> int:
    """Show who waits for what in a storage, and how much is in it; nothing is changed."""
    from aiostep_core.inspecting import main

    return main(argv)


def journals(argv: Sequence[str]) -> int:
    """Write the journals of durable conversations into files, for tests that replay them."""
    from aiostep_testing.recorded.command import main

    return main(argv)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Make lines of *rows*, each column as wide as its longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


COMMANDS: Final[Mapping[str, Command]] = {
    "conformance": conformance,
    "inspect": inspect,
    "journals": journals,
    "play": play,
    "plugins": plugins,
}
"""Every command imports what it needs when it is called: the help text must not wait for a framework."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    lines = [f"  {name:<11} {(command.__doc__ or '').splitlines()[0]}" for name, command in COMMANDS.items()]
    parser = argparse.ArgumentParser(
        prog="python -m aiostep",
        description="Tools for bots that use aiostep.",
        epilog="\n".join(["commands:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=sorted(COMMANDS), metavar="COMMAND", help="one of the commands below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="COMMAND --help explains them")
    if not (sys.argv[1:] if argv is None else argv):
        parser.print_help(sys.stderr)
        return 2
    options = parser.parse_args(argv)
    return COMMANDS[options.command](options.arguments)


if __name__ == "__main__":
    sys.exit(main())
