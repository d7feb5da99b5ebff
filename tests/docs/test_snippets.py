"""Every piece of code in README.md and docs/ runs, and the bots in it say what the page promises."""

from __future__ import annotations

import asyncio
import gc
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from telebot import TeleBot

from aiostep_core import installed
from tests.docs.snippets import Action, Code, PageError, Play, Verb, read_page
from tests.docs.stage import Stage, StageLoop

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts),
]


class Rehearsal:
    """Runs one page: its code in one module, its plays in one event loop, with one stage for each bot.

    Tests that the page shows are run at its end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.module = ModuleType("page_" + re.sub(r"\W", "_", path.stem))
        self.loop = StageLoop()
        self.stage: Stage | None = None

    def run(self, text: str) -> None:
        """Run the page from top to bottom, and leave nothing running."""
        gc.collect()  # the dispatchers of other pages: code outside handlers must find one engine
        sys.modules[self.module.__name__] = self.module  # dataclasses and type hints look their module up
        try:
            for item in read_page(text):
                if isinstance(item, Code):
                    self.run_code(item)
                else:
                    self.loop.run_until_complete(self.run_play(item))
            self.loop.run_until_complete(self.run_tests())
        finally:
            del sys.modules[self.module.__name__]
            self.loop.run_until_complete(self.close())
            # A framework may keep a page's bot alive, and code outside handlers must find one engine.
            for engine in filter(None, [made() for made in list(installed._by_target.values())]):
                engine.uninstall()
            for bot in [one for one in vars(self.module).values() if isinstance(one, TeleBot)]:
                bot.stop_bot()  # its workers are threads
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()

    def run_code(self, code: Code) -> None:
        """Execute one block; tracebacks name the page and its line."""
        padded = "\n" * (code.line - 1) + code.text
        exec(compile(padded, str(self.path), "exec", dont_inherit=True), self.module.__dict__)

    async def run_play(self, play: Play) -> None:
        """Play one chat with the bot of the page, in process."""
        where, names = f"{self.path.name}:{play.line}", vars(self.module)
        target = next((names[name] for name in ("dp", "application", "bot") if name in names), None)
        assert target is not None, f"{where}: a play needs a `dp`, `application` or `bot`; no block above defines one"
        if self.stage is None or self.stage.target is not target:
            await self.close()
            self.stage = Stage(target)
            await self.stage.feeder.start()
        await self.stage.play(play.actions)

    async def run_tests(self) -> None:
        """Run the tests that the page defines, each with its own world."""
        await self.close()
        for name, test in list(vars(self.module).items()):
            if name.startswith("test_"):
                result = test()
                if inspect.isawaitable(result):
                    await result

    async def close(self) -> None:
        """Stop the bot that is on stage, and everything the page left running."""
        if self.stage is not None:
            await self.stage.feeder.stop()
            self.stage = None
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def run_page(path: Path, text: str) -> ModuleType:
    """Run a page and return the module that its code made."""
    rehearsal = Rehearsal(path)
    rehearsal.run(text)
    return rehearsal.module


@pytest.mark.parametrize("path", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES])
def test_the_code_of_a_page_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run in order, and its plays go as written."""
    monkeypatch.chdir(tmp_path)  # where its files may lie
    module = run_page(path, path.read_text("utf-8"))
    vars(module).clear()  # named steps and filters are kept for ever, and with them the bot of their page


def test_each_package_has_a_reference_page() -> None:
    """The reference covers every package that ships."""
    packages = {init.parent.name for init in (ROOT / "src").glob("*/__init__.py")}

    assert {name for name in packages if not (ROOT / "docs/reference" / f"{name}.md").exists()} == set()


def test_blocks_and_plays_are_found_in_order() -> None:
    """A page gives its python blocks, indented ones too, and its plays; other blocks are left alone."""
    text = """
- item

  ```python
  if x:
      y = 1
  ```

<!-- play: Ann > /start | bot < Hi... -->

```text
<!-- play: no -->
```

<!-- play:
Ann [Save]
-->

```chat
Ann > hi
bot < Yes? [A] [B b]
```
"""

    assert read_page(text) == [
        Code(5, "if x:\n    y = 1\n"),
        Play(9, (Action("Ann", Verb.SEND, "/start"), Action("bot", Verb.SEE, "Hi..."))),
        Play(15, (Action("Ann", Verb.CLICK, "Save"),)),
        Play(20, (Action("Ann", Verb.SEND, "hi"), Action("bot", Verb.SEE, "Yes? [A] [B b]"))),
    ]
    assert Action("bot", Verb.SEE, "Yes? [A] [B b]").buttons == ("Yes?", ["A", "B b"])


