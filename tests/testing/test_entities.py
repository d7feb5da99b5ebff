"""Texts and their entities."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiostep_testing.entities import automatic, format_text, utf16_len, utf16_slice
from aiostep_testing.wire import ApiError

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
WORD = st.text(st.sampled_from("ab é\N{GRINNING FACE}\N{CJK UNIFIED IDEOGRAPH-4E2D}"), min_size=1, max_size=6)
TAGS = {"b": "bold", "i": "italic", "u": "underline", "s": "strikethrough", "tg-spoiler": "spoiler"}
MARKS = {"*": "bold", "_": "italic", "__": "underline", "~": "strikethrough", "||": "spoiler"}


def spans(text: str, entities: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(e["type"], utf16_slice(text, e["offset"], e["length"])) for e in entities]


@given(st.lists(st.tuples(st.sampled_from(sorted(TAGS)), WORD, WORD), max_size=5))
def test_html_entities_cover_what_was_inside_the_tags(parts: list[tuple[str, str, str]]) -> None:
    """Whatever is around it, an entity's UTF-16 offsets cut out exactly the marked text."""
    source = "".join(f"{before}<{tag}>{inside}</{tag}>" for tag, before, inside in parts)
    text, entities = format_text(source, "HTML")

    assert text == "".join(before + inside for _, before, inside in parts)
    assert spans(text, entities) == [(TAGS[tag], inside) for tag, _, inside in parts]


@given(st.lists(st.tuples(st.sampled_from(sorted(MARKS)), WORD, WORD), max_size=5))
def test_markdown_entities_cover_what_was_inside_the_marks(parts: list[tuple[str, str, str]]) -> None:
    """The same for MarkdownV2."""
    # A space keeps marks of neighbours apart: "_" followed by "__" is another mark.
    source = "".join(f"{before} {mark}{inside}{mark} " for mark, before, inside in parts)
    text, entities = format_text(source, "MarkdownV2")

    assert text == "".join(f"{before} {inside} " for _, before, inside in parts)
    assert spans(text, entities) == [(MARKS[mark], inside) for mark, _, inside in parts]


@given(TEXT)
def test_escaped_text_comes_back(text: str) -> None:
    """What is escaped by the rules is the same text afterwards, and no markup."""
    html = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    markdown = "".join(
        f"\\{c}" if c.isascii() and c.isprintable() and not c.isalnum() and c != " " else c for c in text
    )

    assert format_text(html, "HTML")[0] == text
    assert format_text(markdown, "MarkdownV2")[0] == text


@given(TEXT, st.sampled_from(["HTML", "MarkdownV2", "Markdown", None]))
def test_no_text_breaks_the_parsers(text: str, mode: str | None) -> None:
    """Any text is either parsed, with entities inside it, or refused as a bad request."""
    try:
        plain, entities = format_text(text, mode)
    except ApiError as exc:
        assert exc.code == 400
        assert exc.description.startswith("Bad Request: can't parse entities: ")
        return
    assert all(e["offset"] >= 0 and e["offset"] + e["length"] <= utf16_len(plain) for e in entities)
    assert all(e["length"] > 0 for e in entities)


