"""How the tests of a level are run: without any plugin of pytest, on every transport, or not when it is not claimed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ClassVar

import pytest

from .harness import LEVELS, AdapterHarness
from .stage import Stage

__all__ = ["TRANSPORTS", "Level"]

#: On which transports the tests of a level run, if it is not these two.
TRANSPORTS: Mapping[str, tuple[str, ...]] = {"polling": ("http",), "webhook": ("webhook",)}
NOT_YET: Mapping[str, str] = {"workers": "there are no tests of it yet"}
USUAL = ("in process", "http")


class Level:
    """Tests of one level: ``async def test_...(self, stage)``, each with its promise in its docstring."""

    #: What is tested.
    harness_class: ClassVar[type[AdapterHarness]]
    #: Tests that fail, by name or by name and transport ("test_x[http]"), and why. One that passes is a failure.
    xfails: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, level: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, test in list(vars(cls).items()):
            if name.startswith("test_") and inspect.iscoroutinefunction(test):
                setattr(cls, name, _plain(test, level or "core"))
        if "harness_class" in vars(cls):
            _check(cls)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each test on every transport that its level and the harness have in common."""
        if "transport" not in metafunc.fixturenames:
            return
        level = getattr(metafunc.function, "level", "core")
        wanted, known = TRANSPORTS.get(level, USUAL), self.harness_class.transports
        metafunc.parametrize("transport", [one for one in wanted if one in known] or wanted[:1])

    @pytest.fixture
    def stage(self, request: pytest.FixtureRequest, transport: str) -> Stage:
        """Give the test a world, if its level is claimed."""
        level, name = request.function.level, request.function.__name__
        harness = self.harness_class
        if level not in harness.levels:
            reason = harness.reasons.get(level) or NOT_YET.get(level, "it does not say why")
            pytest.skip(f"{harness.name} does not claim {level}: {reason}")
        for key in (name, f"{name}[{transport}]"):
            if key in self.xfails:
                request.applymarker(pytest.mark.xfail(reason=self.xfails[key], strict=True))
        return Stage(harness, transport)


def _plain(test: Callable[[Any, Stage], Coroutine[Any, Any, None]], level: str) -> Callable[[Any, Stage], None]:
    def run(self: Any, stage: Stage) -> None:
        stage.play(test(self, stage))

    # Not functools.wraps: pytest would find the coroutine function behind it.
    run.__name__, run.__qualname__, run.__doc__, run.__module__ = (
        test.__name__,
        test.__qualname__,
        test.__doc__,
        test.__module__,
    )
    run.level = level  # type: ignore[attr-defined]
    return run


def _check(cls: type[Level]) -> None:
    harness = cls.harness_class
    unknown = set(harness.levels) - set(LEVELS)
    if unknown or "core" not in harness.levels:
        raise ValueError(f"{harness.__name__}.levels is {harness.levels!r}; it must have 'core' and be of {LEVELS}")
    missing = [name for name in cls.xfails if not hasattr(cls, name.partition("[")[0])]
    if missing:
        raise ValueError(f"{cls.__name__}.xfails names tests that there are not: {missing}")