def test_a_message_of_several_lines_is_read_as_one() -> None:
    """What the bot says may go on, line by line, with its buttons at the end."""
    (play,) = read_page("```chat\nAnn > hi\nbot < 1 of 2\n    <\n    < Name? [Back]\n```\n")

    assert isinstance(play, Play)
    assert play.actions[1].buttons == ("1 of 2\n\nName?", ["Back"])
    assert re.search(play.actions[1].pattern, "1 of 2\n\nName?")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("```py\nx\n```", "never runs"),
        ("```{code-block} python\nx\n```", "never runs"),
        ("```python skip\nx\n```", "never runs"),
        ("```python\nx", "never closed"),
        ("<!-- play: Ann says hi -->", "none of"),
        ("<!-- play: bot > hi -->", "none of"),
        ("<!-- play: Ann < hi -->", "none of"),
        ("<!-- play: Ann to Bob > hi -->", "none of"),
        ("<!-- play: bot in Team < hi -->", "none of"),
        ("<!-- play: Ann > (elephant) -->", "none of"),
        ("<!-- play: bot < (sticker) -->", "none of"),
        ("<!--play: Ann > hi", "not written as"),
    ],
)
def test_what_would_not_run_is_refused(text: str, words: str) -> None:
    """Code under another name, an open block and an unreadable play are errors, not silence."""
    with pytest.raises(PageError, match=words):
        read_page(text)


def test_blocks_share_a_namespace() -> None:
    """A later block uses the names of an earlier one."""
    module = run_page(Path("page.md"), "```python\nx = 1\n```\n\n```python\ny = x + 1\n```\n")

    assert module.y == 2


def test_a_failing_block_is_named_by_page_and_line() -> None:
    """The traceback of a block that fails points at the page and the line in it."""
    with pytest.raises(ZeroDivisionError) as failed:
        run_page(Path("page.md"), "# Title\n\n```python\nx = 1\n1 / 0\n```\n")

    last = failed.traceback[-1]
    assert (str(last.path).endswith("page.md"), last.lineno + 1) == (True, 5)


@pytest.mark.parametrize(
    ("text", "fits"), [("Hi Ann!", True), ("Hi\nthere!", True), ("Hi", False), ("Oh Hi x!", False)]
)
def test_dots_stand_for_anything(text: str, *, fits: bool) -> None:
    """What the bot is expected to say is literal, but for the dots."""
    assert bool(re.search(Action("bot", Verb.SEE, "Hi...!").pattern, text)) is fits


BOT = """
```python
import asyncio
from aiogram import Dispatcher, F
from aiogram.filters import Command
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

dp = Dispatcher()

@dp.message(Command("start"))
async def start(message: Message) -> None:
    buttons = [InlineKeyboardButton(text=text, callback_data=text.lower()) for text in ("More", "Rename")]
    await message.answer("Hello!", reply_markup=InlineKeyboardMarkup(inline_keyboard=[buttons]))

@dp.callback_query(F.data == "more")
async def more(click) -> None:
    await click.message.answer("More for " + click.from_user.first_name)
    await click.answer()

@dp.message(F.text == "/later")
async def later(message: Message) -> None:
    await asyncio.sleep(60)
    await message.reply("Now.")

@dp.message(F.text == "/tell")
async def tell(message: Message) -> None:
    await message.bot.send_message(message.from_user.id, "In private.")

@dp.edited_message()
@dp.message(F.content_type != "text")
@dp.message(F.reply_to_message | F.is_topic_message)
async def describe(message: Message) -> None:
    marks = [name for name in ("edit_date", "is_topic_message", "reply_to_message") if getattr(message, name)]
    await message.answer(" ".join(["" + message.content_type, *marks]))

@dp.callback_query(F.data == "rename")
async def rename(click) -> None:
    await click.answer("Renamed")
    await click.message.edit_text("New name")

@dp.message()
async def fail(message: Message) -> None:
    raise ValueError(message.text)
```
"""


def test_a_play_that_goes_as_written_passes() -> None:
    """People write and press buttons, and see what the page says the bot answers."""
    play = "Ann > /start | bot < Hello! [More] [Rename] | Ann [More] | bot < More for A..."
    play += " | Bob > /start | bot < He...o!"

    run_page(Path("page.md"), f"{BOT}<!-- play: {play} -->")


