"""CONTRIBUTING.md leads to files and words that are there."""

from __future__ import annotations

import ast
import re

from tests.repository.sources import ROOT, SRC

CORE = SRC / "aiostep_core"
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
ROW = re.compile(r"^\| (?P<word>[^|]+) \| `(?P<file>[\w/]+\.py)` \| [^|]+ \|$", re.MULTILINE)
FILE = re.compile(r"`([\w/]+\.(?:py|md|toml))`|\]\(([\w./-]+\.md)(?:#[\w-]+)?\)")
BASES = (
    ROOT,
    CORE,
    CORE / "storages",
    SRC / "aiostep_aiogram",
    *(ROOT / "tests" / one for one in ("repository", "storages")),
)


def defined_in(path: str) -> set[str]:
    """Name the classes of a file of the core."""
    tree = ast.parse((CORE / path).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def test_each_word_is_where_the_glossary_says() -> None:
    """A class of the glossary is defined in the file beside it, and any other word is in that file's text."""
    rows = [match.group("word", "file") for match in ROW.finditer(TEXT)]
    classes = [(word.strip("`"), file) for word, file in rows if word.startswith("`")]
    words = [(word, file) for word, file in rows if not word.startswith("`")]

    assert len(rows) > 25
    assert [row for row in classes if row[0] not in defined_in(row[1])] == []
    assert [row for row in words if row[0] not in (CORE / row[1]).read_text("utf-8")] == []


def test_each_file_that_is_named_is_there() -> None:
    """A map that names a file which was moved leads nowhere."""
    named = {name or page for name, page in FILE.findall(TEXT)}

    assert "src/aiostep_core/storages/opening.py" in named
    assert [name for name in sorted(named) if not any((base / name).is_file() for base in BASES)] == []
