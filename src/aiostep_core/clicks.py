"""Clicks that answered a wait: somebody must stop their buttons from spinning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .context import Turn
from .facts import Delivery
from .keyboards import pressed
from .texts import Saying

if TYPE_CHECKING:
    from .runtime import Runtime

__all__ = ["ClickWatch", "Clicks"]

#: Seconds that code outside any handler has to answer a click itself.
_GRACE: Final = 5.0
#: Characters that Telegram shows as the answer to a click; one more is an error, and the button spins.
_SHOWN: Final = 200


class ClickWatch:
    """Remembers which clicks their handlers have yet to answer: a second answer is an error to Telegram.

    An adapter tells it of each answer that the bot gives, and asks it before it gives one of ours.
    """

    def __init__(self) -> None:
        self._open: set[str] = set()

    def watch(self, query_id: str) -> None:
        """Begin to look whether the click is answered."""
        self._open.add(query_id)

    def note(self, query_id: object) -> None:
        """Note that the click is answered."""
        self._open.discard(str(query_id))

    def take(self, query_id: str, text: str | None) -> bool:
        """Tell whether a click is still to be answered with *text*, and stop watching it.

        With a text it is in any case, as no handler knows the button; without one, its button is only to stop spinning.
        """
        is_open = query_id in self._open
        self._open.discard(query_id)
        return is_open or text is not None


class Clicks:
    """Answers a click that was an answer, after its handler had the chance to do it with words of its own.

    That chance ends when the handler waits again or is done; a second answer to one click is an error to Telegram.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def watch(self, turn: Turn | None, delivery: Delivery) -> None:
        """Look after a click that a wait has got."""
        delivery.adapter.watch_click(delivery)
        if turn is not None and not turn.is_over:
            turn.clicks = (*turn.clicks, delivery)
        else:
            self._runtime.call_later(_GRACE, self._answer_late, delivery)

    def settle(self, turn: Turn | None, delivery: Delivery, text: str | None = None, *, alert: bool = False) -> None:
        """Answer a click at once: it was made on one of our own buttons, which no handler knows."""
        if turn is not None:
            turn.clicks = tuple(one for one in turn.clicks if one is not delivery)
        self._runtime.start(delivery.adapter.answer_click(delivery, _short(text), alert=alert))

    def refuse(self, delivery: Delivery) -> None:
        """Tell somebody who clicked a button that it is not for them, or that its question is over."""
        engine, language = self._runtime.engine, delivery.adapter.language_of(delivery.update)
        press = pressed(delivery.facts.callback_data)
        others = engine.buttons.get(press.token) if press is not None else "toast"
        name = "stale" if others is None else "not_yours"
        text = None if others == "ignore" else engine.texts.say(Saying(name), language)
        if text is None:
            delivery.adapter.watch_click(delivery)  # or it would not be answered, and spin
        self._runtime.start(delivery.adapter.answer_click(delivery, _short(text), alert=others == "alert"))

    def answer(self, turn: Turn | None) -> None:
        """Answer what the handler of *turn* got and let pass."""
        if turn is not None and turn.clicks:
            clicks, turn.clicks = turn.clicks, ()
            for delivery in clicks:
                self._answer(delivery)

    def _answer_late(self, delivery: Delivery) -> None:
        if self._runtime.closed_for is None:
            self._answer(delivery)

    def _answer(self, delivery: Delivery) -> None:
        self._runtime.start(delivery.adapter.answer_click(delivery))


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
