"""A naive account of what must become of updates: plain lists, searched from end to end, sharing no code with the core.

It knows one bot, and only what the state machine in ``test_machine.py`` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

#: Most specific first; a conversation is found by its own scope, or by one that it was filed under for a reason.
ORDER = ["buttons", "user_in_topic", "user_in_chat", "global_user", "chat_topic", "chat", "any"]
DAY = 86400.0


@dataclass(eq=False)
class Update:
    """An update; *number* is the order in which they came, *id* is Telegram's."""

    number: int
    id: int
    kind: str
    user: int | None
    chat: int | None
    thread: int | None = None
    message: int | None = None
    value: int = 0
    command: str | None = None
    album: str | None = None
    is_lost: bool = False

    def __repr__(self) -> str:
        return f"u{self.number}"


@dataclass(eq=False)
class Filing:
    """One reason to look at a conversation: the update's parts that must be so, and why it is looked at."""

    tick: int
    scope: str
    parts: dict[str, int | None]
    why: str


@dataclass(eq=False)
class AWait:
    """A wait: *filter* is None, "even", "odd" (at once) or "slow" (answers later)."""

    talk: ATalk
    kinds: set[str]
    filter: str | None
    takes_commands: bool
    is_cancellable: bool
    is_ready: bool
    is_fresh: bool
    deadline: float | None
    state: str = "pending"
    answer: Update | None = None


@dataclass(eq=False)
class ATalk:
    """A conversation."""

    scope: str
    user: int | None
    starter: int | None
    after: int | None
    opened_at: float
    filings: list[Filing]
    kinds: set[str] = field(default_factory=lambda: {"message"})
    waits: list[AWait] = field(default_factory=list)
    unread: list[Update] = field(default_factory=list)
    is_open: bool = True
    is_orphan: bool = False


@dataclass(eq=False)
class AStep:
    """A registered step; its filter is like a wait's."""

    scope: str
    parts: dict[str, int | None]
    filter: str | None
    after: int | None
    opened_at: float
    expires_at: float | None


