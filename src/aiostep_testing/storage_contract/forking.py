"""Work in processes that are copies of this one."""

from __future__ import annotations

import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Coroutine
from typing import Any, Final

from aiostep_core.storages.records import settle

from .stage import PATIENCE

__all__ = ["CAN_FORK", "in_processes"]

CAN_FORK: Final = hasattr(os, "fork")


def in_processes(count: int, work: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Run *work* in *count* forks of this process, and wait until they have ended well."""
    children = {_fork(number, work): number for number in range(count)}
    end = time.monotonic() + PATIENCE
    failed = list[int]()
    while children:
        child, status = os.waitpid(next(iter(children)), os.WNOHANG)
        if child:
            number = children.pop(child)
            failed += [number] if status else []
        elif time.monotonic() > end:
            for one in children:
                os.kill(one, signal.SIGKILL)
                os.waitpid(one, 0)
            raise AssertionError(f"{len(children)} of {count} processes did not end within {PATIENCE:g} s")
        else:
            time.sleep(0.01)
    assert not failed, f"the processes {failed} failed; what they wrote to stderr says why"


def _fork(number: int, work: Callable[[int], Coroutine[Any, Any, None]]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that forking with threads is dangerous is the point
        child = os.fork()
    if child:
        return child
    code = 1
    try:
        settle(work(number))
        code = 0
    except BaseException:  # noqa: BLE001 - the parent's tests must not run on in here
        traceback.print_exc()
    finally:
        os._exit(code)
