"""Injected failures: what the network and Telegram do on a bad day."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass

from aiostep_testing.wire import ApiError, Json

DESCRIPTIONS = {
    400: "Bad Request: injected fault",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


@dataclass(kw_only=True, slots=True)
class Fault:
    """One failure and how often it still happens.

    name: a method, an update kind (for *duplicate*), or a pattern such as ``send*``.
    status: answer with this error instead of executing the call.
    delay: seconds to wait before the call is executed.
    drop: cut the connection before the call is executed.
    lost: execute the call, then cut the connection.
    duplicate: queue the update twice, with the same update_id.
    """

    name: str
    status: int | None = None
    times: int = 1
    retry_after: int = 1
    delay: float = 0.0
    drop: bool = False
    lost: bool = False
    duplicate: bool = False
    description: str | None = None
    when: Callable[[Json], bool] | None = None

    def matches(self, name: str, params: Json) -> bool:
        # Method names are case-insensitive on the wire, so patterns are too.
        return (
            self.times > 0
            and fnmatch.fnmatchcase(name.lower(), self.name.lower())
            and (self.when is None or self.when(params))
        )

    def error(self) -> ApiError | None:
        """Build the refusal this fault stands for, if it is one."""
        if self.status is None:
            return None
        if self.status == 429:
            text = self.description or f"Too Many Requests: retry after {self.retry_after}"
            return ApiError(429, text, retry_after=self.retry_after)
        return ApiError(self.status, self.description or DESCRIPTIONS.get(self.status, "Injected fault"))


class FaultPlan:
    """The failures that are still to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(
        self,
        name: str = "*",
        *,
        status: int | None = None,
        times: int = 1,
        retry_after: int = 1,
        delay: float = 0.0,
        drop: bool = False,
        lost: bool = False,
        duplicate: bool = False,
        description: str | None = None,
        when: Callable[[Json], bool] | None = None,
    ) -> Fault:
        """Plan a failure for the next *times* calls (or updates) that match; see Fault.

        Raises:
            ValueError: the fault would do nothing.
        """
        if status is None and not (delay or drop or lost or duplicate):
            raise ValueError(
                f"a fault for {name!r} that does nothing; pass status=, delay=, drop=, lost= or duplicate="
            )
        fault = Fault(
            name=name,
            status=status,
            times=times,
            retry_after=retry_after,
            delay=delay,
            drop=drop,
            lost=lost,
            duplicate=duplicate,
            description=description,
            when=when,
        )
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget every failure that has not happened yet."""
        self._faults.clear()

    def take_call(self, method: str, params: Json) -> Fault | None:
        """Use up the first failure planned for this call."""
        return self._take(method, params, duplicate=False)

    def take_duplicate(self, kind: str, update: Json) -> bool:
        """Use up a planned duplicate of this update."""
        return self._take(kind, update, duplicate=True) is not None

    def _take(self, name: str, what: Json, *, duplicate: bool) -> Fault | None:
        for fault in self._faults:
            if fault.duplicate is duplicate and fault.matches(name, what):
                fault.times -= 1
                return fault
        return None
