"""A plugin that does not keep to the hookspecs is refused in one sentence, and nothing of it stays."""

from __future__ import annotations

import pytest

from aiostep_core.errors import MissingRequirement, PluginConflict, PluginError, UnsupportedTarget
from aiostep_core.plugins import DISABLE, Plugins
from tests.plugins.sources import Site, info

HOOKS = "aiostep_engine_created, aiostep_make_adapter, aiostep_make_question, aiostep_make_storage, aiostep_plugin_info"
INFO_OF_BAD = info("bad")

BAD = {
    "async": (
        INFO_OF_BAD + "@hookimpl\nasync def aiostep_make_adapter(target, options): ...",
        "has a hook aiostep_make_adapter that is a coroutine function; make it a plain function",
    ),
    "async-info": (
        "@hookimpl\nasync def aiostep_plugin_info(): ...",
        "has a hook aiostep_plugin_info that is a coroutine function; make it a plain function",
    ),
    "generator": (
        INFO_OF_BAD + "@hookimpl\ndef aiostep_engine_created(engine): yield",
        "has a hook aiostep_engine_created that is a generator function; make it a plain function",
    ),
    "async-generator": (
        INFO_OF_BAD + "@hookimpl\nasync def aiostep_engine_created(engine): yield",
        "has a hook aiostep_engine_created that is an async generator function; make it a plain function",
    ),
    "unknown-hook": (
        INFO_OF_BAD + "@hookimpl\ndef aiostep_make_adaptor(target): ...",
        f"has an unknown hook aiostep_make_adaptor; there are: {HOOKS}",
    ),
    "unmarked": (
        INFO_OF_BAD + "def aiostep_make_adapter(target): ...",
        "has a function aiostep_make_adapter without @hookimpl; mark it",
    ),
    "unknown-argument": (
        INFO_OF_BAD + "@hookimpl\ndef aiostep_make_adapter(target, engine): ...",
        "has a hook aiostep_make_adapter that has the argument engine; it can have: target, options",
    ),
    "keyword-only": (
        INFO_OF_BAD + "@hookimpl\ndef aiostep_make_adapter(target, *, options): ...",
        (
            "has a hook aiostep_make_adapter that has the argument options, which is keyword-only and so never passed; "
            "make it a plain one"
        ),
    ),
    "default": (
        INFO_OF_BAD + "@hookimpl\ndef aiostep_make_adapter(target, options=None): ...",
        (
            "has a hook aiostep_make_adapter that has the argument options, which is optional and so never passed; "
            "make it a plain one"
        ),
    ),
    "catch-all": (
        INFO_OF_BAD + "@hookimpl\ndef aiostep_make_adapter(**given): ...",
        (
            "has a hook aiostep_make_adapter that has the argument given, which is a catch-all and so never passed; "
            "make it a plain one"
        ),
    ),
    "hook-option": (
        INFO_OF_BAD + "@hookimpl(tryfirst=True)\ndef aiostep_make_adapter(target): ...",
        (
            "has a hook aiostep_make_adapter that is marked hookimpl(tryfirst=...), which has no effect here; "
            "use @hookimpl alone"
        ),
    ),
    "no-info": (
        "",
        "has no hook aiostep_plugin_info; add one that returns a PluginInfo, and mark it @hookimpl",
    ),
    "no-plugin-info": (
        "@hookimpl\ndef aiostep_plugin_info(): return 'bad'",
        "returned 'bad' from aiostep_plugin_info; expected a PluginInfo",
    ),
    "other-name": (
        info("good"),
        "calls itself 'good'; make the two names the same",
    ),
    "info-raises": (
        "@hookimpl\ndef aiostep_plugin_info(): return PluginInfo(name='bad', requires='toygram')",
        (
            "failed in aiostep_plugin_info: BadArgument: requires is 'toygram'; "
            'expected a tuple of texts, such as ("aiogram>=3.4,<4",)'
        ),
    ),
    "api-version": (
        # What is new in that version must not be what is complained about.
        (
            "@hookimpl\ndef aiostep_plugin_info(): return PluginInfo(name='bad', api_version=2)\n"
            "@hookimpl\ndef aiostep_new_in_2(): ..."
        ),
        (
            "was written for version 2 of the plugin interface, but this aiostep has version 1; "
            "update the older of the two"
        ),
    ),
    "requirement": (
        "@hookimpl\ndef aiostep_plugin_info(): return PluginInfo(name='bad', requires=('toygram~=1.0',))",
        "has a requirement that cannot be read: 'toygram~=1.0' is no requirement such as 'aiogram>=3.4,<4'",
    ),
    "too-old": (
        "@hookimpl\ndef aiostep_plugin_info(): return PluginInfo(name='bad', requires=('toygram>=2,<3',))",
        "needs toygram>=2,<3, but toygram 1.4.1 is installed; pip install 'toygram>=2,<3'",
    ),
    "syntax": (
        "def",
        "of aiostep-bad 1.0 cannot be imported: SyntaxError: ",
    ),
}


