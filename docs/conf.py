"""How Sphinx builds these pages. Nothing is fetched: no intersphinx, no fonts."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "aiostep"
author = "aiostep contributors"
copyright = author  # noqa: A001 - Sphinx's own name
version = release = installed_version("aiostep")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
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
