"""Run the tests on the source tree and on the installed wheel, all at the same time; the wheel's output comes last.

Most tests wait more than they count, so the tree's are two runs: storages, with what kills processes and servers,
random programs and whole programs in the one, and the rest in the other. The wheel is spared what takes long, and what
looks at the project rather than at its modules (pages, examples, the repository): it has the same modules, and what it
could lack (a module, a script of Lua or SQL, a catalogue) is missed by any test that needs it. With arguments for
pytest both runs are what they say.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / "build"
PLACE = "import sysconfig; print(sysconfig.get_path('purelib'))"

BESIDE = (
    "tests/adapter_plugin",
    "tests/differential",
    "tests/docs",
    "tests/durable/test_crashes.py",
    "tests/durable/test_crashes_everywhere.py",
    "tests/durable/test_equivalence.py",
    "tests/durable/test_equivalence_everywhere.py",
    "tests/durable/test_kill.py",
    "tests/durable/test_kill_others.py",
    "tests/examples",
    "tests/storages",
)
SPARED = (
    *(path for path in BESIDE if path != "tests/storages"),
    "tests/core/test_machine.py",
    "tests/durable/test_damage.py",
    "tests/durable/test_workers_stored.py",
    "tests/repository",
    "tests/storages/test_redis_cluster.py",
    "tests/storages/test_redis_lost_answers.py",
    "tests/storages/test_redis_outages.py",
    "tests/storages/test_redis_processes.py",
    "tests/storages/test_redis_tls.py",
    "tests/storages/test_sqlite_commits.py",
    "tests/storages/test_sqlite_model.py",
    "tests/storages/test_sqlite_processes.py",
    "tests/storages/test_steps_hammering.py",
    "tests/storages/test_steps_restart.py",
    "tests/testing_http",
)


def start(python: Path, packages: str, log: TextIO | None, *options: str) -> subprocess.Popen[str]:
    """Begin to run pytest; aiostep must come from the folder *packages*, or the run fails."""
    environment = {**os.environ, "AIOSTEP_EXPECT_ROOT": packages}
    command = [str(python), "-m", "pytest", *options, *sys.argv[1:]]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, text=True)


def end(run: subprocess.Popen[str]) -> None:
    """End a run that is not over, as Ctrl-C does, so that it puts away what it has started."""
    run.send_signal(signal.SIGINT)
    try:
        run.wait(30)
    except subprocess.TimeoutExpired:
        run.kill()


def main() -> int:
    tree, wheel = ROOT / ".venv" / "bin" / "python", ROOT / ".venvs" / "wheel" / "bin" / "python"
    installed = subprocess.run([str(wheel), "-c", PLACE], check=True, capture_output=True, text=True).stdout.strip()
    LOGS.mkdir(exist_ok=True)
    is_whole = len(sys.argv) == 1
    without_beside, spared = ([f"--ignore={path}" for path in paths] if is_whole else [] for paths in (BESIDE, SPARED))
    with (LOGS / "tests-beside.log").open("w+") as first, (LOGS / "wheel-tests.log").open("w+") as second:
        runs = [start(tree, "src", first, *BESIDE)] if is_whole else []
        runs.append(start(wheel, installed, second, *spared))
        try:
            runs.insert(0, start(tree, "src", None, *without_beside))
            codes = [run.wait() for run in runs]
        finally:
            for run in runs:
                end(run)
        for log in (first, second):
            log.seek(0)
            print(log.read(), end="", flush=True)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
