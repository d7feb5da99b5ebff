"""``python -m aiostep journals``: from a storage to files that a test replays."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial

import anyio

from aiostep_core.errors import AiostepError

from .exporting import export_journals

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    about = "Write the journals of durable conversations into files, for tests that replay them with replay_journals()."
    parser = argparse.ArgumentParser(prog="python -m aiostep journals", description=about)
    parser.add_argument("url", help="where the bot keeps things: sqlite:///bot.db, redis://localhost/0, ...")
    parser.add_argument("folder", help="where the files go; it is made if it is not there")
    parser.add_argument("--prefix", help="what the bot's keys in Redis begin with, if not aiostep")
    parser.add_argument(
        "--name", action="append", default=[], help="only durable conversations of this name; again for more"
    )
    parser.add_argument("--limit", type=int, help="so many of each name at most")
    parser.add_argument("--redact", action="store_true", help="mask what people wrote and who they are")
    parser.add_argument(
        "--keep", action="append", default=[], metavar="QUESTION", help="mask all but the answers to it; again for more"
    )
    options = parser.parse_args(argv)
    more = {} if options.prefix is None else {"prefix": options.prefix}
    export = partial(export_journals, names=options.name, limit=options.limit, redact=options.redact, keep=options.keep)
    try:
        written = anyio.run(partial(export, **more), options.url, options.folder)
    except AiostepError as error:
        sys.stderr.write(f"journals: {error}\n")
        return 1
    sys.stdout.write("".join(f"{path}\n" for path in written) or "No durable conversation is going on.\n")
    return 0
