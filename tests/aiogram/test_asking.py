"""``ask``: what is sent, what counts as an answer, and that every click is answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import F
from aiogram.filters import Command
from aiogram.methods import AnswerCallbackQuery
from aiogram.types import BufferedInputFile, CallbackQuery, KeyboardButton, Message, ReplyKeyboardMarkup

from aiostep import BadArgument, Key, NoTarget, WaitTimeout, ask, wait_for
from tests.aiogram.bots import echo
from tests.aiogram.stage import Stage, buttons, until

pytestmark = pytest.mark.anyio


def asker(stage: Stage, *prompt: Any, **options: Any) -> Any:
    """Make a bot that asks once, with these arguments, and says what it got."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        got = await ask(*(prompt or ("name?", str)), **options)
        await message.answer(f"got {got.text if isinstance(got, Message) else got}")

    echo(dp)
    return dp


async def test_a_keyboard_is_sent_with_the_question(stage: Stage) -> None:
    """``keyboard`` is the prompt's reply markup; what is pressed on it is the answer."""
    keyboard = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Red"), KeyboardButton(text="Blue")]])
    dp, alice = asker(stage, "colour?", str, keyboard=keyboard), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("colour")
        alice.press("Blue")
        await alice.expect("^got Blue$")


@pytest.mark.parametrize(
    ("force_reply", "in_group", "markup", "replies"),
    [
        ("auto", True, {"force_reply": True, "selective": True}, True),
        ("auto", False, None, False),
        (True, False, {"force_reply": True, "selective": True}, True),
        (False, True, None, False),
    ],
)
async def test_a_reply_is_asked_for_in_groups(
    stage: Stage, force_reply: Any, in_group: bool, markup: Any, replies: bool
) -> None:
    """In a group the prompt asks the person, and only them, to reply, as a bot may see nothing else there."""
    dp, alice = asker(stage, force_reply=force_reply), stage.world.person("Alice")
    place = stage.world.group("G", members=[alice]) if in_group else None
    async with stage.run(dp):
        sent = alice.send("/start", to=place)
        prompt = await alice.expect("name", in_=place)
        alice.reply("Ann", prompt)
        await alice.expect("^got Ann$", in_=place)

    params = stage.calls("sendMessage")[0]
    assert params.get("reply_markup") == markup
    assert ("reply_parameters" in params) is replies
    if replies:
        assert params["reply_parameters"]["message_id"] == sent["message_id"]
        assert prompt["reply_to_message"]["message_id"] == sent["message_id"]


async def test_a_bot_with_privacy_mode_gets_its_answer(stage: Stage) -> None:
    """In a group where the bot sees only replies, the reply to its question is the answer."""
    stage.account.privacy = True
    dp, alice = asker(stage), stage.world.person("Alice")
    group = stage.world.group("G", members=[alice])
    async with stage.run(dp):
        alice.send("/start", to=group)
        prompt = await alice.expect("name", in_=group)
        alice.send("unseen", to=group)
        alice.reply("Ann", prompt)
        await alice.expect("^got Ann$", in_=group)


