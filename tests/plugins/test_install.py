"""A plugin that another distribution brings is found, asked, and told of engines."""

from __future__ import annotations

import importlib
from inspect import signature
from typing import Any

import pytest

from aiostep_core import Adapter, MemorySteps, engine_of, install
from aiostep_core.errors import BadArgument, PluginConflict, PluginError, UnsupportedTarget
from aiostep_core.plugins import DISABLE, TRACE, Plugins, default_plugins
from tests.plugins.sources import Site, info

REFUSED = "no adapter for builtins.object; pass a dispatcher, application or bot of a known framework"


def hub() -> Any:
    return importlib.import_module("toygram").Hub()


def test_a_plugin_of_another_distribution_serves_its_framework(site: Site) -> None:
    """install() finds the adapter through the entry point and installs it with its options."""
    site.toy()
    target = hub()

    engine = install(target, volume=3)

    adapter: Any
    [adapter] = engine.runtime.adapters
    assert (adapter.name, adapter.target, dict(adapter.options)) == ("toy", target, {"volume": 3})
    assert adapter.runtime is engine.runtime
    assert install(target) is engine


def test_a_subclass_of_a_target_is_a_target(site: Site, plugins: Plugins) -> None:
    """The author's own subclass of a dispatcher is served too."""
    site.toy()
    target = importlib.import_module("toygram").Sub()

    assert plugins.make_adapter(target, {}).target is target


def test_an_option_the_adapter_does_not_have_is_refused(site: Site) -> None:
    """The message names the option and those that the adapter has, and nothing is installed."""
    site.toy()
    target = hub()

    with pytest.raises(BadArgument) as caught:
        install(target, loudness=3)

    named = {one.name for one in signature(install).parameters.values() if one.kind is one.KEYWORD_ONLY}
    theirs, _, ours = str(caught.value).partition("; or those of install() itself: ")
    assert theirs == "option loudness is 3; expected only the adapter's options: volume"
    assert set(ours.split(", ")) == named
    assert engine_of(target) is None


def test_an_unknown_target_names_the_adapters_there_are(site: Site, plugins: Plugins) -> None:
    """Nobody claims it: the message says what it was and which frameworks are known."""
    site.toy()

    with pytest.raises(UnsupportedTarget) as caught:
        plugins.make_adapter(object(), {})

    assert str(caught.value) == f"{REFUSED} (toy)"


def test_a_missing_framework_comes_with_the_command_that_installs_it(site: Site, plugins: Plugins) -> None:
    """A plugin whose framework is not installed is no error, and a hint when nobody took the target."""
    site.toy()
    site.toy("other", requires=("othergram>=2",))

    with pytest.raises(UnsupportedTarget) as caught:
        plugins.make_adapter(object(), {})

    hint = "plugin 'other' needs othergram>=2, which is not installed; pip install 'othergram>=2'"
    assert str(caught.value) == f"{REFUSED} (other, toy); {hint}"
    assert plugins.make_adapter(hub(), {}).name == "toy"


def test_a_missing_framework_that_is_an_extra_is_installed_by_it(site: Site, plugins: Plugins) -> None:
    """The command uses the extra of the plugin's own distribution if that has one of its name."""
    site.plugin("third", 'aiostep_plugin_info = hookimpl(lambda: PluginInfo(name="third", requires=("nothere>=1",)))')
    (site.folder / "aiostep_third-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: aiostep-third\nVersion: 1.0\nProvides-Extra: third\n", "utf-8"
    )

    [row] = plugins.describe()

    assert row.state == "unavailable"
    assert row.detail == "plugin 'third' needs nothere>=1, which is not installed; pip install 'aiostep-third[third]'"


def test_without_any_plugin_the_explicit_way_is_named(site: Site, plugins: Plugins) -> None:
    """A frozen program has no metadata: the message says how to do without."""
    with pytest.raises(UnsupportedTarget) as caught:
        plugins.make_adapter(object(), {})

    hint = "no distribution offers any; import one yourself: from aiostep_<framework> import adapter"
    assert str(caught.value) == f"{REFUSED} (no adapters found); {hint}"


