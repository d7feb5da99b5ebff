"""The functions of aiostep without ``await``, for ``telebot.TeleBot``.

In a plain handler they block the handler's thread; in a generator decorated with ``conversation`` they are yielded, and
nothing blocks.
"""

from aiostep_core.blocking import Questions as Questions
from aiostep_core.blocking import ask as ask
from aiostep_core.blocking import cancel as cancel
from aiostep_core.blocking import clear as clear
from aiostep_core.blocking import conversation as conversation
from aiostep_core.blocking import next_step as next_step
from aiostep_core.blocking import pending as pending
from aiostep_core.blocking import register_next_step as register_next_step
from aiostep_core.blocking import unregister_steps as unregister_steps
from aiostep_core.blocking import wait_for as wait_for
from aiostep_core.named import step as step
from aiostep_core.named import step_filter as step_filter

__all__ = [
    "Questions",
    "ask",
    "cancel",
    "clear",
    "conversation",
    "next_step",
    "pending",
    "register_next_step",
    "step",
    "step_filter",
    "unregister_steps",
    "wait_for",
]
