"""What ``ask`` sends, what becomes of clicks, and what the framework says when it cannot send."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from telegram import Message, PhotoSize, Update
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter
from telegram.ext import BaseRateLimiter, CommandHandler

from aiostep import BadArgument, Photo, Scope
from aiostep_core.keys import Key
from aiostep_core.sending import loss_of
from aiostep_ptb import ask, wait_for
from aiostep_ptb.sending import failure_of
from tests.ptb.stage import Context, Stage, buttons, reply, text_of, until, waiting

pytestmark = pytest.mark.anyio


class Pick:
    """A question that is answered by a click."""

    kinds = frozenset({"callback_query"})

    def parse(self, delivery: Any) -> str:
        return str(delivery.update.callback_query.data)


async def asking(stage: Stage, *args: Any, in_group: bool = False, **options: Any) -> dict[str, Any]:
    """Let a handler ask, and return the parameters with which the prompt was sent."""
    app, answers = stage.application(), list[object]()

    async def start(update: Update, context: Context) -> None:
        prompt = args[0](update) if callable(args[0]) else args[0]
        answers.append(await ask(prompt, *args[1:], **options))

    app.add_handler(CommandHandler("start", start))
    alice = stage.world.person("Alice")
    group = stage.world.group("G", members=[alice]) if in_group else None
    async with stage.run(app):
        sent = alice.send("/start", to=group) if group else alice.send("/start")
        await waiting(stage)
        await until(lambda: any(call.method.startswith("send") for call in stage.world.calls))
        alice.send("Ann", to=group) if group else alice.send("Ann")
        await until(lambda: answers)
    call = next(call for call in stage.world.calls if call.method.startswith("send"))
    return {**call.params, "method": call.method, "asked": sent}


async def test_a_plain_question(stage: Stage) -> None:
    """In a private chat only the text is sent, and options go to ``send_message``."""
    call = await asking(stage, "*name*?", parse_mode="MarkdownV2", disable_notification=True)

    assert call.keys() - {"method", "asked"} == {"chat_id", "text", "parse_mode", "disable_notification"}


async def test_a_question_in_a_group(stage: Stage) -> None:
    """In a group the prompt replies to the person and makes them reply, for bots that see nothing else there."""
    call = await asking(stage, "name?", in_group=True)

    assert call["reply_markup"] == {"force_reply": True, "selective": True}
    replied = call["reply_parameters"]["message_id"] if "reply_parameters" in call else call["reply_to_message_id"]
    assert replied == call["asked"]["message_id"]


async def test_no_reply_is_forced_where_it_is_not_wanted(stage: Stage) -> None:
    """``force_reply=False`` sends the plain text in a group too."""
    assert "reply_markup" not in await asking(stage, "name?", in_group=True, force_reply=False)


async def test_a_photo_as_prompt(stage: Stage) -> None:
    """A function that sends is called with the options and the keyboard."""
    call = await asking(
        stage, lambda update: partial(update.message.reply_photo, b"jpeg"), caption="who?", keyboard=buttons("X")
    )

    assert (call["method"], call["caption"]) == ("sendPhoto", "who?")
    assert "inline_keyboard" in call["reply_markup"]


async def test_a_coroutine_as_prompt(stage: Stage) -> None:
    """A coroutine of the framework that was not awaited is awaited as it is."""
    call = await asking(stage, lambda update: update.message.reply_photo(b"jpeg", caption="who?"))

    assert (call["method"], call["caption"]) == ("sendPhoto", "who?")


@pytest.mark.parametrize("options", [{"keyboard": 1}, {"force_reply": True}, {"protect_content": True}])
async def test_a_coroutine_takes_no_options(local: Stage, options: Any) -> None:
    """A coroutine has its arguments already; the message says what to pass instead."""
    app = local.application()
    async with app:
        with pytest.raises(BadArgument, match="expected a function, which can be given the keyboard or options"):
            await ask(app.bot.send_message(1, "hi"), to=Key(42, 1, 1), **options)
        with pytest.raises(BadArgument, match="expected a text, or a function that sends a message"):
            await ask(7, to=Key(42, 1, 1))
        with pytest.raises(BadArgument, match="expected something that sends a message"):
            await ask(app.bot.get_me(), to=Key(42, 1, 1))
        with pytest.raises(BadArgument, match='expected True, False or "auto"'):
            await ask("hi", to=Key(42, 1, 1), force_reply="sometimes")
    assert len(local.engine.waits) == 0


async def test_another_bot_is_not_ours(local: Stage) -> None:
    """A key of another bot is refused, with the id of the one that is here."""
    app = local.application()
    async with app:
        with pytest.raises(BadArgument, match="no bot with the id 43 is here; this application's bot is 42"):
            await ask("hi", to=Key(43, 1, 1))


async def test_a_prompt_goes_to_its_topic(stage: Stage) -> None:
    """A question in a topic is sent there."""
    app = stage.application()

    async def start(update: Update, context: Context) -> None:
        await reply(update, f"hello {await ask('name?', str)}")

    app.add_handler(CommandHandler("start", start))
    alice = stage.world.person("Alice")
    news = stage.world.group("F", forum=True, members=[alice]).topic("News")
    async with stage.run(app):
        alice.send("/start", to=news)
        sent = await alice.expect("name", in_=news)
        alice.send("Ann", to=news)
        await alice.expect("^hello Ann$", in_=news)

    assert sent["message_thread_id"] == news.id


@pytest.mark.parametrize("answers", ["nobody", "handler", "bot"])
async def test_a_click_is_answered_once(stage: Stage, answers: str) -> None:
    """T13: a click that was an answer is answered by us only if the handler does not do it, in whichever way."""
    app = stage.application()

    async def start(update: Update, context: Context) -> None:
        sent = await reply(update, "sure?", reply_markup=buttons("Yes"))
        click = (await wait_for(kinds="callback_query", scope=Scope.BUTTONS(sent))).callback_query
        assert click is not None
        if answers == "handler":
            await click.answer("thanks")
        elif answers == "bot":
            await context.bot.answer_callback_query(click.id, "thanks")
        await sent.edit_text("done")

    app.add_handler(CommandHandler("start", start))
    bot_class = type(app.bot)
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("sure")
        await waiting(stage)
        answer = await alice.click("Yes")
        await alice.expect_edit("^done$")
        await until(lambda: not len(stage.engine.waits))

    assert answer.get("text") == (None if answers == "nobody" else "thanks")
    assert len(stage.calls("answerCallbackQuery")) == 1
    assert isinstance(app.bot, bot_class)
    stage.engine.uninstall()
    assert type(app.bot) is bot_class


@pytest.mark.parametrize(
    ("language", "told"), [("en", "This button is not for you."), ("de", "Diese Schaltfläche ist nicht für Sie.")]
)
async def test_a_question_s_own_keyboard_is_for_the_person_asked(stage: Stage, language: str, told: str) -> None:
    """T13: another person's click is told so, in their language, reaches no handler, and is not the answer."""
    app = stage.application()

    async def start(update: Update, context: Context) -> None:
        await reply(update, f"picked {await ask('sure?', Pick(), keyboard=buttons('Yes', 'No'))}")

    app.add_handler(CommandHandler("start", start))
    alice, eve = stage.world.person("Alice"), stage.world.person("Eve", language_code=language)
    group = stage.world.group("G", members=[alice, eve])
    async with stage.run(app):
        alice.send("/start", to=group)
        await alice.expect("sure", in_=group)
        await until(lambda: Scope.BUTTONS in stage.engine.waits.scopes)
        refused = await eve.click("No", in_=group)
        await alice.click("Yes", in_=group)
        await alice.expect("^picked yes$", in_=group)

    assert refused.get("text") == told


