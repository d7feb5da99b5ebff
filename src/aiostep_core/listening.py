"""The middleware of the original API, as an alternative to ``install``."""

from __future__ import annotations

from typing import Any

from .installed import engine_of, install

__all__ = ["Listen"]


class Listen:
    """``dp.message.outer_middleware(Listen())``: installs aiostep on the dispatcher with the first update it sees.

    ``install(dp)`` does the same at start. It is the only way to wait for kinds of updates that have no handlers, and
    to pass options.
    """

    async def __call__(self, handler: Any, event: Any, data: dict[str, Any]) -> Any:
        """Let the update go on as one that a handler can wait in."""
        target = data["dispatcher"]
        engine = engine_of(target) or install(target)
        adapter = next(one for one in engine.runtime.adapters if one.target is target)
        return await adapter.listen(handler, event, data)
