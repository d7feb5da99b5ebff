"""How a chat reads as text: messages, keyboards, and what happened to them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiostep_testing.chats import Chat, Event
from aiostep_testing.groups import Group, Topic
from aiostep_testing.people import Place
from aiostep_testing.wire import Json

# What a message may be instead of text, the first that fits; `animation` comes with a `document` and `venue`
# with a `location`, so they stand first.
CONTENT: Final = (
    *(
        "photo",
        "animation",
        "video",
        "audio",
        "voice",
        "video_note",
        "document",
        "sticker",
        "venue",
        "location",
    ),
    *("contact", "poll", "dice", "game", "invoice", "story", "checklist"),
    *("new_chat_members", "left_chat_member", "pinned_message", "forum_topic_created", "forum_topic_closed"),
)

VISIBLE: Final = ("message", "edit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """One key of a keyboard.

    data: the callback data of an inline button; None for a key whose text is sent, or that only opens
    something. inline: whether it hangs below a message.
    """

    text: str
    inline: bool
    data: str | None = None

    @property
    def usable(self) -> bool:
        """Tell whether pressing it makes the bot hear something."""
        return not self.inline or self.data is not None


def buttons_of(markup: Mapping[str, Any] | None) -> list[Button]:
    """List the buttons of a reply markup, row by row."""
    markup = markup or {}
    inline = [key for row in markup.get("inline_keyboard", ()) for key in row]
    if inline:
        return [Button(text=key["text"], inline=True, data=key.get("callback_data")) for key in inline]
    keys = [key for row in markup.get("keyboard", ()) for key in row]
    # The API takes a plain string for a key that only has a text.
    return [Button(text=key if isinstance(key, str) else key["text"], inline=False) for key in keys]


def text_of(message: Json) -> str:
    """Return what a message says, with its media in brackets: `[photo] caption`."""
    words = message.get("text") or message.get("caption") or ""
    kind = next((kind for kind in CONTENT if kind in message), None)
    if kind is None:
        return str(words) if words or "text" in message else "[message]"
    detail = _detail(kind, message[kind])
    return " ".join(filter(None, (f"[{kind.replace('_', ' ')}{detail}]", words)))


def loses_its_buttons(chat: Chat, event: Event) -> bool:
    """Tell whether an edit, the last event of its chat, takes a message's buttons away and leaves what it says."""
    if event.kind != "edit" or buttons_of(event.what.get("reply_markup")):
        return False
    number = event.what.get("message_id")
    for one in reversed(chat.log[:-1]):
        if one.kind in VISIBLE and one.what.get("message_id") == number:
            return text_of(one.what) == text_of(event.what)
    return False


def _detail(kind: str, content: Any) -> str:
    match kind, content:
        case "document", {"file_name": name}:
            return f" {name}"
        case "poll", {"question": question}:
            return f" {question}"
        case "contact", {"first_name": name, "phone_number": number}:
            return f" {name} {number}"
        case "dice", {"emoji": emoji, "value": value}:
            return f" {emoji} {value}"
        case "location", {"latitude": latitude, "longitude": longitude}:
            return f" {latitude}, {longitude}"
        case "venue", {"title": title}:
            return f" {title}"
        case "sticker", {"emoji": emoji}:
            return f" {emoji}"
        case _:
            return ""


def _shared(place: Group | Topic) -> str:
    if isinstance(place, Topic):
        return f"#{place.group.info['title']}/{place.name} "
    return f"#{place.info['title']} "


class Transcript:
    """Write down who said what, one chat line per event.

    A line of a group begins with its title; a bot's line in a private chat names the person as soon as there
    is more than one. With *numbered*, buttons carry the numbers that press them.
    """

    def __init__(self, *, numbered: bool = False) -> None:
        self.numbered = numbered
        self._names: dict[int, str] = {}

    def meet(self, person_id: int, name: str) -> None:
        """Take note of a person who will speak."""
        self._names[person_id] = name

    def said(self, name: str, text: str, place: Place) -> str:
        """Write what a person says or presses; *place* is None in the private chat."""
        return self._line(_shared(place) if isinstance(place, (Group, Topic)) else "", name, text)

    def done(self, chat: Chat, event: Event) -> str | None:
        """Write what a bot did, or None when there is nothing to read."""
        what = event.what
        match event.kind:
            case "message":
                return self._bot(chat, event, text_of(what) + self._buttons(what))
            case "edit":
                return self._bot(chat, event, f"(edited) {text_of(what)}{self._buttons(what)}")
            case "delete":
                return self._bot(chat, event, f"(deleted) {text_of(what)}")
            case "reaction":
                marks = " ".join(str(mark.get("emoji", mark["type"])) for mark in what["reaction"])
                return self._bot(chat, event, f"(reacted {marks or 'no more'}) {text_of(what)}")
            case "answer" if what.get("text"):
                kind = "alert" if what.get("show_alert") else "toast"
                return self._bot(chat, event, f"({kind}) {what['text']}")
            case _:
                return None

    def _bot(self, chat: Chat, event: Event, text: str) -> str:
        if isinstance(chat, Group):
            return self._line(_shared(chat.topics.get(event.thread or 0, chat)), "bot", text)
        if "title" in chat.info:
            return self._line(f"#{chat.info['title']} ", "bot", text)
        return self._line("", f"bot to {chat.info['first_name']}" if len(self._names) > 1 else "bot", text)

    def _buttons(self, message: Json) -> str:
        buttons = enumerate(buttons_of(message.get("reply_markup")), 1)
        texts = [f"{number} {button.text}" if self.numbered else button.text for number, button in buttons]
        return "".join(f"  [{text}]" for text in texts)

    def _line(self, place: str, name: str, text: str) -> str:
        width = max(map(len, ["bot", *self._names.values()]))
        label = f"{place}{name.ljust(width)} > "
        return label + text.replace("\n", "\n" + " " * len(label))
