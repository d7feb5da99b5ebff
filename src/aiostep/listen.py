"""``Listen``, the middleware of the original API."""

from aiostep_core.listening import Listen as Listen

__all__ = ["Listen"]
