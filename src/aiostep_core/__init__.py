"""The core of aiostep: conversations, for any framework. It knows none; adapters bring the updates.

Start with ``abc``; CONTRIBUTING.md says in which order to read on, and what the words mean.
"""

from .abc import Adapter as Adapter
from .abc import Address as Address
from .abc import Question as Question
from .abc import Sent as Sent
from .abc import StepStorage as StepStorage
from .asking import RAISE as RAISE
from .asking import ask as ask
from .asking import conversation as conversation
from .asking import wait_for as wait_for
from .checks import between as between
from .choosing import choose as choose
from .choosing import choose_many as choose_many
from .choosing import confirm as confirm
from .context import Turn as Turn
from .context import current_turn as current_turn
from .engine import Engine as Engine
from .engine import Outcome as Outcome
from .facts import Delivery as Delivery
from .facts import Facts as Facts
from .filling import fill as fill
from .forms import Asks as Asks
from .forms import field as field
from .forms import form as form
from .installed import cancel as cancel
from .installed import clear as clear
from .installed import engine_of as engine_of
from .installed import install as install
from .installed import install_adapter as install_adapter
from .installed import on_exit as on_exit
from .installed import pending as pending
from .keys import Key as Key
from .keys import Scope as Scope
from .named import step as step
from .named import step_filter as step_filter
from .next_steps import next_step as next_step
from .next_steps import register_next_step as register_next_step
from .next_steps import unregister_steps as unregister_steps
from .questions import Retry as Retry
from .questions.album import Album as Album
from .questions.click import Click as Click
from .questions.contact import Email as Email
from .questions.contact import Phone as Phone
from .questions.contact import Url as Url
from .questions.media import Animation as Animation
from .questions.media import Audio as Audio
from .questions.media import Contact as Contact
from .questions.media import Dice as Dice
from .questions.media import Document as Document
from .questions.media import Location as Location
from .questions.media import Photo as Photo
from .questions.media import Sticker as Sticker
from .questions.media import Venue as Venue
from .questions.media import Video as Video
from .questions.media import VideoNote as VideoNote
from .questions.media import Voice as Voice
from .reports import Exit as Exit
from .reports import Pending as Pending
from .reports import TimedOut as TimedOut
from .runtime import Runtime as Runtime
from .steps import Step as Step
from .storages import MemorySteps as MemorySteps
from .streaming import stream as stream
from .texts import words as words

__all__ = [
    "RAISE",
    "Adapter",
    "Address",
    "Album",
    "Animation",
    "Asks",
    "Audio",
    "Click",
    "Contact",
    "Delivery",
    "Dice",
    "Document",
    "Email",
    "Engine",
    "Exit",
    "Facts",
    "Key",
    "Location",
    "MemorySteps",
    "Outcome",
    "Pending",
    "Phone",
    "Photo",
    "Question",
    "Retry",
    "Runtime",
    "Scope",
    "Sent",
    "Step",
    "StepStorage",
    "Sticker",
    "TimedOut",
    "Turn",
    "Url",
    "Venue",
    "Video",
    "VideoNote",
    "Voice",
    "ask",
    "between",
    "cancel",
    "choose",
    "choose_many",
    "clear",
    "confirm",
    "conversation",
    "current_turn",
    "engine_of",
    "field",
    "fill",
    "form",
    "install",
    "install_adapter",
    "next_step",
    "on_exit",
    "pending",
    "register_next_step",
    "step",
    "step_filter",
    "stream",
    "unregister_steps",
    "wait_for",
    "words",
]