class Model:
    """Everything that is open, and what it would do with an update."""

    def __init__(self, unread: int) -> None:
        self.unread = unread
        self.now = 0.0
        self.ticks = 0
        self.talks: list[ATalk] = []
        self.steps: list[AStep] = []
        self.albums: list[tuple[int | None, str, float]] = []

    # Looking.

    def found(self, scope: str, update: Update) -> list[tuple[ATalk, Filing]]:
        """Find who is filed under *scope* for *update*, oldest first."""
        filed = [(talk, one) for talk in self.talks for one in talk.filings if one.scope == scope]
        fitting = [(talk, one) for talk, one in filed if self.fits(scope, one.parts, update)]
        return sorted(fitting, key=lambda pair: pair[1].tick)

    def fits(self, scope: str, parts: dict[str, int | None], update: Update) -> bool:
        """Tell whether the update has the parts that count."""
        if scope == "buttons" and update.kind != "callback_query":
            return False
        return all(getattr(update, name) == value for name, value in parts.items())

    def concerns(self, talk: ATalk, filing: Filing, update: Update) -> bool:
        """Tell whether the update is this conversation's business."""
        if filing.why == "chatless":
            return update.chat is None
        if filing.why == "lost":
            return update.is_lost
        if filing.why == "home":
            return False
        return talk.user is None or talk.user == update.user

    def is_fenced(self, after: int | None, since: float, update: Update) -> bool:
        """Tell whether the update is too old to be an answer."""
        return after is not None and update.id <= after and self.now - since < DAY

    def admits(self, wait: AWait, update: Update) -> bool:
        """Tell whether the update may answer, before any filter."""
        return (
            wait.state == "pending"
            and update.kind in wait.kinds
            and (update.command is None or wait.takes_commands)
            and not self.is_fenced(wait.talk.after, wait.talk.opened_at, update)
        )

    def is_known_album(self, update: Update) -> bool:
        """Tell whether it is a further part of an album that was an answer within five minutes."""
        mine = (update.chat, update.album)
        return any((chat, album) == mine and self.now - at <= 300 for chat, album, at in self.albums)

    # Deciding. Each returns a word and whom it is about, and changes nothing.

    def decide(self, update: Update) -> tuple[str, Any]:
        """Say what must become of an update that nobody is thinking about."""
        if self.is_known_album(update):
            return "ABSORBED", None
        if leaving := self.leaving(update):
            return "CANCELLED", leaving
        return self.offer(update, ())

    def leaving(self, update: Update) -> list[ATalk]:
        """Find the conversations that a cancel word ends."""
        if update.command != "cancel":
            return []
        return [
            talk
            for scope in ORDER
            for talk, filing in self.found(scope, update)
            if filing.why in ("own", "home")
            and talk.starter == update.user
            and all(wait.is_cancellable for wait in talk.waits)
        ]

    def offer(self, update: Update, asked: Iterable[AWait]) -> tuple[str, Any]:
        """Offer the update to everybody in turn, except those who were asked."""
        before: list[ATalk] = []
        for scope in ORDER:
            found = self.found(scope, update)
            mine = [talk for talk, filing in found if self.concerns(talk, filing, update)]
            if found and not mine and scope == "buttons":
                return "NOT_YOURS", None
            for talk in mine:
                if talk in before:
                    continue
                before.append(talk)
                for wait in talk.waits:
                    if wait not in asked and wait.is_ready and self.admits(wait, update):
                        if wait.filter == "slow":
                            return "FILTERING", wait
                        if accepts(wait.filter, update):
                            return "CLAIMED", wait
                if self.keeps(talk, update):
                    return ("KEPT", talk) if len(talk.unread) < self.unread else ("PASS", None)
        return "PASS", None

    def keeps(self, talk: ATalk, update: Update) -> bool:
        """Tell whether the update goes to the mailbox."""
        return (
            not any(wait.is_ready for wait in talk.waits)
            and talk.scope != "any"
            and update.command is None
            and update.kind in talk.kinds
            and not self.is_fenced(talk.after, talk.opened_at, update)
        )

    def read(self, wait: AWait, asked: Iterable[Update]) -> tuple[str, Any]:
        """Say what a wait finds in its mailbox."""
        for update in wait.talk.unread:
            if update not in asked and self.admits(wait, update):
                if wait.filter == "slow":
                    return "FILTERING", update
                if accepts(wait.filter, update):
                    return "CLAIMED", update
        return "WAITS", None

    def step_scopes(self, after: AStep | None = None) -> list[str]:
        """List the scopes of steps, those that are looked at after *after*."""
        scopes = [scope for scope in ORDER if any(one.scope == scope for one in self.steps)]
        return scopes if after is None else [one for one in scopes if ORDER.index(one) > ORDER.index(after.scope)]

    def step_for(self, update: Update, scopes: Iterable[str]) -> AStep | None:
        """Find the step that the update runs, or whose slow filter is to be asked about it."""
        if update.kind != "message" or update.command is not None:
            return None
        for scope in scopes:
            for step in self.steps:
                if step.scope == scope and self.fits(scope, step.parts, update):
                    fenced = self.is_fenced(step.after, step.opened_at, update)
                    if not fenced and (step.filter == "slow" or accepts(step.filter, update)):
                        return step
        return None

    # Changing.

    def tick(self) -> int:
        """Count what happens."""
        self.ticks += 1
        return self.ticks

    def claim(self, wait: AWait, update: Update) -> None:
        """Give the update to the wait, and with it the rest of its album."""
        self.end(wait, "claimed")
        wait.answer = update
        talk = wait.talk
        if update in talk.unread:
            same = [one for one in talk.unread if one is update or (update.album and one.album == update.album)]
            talk.unread = [one for one in talk.unread if one not in same]
        self.note_album(update)

    def note_album(self, update: Update) -> None:
        """Remember that this album was an answer."""
        if update.album is not None:
            self.albums = [one for one in self.albums if one[:2] != (update.chat, update.album)]
            self.albums.append((update.chat, update.album, self.now))

    def forget_album(self, update: Update) -> None:
        """Remember no longer."""
        self.albums = [one for one in self.albums if one[:2] != (update.chat, update.album)]

    def end(self, wait: AWait, state: str) -> None:
        """End a wait."""
        assert wait.state == "pending"
        wait.state = state
        wait.talk.waits.remove(wait)

    def close(self, talk: ATalk) -> list[Update]:
        """Close a conversation; return what nobody read."""
        if not talk.is_open:
            return []
        talk.is_open = False
        self.talks.remove(talk)
        left, talk.unread = talk.unread, []
        return left

    def expire_steps(self) -> None:
        """Drop the steps whose time is up."""
        self.steps = [one for one in self.steps if one.expires_at is None or one.expires_at > self.now]


def accepts(filter: str | None, update: Update) -> bool:
    """Tell what a filter that answers at once says."""
    return filter is None or update.value % 2 == (1 if filter == "odd" else 0)
