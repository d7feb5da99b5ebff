"""The terminal player with real scripts in real processes, driven through pipes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from aiostep.__main__ import main
from aiostep_testing.play.lines import Line, choose, parse_line

BOTS = Path(__file__).parent / "bots"
PATIENCE = 90


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "aiostep", "play", *arguments]


def environment(**changes: str) -> dict[str, str]:
    names = {"BOT_TOKEN", "TELEGRAM_BOT_TOKEN", "TELEGRAM_TOKEN", "TOKEN", "API_TOKEN"}
    return {name: value for name, value in os.environ.items() if name not in names} | changes


def play(*arguments: str, typed: str = "", **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end with *typed* as its input."""
    return subprocess.run(
        command(*arguments),
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        env=environment(**changes),
        check=False,
    )


def chat(ran: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the transcript without its help line."""
    assert ran.stdout.startswith("You are Alice."), ran.stdout + ran.stderr
    return ran.stdout.splitlines()[1:]


def bot(name: str) -> str:
    return str(BOTS / f"{name}.py")


def test_an_unmodified_aiogram_script_can_be_talked_to() -> None:
    """A script that knows nothing of the emulator is played with: text, a button, a toast, an edit, a group."""
    typed = "/start\nÅsa\n[1]\n#team bob: /start\n#team bob: Bob\n"

    ran = play(bot("signup"), "--cli", "--wait", "60", typed=typed)

    assert chat(ran) == [
        "Alice > /start",
        "bot   > Hi! What is your name?",
        "Alice > Åsa",
        "bot   > Save Åsa?  [1 Save]  [2 Cancel]",
        "Alice > [Save]",
        "bot   > (toast) Saved!",
        "bot   > (edited) All set",
        "#team Bob   > /start",
        "#team bot   > Hi! What is your name?",
        "#team Bob   > Bob",
        "#team bot   > Save Bob?  [1 Save]  [2 Cancel]",
    ]
    assert ran.returncode == 0


def test_what_a_plain_bot_shows_in_the_terminal() -> None:
    """Numbers and texts press buttons, reply keyboards too; wrong ones are explained; prints go to stderr."""
    typed = "/menu\n[Help]\n[7]\n[Save]\n[1]\n/keys\n[2]\n\\[2]\n@bob\n/stdin\n"

    # Neither a real token nor a proxy in the environment may keep the bot from the emulator.
    surroundings = {"BOT_TOKEN": "777:REAL", "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    ran = play(bot("plain"), "--cli", "--wait", "60", typed=typed, **surroundings)

    assert chat(ran) == [
        "Alice > /menu",
        "bot   > menu  [1 Save]  [2 Help]",
        "There is no button [Help] to press here; there is: [1 Save] [2 Help]",
        "There is no button [7] to press here; there is: [1 Save] [2 Help]",
        "Alice > [Save]",
        "bot   > (toast) Saved!",
        "bot   > (edited) All set",
        "There is no button [1] to press here; there is: none",
        "Alice > /keys",
        "bot   > Well?  [1 Yes]  [2 No]",
        "Alice > [No]",
        "bot   > echo:No",
        "Alice > [2]",
        "bot   > echo:[2]",
        "You are Bob, in the private chat.",
        "Bob   > /stdin",
        "bot to Bob > stdin: '', main: __main__, 2",
    ]
    assert ran.returncode == 0
    assert "handling No" in ran.stderr
    assert "interrupted" in ran.stderr


def test_a_bot_can_be_killed_and_started_again_by_hand() -> None:
    """!kill ends the process as kill -9 does, !start starts another one, which gets what was said meanwhile."""
    typed = "one\n!start\n!kill\n!kill\ntwo\n!start\n\\!kill\n!kill\n"

    ran = play(bot("plain"), "--cli", "--wait", "60", typed=typed)
    numbers = re.findall(r"(?<= )\d+(?= --)", ran.stdout)

    assert [re.sub(r"\d+ --", "N --", line) for line in chat(ran)] == [
        "Alice > one",
        "bot   > echo:one",
        "The bot is running.",
        "-- kill -9 N --",
        "The bot is not running; !start starts it.",
        "Alice > two",
        "-- started again, as process N --",
        "bot   > echo:two",
        "Alice > !kill",
        "bot   > echo:!kill",
        "-- kill -9 N --",
    ]
    assert numbers[0] != numbers[1] == numbers[2]
    assert ran.returncode == 0
    assert "interrupted" not in ran.stderr


def test_a_script_that_does_not_connect_is_explained_and_ended() -> None:
    """After --wait seconds one sentence says what is wrong and how to fix it, and the status is 1."""
    ran = play(bot("silent"), "--cli", "--wait", "0.5")

    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith(
        f"play: {bot('silent')} did not connect to the emulator within 0.5 s: if it sets its own"
    )
    assert "os.environ['AIOSTEP_BOT_API']" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_script_that_fails_shows_its_own_traceback() -> None:
    """The traceback begins in the script, as without the player, and the exit status is the script's."""
    ran = play(bot("broken"), "--cli")

    assert ran.returncode == 1
    assert "ValueError: no such setting" in ran.stderr
    assert ran.stderr.splitlines()[1] == f'  File "{bot("broken")}", line 3, in <module>'
    assert ran.stderr.splitlines()[-1] == f"play: {bot('broken')} ended with exit status 1 before it asked for updates"


def test_a_script_that_starts_nothing_is_told_what_is_missing(tmp_path: Path) -> None:
    """A script that ends well without a call, as one does that forgot to poll, is told what to add."""
    script = tmp_path / "handlers.py"
    script.write_text("print('handlers only')\n")

    ran = play(str(script), "--cli")

    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        f"play: {script} ended with exit status 0 before it asked for updates: "
        "start polling, or set a webhook, at the end of the script"
    )


