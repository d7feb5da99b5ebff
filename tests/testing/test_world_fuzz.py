"""Random conversations: whatever people and bots do, the world stays consistent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aiostep_testing import ManualClock, Person, World
from aiostep_testing.groups import SharedChat

ACTS = st.sampled_from("send reply edit photo album react click join leave block unblock delete answer".split())
BUTTON = {"inline_keyboard": [[{"text": "Go", "callback_data": "g"}]]}


def act(person: Person, what: str, where: SharedChat | None) -> None:
    """Do one thing; things that make no sense now are not done."""
    chat, _ = person.place(where)
    newest: dict[str, Any] | None = next(reversed(chat.messages.values()), None)
    mine = [m for m in chat.messages.values() if m.get("from") == person.user and ("text" in m or "photo" in m)]
    anywhere: dict[str, Callable[[], object]] = {
        "send": lambda: person.send("/go @test_bot", to=where),
        "photo": lambda: person.photo("look", to=where),
        "album": lambda: person.album(2, to=where),
        "block": person.block,
        "unblock": person.unblock,
        "edit": lambda: person.edit(mine[-1], "better") if mine else None,
    }
    if newest is not None:
        anywhere |= {
            "reply": lambda: person.reply("so", newest),
            "react": lambda: person.react(newest, "👍"),
            "delete": lambda: person.delete(newest),
            "click": lambda: person.click("Go", on=newest) if "reply_markup" in newest else None,
        }
    if where is not None:
        anywhere |= {"join": lambda: person.join(where), "leave": lambda: person.leave(where)}
    if what in anywhere:
        anywhere[what]()


@given(st.lists(st.tuples(ACTS, st.integers(0, 1), st.integers(0, 2)), max_size=30))
@settings(deadline=None)
def test_every_update_is_valid_and_in_order(script: list[tuple[str, int, int]]) -> None:
    """Any sequence of acts gives updates that fit the schema, with rising ids, read once by offset."""

    async def play() -> None:
        world = World(clock=ManualClock(), strict=True)
        bot = world.bot()
        bot.subscribe(world.schema.types["Update"].keys() - {"update_id"})
        people = [world.person("Alice"), world.person("Bob")]
        places = [None, world.group("G", members=people), world.group("F", forum=True, members=people)]
        got: list[int] = []
        for what, who, where in script:
            person, place = people[who], places[where]
            if what == "answer":
                chat_id = place.id if place else person.id
                params = {"chat_id": chat_id, "text": "ok", "reply_markup": BUTTON}
                reply = await world.call(bot.token, "sendMessage", params)
                assert reply.status in (200, 403)
            else:
                act(person, what, place)
            offset = got[-1] + 1 if got else 0
            reply = await world.call(bot.token, "getUpdates", {"offset": offset})
            got += [update["update_id"] for update in reply.body["result"]]

        assert world.violations == []
        assert got == list(range(1000, bot.next_update))

    asyncio.run(play())
