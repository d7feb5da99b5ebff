"""The bot's own process: started with the emulator's address, watched, killed if need be, and ended by its id."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiostep_testing.accounts import BotAccount
from aiostep_testing.bounded import bounded
from aiostep_testing.play import boot
from aiostep_testing.wire import File, Reply
from aiostep_testing.world import World

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

READY_CALLS: Final = frozenset({"getupdates", "setwebhook"})
STDERR: Final = 2
_LAST_LINE: Final = "start polling, or set a webhook, at the end of the script"


class PlayError(Exception):
    """Say in one sentence why the bot cannot be played with, and with which exit status to leave."""

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message)
        self.status = status


class PlayWorld(World):
    """A world that takes every well-formed token, and notices when the bot arrives.

    called: the bot made its first call.
    ready: it asked for updates, so what people say from now on reaches it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.called = asyncio.Event()
        self.ready = asyncio.Event()

    async def call(
        self, token: str, method: str, params: Mapping[str, object], files: Mapping[str, File] | None = None
    ) -> Reply:
        """Execute one API call, of a bot that may be new here."""
        number, _, secret = token.partition(":")
        if number.isdecimal() and secret and token not in self.bots:
            self._welcome(self.bot(token))
        self.called.set()
        # A bot may drop what was queued before its first poll (drop_pending_updates), so only the poll
        # counts.
        if method.lower() in READY_CALLS:
            self.ready.set()
        return await super().call(token, method, params, files)

    def _welcome(self, bot: BotAccount) -> None:
        # What a bot kept of an earlier play knows the updates of that one: as on Telegram, the new ones count on.
        bot.next_update = int(self.clock.time())

    def forget(self) -> None:
        """Expect the bot anew, because its process is gone."""
        self.called.clear()
        self.ready.clear()
        self.release_polls()


class BotProcess:
    """A bot script running in a child process; an async context manager.

    The script's standard output goes to our standard error: the chat alone has the standard output.

    Args:
        folder: where the script is run; where we are, if there is none.

    Raises:
        PlayError: on entry, if there is no such script.
    """

    def __init__(
        self,
        script: str | Path,
        arguments: Sequence[str] = (),
        *,
        world: PlayWorld,
        url: str,
        folder: str | Path | None = None,
    ) -> None:
        self.script = Path(script)
        self.arguments = tuple(arguments)
        self.world = world
        self.url = url
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._up = asyncio.Event()

    async def __aenter__(self) -> Self:
        check_script(self.script)
        await self.start()
        return self

    @property
    def up(self) -> bool:
        """Tell whether the bot should be running: it was started, and not killed since."""
        return self._up.is_set()

    async def start(self) -> int:
        """Start the script, also again after `kill`; return the id of the process."""
        assert not self.up, "it is running"
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, boot.__file__, str(self.script.absolute()), *self.arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=STDERR,
            cwd=self.folder,
            env=self._environment(),
            # Ctrl-C in the terminal is ours; the bot hears of it from us, once.
            start_new_session=True,
        )
        self._up.set()
        return process.pid

    async def kill(self) -> int:
        """End the bot as `kill -9` does: it hears nothing of it. Return the id that the process had."""
        process = self._process
        assert process is not None, "enter the BotProcess first"
        self._up.clear()
        if process.returncode is None:
            process.kill()
        await process.wait()
        if process.stdin:
            process.stdin.close()
        self.world.forget()
        return process.pid

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _environment(self) -> dict[str, str]:
        local = ",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1", "localhost")))
        # httpx and requests would carry even loopback requests through a proxy that the environment names.
        return {
            **os.environ,
            boot.ADDRESS: self.url,
            "NO_PROXY": local,
            "no_proxy": local,
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def returncode(self) -> int | None:
        return self._process.returncode if self._process else None

    async def wait(self) -> int:
        """Wait until the script ends otherwise than by `kill`; return its exit status, as a shell counts it."""
        while True:
            process = self._process
            assert process is not None, "enter the BotProcess first"
            status = await process.wait()
            if self.up and process is self._process:
                return shell_status(status)
            await self._up.wait()

    async def stop(self, grace: float = 5.0) -> None:
        """Interrupt the bot as Ctrl-C would, and kill it after *grace* seconds."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
            # A bot in a blocking long poll looks at its stop flag only when the poll is answered.
            self.world.release_polls()
            try:
                await bounded(process.wait(), grace)
            except asyncio.TimeoutError:
                process.kill()
                await process.wait()
        # Not before the end: to the bot, the end of this pipe is a second Ctrl-C.
        if process.stdin:
            process.stdin.close()

    async def connect(self, within: float) -> None:
        """Wait until the bot asks for updates.

        Raises:
            PlayError: it did not in time, or ended before.
        """
        ready = asyncio.ensure_future(self.world.ready.wait())
        ended = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                return
            if ended.done():
                status = ended.result()
                todo = "" if status else f": {_LAST_LINE}"
                raise PlayError(
                    f"{self.script} ended with exit status {status} before it asked for updates{todo}", status or 1
                )
            raise PlayError(self._silence(within), 1)
        finally:
            ready.cancel()
            ended.cancel()

    def _silence(self, within: float) -> str:
        if self.world.called.is_set():
            return f"{self.script} reached the emulator but did not ask for updates within {within:g} s: {_LAST_LINE}"
        return (
            f"{self.script} did not connect to the emulator within {within:g} s: "
            "if it sets its own session or base URL, take that from "
            f"os.environ[{boot.ADDRESS!r}] (aiogram: TelegramAPIServer.from_base(...)); "
            "if it is only slow to start, pass --wait SECONDS"
        )


def check_script(script: Path) -> None:
    """Make sure that there is a script to run.

    Raises:
        PlayError: there is none.
    """
    if not script.is_file():
        got = "is a directory" if script.is_dir() else "does not exist"
        raise PlayError(f"{script} {got}; pass the path of the Python file that starts your bot")


def shell_status(returncode: int) -> int:
    """Return an exit status that a shell understands; death by signal n is 128 + n."""
    return returncode if returncode >= 0 else 128 - returncode
