"""Edges, points and times that must increase: looked at where they are written, or when data is bound."""

from __future__ import annotations

from itertools import pairwise

from pdflang.components import arithmetic
from pdflang.diagnostics import Diagnostic, Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, LoopIndex, Node, Phase
from pdflang.ir.program import Check
from pdflang.ir.ranges import POSITIVE
from pdflang.ir.sizes import Axis
from pdflang.semantics.combine import error
from pdflang.semantics.elaborator import Elaborator


def check_increasing(elaborator: Elaborator, points: Node, what: str, place: Span) -> None:
    """Have it checked that the elements of a vector increase. Error: E408."""
    if points.phase != Phase.CONST:
        loop = Loop(len(points.loops), Axis(points.axes[0].size - 1))
        after = nodes.Apply(arithmetic.ADD, (LoopIndex(loop), Constant(1)), "int")
        ends = (nodes.Element(points, (after,)), nodes.Element(points, (LoopIndex(loop),)))
        steps = nodes.Array(loop, nodes.Apply(arithmetic.SUBTRACT, ends, "real"))

        def report(step: float, entry: str) -> Diagnostic:
            return Diagnostic("E408", f"{what} must increase, but the step in {entry} is {step:g}", place)

        elaborator.check(Check("range", report, node=steps, allowed=POSITIVE))
        return
    for left, right in pairwise(elaborator.fold(points)):
        if not right > left:
            raise error("E408", f"{what} must increase, but {left:g} is followed by {right:g}", place)
