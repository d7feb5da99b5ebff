"""The examples of questions: each is played, with the chat beside it, by a bot of every framework."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aiostep_core import installed
from tests.docs.snippets import Verb, read_actions
from tests.docs.stage import Stage, StageLoop

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "questions"
FRAMEWORKS = ("aiogram", "ptb", "telebot", "telebot_sync")
NAMES = sorted(path.stem for path in (EXAMPLES / "aiogram").glob("*.py"))


def load(path: Path, name: str) -> ModuleType:
    """Import a file that is in no package."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def chat(name: str) -> str:
    return (EXAMPLES / "chats" / f"{name}.chat").read_text("utf-8")


async def play(target: Any, script: str) -> None:
    """Play a chat with a bot, and leave nothing running."""
    stage = Stage(target)
    await stage.feeder.start()
    try:
        await stage.play(read_actions(script, 1))
    finally:
        await stage.feeder.stop()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", NAMES)
def test_an_example_goes_as_its_chat(name: str, framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot of each framework says what the chat says, with the same buttons, and nothing else."""
    monkeypatch.setenv("BOT_TOKEN", "42:TEST")
    gc.collect()  # the bots of other examples
    module = load(EXAMPLES / framework / f"{name}.py", f"example_{framework}_{name}")
    loop = StageLoop()
    try:
        target = next(getattr(module, one) for one in ("dp", "application", "bot") if hasattr(module, one))
        loop.run_until_complete(play(target, chat(name)))
    finally:
        del sys.modules[module.__name__]
        # A thread may keep a bot alive a little longer, and code outside handlers must find one engine.
        for engine in filter(None, [made() for made in list(installed._by_target.values())]):
            engine.uninstall()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_chat_says_all_that_the_bot_says(name: str) -> None:
    """No chat leaves anything out, as it is also what the gallery shows."""
    seen = [action for action in read_actions(chat(name), 1) if action.verb is Verb.SEE]

    assert seen
    assert [action.text for action in seen if "..." in action.text] == []


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_example_has_one_idea(framework: str) -> None:
    """Each framework has all the examples, and each fits on a screen: under 60 lines."""
    files = sorted((EXAMPLES / framework).glob("*.py"))

    assert [path.stem for path in files] == NAMES
    assert [path.stem for path in files if path.read_text("utf-8").count("\n") >= 60] == []


def test_what_is_made_of_the_examples_is_up_to_date() -> None:
    """The files for other frameworks and the gallery are as scripts/make_examples.py makes them."""
    script = load(ROOT / "scripts" / "make_examples.py", "make_examples")
    stale = [path.name for path, text in script.made() if not path.exists() or path.read_text("utf-8") != text]

    assert stale == [], "run: python scripts/make_examples.py"


def test_the_conversation_is_the_same_everywhere() -> None:
    """Without the words that threads do not need, a synchronous example has the text of the asynchronous one."""
    for name in NAMES:
        functions = [
            re.search(r"async def .*?(?=\n\n\n)", (EXAMPLES / one / f"{name}.py").read_text("utf-8"), re.DOTALL)
            for one in FRAMEWORKS[:3]
        ]
        assert len({match[0] if match else None for match in functions}) == 1
