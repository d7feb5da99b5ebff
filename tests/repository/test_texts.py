"""What must not be in any file, and what every test must say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.repository.sources import ROOT, tracked

# Written in two halves, so that this file passes its own test.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
REGISTRY = re.compile(r"\b(py" r"pi|npm" r"js|python" r"hosted|debian)\.(org|com|net)\b")
MACHINE = re.compile(r"(?<![\w.<>$~}/-])/(ro" r"ot|ho" r"me|Us" r"ers|t" r"mp)/\w")
FRAGMENT = re.compile(r"[a-z0-9-]+\.(added|changed|deprecated|removed|fixed|security)\.md")


def faults(text: str) -> list[str]:
    """Find unfinished work, registry hosts and paths of one machine."""
    here = [str(ROOT)] if len(ROOT.parts) > 2 else []
    found = [match.group() for pattern in (UNFINISHED, REGISTRY, MACHINE) for match in pattern.finditer(text)]
    return found + [path for path in here if path in text]


def is_text(path: Path) -> bool:
    """Tell text from data by its first bytes."""
    with path.open("rb") as file:
        return b"\0" not in file.read(8000)


def test_tracked_files_are_finished_and_belong_to_no_machine() -> None:
    """No file has unfinished work, the path of one machine or the host of a registry in it."""
    texts = {path: path.read_text("utf-8") for path in tracked() if is_text(path)}
    found = {str(path.relative_to(ROOT)): faults(text) for path, text in texts.items()}

    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "text", ["# TO" + "DO: later", "see files.python" + "hosted.org", "/ho" + "me/me/x", str(ROOT)]
)
def test_a_forbidden_text_is_seen(text: str) -> None:
    """The check finds what it looks for."""
    assert faults(text)


def silent_tests(path: Path) -> list[str]:
    """Find the tests of a file that have no docstring."""
    found = ast.walk(ast.parse(path.read_text("utf-8")))
    functions = [node for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    tests = [node for node in functions if node.name.startswith("test_")]
    return [f"{path.name}:{node.lineno} {node.name}" for node in tests if not ast.get_docstring(node)]


def test_every_test_says_what_it_expects() -> None:
    """Each test has a docstring: the expected behaviour, in a sentence."""
    files = [path for path in tracked() if path.match("tests/**/test_*.py")]

    assert [fault for path in files for fault in silent_tests(path)] == []


def test_a_silent_test_is_seen(tmp_path: Path) -> None:
    """The check finds a test without a sentence, also inside a class."""
    path = tmp_path / "test_example.py"
    path.write_text("def test_a(): ...\nclass TestB:\n    async def test_b(self): ...\n    def test_c(self): 'Says.'\n")

    assert silent_tests(path) == ["test_example.py:1 test_a", "test_example.py:3 test_b"]


def test_changelog_fragments_are_named_so_that_they_can_be_sorted() -> None:
    """A fragment is called <what>.<type>.md, with a type of keep-a-changelog."""
    names = [path.name for path in (ROOT / "changelog.d").glob("*") if path.name != "README.md"]

    assert [name for name in names if not FRAGMENT.fullmatch(name)] == []