@given(TEXT)
def test_utf16_length_is_that_of_the_encoding(text: str) -> None:
    """Characters outside the basic plane count twice."""
    assert utf16_len(text) == len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('<a href="https://x.org/?a=1&amp;b=2">x</a>', {"type": "text_link", "url": "https://x.org/?a=1&b=2"}),
        ('<pre><code class="language-python">x</code></pre>', {"type": "pre", "language": "python"}),
        ("<code>x</code>", {"type": "code"}),
        ("<blockquote expandable>x</blockquote>", {"type": "expandable_blockquote"}),
        ('<span class="tg-spoiler">x</span>', {"type": "spoiler"}),
        ('<tg-emoji emoji-id="5">x</tg-emoji>', {"type": "custom_emoji", "custom_emoji_id": "5"}),
        ("<STRONG>x</STRONG>", {"type": "bold"}),
    ],
)
def test_html_tags(source: str, expected: dict[str, Any]) -> None:
    """Each supported tag gives its entity with what the attributes say."""
    assert format_text(source, "html") == ("x", [{"offset": 0, "length": 1, **expected}])


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("[x](https://x.org/a\\)b)", "x", {"type": "text_link", "url": "https://x.org/a)b"}),
        ("![x](tg://emoji?id=5)", "x", {"type": "custom_emoji", "custom_emoji_id": "5"}),
        ("```python\nx```", "x", {"type": "pre", "language": "python"}),
        ("`x`", "x", {"type": "code"}),
        (">x", "x", {"type": "blockquote"}),
        ("**>x||", "x", {"type": "expandable_blockquote"}),
    ],
)
def test_markdown_v2(source: str, text: str, expected: dict[str, Any]) -> None:
    """Each construct of MarkdownV2 gives its entity."""
    assert format_text(source, "MarkdownV2") == (text, [{"offset": 0, "length": 1, **expected}])


def test_nested_entities_are_sorted_by_offset_then_length() -> None:
    """The outer entity comes first."""
    text, entities = format_text("<b>a<i>b</i></b>", "HTML")

    assert spans(text, entities) == [("bold", "ab"), ("italic", "b")]
    assert spans(*format_text("*a_b_*", "MarkdownV2")) == [("bold", "ab"), ("italic", "b")]


def test_legacy_markdown() -> None:
    """The older Markdown knows bold, italic, code and links, and no nesting."""
    text, entities = format_text("*a* _b_ `c` [d](https://x.org/) e\\_f", "Markdown")

    assert text == "a b c d e_f"
    assert spans(text, entities) == [("bold", "a"), ("italic", "b"), ("code", "c"), ("text_link", "d")]


@pytest.mark.parametrize(
    ("source", "mode", "reason"),
    [
        ("<b>x", "HTML", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b>x</i>", "HTML", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("x</b>", "HTML", "Unexpected end tag at byte offset 1"),
        ("é<div>", "HTML", 'Unsupported start tag "div" at byte offset 2'),
        ("a < b", "HTML", "Unclosed start tag at byte offset 2"),
        ("a.", "MarkdownV2", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("*a", "MarkdownV2", "Can't find end of Bold entity at byte offset 0"),
        ("é`a", "MarkdownV2", "Can't find end of Code entity at byte offset 2"),
        ("*a", "Markdown", "Can't find end of the entity starting at byte offset 0"),
    ],
)
def test_broken_markup_is_refused(source: str, mode: str, reason: str) -> None:
    """The refusal says what is wrong where, in the server's words."""
    with pytest.raises(ApiError) as refused:
        format_text(source, mode)

    assert refused.value.description == f"Bad Request: can't parse entities: {reason}"


def test_an_unknown_parse_mode_is_refused() -> None:
    """There are three parse modes."""
    with pytest.raises(ApiError, match="unsupported parse_mode"):
        format_text("x", "bbcode")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/start now", [("bot_command", "/start")]),
        ("/start@test_bot", [("bot_command", "/start@test_bot")]),
        ("a/b and 1/2", []),
        ("ask @alice_b, #tag", [("mention", "@alice_b"), ("hashtag", "#tag")]),
        ("see https://example.org/a/b?c=d.", [("url", "https://example.org/a/b?c=d")]),
        ("mail me@example.org", [("email", "me@example.org")]),
        ("\N{GRINNING FACE} /go", [("bot_command", "/go")]),
        ("#1", []),
    ],
)
def test_automatic_entities(text: str, expected: list[tuple[str, str]]) -> None:
    """Commands, mentions, links and tags are marked without being asked for."""
    assert spans(text, automatic(text)) == expected


def test_nothing_automatic_inside_code() -> None:
    """A command inside code is just code."""
    assert spans(*format_text("<code>/start</code> /go", "HTML")) == [("code", "/start"), ("bot_command", "/go")]
