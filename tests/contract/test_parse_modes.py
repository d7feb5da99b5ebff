"""What people write is no markup, also for bots that send everything as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from telegram.ext import ApplicationBuilder, Defaults

from aiostep import field
from aiostep_testing.contract import TOKEN, Ctx, Level, Stage
from aiostep_testing.harnesses.aiogram import AiogramHarness
from aiostep_testing.harnesses.ptb import PtbHarness
from aiostep_testing.harnesses.telebot import AsyncTelebotHarness, ThreadedTelebotHarness
from aiostep_testing.transports.ptb import EmulatorRequest


@dataclass
class Note:
    text: str = field("<b>Note?</b>")


class ParseModes(Level, level="menus"):
    """A parse mode is for what the author writes."""

    async def test_answers_are_shown_as_they_are(self, stage: Stage) -> None:
        """The review and the built-in sentences take no "<" for a tag; the author's prompts stay HTML."""

        async def note(c: Ctx) -> None:
            got = await c.call("fill", Note)
            size = await c.call("choose", "size?", ["<18", "18+"])
            stage.got = [got.text, size]  # type: ignore[attr-defined]
            await c.call("ask", "over?")

        await stage.start(note)
        alice = stage.alice
        asked = await stage.tell(alice, "/note", "Note?")
        assert asked["entities"][0]["type"] == "bold"
        alice.send("a < b & <i>c</i>")
        review = await stage.said(alice)
        assert review["text"].startswith("Text: a < b & <i>c</i>\n")
        alice.click("Everything is right")
        await stage.tell(alice, None, "size?")
        await stage.tell(alice, "17", "Please choose one of these: <18, 18+.")
        await stage.tell(alice, "<18", "over?")
        alice.send("yes")
        await stage.nobody_waits()
        await stage.stop()
        # python-telegram-bot adds its default to every call; Telegram does not mind.
        harmless = "editMessageReplyMarkup: unknown parameter 'parse_mode'"
        stage.world.violations[:] = [one for one in stage.world.violations if one != harmless]
        assert stage.got == ["a < b & <i>c</i>", "<18"]  # type: ignore[attr-defined]


class HtmlAiogram(AiogramHarness):
    transports = ("in process",)

    def _bot(self, world: Any) -> Any:
        bot = super()._bot(world)
        bot.default.parse_mode = "HTML"
        return bot


class HtmlPtb(PtbHarness):
    transports = ("in process",)

    def _application(self, world: Any) -> Any:
        builder = ApplicationBuilder().token(TOKEN).defaults(Defaults(parse_mode="HTML"))
        requests = EmulatorRequest(world), EmulatorRequest(world)
        return builder.request(requests[0]).get_updates_request(requests[1]).build()


class HtmlTelebot(AsyncTelebotHarness):
    transports = ("in process",)

    def _register(self, world: Any, programs: Any) -> None:
        self.bot.parse_mode = "HTML"
        super()._register(world, programs)


class HtmlThreadedTelebot(ThreadedTelebotHarness):
    transports = ("in process",)

    def _register(self, world: Any, programs: Any) -> None:
        self.bot.parse_mode = "HTML"
        super()._register(world, programs)


class TestDispatcher(ParseModes):
    harness_class = HtmlAiogram


class TestApplication(ParseModes):
    harness_class = HtmlPtb


class TestAsyncTeleBot(ParseModes):
    harness_class = HtmlTelebot


class TestTeleBot(ParseModes):
    harness_class = HtmlThreadedTelebot
