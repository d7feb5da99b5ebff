"""Run every benchmark, one process each.

python benchmarks/run.py [--quick]     print the tables
python benchmarks/run.py --write       put them into benchmarks/README.md
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from _measure import versions

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
#: make bench is to be done in a few minutes; the full million is "python benchmarks/memory.py".
PROGRAMS = (
    ("dispatch.py",),
    ("answers.py",),
    ("questions.py",),
    ("ptb.py",),
    ("telebot_async.py",),
    ("telebot_threads.py",),
    ("storages.py",),
    ("storages_sqlite.py",),
    ("storages_redis.py",),
    ("durable.py",),
    ("durable_peers.py",),
    ("durable_memory.py",),
    ("memory.py", "100000"),
)
_TABLES = re.compile(r"(?<=<!-- tables -->\n).*?(?=<!-- /tables -->)", re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="see that they run; the figures say little")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/README.md")
    given = parser.parse_args()
    options = [name for name in ("--quick",) if given.quick] + ["--markdown"] * given.write
    tables, failed = "", list[str]()
    for program, *arguments in PROGRAMS:
        began = time.monotonic()
        command = [sys.executable, str(HERE / program), *arguments, *options]
        done = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE if given.write else None)
        tables += done.stdout or ""
        failed += [program] * bool(done.returncode)
        print(f"{program}: {time.monotonic() - began:.0f} s{', failed' * bool(done.returncode)}", file=sys.stderr)
    if given.write:
        text = README.read_text("utf-8")
        README.write_text(_TABLES.sub(lambda _: f"\n{versions()}\n{tables}\n", text), "utf-8")
        print(f"written: {README.relative_to(HERE.parent)}")
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
