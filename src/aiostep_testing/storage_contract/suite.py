"""How the tests are run: on both faces, without any plugin of pytest."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from .harness import Face, StorageHarness
from .stage import StorageStage

__all__ = ["StorageSuite"]


class StorageSuite:
    """Tests of storages: ``async def test_...(self, stage)``, each with its promise in its docstring."""

    #: What is tested.
    harness_class: ClassVar[type[StorageHarness]]
    #: Tests that fail, by name, and why. One that passes is a failure.
    xfails: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, test in list(vars(cls).items()):
            if name.startswith("test_") and inspect.iscoroutinefunction(test):
                setattr(cls, name, _plain(test))
        missing = [name for name in cls.xfails if not hasattr(cls, name)]
        if missing:
            raise ValueError(f"{cls.__name__}.xfails names tests that there are not: {missing}")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each test on every face."""
        if "face" in metafunc.fixturenames:
            metafunc.parametrize("face", self.harness_class.faces)

    @pytest.fixture
    def stage(self, request: pytest.FixtureRequest, face: Face, tmp_path: Path) -> Iterator[StorageStage]:
        """Give the test an empty place."""
        if (reason := self.xfails.get(request.function.__name__)) is not None:
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
        harness = self.make_harness(request, tmp_path)
        try:
            yield StorageStage(harness, face)
        finally:
            harness.close()

    def make_harness(self, request: pytest.FixtureRequest, folder: Path) -> StorageHarness:
        """Make the harness of one test; override it to use fixtures: ``request.getfixturevalue("server")``."""
        return self.harness_class(folder)


def _plain(test: Callable[[Any, StorageStage], Coroutine[Any, Any, None]]) -> Callable[[Any, StorageStage], None]:
    def run(self: Any, stage: StorageStage) -> None:
        stage.run(test(self, stage))

    # Not functools.wraps: pytest would find the coroutine function behind it.
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(run, name, getattr(test, name))
    return run
