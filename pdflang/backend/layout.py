"""How the parameters lie in the vector that samplers move: positions, shapes, and the map to their support."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pdflang.ir.nodes import Constant, Node
from pdflang.ir.program import Parameter, Program

BIJECTIONS = "pdflang.backend.runtime.bijections"


@dataclass(frozen=True)
class Slot:
    """One parameter: coordinates [start, stop) of the vector become an array of `shape` by `bijection`.

    `bounds` are the ends of the support that are finite.
    """

    parameter: Parameter
    start: int
    stop: int
    shape: tuple[int, ...]
    bijection: str
    bounds: tuple[Node, ...]

    @property
    def is_vector_map(self) -> bool:
        """Whether the map takes whole vectors, so that their last axis may shrink."""
        return self.bijection in ("Ordered", "Simplex")

    @property
    def unconstrained_shape(self) -> tuple[int, ...]:
        if self.bijection == "Simplex":
            return (*self.shape[:-1], self.shape[-1] - 1)
        return self.shape


def slots(program: Program, lengths: Mapping[str, int]) -> tuple[Slot, ...]:
    """All parameters in the order of their declaration."""
    found: list[Slot] = []
    start = 0
    for parameter in program.parameters.values():
        shape = tuple(axis.size.bind(lengths) for axis in parameter.axes)
        bijection, bounds = _bijection(parameter)
        slot = Slot(parameter, start, start, shape, bijection, bounds)
        stop = start + math.prod(slot.unconstrained_shape)
        found.append(Slot(parameter, start, stop, shape, bijection, bounds))
        start = stop
    return tuple(found)


def _bijection(parameter: Parameter) -> tuple[str, tuple[Node, ...]]:
    if parameter.constraint is not None:
        return parameter.constraint.capitalize(), ()
    support = parameter.support
    lower, upper = parameter.ends or (Constant(float(support.lower)), Constant(float(support.upper)))
    if _is_infinite(lower) and _is_infinite(upper):
        return "Real", ()
    if _is_infinite(upper):
        return "LowerBounded", (lower,)
    if _is_infinite(lower):
        return "UpperBounded", (upper,)
    return "Bounded", (lower, upper)


def _is_infinite(end: Node) -> bool:
    return isinstance(end, Constant) and math.isinf(end.value)
