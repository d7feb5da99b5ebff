"""How Sphinx builds these pages. Nothing is fetched: no intersphinx, no fonts."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING

from pygments.lexers.special import TextLexer

import aiostep

if TYPE_CHECKING:
    from sphinx.application import Sphinx

sys.path.append(str(Path(__file__).parent))  # diagrams.py

project = "aiostep"
author = "aiostep contributors"
copyright = author  # noqa: A001 - Sphinx's own name
version = release = installed_version("aiostep")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "diagrams"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True

# References into aiostep must lead somewhere; names of other projects cannot be looked up offline.
# Signatures also name types of inner modules, which have no page.
nitpick_ignore_regex = [("py:.*", r"(?!aiostep).*"), ("py:(class|data|obj)", r"aiostep\w*\.\w+\..+")]

html_theme = "furo"
html_title = f"aiostep {release}"


def skip_what_the_facade_describes(
    app: Sphinx, what: str, name: str, thing: object, skip: bool, options: object
) -> bool | None:
    """Describe a name once: on the page of aiostep, if that has it."""
    page = app.env.docname
    if page.startswith("reference/") and page != "reference/aiostep" and getattr(aiostep, name, None) is thing:
        return True
    return None


def setup(app: Sphinx) -> None:
    app.add_lexer("chat", TextLexer)
    app.connect("autodoc-skip-member", skip_what_the_facade_describes)
