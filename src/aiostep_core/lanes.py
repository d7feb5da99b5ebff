"""Updates held back, in order, while an asynchronous filter thinks about an earlier one of their key. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .facts import Delivery
from .keys import Place

__all__ = ["Held", "Lane", "Lanes"]


class Held:
    """An update in a lane; *future* is the runtime's, which gets the decision when it is made."""

    __slots__ = ("delivery", "future")

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.future: Any = None


class Lane:
    """The updates of some places that wait for an earlier one."""

    __slots__ = ("places", "queue")

    def __init__(self, places: tuple[Place, ...]) -> None:
        self.places = places
        self.queue: list[Held] = []

    def join(self, delivery: Delivery) -> Held:
        """Queue *delivery*."""
        held = Held(delivery)
        self.queue.append(held)
        return held


class Lanes:
    """The lanes in use; almost always none.

    Attributes:
        held: the lane of each place that is held.
    """

    def __init__(self) -> None:
        self.held: dict[Place, Lane] = {}

    def __bool__(self) -> bool:
        return bool(self.held)

    def hold(self, *places: Place) -> Lane:
        """Hold what arrives for any of *places* from now on; those that are held already stay as they are."""
        lane = Lane(places)
        for place in places:
            self.held.setdefault(place, lane)
        return lane

    def find(self, places: Iterable[Place]) -> Lane | None:
        """Return the lane in which an update with these *places* has to queue, if any."""
        if self.held:
            for place in places:
                if (lane := self.held.get(place)) is not None:
                    return lane
        return None

    def release(self, lane: Lane) -> list[Held]:
        """Open *lane*; return those who queued in it, in order of arrival. Again is harmless."""
        for place in lane.places:
            if self.held.get(place) is lane:
                del self.held[place]
        queue, lane.queue = lane.queue, []
        return queue
