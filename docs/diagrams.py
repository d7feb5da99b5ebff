"""Pictures that are drawn from the tables of the code when the docs are built, so that they cannot grow old.

On a page: a block called `state-diagram` with the full name of a table, from state to signal to state.
Nothing is needed but this file: the SVG is written by hand and stands in the page itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from html import escape
from math import atan2, degrees
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

Transitions = Mapping[Enum, Mapping[Enum, Enum]]

WIDTH, HEIGHT = 150, 40
ACROSS, DOWN = 370, 70
MARGIN = 10
TIP = (
    '<marker id="tip" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0 10 5 0 10z" fill="currentColor"/></marker>'
)


def layers(transitions: Transitions) -> list[list[Enum]]:
    """Sort the states by how many steps they are from the first one; unreachable ones come last."""
    states = list(transitions)
    found = [states[:1]]
    seen = set(found[0])
    while found[-1]:
        reached = {target for state in found[-1] for target in transitions[state].values()} - seen
        seen |= reached
        found.append([state for state in states if state in reached])
    found[-1] = [state for state in states if state not in seen]
    return [layer for layer in found if layer]


def draw(transitions: Transitions, title: str) -> str:
    """Draw the states as boxes and the transitions as arrows; a state without a way out has a double border."""
    columns = layers(transitions)
    rows = max(len(column) for column in columns)
    spots = {
        state: (MARGIN + x * ACROSS, MARGIN + (y + (rows - len(column)) / 2) * DOWN)
        for x, column in enumerate(columns)
        for y, state in enumerate(column)
    }
    arrows = [
        arrow(spots[state], spots[target], signal)
        for state, ways in transitions.items()
        for signal, target in ways.items()
    ]
    boxes = [box(spots[state], state, is_final=not ways) for state, ways in transitions.items()]
    width, height = (len(columns) - 1) * ACROSS + WIDTH + 2 * MARGIN, (rows - 1) * DOWN + HEIGHT + 2 * MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="sans-serif" font-size="14" style="max-width: {width}px; width: 100%">'
    )
    return "\n".join([head, f"<title>{escape(title)}</title>", TIP, *arrows, *boxes, "</svg>"])


def arrow(start: tuple[float, float], end: tuple[float, float], signal: Enum) -> str:
    """Draw one transition, from the right edge of a box to the left edge of another, and write on it what happens."""
    (x1, y1), (x2, y2) = (start[0] + WIDTH, start[1] + HEIGHT / 2), (end[0], end[1] + HEIGHT / 2)
    # The words lie along the arrow, or they would cross it; nearer to its tip, where arrows that begin together part.
    x, y = x1 + (x2 - x1) * 0.55, y1 + (y2 - y1) * 0.55
    angle = degrees(atan2(y2 - y1, x2 - x1))
    return (
        f'<path d="M{x1:g} {y1:g} {x2:g} {y2:g}" fill="none" stroke="currentColor" marker-end="url(#tip)"/>'
        f'<text x="{x:g}" y="{y:g}" dy="-6" transform="rotate({angle:.1f} {x:g} {y:g})" text-anchor="middle" '
        f'fill="currentColor">{escape(signal.value)}</text>'
    )


def box(spot: tuple[float, float], state: Enum, *, is_final: bool) -> str:
    """Draw one state."""
    x, y = spot
    inner = (
        f'<rect x="{x + 3:g}" y="{y + 3:g}" width="{WIDTH - 6}" height="{HEIGHT - 6}" rx="6" fill="none" '
        'stroke="currentColor"/>'
    )
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="none" stroke="currentColor"/>'
        f"{inner if is_final else ''}"
        f'<text x="{x + WIDTH / 2:g}" y="{y + HEIGHT / 2 + 5:g}" text-anchor="middle" fill="currentColor">'
        f"{escape(state.name)}</text>"
    )


def describe(transitions: Transitions) -> str:
    """Say the same in words, a line for each transition."""
    lines = [
        f"{state.name} --({signal.value})--> {target.name}"
        for state, ways in transitions.items()
        for signal, target in ways.items()
    ]
    return "\n".join([*lines, *(f"{state.name}: final" for state, ways in transitions.items() if not ways)])


def setup(app: Sphinx) -> dict[str, Any]:
    """Let Sphinx know the block."""
    # Here, because the test of the drawing runs where Sphinx is not installed.
    from importlib import import_module

    from docutils import nodes
    from sphinx.addnodes import only
    from sphinx.util.docutils import SphinxDirective

    class StateDiagram(SphinxDirective):
        required_arguments = 1

        def run(self) -> list[nodes.Node]:
            module, _, name = self.arguments[0].rpartition(".")
            table = getattr(import_module(module), name)
            words = describe(table)
            elsewhere = only("", nodes.literal_block(words, words), expr="not html")
            return [nodes.raw("", draw(table, words), format="html"), elsewhere]

    app.add_directive("state-diagram", StateDiagram)
    return {"parallel_read_safe": True}
