"""Integrals of a rate with a detector's kernels: a sum over nodes that the kernels share.

Panels follow the widths of the kernels at prior draws. What multiplies the kernels is computed once at the nodes, with
powers of x and 1 − x at the ends exact by product integration. A kernel of fixed parameters so becomes a matrix that is
known before sampling.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Density, Integral, Loop, LoopIndex, Mass, Node, Variable
from pdflang.ir.ranges import Range
from pdflang.ir.sizes import Axis, Size
from pdflang.passes.panels import Panels, edges, grid
from pdflang.passes.terms import decompose, whole
from pdflang.passes.typical import Typical
from pdflang.semantics import build
from pdflang.semantics.affine import affine_in
from pdflang.semantics.ranges import range_of

Group = tuple[Node, Node, Node]
"""x^p · (1 − x)^q · rest: the powers p and q, and the rest."""


def has_kernel(node: Integral, variable: Variable) -> bool:
    """Whether a density or probability under an integral depends on its variable."""
    return any(True for _ in _kernels_in(node.body, variable))


def convolved(
    node: Integral, variable: Variable, lower: float | None, upper: float | None, typical: Typical, fineness: int
) -> Node:
    """The integral as a sum over nodes. `lower` and `upper` are its ends where these are known numbers.

    `fineness` divides the panels.
    """
    if lower == -math.inf and upper == math.inf:
        below = Integral(node.loop, node.lower, build.ZERO, node.body, span=node.span)
        above = Integral(node.loop, build.ZERO, node.upper, node.body, span=node.span)
        return build.add(
            convolved(below, variable, lower, 0.0, typical, fineness),
            convolved(above, variable, 0.0, upper, typical, fineness),
        )
    factors = build.factors(node.body)
    moving = [factor for factor in factors if variable.loop in factor.loops]
    kernels = [factor for factor in moving if any(True for _ in _kernels_in(factor, variable))]
    if lower is not None and lower == upper:
        return build.ZERO
    rate = _Rate([factor for factor in moving if factor not in kernels], variable)
    region = _Region(node, lower, upper)
    found = [kernel for factor in kernels for kernel in _kernels_in(factor, variable)]
    rough = not all(_is_smooth(kernel, variable) for kernel in found)
    ends = (lower == 0 and rate.needs_end(0, rough), upper == 1 and rate.needs_end(1, rough))
    travelled = region.travelled(found, variable, typical)
    panels = Panels(edges(grid(), travelled, region.nearest(rate, ends), fineness), ends)
    loop = Loop(variable.loop.depth, Axis(Size(len(panels.near))))
    at = region.at(panels.near, loop)
    seen = nodes.substitute(build.product(kernels), {variable: at}).called("kernel")
    weighted = build.multiply(region.slope(panels, loop), rate.at_nodes(panels, region, ends, loop, at))
    seen_rate = build.multiply(weighted.called("rate_at_nodes"), seen)
    total: Node = nodes.Sum(loop, seen_rate, span=node.span).called("smeared")
    if not region.is_known and any(rate.needs_end(end, False) for end in (0, 1)):
        total = build.where_positive(region.width, total)
    fixed = build.product(factor for factor in factors if variable.loop not in factor.loops)
    return build.multiply(fixed, total)


def _kernels_in(root: Node, variable: Variable) -> Iterator[Density | Mass]:
    for child in nodes.walk(root):
        if isinstance(child, Density | Mass) and variable.loop in child.loops:
            yield child


def _is_smooth(kernel: Density | Mass, variable: Variable) -> bool:
    """Whether a kernel has derivatives at the ends of a region: what it is made of is affine in the variable."""
    return all(affine_in(part, variable) is not None for part in kernel.children())


# --- from u in (0, 1) to the region --------------------------------------------------------------------------------


class _Region:
    """x = start + width · r(u): r is u between finite ends, and u/(1 − u) on a half-line."""

    def __init__(self, node: Integral, lower: float | None, upper: float | None) -> None:
        self._is_infinite = lower == -math.inf or upper == math.inf
        first, last = (_end(*pair) for pair in ((node.lower, lower), (node.upper, upper)))
        self._hull = Range(range_of(first).lower, range_of(last).upper)
        self._start, self.width = first, build.subtract(last, first)
        if self._is_infinite:
            self._start, self.width = (last, Constant(-1.0)) if lower == -math.inf else (first, build.ONE)

    @property
    def is_known(self) -> bool:
        return isinstance(self._start, Constant) and isinstance(self.width, Constant)

    def nearest(self, rate: _Rate, ends: tuple[bool, bool]) -> tuple[float, float]:
        """How far beyond either end 0 or 1 can be, of the length, where the rate has a power there; else 1."""
        left, right = (
            max(distance, 0.0) / self._longest() if rate.needs_end(end, False) and not ends[end] else 1.0
            for end, distance in enumerate((self._hull.lower, 1 - self._hull.upper))
        )
        return left, right

    def _reach(self, u: Any) -> Any:
        return u / (1 - u) if self._is_infinite else u

    def at(self, u: Any, loop: Loop) -> Node:
        """x at places u."""
        if self.is_known:
            return _vector(self._known(u), "nodes", loop)
        return build.add(self._start, build.multiply(self.width, _vector(self._reach(u), "nodes", loop)))

    def _known(self, u: Any) -> Any:
        assert isinstance(self._start, Constant) and isinstance(self.width, Constant)
        return self._start.value + self.width.value * self._reach(u)

    def slope(self, panels: Panels, loop: Loop) -> Node:
        """|dx/du|."""
        return _vector(1 / panels.far**2, "slope", loop) if self._is_infinite else self.width

    def per_distance(self, panels: Panels, loop: Loop) -> Node:
        """(x − start) / u, which is (end − x) / (1 − u) too between finite ends."""
        return _vector(1 / panels.far, "one_over_far", loop) if self._is_infinite else self.width

    def travelled(self, kernels: list[Density | Mass], variable: Variable, typical: Typical) -> Any:
        """How many widths the kernels move up to each place of the grid, at most."""
        import numpy as np

        u = grid()
        x = self._known(u) if self.is_known else self._somewhere(u)
        strides = np.sqrt(np.sum([typical.strides(kernel, variable, x) ** 2 for kernel in kernels], axis=0))
        if self.is_known:
            return np.concatenate([[0.0], np.cumsum(strides)])
        return np.max(strides / np.abs(np.diff(x))) * self._reach(u) * self._longest()

    def _somewhere(self, u: Any) -> Any:
        """Places all over where the variable of an open region can be."""
        hull = self._hull
        if math.isfinite(hull.lower) and math.isfinite(hull.upper):
            return hull.lower + (hull.upper - hull.lower) * u
        if math.isinf(hull.lower) and math.isinf(hull.upper):
            return (2 * u - 1) / (u * (1 - u))
        return hull.lower + u / (1 - u) if math.isfinite(hull.lower) else hull.upper - (1 - u) / u

    def _longest(self) -> float:
        finite = not self._is_infinite and math.isfinite(self._hull.upper - self._hull.lower)
        return self._hull.upper - self._hull.lower if finite else 1.0


def _end(end: Node, known: float | None) -> Node:
    return end if known is None or math.isinf(known) else Constant(known)


def _vector(values: Any, name: str, loop: Loop) -> Node:
    return nodes.Element(build.known_vector(values).called(name), (LoopIndex(loop),))


# --- the rate at the nodes -------------------------------------------------------------------------------------


class _Rate:
    """What multiplies the kernels, as common powers of x and 1 − x, a sum of such powers, and smooth factors."""

    def __init__(self, factors: list[Node], variable: Variable) -> None:
        self._variable = variable
        self._factors = factors
        self._smooth: list[Node] = []
        powers, sums = [build.ZERO, build.ZERO], []
        for factor in factors:
            terms = decompose(factor, variable)
            if len(terms) == 1:
                (term,) = terms
                powers = [build.add(powers[0], term.at_zero), build.add(powers[1], term.at_one)]
                self._smooth += [term.coefficient, term.residual]
            elif all(t.is_closed and None not in (whole(t.at_zero), whole(t.at_one)) for t in terms):
                self._smooth.append(factor)
            else:
                sums.append(factor)
        self._groups = self._grouped(powers, sums)

    def _grouped(self, powers: list[Node], sums: list[Node]) -> list[Group]:
        found: dict[tuple[Node, Node], Node] = {}
        for term in decompose(build.product(sums), self._variable):
            key = (build.add(powers[0], term.at_zero), build.add(powers[1], term.at_one))
            rest = build.multiply(term.coefficient, term.residual)
            found[key] = build.add(found[key], rest) if key in found else rest
        return [(p, q, rest) for (p, q), rest in found.items()]

    def needs_end(self, end: int, rough: bool) -> bool:
        """Whether there is something at 0 (or at 1) that is no polynomial; `rough` says so of the kernels."""
        residuals = [*self._smooth, *(rest for _, _, rest in self._groups)]
        is_open = any(self._variable.loop in residual.loops for residual in residuals)
        return rough or is_open or any(whole(group[end]) is None for group in self._groups)

    def at_nodes(self, panels: Panels, region: _Region, ends: tuple[bool, bool], loop: Loop, at: Node) -> Node:
        """The rate at the nodes, times their weights in (0, 1)."""
        if not any(ends):
            rate = nodes.substitute(build.product(self._factors), {self._variable: at})
            return build.multiply(_vector(panels.weights, "weights", loop), rate)
        parts = []
        one_minus = build.subtract(build.ONE, at)
        for p, q, rest in self._groups:
            weights = panels.power_weights(loop, p if ends[0] else build.ZERO, q if ends[1] else build.ZERO)
            scale = region.per_distance(panels, loop)
            near = build.power(scale if ends[0] else at, p)
            far = build.power(scale if ends[1] else one_minus, q)
            smooth = nodes.substitute(rest, {self._variable: at})
            parts.append(build.product([nodes.Element(weights, (LoopIndex(loop),)), near, far, smooth]))
        smooth = nodes.substitute(build.product(self._smooth), {self._variable: at})
        return build.multiply(build.total(parts), smooth)