async def test_what_is_in_a_message(stage: Stage) -> None:
    """A question for a photo gives what the answer has, with the framework's own objects; else it is asked again."""
    app, got = stage.application(), list[Any]()

    async def start(update: Update, context: Context) -> None:
        got.append(await ask("a photo?", Photo))

    app.add_handler(CommandHandler("start", start))
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("photo")
        alice.send("no")
        await alice.expect()
        alice.send(photo=b"bytes")
        await until(lambda: got)

    assert isinstance(got[0], Photo)
    assert isinstance(got[0].native, PhotoSize)
    assert isinstance(got[0].message, Message)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Forbidden("Forbidden: bot was blocked by the user"), "blocked"),
        (Forbidden("Forbidden: user is deactivated"), "blocked"),
        (Forbidden("Forbidden: bot was kicked from the supergroup chat"), "left"),
        (BadRequest("Chat not found"), "left"),
        (ChatMigrated(-1), "migrated"),
        (BadRequest("Message text is empty"), None),
        (NetworkError("no network"), None),
        (ValueError("chat not found"), None),
    ],
)
def test_who_is_gone(error: Exception, reason: str | None) -> None:
    """T23: errors after which nobody will ever answer are told from the others."""
    assert loss_of(failure_of(error)) == reason


async def test_a_prompt_that_fails_leaves_nothing_behind(stage: Stage) -> None:
    """What the framework raises when it cannot send reaches the handler; the next message is nobody's answer."""
    app, errors = stage.application(), list[str]()

    async def start(update: Update, context: Context) -> None:
        try:
            await ask("name?", parse_mode="wrong")
        except BadRequest as error:
            errors.append(str(error))
        await reply(update, f"got {text_of(await wait_for())}")

    app.add_handler(CommandHandler("start", start))
    alice = stage.world.person("Alice")
    async with stage.run(app):
        stage.world.faults.add("sendMessage", status=400)
        alice.send("/start")
        await waiting(stage)
        alice.send("Ann")
        await alice.expect("^got Ann$")

    assert errors
    stage.world.violations.clear()


class Persistent(BaseRateLimiter[int]):
    """Tries once more after a flood limit, as ``AIORateLimiter(max_retries=1)`` does, which needs a library more."""

    async def initialize(self) -> None:
        """Begin."""

    async def shutdown(self) -> None:
        """End."""

    async def process_request(self, callback: Any, args: Any, kwargs: Any, *rest: Any, **options: Any) -> Any:
        try:
            return await callback(*args, **kwargs)
        except RetryAfter:
            await asyncio.sleep(1.1)
            return await callback(*args, **kwargs)


@pytest.mark.filterwarnings("ignore:.*retry_after")
@pytest.mark.parametrize("times", [1, 2])
async def test_a_rate_limiter_waits_instead(stage: Stage, times: int) -> None:
    """The framework's own limiter comes first, and what it gives up after it has waited is not waited for again."""
    app, said = stage.application(stage.builder().rate_limiter(Persistent())), list[str]()

    async def start(update: Update, context: Context) -> None:
        try:
            said.append(await ask("name?", str))
        except RetryAfter as error:
            said.append(str(error))

    app.add_handler(CommandHandler("start", start))
    alice = stage.world.person("Alice")
    async with stage.run(app):
        stage.world.faults.add("sendMessage", status=429, retry_after=1, times=times)
        alice.send("/start")
        if times == 1:
            await alice.expect("^name")
            alice.send("Ann")
        await until(lambda: said)

    assert said == ["Ann" if times == 1 else "Flood control exceeded. Retry in 1 seconds"]
    assert len(stage.calls("sendMessage")) == 2
