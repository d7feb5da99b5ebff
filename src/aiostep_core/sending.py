"""How a prompt goes out, and what it means if it does not: what every adapter decides alike. Pure, no framework.

An adapter makes its framework's own objects of what these say, and describes its framework's errors as ``Failure``.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .errors import BadArgument

if TYPE_CHECKING:
    from .abc import Address, Sent

__all__ = ["Failure", "Manner", "change_of", "loss_of", "manner_of", "place_of"]

_GROUPS: Final = frozenset({"group", "supergroup"})
#: Under which names people pass a markup, and a reply, to a method of the Bot API; python-telegram-bot has a third.
_OWN_MARKUP: Final = frozenset({"reply_markup"})
_OWN_REPLY: Final = frozenset({"reply_parameters", "reply_to_message_id", "do_quote"})
_BLOCKED: Final = ("blocked", "deactivated")


class Manner(NamedTuple):
    """How a prompt is shown.

    Attributes:
        forces_reply: whether it has the person's program begin a reply; there is no keyboard then.
        reply_to_id: the message that it replies to.
    """

    forces_reply: bool = False
    reply_to_id: int | None = None

    @property
    def is_selective(self) -> bool:
        """Whether only the person who is replied to is asked for the reply."""
        return self.reply_to_id is not None


def manner_of(
    to: Address,
    keyboard: Any,
    force_reply: Any,
    options: Collection[str],
    *,
    own_markup: Collection[str] = _OWN_MARKUP,
    own_reply: Collection[str] = _OWN_REPLY,
) -> Manner:
    """Decide how a prompt is shown.

    A bot in privacy mode sees in a group only what replies to it, so there it asks for a reply; selectively: the
    prompt replies to the person's message, and only they are asked.

    Args:
        keyboard: a reply markup of the framework, or None.
        options: what else the framework's method is given; in there people's *own_markup* and *own_reply* come first.

    Raises:
        BadArgument: *force_reply* is none of True, False and "auto".
    """
    if force_reply not in (True, False, "auto"):
        raise BadArgument("force_reply", force_reply, 'True, False or "auto"')
    in_group = to.chat_type in _GROUPS
    reply_to_id = None if any(name in options for name in own_reply) else to.reply_to_id
    if keyboard is not None:
        # A selective keyboard is shown to whom the message replies to, and without a reply to nobody.
        is_selective = in_group and bool(getattr(keyboard, "selective", False))
        return Manner(reply_to_id=reply_to_id if is_selective else None)
    is_taken = any(name in options for name in own_markup)
    if is_taken or not (force_reply is True or (force_reply == "auto" and in_group)):
        return Manner()
    return Manner(forces_reply=True, reply_to_id=reply_to_id)


def place_of(to: Address) -> dict[str, Any]:
    """Name what of the place the chat's id does not say. Old versions do not know all of these, so only if needed."""
    topic = "direct_messages_topic_id" if to.chat_type == "direct_messages" else "message_thread_id"
    place = {topic: to.key.thread_id, "business_connection_id": to.key.business_id}
    return {name: value for name, value in place.items() if value is not None}


def change_of(to: Address, sent: Sent, text: str | None, markup: Any) -> tuple[str, dict[str, Any]]:
    """Return the method of the Bot API that changes what was sent, and what it is to be called with."""
    given: dict[str, Any] = {"chat_id": sent.chat_id, "message_id": sent.message_id}
    if markup is not None:
        given["reply_markup"] = markup
    if to.key.business_id is not None:
        given["business_connection_id"] = to.key.business_id
    return ("edit_message_reply_markup", given) if text is None else ("edit_message_text", {"text": text, **given})


class Failure(NamedTuple):
    """What Telegram or the network said instead of doing what it was asked for.

    Attributes:
        status: Telegram's error code, as far as the framework tells it; None: there was no answer.
        text: Telegram's description.
        retry_after: the seconds that a 429 names.
        is_migrated: the group is a supergroup now, with another id.
        is_unsent: the request has certainly not reached Telegram.
    """

    status: int | None = None
    text: str = ""
    retry_after: float | None = None
    is_migrated: bool = False
    is_unsent: bool = False


def loss_of(failure: Failure | None) -> str | None:
    """Return why nobody will ever answer a prompt whose sending failed; None if somebody may."""
    if failure is None:
        return None
    if failure.is_migrated:
        return "migrated"
    text = failure.text.casefold()
    if failure.status == 403:
        return "blocked" if any(word in text for word in _BLOCKED) else "left"
    return "left" if failure.status == 400 and "chat not found" in text else None
