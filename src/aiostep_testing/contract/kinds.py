"""Level kinds: answers that are no text, as values that are the same in every framework."""

from __future__ import annotations

from typing import Any

from aiostep_core import Album, Click, Contact, Document, Location, Phone, Photo

from .context import Ctx
from .level import Level
from .stage import Stage

__all__ = ["Kinds"]


def describe(got: Any) -> str:
    """Say what came, from values that are the same in every framework."""
    match got:
        case Location():
            return f"{got.latitude:g} {got.longitude:g}"
        case Contact():
            return got.phone_number
        case Document():
            return f"{got.file_name}"
        case Click():
            return f"{got.data}"
        case _:
            assert got.width > 0
            return f"{got.caption}"


class Kinds(Level, level="kinds"):
    """What ``ask`` and ``wait_for`` make of photos, files, places and contacts."""

    async def test_an_album_is_a_list_of_photos(self, stage: Stage) -> None:
        """T08: ``Album(Photo)`` gives all of them in order, or says that there are too many; the next text is free."""

        async def rooms(c: Ctx) -> None:
            photos: list[Photo] = await c.ask("photos?", Album(Photo, max=3))
            await c.say(f"{len(photos)} {photos[0].caption} {await c.ask('name?')}")

        await stage.start(rooms)
        await stage.tell(stage.alice, "/rooms", "photos?")
        stage.alice.album(4)
        await stage.tell(stage.alice, None, "Please send at most 3.")
        stage.alice.album(3, "sunset")
        await stage.tell(stage.alice, None, "name?")
        await stage.tell(stage.alice, "Ann", "3 sunset Ann")
        stage.alice.send("/rooms")
        await stage.tell(stage.alice, None, "photos?")
        stage.alice.photo("dawn")
        await stage.tell(stage.alice, None, "name?")
        await stage.tell(stage.alice, "Ann", "1 dawn Ann")

    async def test_each_kind_is_known(self, stage: Stage) -> None:
        """T17: a question for one kind of media refuses the others, and its answer has the Bot API's values."""
        asked: dict[str, tuple[Any, str]] = {
            "photo": (Photo, "Please send a photo."),
            "file": (Document, "Please send a file."),
            "place": (Location, "Please send a location."),
            "card": (Contact, "Please send a contact."),
        }

        def program(name: str) -> Any:
            async def run(c: Ctx) -> None:
                got = await c.ask(f"{name}?", asked[name][0], attempts=None)
                assert got.native is not None
                assert got.message is not None
                await c.say(f"got {describe(got)}")

            run.__name__ = name
            return run

        await stage.start(*map(program, asked))
        alice = stage.alice
        acts: dict[str, Any] = {
            "photo": lambda: alice.photo("sunset"),
            "file": lambda: alice.document(name="notes.txt"),
            "place": lambda: alice.location(52.5, 13.25),
            "card": lambda: alice.contact("+4930123456"),
        }
        expected = {"photo": "sunset", "file": "notes.txt", "place": "52.5 13.25", "card": "+4930123456"}
        for name, (_, refusal) in asked.items():
            await stage.tell(alice, f"/{name}", f"{name}?")
            for other, act in acts.items():
                if other != name:
                    act()
                    await stage.tell(alice, None, refusal)
            acts[name]()
            await stage.tell(alice, None, f"got {expected[name]}")

    async def test_a_phone_number_may_be_shared(self, stage: Stage) -> None:
        """A question for a phone number takes the person's own contact too."""

        async def phone(c: Ctx) -> None:
            await c.say(f"got {await c.ask('number?', Phone)}")

        await stage.start(phone)
        await stage.tell(stage.alice, "/phone", "number?")
        stage.alice.contact("+4930123456")
        await stage.tell(stage.alice, None, "got +4930123456")
        await stage.tell(stage.alice, "/phone", "number?")
        await stage.tell(stage.alice, "+49 30 123456", "got +4930123456")

    async def test_one_of_several_kinds(self, stage: Stage) -> None:
        """A wait for several kinds gives a value of the one that came, and lets everything else pass."""

        async def where(c: Ctx) -> None:
            await c.say("where?", "skip")
            await c.say(f"got {describe(await c.call('wait_for', Photo | Location | Click('skip')))}")

        await stage.start(where)
        alice = stage.alice
        for act, got in (
            (lambda: alice.photo("sunset"), "sunset"),
            (lambda: alice.location(52.5, 13.25), "52.5 13.25"),
            (lambda: stage.click(alice, "skip"), "skip"),
        ):
            await stage.tell(alice, "/where", "where?")
            await stage.waiting()
            await stage.tell(alice, "home", "other:home")
            act()
            await stage.tell(alice, None, f"got {got}")

    async def test_any_click(self, stage: Stage) -> None:
        """A click is a kind like others: the class alone means any, also among several kinds and in a question."""

        async def vote(c: Ctx) -> None:
            await c.say("well?", "yes", "no")
            await c.say(f"got {describe(await c.call('wait_for', Click))}")
            await c.say(f"got {describe(await c.call('wait_for', Photo | Click))}")
            await c.say(f"got {describe(await c.ask('which?', Click))}")

        await stage.start(vote)
        await stage.tell(stage.alice, "/vote", "well?")
        await stage.waiting()
        await stage.tell(stage.alice, "hm", "other:hm")
        for button, answers in (("no", ("got no",)), ("yes", ("got yes", "which?")), ("no", ("got no",))):
            stage.click(stage.alice, button)
            await stage.tell(stage.alice, None, *answers)
        await stage.passes(stage.alice)
