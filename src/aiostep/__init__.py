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

import importlib
from typing import TYPE_CHECKING, Any, Final

from aiostep_core import RAISE as RAISE
from aiostep_core import Album as Album
from aiostep_core import Animation as Animation
from aiostep_core import Asks as Asks
from aiostep_core import Audio as Audio
from aiostep_core import Click as Click
from aiostep_core import Contact as Contact
from aiostep_core import Dice as Dice
from aiostep_core import Document as Document
from aiostep_core import Email as Email
from aiostep_core import Engine as Engine
from aiostep_core import Exit as Exit
from aiostep_core import Key as Key
from aiostep_core import Location as Location
from aiostep_core import MemorySteps as MemorySteps
from aiostep_core import Pending as Pending
from aiostep_core import Phone as Phone
from aiostep_core import Photo as Photo
from aiostep_core import Retry as Retry
from aiostep_core import Scope as Scope
from aiostep_core import Sticker as Sticker
from aiostep_core import TimedOut as TimedOut
from aiostep_core import Url as Url
from aiostep_core import Venue as Venue
from aiostep_core import Video as Video
from aiostep_core import VideoNote as VideoNote
from aiostep_core import Voice as Voice
from aiostep_core import ask as ask
from aiostep_core import between as between
from aiostep_core import cancel as cancel
from aiostep_core import choose as choose
from aiostep_core import choose_many as choose_many
from aiostep_core import clear as clear
from aiostep_core import confirm as confirm
from aiostep_core import conversation as conversation
from aiostep_core import field as field
from aiostep_core import fill as fill
from aiostep_core import form as form
from aiostep_core import install as install
from aiostep_core import next_step as next_step
from aiostep_core import on_exit as on_exit
from aiostep_core import pending as pending
from aiostep_core import register_next_step as register_next_step
from aiostep_core import step as step
from aiostep_core import step_filter as step_filter
from aiostep_core import stream as stream
from aiostep_core import unregister_steps as unregister_steps
from aiostep_core import wait_for as wait_for
from aiostep_core import words as words
from aiostep_core.durable.flows import DurableWarning as DurableWarning
from aiostep_core.durable.flows import durable as durable
from aiostep_core.durable.operations import back as back
from aiostep_core.durable.operations import checkpoint as checkpoint
from aiostep_core.durable.operations import continue_as_new as continue_as_new
from aiostep_core.durable.operations import now as now
from aiostep_core.durable.operations import patched as patched
from aiostep_core.durable.operations import random as random
from aiostep_core.durable.operations import rewind as rewind
from aiostep_core.durable.operations import run as run
from aiostep_core.durable.operations import signal as signal
from aiostep_core.durable.operations import sub as sub
from aiostep_core.durable.operations import uuid as uuid
from aiostep_core.durable.standing import Standing as Standing
from aiostep_core.durable.standing import Standings as Standings
from aiostep_core.durable.standing import end_durable as end_durable
from aiostep_core.durable.standing import result as result
from aiostep_core.durable.standing import send_signal as send_signal
from aiostep_core.durable.standing import where as where
from aiostep_core.durable.starting import start_durable as start_durable
from aiostep_core.durable.together import first as first
from aiostep_core.durable.together import gather as gather
from aiostep_core.errors import AiostepError as AiostepError
from aiostep_core.errors import AlreadyInstalled as AlreadyInstalled
from aiostep_core.errors import AlreadyWaiting as AlreadyWaiting
from aiostep_core.errors import BadArgument as BadArgument
from aiostep_core.errors import EffectFailed as EffectFailed
from aiostep_core.errors import EffectInDoubt as EffectInDoubt
from aiostep_core.errors import NonDeterminismError as NonDeterminismError
from aiostep_core.errors import NonDurableAwait as NonDurableAwait
from aiostep_core.errors import NoTarget as NoTarget
from aiostep_core.errors import NotAwaitable as NotAwaitable
from aiostep_core.errors import NotDurable as NotDurable
from aiostep_core.errors import NotInstalled as NotInstalled
from aiostep_core.errors import NotStorable as NotStorable
from aiostep_core.errors import NotSubscribed as NotSubscribed
from aiostep_core.errors import PluginConflict as PluginConflict
from aiostep_core.errors import PluginError as PluginError
from aiostep_core.errors import StorageClosed as StorageClosed
from aiostep_core.errors import StorageDamaged as StorageDamaged
from aiostep_core.errors import StorageError as StorageError
from aiostep_core.errors import StorageUnavailable as StorageUnavailable
from aiostep_core.errors import TooManyAttempts as TooManyAttempts
from aiostep_core.errors import UnsupportedTarget as UnsupportedTarget
from aiostep_core.errors import WaitCancelled as WaitCancelled
from aiostep_core.errors import WaitEnded as WaitEnded
from aiostep_core.errors import WaitTimeout as WaitTimeout
from aiostep_core.errors import WouldDeadlock as WouldDeadlock