def test_a_plugin_that_fails_to_import_stops_no_other(site: Site, plugins: Plugins) -> None:
    """The others serve their targets; its error is told when nobody does, with the distribution and the reason."""
    site.toy()
    site.plugin("broken", "import no_such_module")

    assert plugins.make_adapter(hub(), {}).name == "toy"
    with pytest.raises(UnsupportedTarget) as caught:
        plugins.make_adapter(object(), {})

    reason = "ModuleNotFoundError: No module named 'no_such_module'"
    hint = f"plugin 'broken' of aiostep-broken 1.0 cannot be imported: {reason}"
    assert str(caught.value) == f"{REFUSED} (broken, toy); {hint}"


def test_a_plugin_that_failed_is_not_imported_for_every_target(site: Site, plugins: Plugins) -> None:
    """Many bots in one process do not pay for it again and again; asking for it by name tries anew."""
    site.toy()
    site.plugin("broken", "import toygram\ntoygram.Hub.tries = getattr(toygram.Hub, 'tries', 0) + 1\n1 / 0")

    plugins.make_adapter(hub(), {})
    plugins.make_adapter(hub(), {})
    assert hub().tries == 1
    with pytest.raises(PluginError):
        plugins.load("broken")
    assert hub().tries == 2


def test_two_distributions_with_one_name_are_refused(site: Site) -> None:
    """Both are named, no adapter is made and the target stays as it was."""
    site.toy()
    site.install("rival", "2.0", plugins={"toy": "toy_plugin"})
    target = hub()

    with pytest.raises(PluginConflict) as caught:
        install(target)

    assert str(caught.value) == "plugin 'toy' is offered by aiostep-toy 1.0 and rival 2.0; uninstall one of them"
    assert engine_of(target) is None


def test_a_disabled_plugin_is_left_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not imported, also when its name is twice there, and the message says that it is switched off."""
    site.plugin("broken", "raise SystemExit('imported')")
    site.install("rival", "2.0", plugins={"broken": "broken_plugin"})
    monkeypatch.setenv(DISABLE, " broken,other")

    with pytest.raises(UnsupportedTarget) as caught:
        Plugins().make_adapter(object(), {})

    assert str(caught.value) == f"{REFUSED} (broken); plugin 'broken' is switched off by AIOSTEP_DISABLE_PLUGINS"


def test_two_plugins_that_claim_one_target_are_refused(site: Site, plugins: Plugins) -> None:
    """Both are named, and how to choose."""
    site.toy()
    site.toy("again")

    with pytest.raises(PluginError) as caught:
        plugins.make_adapter(hub(), {})

    expected = "plugin 'again' and plugin 'toy' both claim this Hub; switch one off with AIOSTEP_DISABLE_PLUGINS=toy"
    assert str(caught.value) == expected


def test_a_plugin_that_fails_on_what_another_claims_is_logged(
    site: Site, plugins: Plugins, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug of one plugin does not keep another from its target; without another it is the error."""
    site.toy()
    site.plugin("buggy", info("buggy") + "@hookimpl\ndef aiostep_make_adapter(target): return target.nonsense\n")
    problem = "plugin 'buggy' failed in aiostep_make_adapter: AttributeError: 'Hub' object has no attribute 'nonsense'"

    assert plugins.make_adapter(hub(), {}).name == "toy"
    assert caplog.messages == [problem]
    with pytest.raises(PluginError, match=r"failed in aiostep_make_adapter: .* 'nonsense'") as caught:
        plugins.make_adapter(object(), {})
    assert isinstance(caught.value.__cause__, AttributeError)


def test_a_plugin_must_return_an_adapter(site: Site, plugins: Plugins) -> None:
    """Anything but an Adapter or None is named."""
    site.plugin("odd", info("odd") + "@hookimpl\ndef aiostep_make_adapter(target): return 'me'\n")

    with pytest.raises(PluginError) as caught:
        plugins.make_adapter(object(), {})

    assert str(caught.value) == "plugin 'odd' returned 'me' from aiostep_make_adapter; expected Adapter or None"


