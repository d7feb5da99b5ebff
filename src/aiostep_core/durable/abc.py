"""What an adapter must be able to write down, so that conversations on its framework can be durable."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..keys import Key

__all__ = ["Scribe"]


class Scribe(ABC):
    """Writes objects of one framework in terms of JSON, and reads them again.

    What is written must be read again by every later version of the adapter that has the same ``format``. Nothing that
    is read may be run or imported. An adapter that has a scribe also makes every call of the framework to Telegram an
    effect of the conversation that is current (``current_flow``), if there is one, so that a replay makes none.
    """

    #: The framework and the version of what is written, such as "aiogram/1".
    format: str

    def prepare(self, carrier: Any) -> None:
        """See to it that from now on the framework's calls are effects; called whenever a conversation goes on."""
        return

    def stand_in(self, bot_id: int, bot: Any = None) -> None:
        """See to it that what the bot with that id has written can be read here, where it has not started.

        For replays that do nothing else. *bot* is the framework's own, if one is at hand.
        """
        return

    @abstractmethod
    def check(self, fn: Callable[..., Any]) -> None:
        """Look at a handler that is to be durable.

        Raises:
            NotDurable: it asks for arguments that cannot be made again after a restart.
        """

    @abstractmethod
    def arguments(self, fn: Callable[..., Any], carrier: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return what the framework calls the handler *fn* with for the carried update."""

    def wanted(self, fn: Callable[..., Any]) -> Mapping[str, bool]:
        """Return the names of what *fn* asks for besides what ``arguments`` gives, and whether it cannot do without.

        What the framework then calls it with is kept, if it is a value that can be. For all else there is ``remake``.
        """
        return {}

    def remake(self, fn: Callable[..., Any], carrier: Any, names: Collection[str]) -> Mapping[str, Any]:
        """Return of *names* what can be made again of the carried update alone, whenever that is wanted."""
        return {}

    def carrier_for(self, key: Key) -> Any:
        """Return what stands for an update, in ``prepare``, where none begins a conversation: see ``start_durable``."""
        return None

    def given(self, fn: Callable[..., Any], key: Key) -> Mapping[str, Any]:
        """Return what functions may ask for by name if no update begins them."""
        return {}

    @abstractmethod
    def write_update(self, carrier: Any) -> Any:
        """Return the carried update in terms of JSON: an object, or the journal counts as damaged."""

    @abstractmethod
    def read_update(self, bot_id: int, written: Any) -> Any:
        """Return a carrier of the update, for the bot with that id."""

    @abstractmethod
    def write(self, value: Any) -> Any | None:
        """Return an object of the framework, or a list of such, in terms of JSON; None if it is none."""

    @abstractmethod
    def read(self, bot_id: int, written: Any) -> Any:
        """Return what ``write`` was given."""

    @abstractmethod
    def write_error(self, error: BaseException) -> Any | None:
        """Return an error of the framework in terms of JSON; None if it is none."""

    @abstractmethod
    def read_error(self, written: Any) -> BaseException:
        """Return an error like the one that ``write_error`` was given: of the same class, with the same message."""