from . import aiogram_dialect as aiogram_dialect
from .listen import Listen as Listen

if TYPE_CHECKING:
    from aiostep_core.storages.opening import open_storage as open_storage
    from aiostep_core.storages.storable import storable as storable
    from aiostep_core.storages.values import Values as Values

    from .storage import BaseStorage as BaseStorage
    from .storage import FileStateStorage as FileStateStorage
    from .storage import MemoryStateStorage as MemoryStateStorage
    from .storage import RedisStateStorage as RedisStateStorage
    from .storage import StateContext as StateContext

__version__ = "1.0.0.dev0"

__all__ = [
    "RAISE",
    "AiostepError",
    "Album",
    "AlreadyInstalled",
    "AlreadyWaiting",
    "Animation",
    "Asks",
    "Audio",
    "BadArgument",
    "BaseStorage",
    "Click",
    "Contact",
    "Dice",
    "Document",
    "DurableWarning",
    "EffectFailed",
    "EffectInDoubt",
    "Email",
    "Engine",
    "Exit",
    "FileStateStorage",
    "Key",
    "Listen",
    "Location",
    "MemoryStateStorage",
    "MemorySteps",
    "NoTarget",
    "NonDeterminismError",
    "NonDurableAwait",
    "NotAwaitable",
    "NotDurable",
    "NotInstalled",
    "NotStorable",
    "NotSubscribed",
    "Pending",
    "Phone",
    "Photo",
    "PluginConflict",
    "PluginError",
    "RedisStateStorage",
    "Retry",
    "Scope",
    "Standing",
    "Standings",
    "StateContext",
    "Sticker",
    "StorageClosed",
    "StorageDamaged",
    "StorageError",
    "StorageUnavailable",
    "TimedOut",
    "TooManyAttempts",
    "UnsupportedTarget",
    "Url",
    "Values",
    "Venue",
    "Video",
    "VideoNote",
    "Voice",
    "WaitCancelled",
    "WaitEnded",
    "WaitTimeout",
    "WouldDeadlock",
    "aiogram_dialect",
    "ask",
    "back",
    "between",
    "cancel",
    "checkpoint",
    "choose",
    "choose_many",
    "clear",
    "confirm",
    "continue_as_new",
    "conversation",
    "durable",
    "end_durable",
    "field",
    "fill",
    "first",
    "form",
    "gather",
    "install",
    "next_step",
    "now",
    "on_exit",
    "open_storage",
    "patched",
    "pending",
    "random",
    "register_next_step",
    "result",
    "rewind",
    "run",
    "send_signal",
    "signal",
    "start_durable",
    "step",
    "step_filter",
    "storable",
    "stream",
    "sub",
    "unregister_steps",
    "uuid",
    "wait_for",
    "where",
    "words",
]

# Storages are imported by those who use them.
_LAZY: Final = {
    **dict.fromkeys(("BaseStorage", "FileStateStorage", "MemoryStateStorage", "RedisStateStorage"), ".storage"),
    "StateContext": ".storage",
    "Values": "aiostep_core.storages.values",
    "open_storage": "aiostep_core.storages.opening",
    "storable": "aiostep_core.storages.storable",
}

if not TYPE_CHECKING:  # for checkers it would make every misspelt name a good one

    def __getattr__(name: str) -> Any:
        """Import a storage."""
        if name in ("asyncio", "storage", "utils"):
            return importlib.import_module(f".{name}", __name__)
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(importlib.import_module(_LAZY[name], __name__), name)
        return value