@pytest.mark.parametrize(("code", "problem"), BAD.values(), ids=BAD.keys())
def test_a_bad_plugin_is_refused(site: Site, plugins: Plugins, code: str, problem: str) -> None:
    """The sentence says what is wrong and what to do; the plugin stays out and the good one works."""
    site.toy()
    site.plugin("bad", code)

    with pytest.raises(PluginError) as caught:
        plugins.load("bad")

    assert str(caught.value).startswith(f"plugin 'bad' {problem}")
    assert str(caught.value).endswith(problem) or "SyntaxError" in problem
    assert {row.name: row.state for row in plugins.describe()} == {"bad": "broken", "toy": "loaded"}
    plugins.engine_created(None)  # type: ignore[arg-type] # no hook of the bad one may be left to be called


def test_a_hook_of_a_later_aiostep_may_be_optional(site: Site, plugins: Plugins) -> None:
    """A plugin can serve several versions of the interface."""
    site.plugin("early", info("early") + "@hookimpl(optionalhook=True)\ndef aiostep_new(): ...")

    plugins.load("early")


def test_a_missing_framework_is_told_to_who_asks_for_the_plugin(site: Site, plugins: Plugins) -> None:
    """load() says what is missing and the command; when it has been installed, load() works."""
    site.toy(requires=("toygram>=1.2", "nothere"))

    with pytest.raises(MissingRequirement) as caught:
        plugins.load("toy")
    assert str(caught.value) == "plugin 'toy' needs nothere, which is not installed; pip install 'nothere'"

    site.install("nothere", "0.1")
    plugins.load("toy")
    plugins.load("toy")
    assert [row.detail for row in plugins.describe()] == ["toygram 1.4.1, nothere 0.1"]
    with pytest.raises(UnsupportedTarget, match=r"\(toy\)$"):  # and no word about what was missing
        plugins.make_adapter(object(), {})


def test_an_unknown_name_is_refused(site: Site, plugins: Plugins) -> None:
    """load() names the plugins there are."""
    site.toy()

    with pytest.raises(PluginError) as caught:
        plugins.load("tay")

    assert str(caught.value) == "plugin 'tay' is not installed; there are: toy"


def test_a_disabled_plugin_is_not_loaded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """load() says that it is switched off, and discover() does not offer it."""
    site.toy()
    site.toy("other")
    monkeypatch.setenv(DISABLE, "toy")
    plugins = Plugins()

    with pytest.raises(PluginError) as caught:
        plugins.load("toy")

    assert str(caught.value) == "plugin 'toy' is switched off by AIOSTEP_DISABLE_PLUGINS"
    assert list(plugins.discover()) == ["other"]
    plugins.register(object(), "toy")
    assert [(row.name, row.state) for row in plugins.describe()] == [("other", "loaded"), ("toy", "disabled")]


def test_a_conflict_is_described_beside_the_others(site: Site, plugins: Plugins) -> None:
    """describe() has a row for each distribution; load() refuses that name only, discover() everything."""
    site.toy()
    site.plugin("twice", info("twice"))
    site.install("rival", "2.0", plugins={"twice": "twice_plugin"})
    problem = "plugin 'twice' is offered by aiostep-twice 1.0 and rival 2.0; uninstall one of them"

    plugins.load("toy")
    for call in (plugins.discover, lambda: plugins.load("twice")):
        with pytest.raises(PluginConflict) as caught:
            call()
        assert str(caught.value) == problem

    rows = [(row.name, row.distribution, row.version, row.state, row.detail) for row in plugins.describe()]
    assert sorted(rows) == [
        ("toy", "aiostep-toy", "1.0", "loaded", "toygram 1.4.1"),
        ("twice", "aiostep-twice", "1.0", "conflict", problem),
        ("twice", "rival", "2.0", "conflict", problem),
    ]
