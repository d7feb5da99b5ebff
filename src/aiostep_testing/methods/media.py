"""Sending files, alone and in albums; getFile."""

from __future__ import annotations

from aiostep_testing.entities import format_text
from aiostep_testing.files import media_content
from aiostep_testing.methods.request import Request, method
from aiostep_testing.methods.sending import CAPTION_LIMIT, caption_content, send
from aiostep_testing.wire import Json, bad_request

KINDS = {
    "sendPhoto": "photo",
    "sendDocument": "document",
    "sendAudio": "audio",
    "sendVideo": "video",
    "sendVoice": "voice",
    "sendAnimation": "animation",
    "sendVideoNote": "video_note",
    "sendSticker": "sticker",
}


def file_content(request: Request, kind: str, spec: object) -> Json:
    content = media_content(kind, request.world.files.resolve(spec, kind, request.files))
    if kind == "animation":
        content["document"] = content["animation"]  # old clients know no animations; the server still does this
        content["document"] = {k: v for k, v in content["document"].items() if k not in ("width", "height", "duration")}
    return content


@method(*KINDS)
def send_media(request: Request) -> Json:
    request.chat()
    kind = KINDS[request.name]
    content = file_content(request, kind, request.params[kind])
    return send(request, content | caption_content(request))


@method("sendMediaGroup")
def send_media_group(request: Request) -> list[Json]:
    request.chat()
    items: list[Json] = request.params["media"]
    if not 2 <= len(items) <= 10:
        raise bad_request("Wrong number of items in the media group")
    contents = [input_media(request, item) for item in items]
    album = {"media_group_id": str(10**16 + request.world.number())}
    return [send(request, album | content) for content in contents]


def input_media(request: Request, item: Json) -> Json:
    """Turn one InputMedia object into the content of a message.

    Raises:
        ApiError: its file is unknown, or its caption is too long or badly marked up.
    """
    content = file_content(request, item["type"], item["media"])
    text, entities = format_text(item.get("caption") or "", item.get("parse_mode"), item.get("caption_entities"))
    if len(text) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    content |= {"caption": text} if text else {}
    return content | ({"caption_entities": entities} if entities else {})


@method("getFile")
def get_file(request: Request) -> Json:
    stored = request.world.files.get(request.params["file_id"])
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    return stored.describe() | {"file_path": stored.path}
