"""Which router a step was registered in: whose inner middlewares it runs in, also in a process that comes later."""

from __future__ import annotations

from aiogram import Router

from aiostep_core.steps import Step

__all__ = ["name_of_router", "router_of"]


def name_of_router(router: object) -> str:
    """Return the name that the router's author gave it; nothing if aiogram made one up, which no process has again."""
    if not isinstance(router, Router) or router.name == hex(id(router)):
        return ""
    return router.name


def router_of(step: Step, root: Router) -> Router:
    """Return the router of *step* among those under *root*, by its name if need be; *root* itself if it has none.

    Two that are called the same cannot be told from one another, so it is neither of them.
    """
    if isinstance(step.origin, Router):
        return step.origin
    named = [one for one in root.chain_tail if step.origin_name and one.name == step.origin_name]
    return named[0] if len(named) == 1 else root
