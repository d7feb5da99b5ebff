"""Everything fits on a screen or two: sizes of modules and of function bodies."""

from __future__ import annotations

import ast

import pytest

from tests.repository.sources import Module, modules

MODULE_LINES = 400
BODY_LINES = 60
BODY_LINES_P90 = 25


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function after its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def bodies(module: Module) -> dict[str, int]:
    """Measure every function of a module."""
    return {
        f"{module.name}:{node.lineno} {node.name}": body_lines(node)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def p90(sizes: list[int]) -> int:
    """Return the size that nine functions of ten do not exceed."""
    return sorted(sizes)[(len(sizes) * 9 - 1) // 10] if sizes else 0


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_a_module_is_short(module: Module) -> None:
    """A module has at most 400 lines, and none of its functions has more than 60."""
    lines = module.text.count("\n")

    assert lines <= MODULE_LINES
    assert {name: size for name, size in bodies(module).items() if size > BODY_LINES} == {}


@pytest.mark.parametrize("package", sorted({module.package for module in modules()}))
def test_most_functions_are_short(package: str) -> None:
    """Nine functions of ten stay under 25 lines, in each package."""
    sizes = [size for module in modules() if module.package == package for size in bodies(module).values()]
    assert p90(sizes) < BODY_LINES_P90


def test_bodies_are_measured_without_the_docstring() -> None:
    """The measure counts code, not the words that explain it."""
    code = 'def f():\n    """One.\n\n    Two.\n    """\n    a = 1\n    return a\n\ndef g(): ...\n'

    assert list(bodies(Module("p/m.py", code)).values()) == [2, 1]
    assert [p90([*range(1, 11)]), p90([])] == [9, 0]
