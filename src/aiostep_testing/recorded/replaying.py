"""Today's code against recorded journals: nothing is sent, stored or done."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Generator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

from aiostep_core.abc import Adapter
from aiostep_core.durable.flows import Flow, flow_for
from aiostep_core.durable.journals import Stored
from aiostep_core.durable.replaying import Replay, is_open
from aiostep_core.errors import BadArgument, NonDeterminismError, NonDurableAwait, StorageDamaged
from aiostep_core.installed import engine_of, install
from aiostep_core.runtime import Runtime

from .files import Recording, recordings_in
from .offline import offline

__all__ = ["Replayed", "Replays", "replay_journal", "replay_journals"]

_GOOD: Final = ("fits", "carried")
_ADVICE: Final = "is this a journal of a real bot? export it again, or delete it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What became of one recorded journal.

    Attributes:
        outcome: "fits"; "carried": it begins anew in the new code, with its answers, as ``on_change="carry"`` says;
            "differs": ``NonDeterminismError``, the conversation would stop until the code is mended; "raises";
            "unknown": no code of that name, version or framework is here; "damaged".
        detail: where it comes to, or what is wrong and how to mend it.
        error: what was raised, if anything was.
    """

    path: Path
    name: str
    outcome: str
    detail: str
    error: BaseException | None = None

    @property
    def is_good(self) -> bool:
        """Whether the conversation goes on with today's code."""
        return self.outcome in _GOOD

    def __str__(self) -> str:
        return f"{self.path.name}: {self.outcome}: {self.detail}"

    def check(self) -> None:
        """Do nothing if it is good.

        Raises:
            AssertionError: it is not; the message says why.
        """
        if not self.is_good:
            raise AssertionError(str(self)) from self.error


class Replays(list[Replayed]):
    """What became of all the journals in a folder."""

    def __init__(self, folder: Path, found: list[Replayed]) -> None:
        super().__init__(found)
        self.folder = folder

    @property
    def problems(self) -> list[Replayed]:
        """Those that would not go on with today's code."""
        return [one for one in self if not one.is_good]

    def check(self) -> None:
        """Do nothing if all are good.

        Raises:
            AssertionError: some are not, or there are none; the message says which, and why.
        """
        if not self:
            raise AssertionError(f"no journals are recorded in {self.folder.absolute()}; export_journals() writes them")
        if self.problems:
            lines = "\n".join(f"  {one}" for one in self.problems)
            raise AssertionError(
                f"{len(self.problems)} of {len(self)} recorded conversations do not go on with this code:\n{lines}"
            )


def replay_journals(folder: str | PathLike[str], *targets: Any, bot: Any = None) -> Replays:
    """Replay all journals in *folder* against the durable functions that are registered now.

    Each function is run from its beginning as far as its journal goes, with what it got then: no network, no storage,
    no effect. No bot has to work for that: any token will do.

    Args:
        targets: the dispatcher, application or bot, one for each framework; aiostep need not be installed on it. What
            handlers get besides the update, such as the data of an aiogram dispatcher, comes from there.
        bot: the ``Bot`` that code for aiogram uses, if that is not the one that comes with the message.

    Raises:
        BadArgument: no target was given.
        UnsupportedTarget: no adapter knows a target.
    """
    with _bench(targets) as bench:
        return Replays(Path(folder), offline(lambda: [_replayed(path, bench, bot) for path in recordings_in(folder)]))


def replay_journal(path: str | PathLike[str], *targets: Any, bot: Any = None) -> Replayed:
    """Replay one recorded journal; see ``replay_journals``."""
    with _bench(targets) as bench:
        return offline(lambda: _replayed(Path(path), bench, bot))


_Bench = dict[str, tuple[Runtime, Adapter[Any]]]


@contextlib.contextmanager
def _bench(targets: tuple[Any, ...]) -> Generator[_Bench, None, None]:
    """Give what can read journals, by their formats."""
    if not targets:
        raise BadArgument("targets", targets, "the dispatcher, application or bot that the conversations are for")
    bench: _Bench = {}
    with contextlib.ExitStack() as stack:
        for target in targets:
            engine = engine_of(target)
            if engine is None:
                engine = install(target)
                stack.callback(engine.uninstall)
            adapter = next(one for one in engine.runtime.adapters if one.target is target)
            if adapter.scribe is not None:
                bench[adapter.scribe.format] = (engine.runtime, adapter)
        yield bench


def _replayed(path: Path, bench: _Bench, bot: Any) -> Replayed:
    try:
        stored = Recording.read(path).stored
        flow = flow_for(stored.fields, list(bench))
    except (StorageDamaged, ValueError) as error:
        return Replayed(path=path, name="", outcome="damaged", detail=str(error), error=error)
    name = stored.get("name")
    if isinstance(flow, str):
        return Replayed(path=path, name=name, outcome="unknown", detail=flow)
    outcome, detail, cause = _judged(stored, flow, bench, bot)
    return Replayed(path=path, name=name, outcome=outcome, detail=detail, error=cause)


def _judged(stored: Stored, flow: Flow, bench: _Bench, bot: Any) -> tuple[str, str, BaseException | None]:
    """Return what becomes of a journal."""
    if stored.get("format") not in bench or not is_open(stored.fields):
        return "damaged", f"it says neither what it is written for nor how it began; {_ADVICE}", None
    runtime, adapter = bench[stored.get("format")]
    assert adapter.scribe is not None
    try:
        adapter.scribe.stand_in(stored.bot_id, bot)
        replay = Replay(runtime, adapter, flow, stored)
    except Exception as error:  # noqa: BLE001 - a framework may raise anything for what is no update
        return "damaged", f"{type(error).__name__}: {error}; {_ADVICE}", error
    try:
        return "fits", replay.play(), None
    except NonDeterminismError as error:
        if flow.on_change != "carry":
            return "differs", str(error), error
    except Exception as error:  # noqa: BLE001 - it is reported
        return "raises", _told(error), error
    try:
        return "carried", f"begins anew with its answers; {Replay(runtime, adapter, flow, stored).carry()}", None
    except Exception as error:  # noqa: BLE001 - it is reported
        return "raises", f"when it begins anew with its answers: {_told(error)}", error


def _told(error: BaseException) -> str:
    """Describe an error, and where the user's code raised it."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_ours(frame.filename)]
    where = f" ({ours[-1].filename}:{ours[-1].lineno})" if ours else ""
    fix = (
        "; if it is a call of a bot that is not the message's, pass bot=" if isinstance(error, NonDurableAwait) else ""
    )
    return f"{type(error).__name__}: {error}{where}{fix}"


def _is_ours(filename: str) -> bool:
    return any(part.startswith("aiostep") for part in Path(filename).parts[-4:-1])