@pytest.mark.parametrize(("text", "status"), [("/crash", 1), ("/leave", 7)])
def test_the_status_of_a_bot_that_ends_during_the_chat_is_ours(text: str, status: int) -> None:
    """When the script ends in the middle of the chat, its exit status is passed on, also to a waiting reader."""
    ran = play(bot("plain"), "7", "--cli", "--wait", "60", typed=f"{text}\nhi\n")

    assert ran.returncode == status
    assert f"play: {bot('plain')} ended with exit status {status}" in ran.stderr
    assert ("RuntimeError: as you wish" in ran.stderr) is (text == "/crash")


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C cannot be sent to one process on Windows")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_bot_ends_with_its_player(number: signal.Signals) -> None:
    """Ctrl-C ends player and bot with status 130; a player that is killed takes its bot along, too."""
    pipe = subprocess.PIPE
    arguments = command(bot("plain"), "--cli", "--wait", "60")
    with subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment()) as player:
        assert player.stdin
        assert player.stdout
        assert player.stderr
        player.stdin.write("hi\n")
        player.stdin.flush()
        while "echo:hi" not in player.stdout.readline():
            assert player.poll() is None

        player.send_signal(number)
        status = player.wait(PATIENCE)
        # The bot writes to this pipe as well, so it ends when both have ended.
        errors = player.stderr.read()

    assert status == (130 if number is signal.SIGINT else -signal.SIGKILL)
    assert errors.startswith("handling hi\n")
    # A killed player's server is gone as well, and the bot may notice that first.
    assert errors == "handling hi\ninterrupted\n" or number is signal.SIGKILL


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing.py", "--cli"], "play: nothing.py does not exist; pass the path of the Python file"),
        ([str(BOTS), "--cli"], f"play: {BOTS} is a directory; pass the path of the Python file"),
        ([bot("plain")], "play: the web page comes in a later version; add --cli to chat in this terminal"),
        ([bot("plain"), "--live"], "play: --live talks to Telegram and needs a token: set the environment variable"),
        ([bot("plain"), "--cli", "--wait", "soon"], "'soon' is not a positive number of seconds"),
        ([], "the following arguments are required: SCRIPT"),
    ],
)
def test_a_wrong_command_line_is_answered_with_one_sentence(
    arguments: Sequence[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What cannot be played is refused with exit status 2 and a sentence that names the fix."""
    monkeypatch.delenv("BOT_TOKEN", raising=False)

    try:
        status = main(["play", *arguments])
    except SystemExit as exc:
        status = exc.code

    assert status == 2
    assert sentence in capsys.readouterr().err


def test_live_runs_the_script_untouched(tmp_path: Path) -> None:
    """--live starts the script with its arguments and the author's token, and without the emulator's address."""
    script = tmp_path / "show.py"
    script.write_text(
        "import os, sys\nprint(sys.argv[1:], os.environ['BOT_TOKEN'], 'AIOSTEP_BOT_API' in os.environ)\nsys.exit(3)"
    )

    ran = play(str(script), "--live", "one", "--two", "--", "--cli", BOT_TOKEN="1:REAL", AIOSTEP_BOT_API="http://x")

    assert ran.stdout == "['one', '--two', '--cli'] 1:REAL False\n"
    assert ran.returncode == 3


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("hi", Line(text="hi")),
        ("hi: there", Line(text="hi: there")),
        ("@bob: hi", Line(name="bob", text="hi")),
        ("@bob:hi", Line(name="bob", text="hi")),
        ("@bob", Line(name="bob")),
        ("@bob hi", Line(text="@bob hi")),
        ("#team bob: hi", Line(name="bob", group="team", text="hi")),
        ("#team @bob: [1]", Line(name="bob", group="team", button="1")),
        ("#team bob", Line(name="bob", group="team")),
        ("#team", Line(text="#team")),
        ("[Save it]", Line(button="Save it")),
        ("[ 2 ]", Line(button="2")),
        ("[]", Line(text="[]")),
        ("\\[1]", Line(text="[1]")),
        (" !kill ", Line(command="!kill")),
        ("!start", Line(command="!start")),
        ("!start it", Line(text="!start it")),
        ("\\!kill", Line(text="!kill")),
        ("\\@bob", Line(text="@bob")),
        ("@bob: \\[1]", Line(name="bob", text="[1]")),
    ],
)
def test_the_meaning_of_a_line(line: str, meaning: Line) -> None:
    """A line says who speaks where, and whether it is text or a press."""
    assert parse_line(line) == meaning


@pytest.mark.parametrize(
    ("button", "index"),
    [("1", 0), ("2 No", 1), ("No", 1), ("7", 2), ("3", 2), ("0", None), ("4", None), ("Maybe", None)],
)
def test_which_button_is_meant(button: str, index: int | None) -> None:
    """A text is preferred to a number, so a keypad's 7 is its key and not its place."""
    assert choose(button, ["Yes", "No", "7"]) == index
