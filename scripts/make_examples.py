"""Make what follows from the examples of examples/questions/aiogram: the same for the other bots, and docs/gallery.md.

    python scripts/make_examples.py            write them
    python scripts/make_examples.py --check    fail if one is not as it would be written

A conversation is the same text in each framework; only the frame around it differs, see scripts/example_frames. For
threads it loses its "async" and "await". The gallery shows each with its chat in examples/questions/chats, which the
tests play with all four bots.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from aiostep import sync

__all__ = ["FRAMEWORKS", "made", "names"]

ROOT: Final = Path(__file__).resolve().parent.parent
EXAMPLES: Final = ROOT / "examples" / "questions"
FRAMES: Final = Path(__file__).resolve().parent / "example_frames"
GALLERY: Final = ROOT / "docs" / "gallery.md"
FRAMEWORKS: Final = ("aiogram", "ptb", "telebot", "telebot_sync")
#: The order in the gallery: what is simple first.
ORDER: Final = ("typed", "choose", "choose_many", "confirm", "form", "several_kinds", "album", "stream", "first_answer")

_SOURCE: Final = re.compile(
    r'"""(?P<about>.*?)\n.*?"""\n\n(?P<imports>.*?)\n\n\n?(?P<talk>(?:@dataclass|async def|[A-Z]+ = ).*?)\n'
    r"(?P<bot>dp = Dispatcher\(\).*?)\n\n\nif __name__",
    re.DOTALL,
)
_COMMAND: Final = re.compile(r"async def (\w+)\(message: Message\).*\n    await message\.answer\(await (\w+)\(\)\)")
_NEEDED: Final = {"ptb": ("import os",), "telebot_sync": ("import os",), "telebot": ("import asyncio", "import os")}

#: What the gallery imports from elsewhere; it leaves out how a bot is started.
SHOWN: Final = """\
import aiostep
from aiogram import Dispatcher
from aiogram.filters import Command
from aiogram.types import Message"""
HEAD: Final = """\
# Gallery

One idea each. What you read is what the tests run: every chat below is played with four real bots.
The conversation is the same text in every framework; a synchronous `TeleBot` leaves out `async` and `await`.
Whole files, to copy and to start, are in `examples/questions` of the repository;
`python -m aiostep play FILE --cli` tries one without a token.

<!-- Made by scripts/make_examples.py: change examples/questions/aiogram or its chats instead. -->
"""


@dataclass(frozen=True)
class Example:
    """The parts of one file for aiogram."""

    name: str
    about: str
    imports: tuple[str, ...]
    talk: str
    bot: str

    @property
    def commands(self) -> dict[str, str]:
        """The commands, which are the names of functions too, by the names of their handlers."""
        found = dict(_COMMAND.findall(self.bot))
        assert found, f"{self.name}: nothing is answered"
        return found

    @property
    def standard(self) -> set[str]:
        """The imports that the conversation needs from the standard library."""
        outer = {"import aiostep", "import asyncio", "import os"}
        return {one for one in self.imports if not re.search(r"aiogram|from aiostep", one)} - outer

    @property
    def ours(self) -> list[str]:
        """The names that the conversation needs from us."""
        (line,) = (one for one in self.imports if one.startswith("from aiostep import"))
        return line.removeprefix("from aiostep import ").split(", ")


def names() -> list[str]:
    """List the examples as the gallery does."""
    found = {path.stem for path in (EXAMPLES / "aiogram").glob("*.py")}
    return [*(one for one in ORDER if one in found), *sorted(found - set(ORDER))]


def read(name: str) -> Example:
    """Read the parts of an example."""
    match = _SOURCE.match((EXAMPLES / "aiogram" / f"{name}.py").read_text("utf-8"))
    assert match is not None, f"{name} is not made as the other examples are"
    imports = tuple(line for line in match["imports"].splitlines() if line)
    return Example(name, match["about"], imports, match["talk"].strip("\n"), match["bot"])


def framed(example: Example, framework: str) -> str:
    """Return the file of an example for another framework."""
    standard = sorted({*example.standard, *_NEEDED[framework]}, key=lambda line: (line.startswith("from"), line))
    talk, ours = example.talk, ["import aiostep", f"from aiostep import {', '.join(example.ours)}"]
    if framework == "telebot_sync":
        talk = re.sub(r"\b(async|await) ", "", talk)
        both = ("aiostep", [one for one in example.ours if one not in sync.__all__])
        blocking = ("aiostep.sync", [one for one in example.ours if one in sync.__all__])
        ours[1:] = [f"from {module} import {', '.join(part)}" for module, part in (both, blocking) if part]
    # Two empty lines come before a class or a function, and one before anything else.
    gap = "\n" if talk.startswith(("@", "async ", "def ")) else ""
    return frame(framework).substitute(
        about=example.about,
        name=example.name,
        standard="\n".join(standard),
        ours="\n".join(ours),
        talk=f"{gap}{talk}\n",
        handlers="\n\n\n".join(each_of(example, f"{framework}_handler")),
        registered="\n".join(each_of(example, f"{framework}_registered")),
    )


def frame(name: str) -> Template:
    """Return what goes around the parts of an example."""
    path = FRAMES / f"{name}.txt"
    return Template(path.read_text("utf-8") if path.exists() else "")


def each_of(example: Example, name: str) -> list[str]:
    """Return what there is once for each command."""
    return [
        frame(name).substitute(command=command, handle=handle).rstrip("\n")
        for handle, command in example.commands.items()
    ]


def gallery() -> str:
    """Return the page with all examples."""
    parts = [HEAD]
    for name in names():
        example = read(name)
        standard = "".join(f"{line}\n" for line in sorted(example.standard))
        imports = f"{standard}\n{SHOWN}\n" if standard else f"{SHOWN}\n"
        imports += f"from aiostep import {', '.join(example.ours)}"
        gap = "\n\n\n" if example.talk.startswith(("@", "async ")) else "\n\n"
        chat = (EXAMPLES / "chats" / f"{name}.chat").read_text("utf-8").strip("\n")
        title = name.replace("_", " ").capitalize()
        about = example.about.replace("``", "`")
        code = f"{imports}{gap}{example.talk}\n\n\n{example.bot}"
        parts.append(f"## {title}\n\n{about}\n\n```python\n{code}\n```\n\n```chat\n{chat}\n```\n")
    return "\n".join(parts)


def made() -> Iterator[tuple[Path, str]]:
    """Go through all files that are made, with what must be in them."""
    for name in names():
        for framework in FRAMEWORKS[1:]:
            yield EXAMPLES / framework / f"{name}.py", framed(read(name), framework)
    yield GALLERY, gallery()


def main(arguments: list[str]) -> int:
    """Write, or check; return the exit status."""
    stale = [(path, text) for path, text in made() if not path.exists() or path.read_text("utf-8") != text]
    for path, text in stale:
        print(f"{'stale' if '--check' in arguments else 'written'}: {path.relative_to(ROOT)}")
        if "--check" not in arguments:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