async def test_a_question_after_a_click_asks_everybody_to_reply(stage: Stage) -> None:
    """After a click there is no message of the person to reply to; a reply to the bot's own would ask nobody."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer("menu", reply_markup=buttons("Name"))

    @dp.callback_query()
    async def clicked(query: CallbackQuery) -> None:
        await query.answer()
        assert isinstance(query.message, Message)
        await query.message.answer(f"got {await ask('name?', str)}")

    alice = stage.world.person("Alice")
    group = stage.world.group("G", members=[alice])
    async with stage.run(dp):
        alice.send("/start", to=group)
        await alice.expect("menu", in_=group)
        await alice.click("Name", in_=group)
        prompt = await alice.expect("name", in_=group)
        alice.reply("Ann", prompt)
        await alice.expect("^got Ann$", in_=group)

    params = stage.calls("sendMessage")[1]
    assert params["reply_markup"] == {"force_reply": True}
    assert "reply_parameters" not in params


async def test_other_options_go_to_the_send_method(stage: Stage) -> None:
    """What ``ask`` does not know is aiogram's: parse mode, silence, reply parameters of one's own."""
    dp = asker(stage, "<b>name?</b>", str, parse_mode="HTML", disable_notification=True)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        prompt = await alice.expect("^name")
        alice.send("Ann")
        await alice.expect("^got Ann$")

    assert prompt["entities"][0]["type"] == "bold"
    assert stage.calls("sendMessage")[0]["disable_notification"] is True


async def test_a_prompt_is_any_method_that_sends(stage: Stage) -> None:
    """A method that was not awaited is a prompt; the keyboard goes with it."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        photo = BufferedInputFile(b"a photo", "cat.jpg")
        got = await ask(message.answer_photo(photo, caption="who is this?"), str, keyboard=buttons("No idea"))
        await message.answer(f"got {got}")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        prompt = await alice.expect("who")
        alice.send("Tom")
        await alice.expect("^got Tom$")

    assert "photo" in prompt
    assert prompt["reply_markup"]["inline_keyboard"][0][0]["text"] == "No idea"


async def test_bad_answers_are_asked_again(stage: Stage) -> None:
    """``check`` may return a truth or a reason, raise ``ValueError``, or be async; ``retry`` says it with words."""
    dp, left = stage.dispatcher(), []

    async def check(number: int) -> bool | str:
        await asyncio.sleep(0)
        if number > 100:
            raise ValueError("too much")
        return "too few" if number < 10 else number != 13

    async def retry(problem: str, attempts: int | None) -> str:
        left.append(attempts)
        return f"no: {problem or 'unlucky'}"

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        got = await ask("how many?", int, check=check, retry=retry, attempts=None)
        again = await ask("again?", int, check=lambda n: n > 1, retry="{left} left {problem}")
        await message.answer(f"got {got} {again}")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("how many")
        for said, heard in (("x", "no: Please"), ("5", "no: too few"), ("500", "no: too much"), ("13", "no: unlucky")):
            alice.send(said)
            await alice.expect(f"^{heard}")
        alice.send("50")
        await alice.expect("again")
        alice.send("1")
        await alice.expect("^2 left")
        alice.send("2")
        await alice.expect("^got 50 2$")

    assert left == [None] * 4


async def test_a_silent_person_is_reminded(stage: Stage) -> None:
    """``remind`` speaks up while the question is open; ``timeout`` counts over all attempts, ``default`` ends it."""
    dp = asker(stage, "name?", int, remind={0.05: "still there?"}, timeout=0.3, default="nothing", attempts=None)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        await alice.expect("^still there")
        alice.send("x")
        await alice.expect("whole number")
        await alice.expect("^got nothing$")


async def test_nobody_is_reminded_after_the_answer(stage: Stage) -> None:
    """An answer takes the reminders back."""
    dp = asker(stage, "name?", str, remind={0.05: "still there?"})
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await alice.expect("^got Ann$")
        await alice.expect_nothing(settle=0.1)


