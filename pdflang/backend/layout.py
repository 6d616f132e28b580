"""How the parameters lie in the vector that samplers move: positions, shapes, and the map to their support."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pdflang.ir.program import Parameter, Program

BIJECTIONS = "pdflang.backend.runtime.bijections"


@dataclass(frozen=True)
class Slot:
    """One parameter: coordinates [start, stop) of the vector become an array of `shape` by `bijection`."""

    parameter: Parameter
    start: int
    stop: int
    shape: tuple[int, ...]
    bijection: str
    bounds: tuple[float, ...]

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


def _bijection(parameter: Parameter) -> tuple[str, tuple[float, ...]]:
    if parameter.constraint is not None:
        return parameter.constraint.capitalize(), ()
    lower, upper = parameter.support.lower, parameter.support.upper
    if math.isinf(lower) and math.isinf(upper):
        return "Real", ()
    if math.isinf(upper):
        return "LowerBounded", (lower,)
    if math.isinf(lower):
        return "UpperBounded", (upper,)
    return "Bounded", (lower, upper)
