"""Conversations for Telegram bots, as straight-line Python, in any framework.

With aiogram, for example::

    import aiostep
    from aiostep import ask

    aiostep.install(dispatcher)

    @dispatcher.message(Command("start"))
    async def start(message):
        name = await ask("What is your name?", str)
        await message.answer(f"Hello, {name}!")

Only names live here; everything behind them is in ``aiostep_core`` and in the adapters.
"""

from aiostep_core import RAISE as RAISE
from aiostep_core import Engine as Engine
from aiostep_core import Exit as Exit
from aiostep_core import Key as Key
from aiostep_core import MemorySteps as MemorySteps
from aiostep_core import Pending as Pending
from aiostep_core import Scope as Scope
from aiostep_core import ask as ask
from aiostep_core import cancel as cancel
from aiostep_core import choose as choose
from aiostep_core import choose_many as choose_many
from aiostep_core import clear as clear
from aiostep_core import confirm as confirm
from aiostep_core import conversation as conversation
from aiostep_core import install as install
from aiostep_core import next_step as next_step
from aiostep_core import on_exit as on_exit
from aiostep_core import pending as pending
from aiostep_core import register_next_step as register_next_step
from aiostep_core import step as step
from aiostep_core import step_filter as step_filter
from aiostep_core import unregister_steps as unregister_steps
from aiostep_core import wait_for as wait_for
from aiostep_core.errors import AiostepError as AiostepError
from aiostep_core.errors import AlreadyInstalled as AlreadyInstalled
from aiostep_core.errors import AlreadyWaiting as AlreadyWaiting
from aiostep_core.errors import BadArgument as BadArgument
from aiostep_core.errors import NoTarget as NoTarget
from aiostep_core.errors import NotInstalled as NotInstalled
from aiostep_core.errors import NotSubscribed as NotSubscribed
from aiostep_core.errors import PluginConflict as PluginConflict
from aiostep_core.errors import PluginError as PluginError
from aiostep_core.errors import TooManyAttempts as TooManyAttempts
from aiostep_core.errors import UnsupportedTarget as UnsupportedTarget
from aiostep_core.errors import WaitCancelled as WaitCancelled
from aiostep_core.errors import WaitEnded as WaitEnded
from aiostep_core.errors import WaitTimeout as WaitTimeout
from aiostep_core.errors import WouldDeadlock as WouldDeadlock

from . import aiogram_dialect as aiogram_dialect
from .listen import Listen as Listen

__version__ = "1.0.0.dev0"

__all__ = [
    "RAISE",
    "AiostepError",
    "AlreadyInstalled",
    "AlreadyWaiting",
    "BadArgument",
    "Engine",
    "Exit",
    "Key",
    "Listen",
    "MemorySteps",
    "NoTarget",
    "NotInstalled",
    "NotSubscribed",
    "Pending",
    "PluginConflict",
    "PluginError",
    "Scope",
    "TooManyAttempts",
    "UnsupportedTarget",
    "WaitCancelled",
    "WaitEnded",
    "WaitTimeout",
    "WouldDeadlock",
    "aiogram_dialect",
    "ask",
    "cancel",
    "choose",
    "choose_many",
    "clear",
    "confirm",
    "conversation",
    "install",
    "next_step",
    "on_exit",
    "pending",
    "register_next_step",
    "step",
    "step_filter",
    "unregister_steps",
    "wait_for",
]
