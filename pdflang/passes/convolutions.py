"""Integrals of a rate with a detector's kernels: a sum over nodes that the kernels share.

Panels follow the width of the narrowest kernel at prior draws. What multiplies the kernels is computed once at the
nodes, with powers of x and 1 − x at the ends exact by product integration. A kernel of fixed parameters so becomes a
matrix that is known before sampling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from pdflang.components import arrays
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Density, Integral, Loop, LoopIndex, Mass, Node, Variable
from pdflang.ir.sizes import Axis, Size
from pdflang.passes import rules
from pdflang.passes.endpoints import END_NODES, ENDPOINT_WEIGHTS
from pdflang.passes.terms import decompose, whole
from pdflang.passes.typical import Typical
from pdflang.semantics import build

_WIDTHS = 4.0
"""So many standard deviations of the narrowest kernel are one panel."""
_NODES = 10
_FEWEST, _MOST = 8, 400
_GRID = 33

Group = tuple[Node, Node, Node]
"""x^p · (1 − x)^q · rest: the powers p and q, and the rest."""


def has_kernel(node: Integral, variable: Variable) -> bool:
    """Whether a density or probability under an integral depends on its variable."""
    return any(True for _ in _kernels_in(node.body, variable))


def convolved(node: Integral, variable: Variable, lower: float, upper: float, typical: Typical, fineness: int) -> Node:
    """The integral as a sum over nodes; `fineness` divides the panels."""
    factors = build.factors(node.body)
    fixed = [factor for factor in factors if variable.loop not in factor.loops]
    moving = [factor for factor in factors if variable.loop in factor.loops]
    kernels = [factor for factor in moving if any(True for _ in _kernels_in(factor, variable))]
    rate = _Rate([factor for factor in moving if factor not in kernels], variable)
    ends = (lower == 0 and rate.is_singular(0), upper == 1 and rate.is_singular(1))
    edges = _edges(lower, upper, _width_at(kernels, variable, typical, lower, upper), fineness)
    panels = _Panels(edges, ends)
    loop = Loop(variable.loop.depth, Axis(Size(len(panels.points))))
    at = nodes.Element(build.known_vector(panels.points).called("nodes"), (LoopIndex(loop),))
    seen = nodes.substitute(build.product(kernels), {variable: at}).called("kernel")
    weighted = rate.at_nodes(panels, loop, at).called("rate_at_nodes")
    total = nodes.Sum(loop, build.multiply(weighted, seen), span=node.span).called("smeared")
    return build.multiply(build.product(fixed), total)


def _kernels_in(root: Node, variable: Variable) -> Iterator[Density | Mass]:
    for child in nodes.walk(root):
        if isinstance(child, Density | Mass) and variable.loop in child.loops:
            yield child


# --- panels ----------------------------------------------------------------------------------------------------


def _width_at(
    kernels: list[Node], variable: Variable, typical: Typical, lower: float, upper: float
) -> Callable[[float], float]:
    """The width of the narrowest kernel at a place, between places where it was looked at."""
    import numpy as np

    grid = np.linspace(lower, upper, _GRID + 2)[1:-1]
    found = [kernel for factor in kernels for kernel in _kernels_in(factor, variable)]
    known = [typical.smallest(scale, variable, grid) for kernel in found for scale in _scales(kernel)]
    if not known:
        return lambda x: upper - lower
    # Rounded, so that integrals over kernels of about one width share their nodes.
    narrowest = 2 ** (np.floor(2 * np.log2(np.min(known, axis=0))) / 2)
    return lambda x: float(np.interp(x, grid, narrowest))


def _scales(kernel: Density | Mass) -> list[Node]:
    """The widths of a kernel, where its distribution has parameters that say them."""
    names = [parameter.name for parameter in kernel.distribution.parameters]
    if kernel.distribution.name == "MvNormal":
        scale_tril = kernel.arguments[1]
        size = scale_tril.axes[0].size
        return [nodes.Element(scale_tril, (Constant(i), Constant(i))) for i in range(size.constant)]
    if "sigma" not in names:
        return []
    sigma = kernel.arguments[names.index("sigma")]
    if kernel.distribution.name == "LogNormal":
        return [build.multiply(sigma, build.apply("exp", kernel.arguments[0]))]
    return [sigma]


def _edges(lower: float, upper: float, width_at: Callable[[float], float], fineness: int) -> Any:
    """The ends of panels, each a few widths long, at least `_FEWEST` and at most `_MOST` of them."""
    import numpy as np

    span = upper - lower
    edges = [lower]
    while edges[-1] < upper:
        here = width_at(edges[-1])
        width = min(here, width_at(min(edges[-1] + _WIDTHS * here, upper)))
        edges.append(edges[-1] + float(np.clip(_WIDTHS * width, span / _MOST, span / _FEWEST)) / fineness)
    stretched = np.array(edges) - lower
    return lower + stretched * (span / stretched[-1])


class _Panels:
    """Gauss–Legendre panels: `points` and `weights` (nodes,).

    Where `ends` says so, the first or last panel is for product integration: it has more nodes, and its weights
    follow the power there.
    """

    def __init__(self, edges: Any, ends: tuple[bool, bool]) -> None:
        import numpy as np

        self.ends = ends
        self.widths = (float(edges[1] - edges[0]), float(edges[-1] - edges[-2]))
        last = len(edges) - 2
        points, weights = [], []
        for i, (left, right) in enumerate(pairwise(edges)):
            at_end = (i == 0 and ends[0]) or (i == last and ends[1])
            t, w = rules.legendre(END_NODES if at_end else _NODES)
            points.append(left + (right - left) * t)
            weights.append((right - left) * w)
        self.points, self.weights = np.concatenate(points), np.concatenate(weights)

    def inner(self) -> slice:
        """The nodes of panels without a power at their end."""
        return slice(END_NODES if self.ends[0] else 0, len(self.points) - (END_NODES if self.ends[1] else 0))


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

    def is_singular(self, end: int) -> bool:
        """Whether there is a power at 0 (or at 1) that is no whole number."""
        return any(whole(group[end]) is None for group in self._groups)

    def at_nodes(self, panels: _Panels, loop: Loop, at: Node) -> Node:
        """Weight times rate at a node."""
        if not any(panels.ends):
            weight = nodes.Element(build.known_vector(panels.weights).called("weights"), (LoopIndex(loop),))
            return build.multiply(weight, nodes.substitute(build.product(self._factors), {self._variable: at}))
        parts = []
        for p, q, rest in self._groups:
            weights = nodes.Element(_power_weights(panels, loop, p, q), (LoopIndex(loop),))
            parts.append(build.multiply(weights, nodes.substitute(rest, {self._variable: at})))
        smooth = nodes.substitute(build.product(self._smooth), {self._variable: at})
        return build.multiply(build.total(parts), smooth)


def _power_weights(panels: _Panels, loop: Loop, p: Node, q: Node) -> Node:
    """Weights times x^p (1 − x)^q at all nodes, exact in the powers at the ends that have one."""
    inner = panels.inner()
    x, w = panels.points[inner], panels.weights[inner]
    pieces = [_piece(loop, 1, x, w, p, q)]
    if panels.ends[0]:
        pieces.insert(0, _end_piece(loop, 0, panels.points[: inner.start], panels.widths[0], p, q))
    if panels.ends[1]:
        away = 1 - panels.points[inner.stop :]
        pieces.append(_end_piece(loop, 2, away, panels.widths[1], q, p, reverse=True))
    if len(pieces) == 1:
        return pieces[0]
    return nodes.Whole(arrays.CONCAT, tuple(pieces), (Axis(Size(len(panels.points))),), "real").called("powers")


def _piece(loop: Loop, number: int, x: Any, w: Any, p: Node, q: Node) -> Node:
    import numpy as np

    own = Loop(loop.depth, Axis(Size(len(x))), key=("piece", number))
    here, away, weight = (
        nodes.Element(build.known_vector(values).called(name), (LoopIndex(own),))
        for name, values in (("inner_nodes", x), ("one_minus_inner_nodes", 1 - np.asarray(x)), ("inner_weights", w))
    )
    return nodes.Array(own, build.multiply(weight, build.multiply(build.power(here, p), build.power(away, q))))


def _end_piece(
    loop: Loop, number: int, distance: Any, width: float, near: Node, far: Node, reverse: bool = False
) -> Node:
    """Product integration of s^near · (1 − s)^far over the panel next to an end, s being the distance from it."""
    import numpy as np

    own = Loop(loop.depth, Axis(Size(len(distance))), key=("piece", number))
    place: Node = LoopIndex(own)
    weights = nodes.Whole(ENDPOINT_WEIGHTS, (near,), (Axis(Size(END_NODES)),), "real")
    if reverse:
        place = nodes.Element(build.known_vector(np.arange(END_NODES)[::-1]).called("reversed"), (place,))
    weight = nodes.Element(weights, (place,))
    away = nodes.Element(build.known_vector(1 - np.asarray(distance)).called("far_from_end"), (LoopIndex(own),))
    scale = build.power(Constant(width), build.add(near, build.ONE))
    return nodes.Array(own, build.multiply(scale, build.multiply(weight, build.power(away, far))))
