"""The functions of aiostep without ``await``, for ``telebot.TeleBot``.

In a plain handler they block the handler's thread; in a generator decorated with ``conversation`` they are yielded, and
nothing blocks.
"""

from typing import TYPE_CHECKING, Any

from aiostep_core.blocking import Questions as Questions
from aiostep_core.blocking import ask as ask
from aiostep_core.blocking import cancel as cancel
from aiostep_core.blocking import choose as choose
from aiostep_core.blocking import choose_many as choose_many
from aiostep_core.blocking import clear as clear
from aiostep_core.blocking import confirm as confirm
from aiostep_core.blocking import conversation as conversation
from aiostep_core.blocking import fill as fill
from aiostep_core.blocking import next_step as next_step
from aiostep_core.blocking import pending as pending
from aiostep_core.blocking import register_next_step as register_next_step
from aiostep_core.blocking import stream as stream
from aiostep_core.blocking import unregister_steps as unregister_steps
from aiostep_core.blocking import wait_for as wait_for
from aiostep_core.checks import between as between
from aiostep_core.durable.blocking import end_durable as end_durable
from aiostep_core.durable.blocking import result as result
from aiostep_core.durable.blocking import send_signal as send_signal
from aiostep_core.durable.blocking import start_durable as start_durable
from aiostep_core.durable.blocking import where as where
from aiostep_core.forms import field as field
from aiostep_core.forms import form as form
from aiostep_core.named import step as step
from aiostep_core.named import step_filter as step_filter

if TYPE_CHECKING:
    from aiostep_core.storages.opening import open_blocking_storage as open_storage

__all__ = [
    "Questions",
    "ask",
    "between",
    "cancel",
    "choose",
    "choose_many",
    "clear",
    "confirm",
    "conversation",
    "end_durable",
    "field",
    "fill",
    "form",
    "next_step",
    "open_storage",
    "pending",
    "register_next_step",
    "result",
    "send_signal",
    "start_durable",
    "step",
    "step_filter",
    "stream",
    "unregister_steps",
    "wait_for",
    "where",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Import the storages when they are used."""
        if name != "open_storage":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from aiostep_core.storages.opening import open_blocking_storage

        return open_blocking_storage
