"""What the expression of a rate tells about compressing its events: where its logarithm is singular, or has a kink."""

from __future__ import annotations

from collections.abc import Iterator

from pdflang.components.arithmetic import Operator
from pdflang.ir import nodes
from pdflang.ir.evaluate import Evaluator
from pdflang.ir.nodes import LoopIndex, Node, Phase
from pdflang.ir.program import BoundProgram, Observation
from pdflang.passes.compression.coordinates import Category, Chart, Coordinate
from pdflang.passes.compression.measure import Array
from pdflang.passes.compression.rules import SPARSE
from pdflang.semantics import build
from pdflang.semantics.affine import affine_in

_STRETCHES = (None, 0.3, 0.05)
"""How far beyond the events a smooth rate may have its singular places, in units of the length that events take."""
_KINKED = ("abs", "sign", "step", "min", "max")
_SINGULAR_AT = {"log": 0.0, "log2": 0.0, "log10": 0.0, "sqrt": 0.0, "log1p": -1.0}


def charts_of(observation: Observation, bound: BoundProgram, points: Array) -> list[Chart]:
    """The charts worth trying for events (n, variables), that of the known singular places first.

    Rates that change fast towards an end, as behind a detector, have singular places a little beyond, of which the
    expression says nothing: these are guessed.
    """
    process = observation.process
    assert process is not None
    places = [_singular_places(observation, column, bound) for column in process.columns.values()]
    coordinates = [
        tuple(
            Category() if variable.axis is not None else _coordinate(singular, points[:, k], stretch)
            for k, (variable, singular) in enumerate(zip(process.variables, places, strict=True))
        )
        for stretch in _STRETCHES
    ]
    several = sum(variable.axis is None for variable in process.variables) > 1
    powers = (1.0, SPARSE) if several else (1.0,)
    return [Chart(distinct, power) for distinct in dict.fromkeys(coordinates) for power in powers]


def kink_of(observation: Observation) -> Node | None:
    """The first part of a rate that has a kink or a jump in a variable of the events, where its place is known."""
    likelihood = observation.log_likelihood
    assert isinstance(likelihood, nodes.Array)
    kinks = (node for node in nodes.walk(likelihood.body) if likelihood.loop in node.loops and _has_kink(node))
    return next((node for node in kinks if node.span is not None), None)


def _has_kink(node: Node) -> bool:
    return isinstance(node, nodes.Choose) or (isinstance(node, nodes.Apply) and node.function.name in _KINKED)


def _coordinate(singular: list[float], column: Array, stretch: float | None) -> Coordinate:
    low, high = float(column.min()), float(column.max())
    lower = max((place for place in singular if place < low), default=None)
    upper = min((place for place in singular if place > high), default=None)
    if stretch is None or low == high:
        return Coordinate(lower, upper)
    beyond = stretch * (high - low)
    return Coordinate(low - beyond if lower is None else lower, high + beyond if upper is None else upper)


def _singular_places(observation: Observation, column: Node, bound: BoundProgram) -> list[float]:
    """Where the log-rate is singular in the variable of a column, as far as its structure tells."""
    likelihood = observation.log_likelihood
    assert isinstance(likelihood, nodes.Array)
    place = nodes.Element(column, (LoopIndex(likelihood.loop),))
    found = (_root(base, place, value, bound) for base, value in _singular_bases(likelihood.body))
    return [root for root in found if root is not None]


def _singular_bases(log_rate: Node) -> Iterator[tuple[Node, float]]:
    """Expressions, and the value at which something of them is singular; factors of the rate are so at zero."""
    for node in nodes.walk(log_rate):
        if not isinstance(node, nodes.Apply):
            continue
        name, arguments = node.function.name, node.arguments
        if name in _SINGULAR_AT:
            yield from ((factor, _SINGULAR_AT[name]) for factor in build.factors(arguments[0]))
        elif isinstance(node.function, Operator) and name == "power":
            yield arguments[0], 0.0
        elif isinstance(node.function, Operator) and name == "divide":
            yield arguments[1], 0.0


def _root(base: Node, place: Node, value: float, bound: BoundProgram) -> float | None:
    """Where an expression that is affine in the variable, with known coefficients, has a value."""
    parts = affine_in(base, place)
    if parts is None or any(part.loops or part.phase == Phase.PARAMETER for part in parts):
        return None
    evaluate = Evaluator(bound.arrays, bound.lengths, bound.program.definition_nodes)
    slope, intercept = (float(evaluate(part)) for part in parts)
    return (value - intercept) / slope if slope else None
