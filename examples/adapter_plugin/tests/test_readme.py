"""What the README shows works as it stands there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

README = Path(__file__).parent.parent / "README.md"


async def play() -> None:
    """Run the bot of the README in the Telegram of the README, and order."""
    bot, telegram = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    imports, _, rest = bot.partition("client = ")
    handlers = rest.partition("\n\n\n")[2].partition("client.start(")[0]
    scene = telegram.replace("await client.start", handlers + "\nawait client.start")
    names: dict[str, Any] = {}
    body = "\n".join(f"    {line}" for line in [*scene.splitlines(), "return locals()"])
    exec(f"{imports}\nasync def scene():\n{body}", names)
    seen = await names["scene"]()

    alice, client = seen["alice"], seen["client"]
    alice.send("2")
    await alice.expect("2 x pizza?")
    await alice.click("Order")
    await alice.expect_edit("Ordered!")
    await client.disconnect()
    assert seen["world"].violations == []


def test_the_readme() -> None:
    """Its two pieces of code make a bot that takes an order."""
    asyncio.run(asyncio.wait_for(play(), 10))