def test_a_storage_comes_from_the_plugin_that_knows_the_url(site: Site, plugins: Plugins) -> None:
    """The plugin gets the URL and the options; an unknown one is refused without showing its password."""
    site.plugin(
        "shelf",
        info("shelf")
        + """
from aiostep_core import MemorySteps

@hookimpl
def aiostep_make_storage(options, url):
    if url.startswith("shelf://"):
        storage = MemorySteps()
        storage.made_of = url, dict(options)
        return storage
""",
    )

    storage = plugins.make_storage("shelf://top", {"dust": True})

    assert type(storage) is MemorySteps
    assert vars(storage)["made_of"] == ("shelf://top", {"dust": True})
    with pytest.raises(BadArgument) as caught:
        plugins.make_storage("mongo://me:secret@host", {})
    known = '"memory://", "sqlite:///bot.db", "redis://host:6379/0"'
    assert str(caught.value) == f"storage is 'mongo://...'; expected {known}, or a URL that a plugin knows"


OBSERVER = """
@hookimpl
def aiostep_engine_created(engine):
    engine.on_exit(print)
"""


def test_a_new_engine_is_shown_to_every_plugin(site: Site) -> None:
    """A plugin may add to an engine, once: not again for a second target."""
    site.toy()
    site.plugin("observer", info("observer") + OBSERVER)

    engine = install(hub())
    assert engine.runtime.on_exit == [print]
    install(hub(), engine=engine)
    assert engine.runtime.on_exit == [print]


def test_an_engine_that_a_plugin_refuses_is_taken_out_again(site: Site) -> None:
    """The plugin's error is named, and the target is as it was."""
    site.toy()
    site.plugin("fussy", info("fussy") + "@hookimpl\ndef aiostep_engine_created(engine): 1 / 0\n")
    target = hub()

    with pytest.raises(PluginError) as caught:
        install(target)

    assert str(caught.value) == ("plugin 'fussy' failed in aiostep_engine_created: ZeroDivisionError: division by zero")
    assert engine_of(target) is None


def test_a_plugin_of_this_process_needs_no_distribution(site: Site, plugins: Plugins) -> None:
    """An object with hooks as methods can be registered, under a name that is free."""
    from aiostep_core.hookspecs import PluginInfo, hookimpl

    site.toy()
    made: Any = importlib.import_module("toy_adapter").HubAdapter("anything")

    class Own:
        @hookimpl
        def aiostep_plugin_info(self) -> PluginInfo:
            return PluginInfo(name="own")

        @hookimpl
        def aiostep_make_adapter(self, target: object) -> Adapter[Any] | None:
            return made if target == "anything" else None

    plugins.register(Own(), "own")

    for taken in ("own", "toy"):
        with pytest.raises(PluginError) as caught:
            plugins.register(Own(), taken)
        assert str(caught.value) == f"plugin {taken!r} is there already; register this one under another name"
    assert plugins.make_adapter("anything", {}) is made


def test_tracing_writes_each_call_without_values(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line per plugin that is called: what it got and gave, by type, since values may be secrets."""
    monkeypatch.setenv(TRACE, "1")
    site.toy()
    site.plugin("observer", info("observer") + "@hookimpl\ndef aiostep_engine_created(engine): 1 / 0\n")

    with pytest.raises(PluginError):
        install(hub(), volume=12345)

    assert capsys.readouterr().err.splitlines() == [
        "aiostep: toy: aiostep_make_adapter(target: Hub, options: mappingproxy) -> HubAdapter",
        "aiostep: observer: aiostep_engine_created(engine: Engine) -> raised ZeroDivisionError",
    ]


def test_without_tracing_nothing_is_written(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """install() is silent."""
    site.toy()
    install(hub())

    assert capsys.readouterr().err == ""


def test_there_is_one_default(site: Site) -> None:
    """Every install() asks the same plugins."""
    assert default_plugins() is default_plugins()