async def test_an_old_message_is_no_answer_to_a_fresh_question(stage: Stage) -> None:
    """``fresh=True`` leaves what came before the question to the handlers."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        name = await ask("name?", str)
        sure = await ask("delete everything?", str, fresh=True)
        await message.answer(f"{name} said {sure}")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        alice.send("yes")
        await alice.expect("delete")
        alice.send("no")
        await alice.expect("^Ann said no$")
        await alice.expect("^other:yes$")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"prompt": 7}, BadArgument, "prompt is 'int'; expected a text, or a method"),
        ({"prompt": "x", "as_": object}, BadArgument, "expected one of Animation"),
        ({"prompt": "x", "timeout": -1}, BadArgument, "expected seconds"),
        ({"prompt": "x", "timeout": float("nan")}, BadArgument, "expected seconds"),
        ({"prompt": "x", "attempts": 0}, BadArgument, "expected a whole number"),
        ({"prompt": "x", "force_reply": "yes"}, BadArgument, "expected True, False"),
        ({"prompt": "x", "to": "@alice"}, BadArgument, "expected a user id"),
        ({"prompt": "x", "on_conflict": "fight"}, BadArgument, '"replace", "queue" or "reject"'),
    ],
)
async def test_bad_arguments_are_refused(local: Stage, arguments: Any, error: type[Exception], words: str) -> None:
    """Nonsense is refused in one sentence that says what was expected; nothing waits then."""
    dp, refused = local.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        with pytest.raises(error) as caught:
            await ask(**arguments)
        refused.append(str(caught.value))
        assert local.engine is not None
        assert not any(one.waits for one in local.engine.waits)

    async with local.run(dp):
        local.world.person("Alice").send("/start")
        await until(lambda: refused or local.errors)

    assert words in refused[0]


async def test_a_bot_that_is_not_here_cannot_ask(local: Stage) -> None:
    """A key of a bot that this dispatcher never saw is refused, and leaves no wait."""
    dp, refused = local.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        with pytest.raises(NoTarget, match="no bot with the id 43 has started here") as caught:
            await ask("name?", to=Key(43, 5, 5))
        refused.append(caught.value)

    async with local.run(dp):
        local.world.person("Alice").send("/start")
        await until(lambda: refused or local.errors)


async def test_a_click_is_answered_once(stage: Stage) -> None:
    """A click that answered a wait is answered to Telegram once, at the latest when the handler ends."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer("sure?", reply_markup=buttons("Yes", "No"))
        click = await wait_for(kinds="callback_query")
        await click.message.answer(f"1 {click.data}")
        click = await wait_for(kinds="callback_query", filter=F.data == "no")
        await click.message.answer(f"2 {click.data}")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("sure")
        first = alice.click("Yes")
        await alice.expect("^1 yes$")
        await first
        second = alice.click("No")
        await alice.expect("^2 no$")
        await second

    assert [call["callback_query_id"] for call in stage.calls("answerCallbackQuery")] == [first.id, second.id]


@pytest.mark.parametrize("detach", [False, True])
async def test_a_handler_s_own_answer_to_a_click_is_the_only_one(stage: Stage, detach: bool) -> None:
    """A click that the handler answers, by a call or by returning the method, is not answered again."""
    dp = stage.dispatcher(install={"detach": detach})

    @dp.message(Command("start"))
    async def start(message: Message) -> AnswerCallbackQuery:
        await message.answer("sure?", reply_markup=buttons("Yes", "No"))
        click = await wait_for(kinds="callback_query", filter=F.data == "yes")
        await click.answer("by a call")
        click = await wait_for(kinds="callback_query", filter=F.data == "no")
        answer: AnswerCallbackQuery = click.answer("by its return")
        return answer

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("sure")
        answers = [(await alice.click(text)).get("text") for text in ("Yes", "No")]
        await alice.expect_nothing()

    assert answers == ["by a call", "by its return"]
    assert len(stage.calls("answerCallbackQuery")) == 2


async def test_a_click_that_nobody_waits_for_is_the_bot_s(stage: Stage) -> None:
    """Clicks that answer no wait reach the callback handlers, unanswered by us."""
    dp, clicks = stage.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer("menu", reply_markup=buttons("A"))
        await wait_for(timeout=5)

    @dp.callback_query()
    async def clicked(query: CallbackQuery) -> None:
        clicks.append(query.data)

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("menu")
        alice.click("A")
        await until(lambda: clicks)

    assert stage.calls("answerCallbackQuery") == []


async def test_no_wait_and_no_answer(stage: Stage) -> None:
    """``timeout=0`` only looks at what has come already."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await ask("go?", str)
        await message.answer("went")
        with pytest.raises(WaitTimeout):
            await wait_for(timeout=0)
        await ask("again?", str)
        await asyncio.sleep(0.05)
        got = await wait_for(timeout=0)
        await message.answer(f"got {got.text}")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("go")
        alice.send("go")
        await alice.expect("again")
        alice.send("a")
        alice.send("b")
        await alice.expect("^got b$")
