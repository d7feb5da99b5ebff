"""The files of a world: uploaded by bots, sent by people, downloaded by bots."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from aiostep_testing.wire import File, Json, bad_request

FOLDERS = {"photo": "photos", "voice": "voice", "video": "videos", "audio": "music"}
EXTRA: dict[str, Json] = {
    "photo": {"width": 90, "height": 90},
    "document": {},
    "video": {"width": 90, "height": 90, "duration": 1},
    "animation": {"width": 90, "height": 90, "duration": 1},
    "audio": {"duration": 1},
    "voice": {"duration": 1},
    "video_note": {"length": 90, "duration": 1},
    "sticker": {"type": "regular", "width": 90, "height": 90, "is_animated": False, "is_video": False},
}
NAMED = frozenset({"document", "video", "animation", "audio"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """One file and where it is downloaded from."""

    file_id: str
    path: str
    name: str
    data: bytes

    def describe(self) -> Json:
        return {"file_id": self.file_id, "file_unique_id": f"u{self.file_id}", "file_size": len(self.data)}


class FileStore:
    """All files of one world."""

    def __init__(self) -> None:
        self._by_id: dict[str, Stored] = {}
        self._by_path: dict[str, Stored] = {}
        self._numbers = itertools.count(1)

    def add(self, file: File, kind: str = "document") -> Stored:
        """Keep *file* and give it an id."""
        number = next(self._numbers)
        suffix = "." + file.name.rpartition(".")[2] if "." in file.name else ""
        path = f"{FOLDERS.get(kind, 'documents')}/file_{number}{suffix}"
        stored = Stored(file_id=f"AgADAgAD{number:08d}", path=path, name=file.name, data=file.data)
        self._by_id[stored.file_id] = self._by_path[path] = stored
        return stored

    def get(self, file_id_or_path: str) -> Stored | None:
        """Find a file by its id or its path."""
        return self._by_id.get(file_id_or_path) or self._by_path.get(file_id_or_path)

    def resolve(self, spec: Any, kind: str, uploads: dict[str, File]) -> Stored:
        """Find or make the file a bot names: attach://part, a file_id or a URL.

        Raises:
            ApiError: there is no such file.
        """
        if isinstance(spec, str) and spec.startswith("attach://"):
            spec = uploads.get(spec.removeprefix("attach://"))
        if isinstance(spec, File):
            if not spec.data:
                raise bad_request("file must be non-empty")
            return self.add(spec, kind)
        if isinstance(spec, str) and (known := self.get(spec)):
            return known
        if isinstance(spec, str) and spec.startswith(("http://", "https://")):
            return self.add(File(spec.rstrip("/").rsplit("/", 1)[-1], spec.encode()), kind)
        raise bad_request("wrong file identifier/HTTP URL specified")


def media_content(kind: str, stored: Stored) -> Json:
    """Make the part of a message that shows *stored* as a photo, a document and so on."""
    body = stored.describe() | EXTRA[kind]
    if kind in NAMED:
        body["file_name"] = stored.name
    return {kind: [body] if kind == "photo" else body}
