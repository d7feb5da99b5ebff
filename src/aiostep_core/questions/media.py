"""Answers that are not text. The values are the same in every framework; ``native`` is the framework's own object."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeVar

from ..facts import KINDS, Delivery
from .base import say_again

__all__ = [
    "MEDIA",
    "Animation",
    "Audio",
    "Contact",
    "Dice",
    "Document",
    "Location",
    "Media",
    "MediaQuestion",
    "Photo",
    "Sticker",
    "Venue",
    "Video",
    "VideoNote",
    "Voice",
    "message_of",
]

MediaT = TypeVar("MediaT", bound="Media")


@dataclass(frozen=True, kw_only=True)
class Media:
    """What a message carries.

    Attributes:
        native: the framework's own object, to download it with.
        message: the framework's message.
        caption: the text that came with it, or None.
    """

    native: Any = field(default=None, repr=False, compare=False)
    message: Any = field(default=None, repr=False, compare=False)
    caption: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class _File(Media):
    """A file that Telegram keeps; *file_id* sends it again, *file_unique_id* tells whether it is the same."""

    file_id: str
    file_unique_id: str
    file_size: int | None = None


@dataclass(frozen=True, kw_only=True)
class Photo(_File):
    """A photo, in the greatest size there is."""

    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Document(_File):
    """Any file that was sent as one."""

    file_name: str | None = None
    mime_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Video(_File):
    """A video; *duration* is in seconds."""

    width: int
    height: int
    duration: int
    file_name: str | None = None
    mime_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Animation(_File):
    """A GIF or a video without sound; *duration* is in seconds."""

    width: int
    height: int
    duration: int
    file_name: str | None = None
    mime_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Audio(_File):
    """Music; *duration* is in seconds."""

    duration: int
    performer: str | None = None
    title: str | None = None
    file_name: str | None = None
    mime_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Voice(_File):
    """A voice message; *duration* is in seconds."""

    duration: int
    mime_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class VideoNote(_File):
    """A round video message; *length* is its width and height, *duration* is in seconds."""

    length: int
    duration: int


@dataclass(frozen=True, kw_only=True)
class Sticker(_File):
    """A sticker."""

    width: int
    height: int
    emoji: str | None = None
    set_name: str | None = None
    is_animated: bool = False
    is_video: bool = False


@dataclass(frozen=True, kw_only=True)
class Contact(Media):
    """Somebody's phone number. It is the sender's own only if *user_id* is the sender's."""

    phone_number: str
    first_name: str
    last_name: str | None = None
    user_id: int | None = None
    vcard: str | None = None


@dataclass(frozen=True, kw_only=True)
class Location(Media):
    """A point on Earth, in degrees."""

    latitude: float
    longitude: float
    horizontal_accuracy: float | None = None
    live_period: int | None = None


@dataclass(frozen=True, kw_only=True)
class Venue(Media):
    """A place with a name; *location* is the framework's own."""

    title: str
    address: str
    location: Any = None


@dataclass(frozen=True, kw_only=True)
class Dice(Media):
    """A die or another game of chance, already thrown."""

    emoji: str
    value: int


#: In which attribute of a message each kind is, and the sentence that asks for it.
MEDIA: Final[dict[type[Media], str]] = {
    Photo: "photo",
    Document: "document",
    Video: "video",
    Animation: "animation",
    Audio: "audio",
    Voice: "voice",
    VideoNote: "video_note",
    Sticker: "sticker",
    Contact: "contact",
    Location: "location",
    Venue: "venue",
    Dice: "dice",
}
#: What comes with another kind's attribute set too, for programs that are older than it.
_SHADOWED: Final = {"document": "animation", "location": "venue"}


class MediaQuestion:
    """A message that carries a *kind* of media."""

    kinds = KINDS["message"]

    def __init__(self, kind: type[MediaT]) -> None:
        self._kind: type[Media] = kind
        self._attribute = MEDIA[kind]
        self._names = [one.name for one in fields(kind) if one.name not in ("native", "message", "caption")]

    def parse(self, delivery: Delivery) -> Any:
        """Return what the message carries."""
        message = message_of(delivery)
        native = getattr(message, self._attribute, None)
        shadow = _SHADOWED.get(self._attribute)
        if not native or (shadow is not None and getattr(message, shadow, None)):
            raise say_again(self._attribute)
        if self._attribute == "photo":
            native = native[-1]
        values = {name: getattr(native, name, None) for name in self._names}
        return self._kind(native=native, message=message, caption=getattr(message, "caption", None), **values)


def message_of(delivery: Delivery) -> Any:
    """Return the framework's message that *delivery* brought."""
    adapter = delivery.adapter
    return delivery.update if adapter is None else adapter.message_of(delivery.update)
