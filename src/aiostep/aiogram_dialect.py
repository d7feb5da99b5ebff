"""The original API's place for aiogram's ``Listen``."""

from aiostep_core.listening import Listen as Listen

__all__ = ["Listen"]