@pytest.mark.parametrize(
    "play",
    [
        "Ann > /later | 61 seconds pass | bot < Now.",
        "Ann in Team > /start | bot < Hello! | Bob in Team [Rename] | bot < (toast) Renamed | bot < (edit) New name",
        "Ann in Team > /tell | bot to Ann < In private.",
        "Ann in Forum/News > hi | bot < text is_topic_message... | Bob in Team > /start | bot < Hello!",
        "Ann in Team > /start | bot < Hello! | Ann in Team > (reply) yes | bot < text reply_to_message",
        "Ann > /start | bot < Hello! | Ann > (edit) /stop | bot < text edit_date",
        "Ann > (sticker) | bot < sticker | Ann > (photo) caption | bot < photo | Ann > (contact) | bot < contact",
        "Ann > (album) | bot < photo | bot < photo | bot < photo | Ann > (block)",
    ],
)
def test_a_play_has_groups_topics_media_and_time(play: str) -> None:
    """People also write in groups and topics, send other things than text, reply, edit, and let time pass."""
    run_page(Path("page.md"), f"{BOT}<!-- play: {play} -->")


def test_the_tests_of_a_page_are_run() -> None:
    """A page that shows tests fails when one of them does."""
    with pytest.raises(ZeroDivisionError):
        run_page(Path("page.md"), "```python\nasync def test_it():\n    1 / 0\n```\n")


@pytest.mark.parametrize(
    ("play", "words"),
    [
        ("Ann > /start | bot < Bye!", "page says 'Bye!'"),
        ("Ann > /start", "expected nothing"),
        ("Ann > what?", "ValueError"),
        ("Ann [More]", "no button"),
        ("Ann > /start | bot < Hello! [More]", "the page"),
        ("Ann in Team > /start", "expected nothing"),
        ("bot < Hello!", "begins with somebody"),
    ],
)
def test_a_play_that_goes_otherwise_fails(play: str, words: str) -> None:
    """A wrong, missing or surplus answer, a missing button and a handler that raises all fail the page."""
    with pytest.raises(AssertionError, match=words):
        run_page(Path("page.md"), f"{BOT}<!-- play: {play} -->")


def test_the_plays_of_a_page_go_on_with_the_same_bot() -> None:
    """A second play continues the chat; a new `dp` starts over with a new bot."""
    counting = """
```python
from aiogram import Dispatcher

def make_counter():
    dp, seen = Dispatcher(), []

    @dp.message()
    async def count(message):
        seen.append(message)
        await message.answer(str(len(seen)))

    return dp

dp = make_counter()
```
<!-- play: Ann > a | bot < 1 -->
<!-- play: Ann > b | bot < 2 -->

```python
dp = make_counter()
```
<!-- play: Ann > c | bot < 1 -->
"""

    run_page(Path("page.md"), counting)


APPLICATION = """
```python
from telegram.ext import ApplicationBuilder, MessageHandler, filters

async def count(update, context):
    number = context.user_data["number"] = context.user_data.get("number", 0) + 1
    await update.message.reply_text(f"{number} from {100 // len(update.message.text.strip('x'))}")

application = ApplicationBuilder().token("42:TEST").build()
application.add_handler(MessageHandler(filters.TEXT, count))
```
"""


def test_a_play_with_an_application() -> None:
    """A page may show a bot of python-telegram-bot, as its `application`."""
    play = "<!-- play: Ann > a | bot < 1 from 100 -->"

    run_page(Path("page.md"), f"{APPLICATION}{play}{play.replace('1 ', '2 ')}")


@pytest.mark.parametrize(
    ("play", "words"),
    [("Ann > a | bot < 2...", "page says '2...'"), ("Ann > a", "expected nothing"), ("Ann > x", "ZeroDivisionError")],
)
def test_a_play_with_an_application_that_goes_otherwise(play: str, words: str) -> None:
    """It fails the page as any other does."""
    with pytest.raises(AssertionError, match=words):
        run_page(Path("page.md"), f"{APPLICATION}<!-- play: {play} -->")


def test_a_play_needs_a_dispatcher() -> None:
    """A play on a page without a bot fails, and says what is missing."""
    with pytest.raises(AssertionError, match="needs a `dp`"):
        run_page(Path("page.md"), "<!-- play: Ann > hi -->")
