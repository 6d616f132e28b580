"""Every integral becomes a closed form where one is known, and a sum over the nodes of a rule otherwise.

Which one follows from the powers of x and 1 − x in the integrand and from where the region ends: a Beta
function on (0, 1) exactly, product integration at an end with a power, Gauss nodes inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pdflang.components import arrays
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Integral, Loop, LoopIndex, Node, Phase, Variable
from pdflang.ir.sizes import Axis, Size
from pdflang.passes import rules
from pdflang.passes.convolutions import convolved, has_kernel
from pdflang.passes.endpoints import EndpointRule
from pdflang.passes.kernels import variable_of
from pdflang.passes.kinks import pieces_between_kinks
from pdflang.passes.terms import Term, decompose, whole
from pdflang.passes.typical import Typical
from pdflang.semantics import build

Fold = Callable[[Node], Any]

_OPEN_NODES = 64


def plan_integrals(root: Node, fold: Fold, typical: Typical, fineness: int = 1) -> Node:
    """The expression without integrals. `fold` evaluates constant nodes, `typical` any at draws of the prior.

    `fineness` multiplies the nodes where their number is a choice.
    """
    planner = _Planner(fold, typical, fineness)
    return nodes.transform(root, lambda node: planner.planned(node) if isinstance(node, Integral) else node)


class _Planner:
    """Chooses a rule for one integral at a time."""

    def __init__(self, fold: Fold, typical: Typical, fineness: int) -> None:
        self._fold = fold
        self._typical = typical
        self._fineness = fineness

    def planned(self, node: Integral) -> Node:
        """The integral in pieces between the kinks of its integrand, each as a closed form or a sum."""
        return build.total(self._planned(piece) for piece in pieces_between_kinks(node))

    def _planned(self, node: Integral) -> Node:
        variable = variable_of(node)
        if variable is None:
            return build.multiply(build.subtract(node.upper, node.lower), node.body)
        lower, upper = _known(node.lower, self._fold), _known(node.upper, self._fold)
        if has_kernel(node, variable) and _is_finite(lower) and _is_finite(upper):
            return convolved(node, variable, float(lower), float(upper), self._typical, self._fineness)
        terms = decompose(node.body, variable)
        if lower is not None and upper is not None:
            return self._between_known(node, variable, terms, lower, upper)
        return self._between_open(node, variable, terms, lower)

    def _between_known(self, node: Integral, variable: Variable, terms: list[Term], lower: Any, upper: Any) -> Node:
        import numpy as np

        loops = node.lower.loops | node.upper.loops
        if not loops:
            return self._one_region(node.loop, variable, terms, node.body, float(lower), float(upper))
        (loop,) = loops
        lower, upper = np.broadcast_arrays(np.atleast_1d(lower), np.atleast_1d(upper))
        special = [
            i for i in range(len(lower))
            if _needs_endpoint_rule(terms, lower[i] == 0, upper[i] == 1)
        ]  # fmt: skip
        if not special:
            return self._many_regions(node.loop, loop, variable, terms, node.body, lower, upper)
        return self._with_special_bins(node, variable, terms, loop, lower, upper, special)

    def _one_region(
        self, loop: Loop, variable: Variable, terms: list[Term], body: Node, lower: float, upper: float
    ) -> Node:
        if lower == 0 and upper == 1:
            closed = [term for term in terms if term.is_closed]
            rest = [term for term in terms if not term.is_closed]
            value = build.total(_beta(term) for term in closed)
            return build.add(value, self._endpoints(loop, variable, rest, 0.0, 1.0)) if rest else value
        if math.isinf(lower) or math.isinf(upper):
            rule = rules.half_line_or_line(lower, upper, 160 * self._fineness + 1)
            return _sum_over(rule, loop, variable, body, None)
        if _needs_endpoint_rule(terms, lower == 0, upper == 1):
            return self._endpoints(loop, variable, terms, lower, upper)
        return _sum_over(self._rule(terms, lower, upper), loop, variable, body, None)

    def _many_regions(
        self, inner: Loop, loop: Loop, variable: Variable, terms: list[Term], body: Node, lower: Any, upper: Any
    ) -> Node:
        return _sum_over(self._rule(terms, lower, upper), inner, variable, body, LoopIndex(loop))

    def _with_special_bins(
        self, node: Integral, variable: Variable, terms: list[Term], loop: Loop, lower: Any, upper: Any,
        special: list[int],
    ) -> Node:  # fmt: skip
        """Bins of which the first or last ends at a power: those are integrated by themselves, then put in place."""
        parts: list[Node] = []
        regular = [i for i in range(len(lower)) if i not in special]
        for i in special:
            value = self._one_region(node.loop, variable, terms, node.body, float(lower[i]), float(upper[i]))
            parts.append(nodes.Stack((value,), Axis(Size(1))))
        if regular:
            row = Loop(loop.depth, Axis(Size(len(regular))))
            swap = {LoopIndex(loop): LoopIndex(row)}
            if any(child is LoopIndex(loop) for child in nodes.walk(node.body)):
                swap = {LoopIndex(loop): nodes.Element(_positions(regular), (LoopIndex(row),))}
            body = nodes.substitute(node.body, swap)
            values = self._many_regions(
                node.loop, row, variable, decompose(body, variable), body, lower[regular], upper[regular]
            )
            parts.insert(1 if 0 in special else 0, nodes.Array(row, values))
        joined = nodes.Whole(arrays.CONCAT, tuple(parts), (Axis(Size(len(lower))),), "real")
        return nodes.Element(joined, (LoopIndex(loop),))

    def _rule(self, terms: list[Term], lower: Any, upper: Any) -> rules.Rule:
        degree = _degree(terms)
        if degree is not None:
            return rules.polynomial(lower, upper, degree)
        return rules.smooth(lower, upper, self._fineness)

    def _endpoints(self, loop: Loop, variable: Variable, terms: list[Term], lower: float, upper: float) -> Node:
        """Terms with a power at 0, at 1, or at both: from each such end to the middle by product integration."""
        pieces = []
        left_end, right_end = lower == 0, upper == 1
        middle = (lower + upper) / 2 if left_end and right_end else upper if left_end else lower
        for term in terms:
            if left_end:
                pieces.append(self._from_end(loop, variable, term, middle, from_zero=True))
            if right_end:
                pieces.append(self._from_end(loop, variable, term, 1 - middle, from_zero=False))
        return build.total(pieces)

    def _from_end(self, loop: Loop, variable: Variable, term: Term, width: float, from_zero: bool) -> Node:
        """∫₀^h s^p g(s) ds, s the distance from the end."""
        near_power, far_power = (term.at_zero, term.at_one) if from_zero else (term.at_one, term.at_zero)
        rule = EndpointRule(loop, term, near_power, self._fineness)
        distance = rule.at_nodes(build.known_vector(width * rule.points))
        away = rule.at_nodes(build.known_vector(1 - width * rule.points))
        smooth = build.power(away, far_power)
        if not term.is_closed:
            at_node = distance if from_zero else away
            smooth = build.multiply(smooth, nodes.substitute(term.residual, {variable: at_node}))
        return rule.integral(Constant(width), smooth)

    def _between_open(self, node: Integral, variable: Variable, terms: list[Term], lower: Any) -> Node:
        width = build.subtract(node.upper, node.lower)
        if lower is not None and not lower.ndim and float(lower) == 0 and _needs_endpoint_rule(terms, True, False):
            return build.total(self._from_zero_to(node, variable, term, width) for term in terms)
        points, weights = rules.legendre(_OPEN_NODES * self._fineness)
        loop = Loop(node.loop.depth, Axis(Size(len(points))))
        place = (LoopIndex(loop),)
        x = build.add(node.lower, build.multiply(width, nodes.Element(build.known_vector(points), place)))
        at_node = nodes.substitute(node.body, {variable: x})
        weight = nodes.Element(build.known_vector(weights), place)
        return build.multiply(width, nodes.Sum(loop, build.multiply(weight, at_node)))

    def _from_zero_to(self, node: Integral, variable: Variable, term: Term, width: Node) -> Node:
        rule = EndpointRule(node.loop, term, term.at_zero, self._fineness)
        x = build.multiply(width, rule.at_nodes(build.known_vector(rule.points)))
        smooth = build.power(build.subtract(build.ONE, x), term.at_one)
        if not term.is_closed:
            smooth = build.multiply(smooth, nodes.substitute(term.residual, {variable: x}))
        return rule.integral(width, smooth)


def _is_finite(bound: Any) -> bool:
    """Whether a bound is one known number."""
    return bound is not None and not bound.ndim and math.isfinite(bound)


def _known(bound: Node, fold: Fold) -> Any:
    """A bound as a number, or as an array over the one loop that it has; None where it is not known yet."""
    import numpy as np

    if bound.phase != Phase.CONST or len(bound.loops) > 1:
        return None
    for loop in bound.loops:
        if loop.axis is None or not loop.axis.size.is_known:
            return None
        bound = nodes.Array(loop, bound)
    return np.asarray(fold(bound), dtype=float)


def _positions(positions: list[int]) -> Node:
    import numpy as np

    return build.known_vector(np.asarray(positions))


def _degree(terms: list[Term]) -> int | None:
    """The degree of an integrand that is a polynomial, or None."""
    degrees = []
    for term in terms:
        powers = [whole(term.at_zero), whole(term.at_one)]
        if not term.is_closed or None in powers:
            return None
        degrees.append(sum(power or 0 for power in powers))
    return max(degrees)


def _sum_over(rule: rules.Rule, inner: Loop, variable: Variable, body: Node, region: LoopIndex | None) -> Node:
    """Σ_k w_k f(x_k), with nodes and weights of one region, or of the region at a position."""
    count = rule.points.shape[-1]
    loop = Loop(inner.depth, Axis(Size(count)))
    if region is None:
        points, weights = build.known_vector(rule.points[0]), build.known_vector(rule.weights[0])
        place: tuple[Node, ...] = (LoopIndex(loop),)
    else:
        points, weights = (_known_matrix(values) for values in (rule.points, rule.weights))
        place = (region, LoopIndex(loop))
    points.called("nodes"), weights.called("weights")
    fixed = [factor for factor in build.factors(body) if variable.loop not in factor.loops]
    moving = [factor for factor in build.factors(body) if variable.loop in factor.loops]
    at_node = nodes.substitute(build.product(moving), {variable: nodes.Element(points, place)})
    total = nodes.Sum(loop, build.multiply(nodes.Element(weights, place), at_node))
    return build.multiply(build.product(fixed), total)


def _known_matrix(values: Any) -> Node:
    axes = tuple(Axis(Size(length)) for length in values.shape)
    return nodes.ArrayConstant(nodes.Values.of(values), axes)


def _beta(term: Term) -> Node:
    """∫₀¹ x^p (1 − x)^q dx = B(p + 1, q + 1) (DLMF 5.12.1)."""
    powers = whole(term.at_zero), whole(term.at_one)
    if None not in powers:
        p, q = (power or 0 for power in powers)
        return build.multiply(
            term.coefficient, Constant(math.factorial(p) * math.factorial(q) / math.factorial(p + q + 1))
        )
    value = build.apply("beta", build.add(term.at_zero, build.ONE), build.add(term.at_one, build.ONE))
    return build.multiply(term.coefficient, value)


def _needs_endpoint_rule(terms: list[Term], at_zero: bool, at_one: bool) -> bool:
    return any(
        (at_zero and whole(term.at_zero) is None) or (at_one and whole(term.at_one) is None)
        for term in terms
    ) or ((at_zero or at_one) and any(not term.is_closed for term in terms))  # fmt: skip
