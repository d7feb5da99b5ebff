"""The short memories: updates that come twice, and the rest of an album."""

from __future__ import annotations

from aiostep_core.recent import RecentAlbums, RecentUpdates
from tests.core.making import BOT, OTHER_BOT, facts


def test_an_update_that_comes_again_is_known() -> None:
    """The same id of the same bot is new once; of another bot it is another update (promise 6; T10)."""
    seen = RecentUpdates()

    assert seen.add(BOT, 1)
    assert not seen.add(BOT, 1)
    assert seen.add(OTHER_BOT, 1)


def test_an_update_that_was_not_handled_may_come_again() -> None:
    """A discarded id is new again, whichever generation it is in (T10)."""
    seen = RecentUpdates(size=2)
    for number in (1, 2, 3):
        seen.add(BOT, number)
    for number in (1, 3, 99):
        seen.discard(BOT, number)
        seen.discard(OTHER_BOT, number)

    assert [seen.add(BOT, number) for number in (2, 3, 1)] == [False, True, True]


def test_the_memory_is_bounded_and_long_enough() -> None:
    """At least the last *size* ids are known, whether they come with gaps or without; not many more are kept."""
    for gap in (1, 2, 3):
        seen = RecentUpdates(size=10)
        for number in range(0, 1000, gap):
            assert seen.add(BOT, number)
            assert not any(seen.add(BOT, one) for one in range(max(0, number - 9 * gap), number + 1, gap))
        recent = seen._bots[BOT]
        assert len(recent._new) + len(recent._old) <= 20


def test_updates_may_come_in_any_order() -> None:
    """Ids that a webhook brings out of turn are each new once, also when the gap closes later (promise 6; T10)."""
    seen = RecentUpdates(size=10)

    assert [seen.add(BOT, number) for number in (5, 3, 4, 5, 6, 9, 7, 8, 9, 10, 6)] == [
        *(True, True, True, False, True, True, True, True, False, True, False),
    ]


def test_ids_may_begin_anew() -> None:
    """After a quiet week ids begin anywhere: also where they have been, once enough others came in between."""
    seen = RecentUpdates(size=10)
    for number in (*range(100, 200), *range(30, 50)):
        assert seen.add(BOT, number)

    assert all(seen.add(BOT, number) for number in range(190, 200))


def test_an_album_is_known_for_five_minutes() -> None:
    """Parts of an album that was an answer are recognised for a while, then forgotten (T08)."""
    albums = RecentAlbums()
    albums.add(facts(media_group_id="a"), 0.0)
    albums.add(facts(), 0.0)

    assert albums.has(facts(media_group_id="a"), 300.0)
    assert not albums.has(facts(media_group_id="b"), 300.0)
    assert not albums.has(facts(media_group_id="a"), 301.0)
    assert not albums


def test_albums_are_bounded() -> None:
    """Strangers cannot make the memory of albums grow: the oldest go first, counted from their last answer."""
    albums = RecentAlbums(size=2)
    for number, group in enumerate("abac"):
        albums.add(facts(media_group_id=group), float(number))

    assert [albums.has(facts(media_group_id=group), 3.0) for group in "abc"] == [True, False, True]
