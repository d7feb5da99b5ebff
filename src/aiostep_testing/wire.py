"""What crosses the border of the world: calls in, replies out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

Json: TypeAlias = dict[str, Any]
"""One Bot API object, as json.loads gives it."""


def copied(value: Any) -> Any:
    """Copy *value* through JSON, so that no live object crosses the border."""
    return json.loads(json.dumps(value))


class File(NamedTuple):
    """One uploaded file."""

    name: str
    data: bytes


class Reply(NamedTuple):
    """The server's answer to one call: an HTTP status and the JSON body."""

    status: int
    body: Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One API call as the server saw it; status 0 means that the connection was cut."""

    method: str
    params: Mapping[str, Any]
    status: int
    bot_id: int | None


class Dropped(Exception):
    """Tell a transport to cut the connection without answering."""


class ApiError(Exception):
    """A refusal, worded as the real server words it."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad_request(reason: str, **parameters: int) -> ApiError:
    return ApiError(400, f"Bad Request: {reason}", **parameters)


def forbidden(reason: str) -> ApiError:
    return ApiError(403, f"Forbidden: {reason}")


def conflict(reason: str) -> ApiError:
    return ApiError(409, f"Conflict: {reason}")
