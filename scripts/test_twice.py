"""Run the tests on the source tree and on the installed wheel, at the same time; the wheel's output comes last.

The wheel is spared what kills processes and servers and what goes through random programs: it has the same modules, and
what it could lack (a module, a script of Lua or SQL, a catalogue) is missed by any test that needs it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / "build" / "wheel-tests.log"
PLACE = "import sysconfig; print(sysconfig.get_path('purelib'))"

SPARED = (
    "tests/differential",
    "tests/durable/test_crashes.py",
    "tests/durable/test_equivalence.py",
    "tests/durable/test_kill.py",
    "tests/durable/test_kill_others.py",
    "tests/durable/test_workers_stored.py",
    "tests/repository",
    "tests/storages/test_redis_cluster.py",
    "tests/storages/test_redis_lost_answers.py",
    "tests/storages/test_redis_outages.py",
    "tests/storages/test_redis_processes.py",
    "tests/storages/test_sqlite_commits.py",
    "tests/storages/test_sqlite_processes.py",
    "tests/storages/test_steps_hammering.py",
    "tests/storages/test_steps_restart.py",
)


def start(python: Path, packages: str, output: int | None, *options: str) -> subprocess.Popen[str]:
    """Begin to run pytest; aiostep must come from the folder *packages*, or the run fails."""
    environment = {**os.environ, "AIOSTEP_EXPECT_ROOT": packages}
    command = [str(python), "-m", "pytest", *options, *sys.argv[1:]]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output, text=True)


def end(run: subprocess.Popen[str]) -> None:
    """End a run that is not over, as Ctrl-C does, so that it puts away what it has started."""
    run.send_signal(signal.SIGINT)
    try:
        run.wait(30)
    except subprocess.TimeoutExpired:
        run.kill()


def main() -> int:
    wheel = ROOT / ".venvs" / "wheel" / "bin" / "python"
    installed = subprocess.run([str(wheel), "-c", PLACE], check=True, capture_output=True, text=True).stdout.strip()
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w") as log:
        there = start(wheel, installed, log.fileno(), *(f"--ignore={path}" for path in SPARED))
        try:
            here = start(ROOT / ".venv" / "bin" / "python", "src", None)
            codes = [here.wait(), there.wait()]
        finally:
            end(there)
    sys.stdout.flush()
    print(LOG.read_text("utf-8"), end="", flush=True)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
