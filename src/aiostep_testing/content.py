"""What people put into messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from aiostep_testing.entities import automatic, ordered
from aiostep_testing.files import FileStore, media_content
from aiostep_testing.wire import File, Json

Upload: TypeAlias = "bytes | tuple[str, bytes]"
NAMES = {
    "photo": "photo.jpg",
    "voice": "voice.ogg",
    "video": "video.mp4",
    "audio": "audio.mp3",
    "sticker": "s.webp",
}


def media(files: FileStore, kind: str, upload: Upload, caption: str | None) -> Json:
    """Make the content of a message with one file."""
    name, data = upload if isinstance(upload, tuple) else (NAMES.get(kind, "file.bin"), upload)
    content = media_content(kind, files.add(File(name, data), kind))
    if caption:
        content["caption"] = caption
        if entities := ordered(automatic(caption)):
            content["caption_entities"] = entities
    return content


def message_content(
    files: FileStore,
    text: str | None,
    uploads: Mapping[str, Upload | None],
    *,
    contact: Json | None = None,
    location: tuple[float, float] | None = None,
) -> Json:
    """Make the content of a message; the text is the caption when there is a file."""
    for kind, upload in uploads.items():
        if upload is not None:
            return media(files, kind, upload, text)
    if contact is not None:
        return {"contact": contact}
    if location is not None:
        return {"location": {"latitude": location[0], "longitude": location[1]}}
    if text is None:
        return {}
    entities = ordered(automatic(text))
    return {"text": text} | ({"entities": entities} if entities else {})
