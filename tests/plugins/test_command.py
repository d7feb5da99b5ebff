"""`python -m aiostep plugins` shows how the plugins are."""

from __future__ import annotations

import pytest

from aiostep.__main__ import main
from tests.plugins.sources import Site


def test_the_plugins_are_listed(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """One line each: name, distribution, version, state, and what it runs with or lacks."""
    site.toy()
    site.toy("other", requires=("othergram",))

    problem = "plugin 'other' needs othergram, which is not installed; pip install 'othergram'"

    assert main(["plugins"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"other  aiostep-other  1.0  unavailable  {problem}",
        "toy    aiostep-toy    1.0  loaded       toygram 1.4.1",
    ]


def test_a_broken_plugin_is_a_bad_exit_status(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """A deployment can check its plugins."""
    site.plugin("broken", "1 / 0")

    assert main(["plugins"]) == 1
    assert "cannot be imported: ZeroDivisionError: division by zero" in capsys.readouterr().out


def test_no_plugin_is_said(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty table would look like a failure."""
    assert main(["plugins"]) == 0
    assert capsys.readouterr().out == "No plugin is installed.\n"


def test_without_a_command_all_of_them_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Who tries the command line first sees what there is; the exit status is that of a mistake."""
    assert main([]) == 2
    printed = capsys.readouterr()
    assert "play        Chat with a bot script" in printed.err
    assert printed.out == ""
