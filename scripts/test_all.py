"""Run the test suite on every supported Python of this machine, and once with the oldest supported packages.

Usage: python scripts/test_all.py [pytest arguments]

Interpreters are looked for on PATH and among those of pyenv. Each gets an environment of its own in .venvs/.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
OLDEST = (
    "aiogram==3.4.*",
    "python-telegram-bot==20.3.*",
    "pyTelegramBotAPI==4.20.*",
    "anyio==4.4.*",
    "pluggy==1.5.*",
    "redis==6.2.*",
    "telethon==1.36.*",
)


def find_interpreters() -> dict[str, Path]:
    """Map each supported version to an interpreter that really starts."""
    folders = [Path(entry) for entry in os.get_exec_path()]
    folders += sorted((Path.home() / ".pyenv" / "versions").glob("*/bin"))
    found: dict[str, Path] = {}
    for version in PYTHONS:
        candidates = (folder / f"python{version}" for folder in folders)
        # A shim of pyenv exists for each version, but starts only the one that is switched on.
        working = (path for path in candidates if path.exists() and reports(path, version))
        if path := next(working, None):
            found[version] = path
    return found


def reports(interpreter: Path, version: str) -> bool:
    """Tell whether an interpreter starts and is of the version its name promises."""
    program = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([interpreter, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return False
    return done.stdout.strip() == version


def prepare(name: str, interpreter: Path, pins: tuple[str, ...]) -> Path:
    """Make or reuse the environment .venvs/<name> and return its interpreter."""
    folder = ROOT / ".venvs" / name
    python, made = folder / "bin" / "python", folder / ".made"
    config = ROOT / "pyproject.toml"
    if not made.exists() or made.stat().st_mtime < config.stat().st_mtime:
        subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True)
        pip = [str(python), "-m", "pip", "install", "-qq"]
        subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
        subprocess.run([*pip, "--editable", ".[aiogram,ptb,telebot]", "--group", "tests", *pins], check=True, cwd=ROOT)
        made.touch()
    return python


def run_suite(name: str, interpreter: Path, pins: tuple[str, ...], arguments: list[str]) -> bool:
    """Run pytest in one environment and tell whether all was well."""
    print(f"\n=== {name} ===", flush=True)
    try:
        python = prepare(name, interpreter, pins)
    except subprocess.CalledProcessError as failed:
        print(f"cannot make the environment: {failed}", flush=True)
        return False
    environment = os.environ | {"AIOSTEP_EXPECT_ROOT": "src"}
    return subprocess.run([python, "-m", "pytest", *arguments], cwd=ROOT, env=environment, check=False).returncode == 0


def main(arguments: list[str]) -> int:
    """Run everything, then say what failed."""
    interpreters = find_interpreters()
    runs = [(version, path, ()) for version, path in interpreters.items()]
    oldest = min(interpreters, key=PYTHONS.index)
    results = {name: run_suite(name, path, pins, arguments) for name, path, pins in runs}
    results[f"{oldest}-oldest"] = run_suite(f"{oldest}-oldest", interpreters[oldest], OLDEST, arguments)

    print("\n=== in all ===")
    for name, passed in results.items():
        print(f"{name:12} {'passed' if passed else 'FAILED'}")
    for version in PYTHONS:
        if version not in interpreters:
            print(f"{version:12} not on this machine")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
