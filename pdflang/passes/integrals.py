"""Every integral becomes a closed form where one is known, and a sum over the nodes of a rule otherwise.

Which one follows from the powers of x and 1 − x in the integrand and from where the region ends: a Beta
function on (0, 1) exactly, product integration at an end with a power, Gauss nodes inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pdflang.components import arithmetic, arrays
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Integral, Loop, LoopIndex, Node, Phase, Variable
from pdflang.ir.sizes import Axis, Size
from pdflang.passes import rules
from pdflang.passes.convolutions import convolved, has_kernel
from pdflang.passes.endpoints import EndpointRule
from pdflang.passes.interior import ends_moved
from pdflang.passes.kernels import variable_of
from pdflang.passes.kinks import pieces_between_kinks
from pdflang.passes.rough import rough_ends
from pdflang.passes.terms import Term, decompose, whole
from pdflang.passes.typical import Typical
from pdflang.passes.zeros import zero_of
from pdflang.semantics import build

Fold = Callable[[Node], Any]

_OPEN_NODES = 64
_ROUGH_NODES = 96


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
        # Bins come before kinks, which may lie in any of them, and after, where kinks have made some.
        return self._by_bins(node, self._by_pieces)

    def _by_pieces(self, node: Integral) -> Node:
        pieces = pieces_between_kinks(node)
        parts = (part for piece in pieces for part in ends_moved(piece, lambda end: _number(_known(end, self._fold))))
        return build.total(self._by_bins(part, self._planned) for part in parts)

    def _planned(self, node: Integral) -> Node:
        variable = variable_of(node)
        if variable is None:
            return build.multiply(build.subtract(node.upper, node.lower), node.body)
        lower, upper = _known(node.lower, self._fold), _known(node.upper, self._fold)
        if has_kernel(node, variable):
            return convolved(node, variable, _number(lower), _number(upper), self._typical, self._fineness)
        terms = decompose(node.body, variable)
        rough = rough_ends(node, variable, terms, _number(lower), _number(upper))
        if rough:
            return self._with_rough_ends(node, variable, terms, rough, _number(lower), _number(upper))
        if lower is not None and upper is not None and not _all_end_at_one_place(node, terms, lower, upper):
            return self._between_known(node, variable, terms, lower, upper)
        return self._between_open(node, variable, terms, _number(lower), _number(upper))

    # --- bins that end where an integrand has a power -----------------------------------------------------------

    def _by_bins(self, node: Integral, planned: Callable[[Integral], Node]) -> Node:
        """Bins that need a rule of their own one by one, and what is between them together, put in place."""
        special = self._special_bins(node)
        if not special:
            return planned(node)
        (loop,) = node.lower.loops | node.upper.loops
        assert loop.axis is not None
        count = loop.axis.size.constant
        parts = []
        for run in _runs(count, special):
            row = Loop(loop.depth, Axis(Size(len(run))))
            is_one = run[0] in special
            first = Constant(run[0])
            place = first if is_one else nodes.Apply(arithmetic.ADD, (LoopIndex(row), first), "int")
            moved = nodes.substitute(node, {LoopIndex(loop): place})
            assert isinstance(moved, Integral)
            value = planned(moved)
            parts.append(nodes.Stack((value,), Axis(Size(1))) if is_one else nodes.Array(row, value))
        joined = nodes.Whole(arrays.CONCAT, tuple(parts), (Axis(Size(count)),), "real")
        return nodes.Element(joined, (LoopIndex(loop),))

    def _special_bins(self, node: Integral) -> list[int]:
        """The bins from 0 or to 1 where an integrand needs a rule of its own there."""
        import numpy as np

        variable = variable_of(node)
        lower, upper = _known(node.lower, self._fold), _known(node.upper, self._fold)
        if variable is None or lower is None or upper is None or not node.lower.loops | node.upper.loops:
            return []
        terms = decompose(node.body, variable)
        ends = zip(*np.broadcast_arrays(np.atleast_1d(lower), np.atleast_1d(upper)), strict=True)
        special = [i for i, (low, high) in enumerate(ends) if _needs_endpoint_rule(terms, low == 0, high == 1)]
        return [] if _all_end_at_one_place(node, terms, lower, upper) else special

    # --- from an end with a logarithm, or with parts that are infinite there and cancel ------------------------

    def _with_rough_ends(
        self, node: Integral, variable: Variable, terms: list[Term], rough: str, lower: Any, upper: Any
    ) -> Node:
        other_needs_a_rule = _needs_endpoint_rule(
            terms, rough == "upper" and lower == 0, rough == "lower" and upper == 1
        )
        if not other_needs_a_rule:
            return self._between_rough_ends(node, variable)
        middle = build.add(node.lower, build.multiply(Constant(0.5), build.subtract(node.upper, node.lower)))
        halves = [
            Integral(node.loop, *ends, node.body, span=node.span)
            for ends in ((node.lower, middle), (middle, node.upper))
        ]
        return build.total(self._planned(half) for half in halves)

    def _between_rough_ends(self, node: Integral, variable: Variable) -> Node:
        """Where an end is 1, what is written as 1 − x is the distance from it, which would be lost in rounding."""
        points, distances, weights = rules.with_logarithms(_ROUGH_NODES * self._fineness)
        loop = Loop(node.loop.depth, Axis(Size(len(points))))
        width = build.subtract(node.upper, node.lower)
        point, distance, weight = (
            nodes.Element(build.known_vector(values), (LoopIndex(loop),)) for values in (points, distances, weights)
        )
        replaced: dict[Node, Node] = {variable: build.add(node.lower, build.multiply(width, point))}
        if isinstance(node.upper, Constant) and node.upper.value == 1:
            for one in (Constant(1), Constant(1.0)):
                away = nodes.Apply(arithmetic.SUBTRACT, (one, variable), "real")
                replaced[away] = build.multiply(width, distance)
        at_node = nodes.substitute(node.body, replaced)
        return build.multiply(width, nodes.Sum(loop, build.multiply(weight, at_node)))

    # --- between known ends -------------------------------------------------------------------------------------

    def _between_known(self, node: Integral, variable: Variable, terms: list[Term], lower: Any, upper: Any) -> Node:
        import numpy as np

        loops = node.lower.loops | node.upper.loops
        if not loops:
            return self._one_region(node, variable, terms, float(lower), float(upper))
        (loop,) = loops
        lower, upper = np.broadcast_arrays(np.atleast_1d(lower), np.atleast_1d(upper))
        rule = self._rule(node.body, variable, terms, lower, upper)
        return _sum_over(rule, node.loop, variable, node.body, LoopIndex(loop))

    def _one_region(self, node: Integral, variable: Variable, terms: list[Term], lower: float, upper: float) -> Node:
        loop, body = node.loop, node.body
        if lower == 0 and upper == 1:
            closed = [term for term in terms if term.is_closed]
            rest = [term for term in terms if not term.is_closed]
            value = build.total(_beta(term) for term in closed)
            return build.add(value, self._endpoints(loop, variable, rest, 0.0, 1.0)) if rest else value
        if math.isinf(lower) or math.isinf(upper):
            return _sum_over(self._unbounded(lower, upper), loop, variable, body, None)
        if _needs_endpoint_rule(terms, lower == 0, upper == 1):
            if _has_root_at(body, variable, (lower, upper)):
                return self._between_open(node, variable, terms, lower, upper)
            return self._endpoints(loop, variable, terms, lower, upper)
        return _sum_over(self._rule(body, variable, terms, lower, upper), loop, variable, body, None)

    def _unbounded(self, lower: float, upper: float) -> rules.Rule:
        return rules.half_line_or_line(lower, upper, 160 * self._fineness + 1)

    def _rule(self, body: Node, variable: Variable, terms: list[Term], lower: Any, upper: Any) -> rules.Rule:
        degree = _degree(terms)
        if degree is not None:
            return rules.polynomial(lower, upper, degree)
        if _has_root_at(body, variable, (lower, upper)):
            return rules.with_roots(lower, upper, _OPEN_NODES * self._fineness)
        return rules.smooth(lower, upper, self._fineness)

    def _endpoints(self, loop: Loop, variable: Variable, terms: list[Term], lower: float, upper: float) -> Node:
        """Terms with a power at 0, at 1, or at both: from each such end to the middle by product integration."""
        pieces = []
        left_end, right_end = lower == 0, upper == 1
        middle = (lower + upper) / 2 if left_end and right_end else upper if left_end else lower
        for term in terms:
            if left_end:
                pieces.append(self._from_end(loop, variable, term, Constant(middle), from_zero=True))
            if right_end:
                pieces.append(self._from_end(loop, variable, term, Constant(1 - middle), from_zero=False))
        return build.total(pieces)

    def _from_end(self, loop: Loop, variable: Variable, term: Term, width: Node, from_zero: bool) -> Node:
        """∫₀^h s^p g(s) ds, s the distance from the end."""
        near_power, far_power = (term.at_zero, term.at_one) if from_zero else (term.at_one, term.at_zero)
        rule = EndpointRule(loop, term, near_power, self._fineness)
        distance, away = _scaled(width, rule)
        smooth = build.power(away, far_power)
        if not term.is_closed:
            at_node = distance if from_zero else away
            smooth = build.multiply(smooth, nodes.substitute(term.residual, {variable: at_node}))
        return rule.integral(width, smooth)

    # --- where an end follows parameters or other variables -----------------------------------------------------

    def _between_open(self, node: Integral, variable: Variable, terms: list[Term], lower: Any, upper: Any) -> Node:
        from_zero = lower == 0 and _needs_endpoint_rule(terms, True, False)
        from_one = upper == 1 and _needs_endpoint_rule(terms, False, True)
        if not from_zero and not from_one:
            return self._open(node, variable, terms, lower, upper)
        # Half of the way by the rule of the end, which is at its best where the other end is far.
        half = build.multiply(Constant(0.5), build.subtract(node.upper, node.lower))
        middle = build.add(node.lower, half)
        ends = (middle, node.upper) if from_zero else (node.lower, middle)
        rest = Integral(node.loop, *ends, node.body, span=node.span)
        near = (self._from_end(node.loop, variable, term, half, bool(from_zero)) for term in terms)
        value = build.add(build.total(near), self._open(rest, variable, terms, None, None))
        return build.where_positive(half, value)

    def _open(self, node: Integral, variable: Variable, terms: list[Term], lower: Any, upper: Any) -> Node:
        """Gauss nodes that are denser at both ends, or those of an infinite region."""
        infinite = [end is not None and math.isinf(end) for end in (lower, upper)]
        start, width, degree = node.lower, build.subtract(node.upper, node.lower), _degree(terms)
        if any(infinite):
            start, width = (node.upper if infinite[0] else node.lower), build.ONE
            rule = self._unbounded(*((-math.inf, 0.0) if infinite[0] else (0.0, math.inf)))
        elif degree is not None:
            rule = rules.polynomial(0.0, 1.0, degree)
        else:
            rule = rules.with_roots(0.0, 1.0, _OPEN_NODES * self._fineness)
        loop = Loop(node.loop.depth, Axis(Size(len(rule.points[0]))))
        point, weight = (
            nodes.Element(build.known_vector(values[0]), (LoopIndex(loop),)) for values in (rule.points, rule.weights)
        )
        at_node = nodes.substitute(node.body, {variable: build.add(start, build.multiply(width, point))})
        return build.multiply(width, nodes.Sum(loop, build.multiply(weight, at_node)))


def _scaled(width: Node, rule: EndpointRule) -> tuple[Node, Node]:
    """The nodes of a rule over a width, and 1 − nodes."""
    if isinstance(width, Constant):
        known = width.value * rule.points
        return rule.at_nodes(build.known_vector(known)), rule.at_nodes(build.known_vector(1 - known))
    distance = build.multiply(width, rule.at_nodes(build.known_vector(rule.points)))
    return distance, build.subtract(build.ONE, distance)


def _all_end_at_one_place(node: Integral, terms: list[Term], lower: Any, upper: Any) -> bool:
    """Whether bins all have one end, which needs a rule: they are planned together, as those with unknown ends are."""
    is_bins = bool(node.lower.loops | node.upper.loops)
    return is_bins and _needs_endpoint_rule(terms, _number(lower) == 0, _number(upper) == 1)


def _number(bound: Any) -> float | None:
    """A bound that is one known number."""
    return float(bound) if bound is not None and not bound.ndim else None


def _runs(count: int, special: list[int]) -> list[list[int]]:
    """The places below a count in order: special ones by themselves, others in runs."""
    runs: list[list[int]] = []
    for place in range(count):
        if place in special or not runs or runs[-1][-1] in special:
            runs.append([])
        runs[-1].append(place)
    return runs


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
    """Σ_k w_k f(x_k), with nodes and weights of one region, or of the region at a position.

    Nodes are the first axis, in front of whatever loops are around: so many rows are added up side by side.
    """
    count = rule.points.shape[-1]
    loop = Loop(-1 - inner.depth, Axis(Size(count)))
    if region is None:
        points, weights = build.known_vector(rule.points[0]), build.known_vector(rule.weights[0])
        place: tuple[Node, ...] = (LoopIndex(loop),)
    else:
        points, weights = (_known_matrix(values.T) for values in (rule.points, rule.weights))
        place = (LoopIndex(loop), region)
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


def _has_root_at(body: Node, variable: Variable, ends: tuple[Any, Any]) -> bool:
    """Whether a power that is no whole number has a base that vanishes at an end: it is not smooth there."""
    import numpy as np

    for child in nodes.walk(body):
        if isinstance(child, nodes.Apply) and child.function.name in ("power", "sqrt"):
            exponent = child.arguments[1] if child.function.name == "power" else Constant(0.5)
            zero = zero_of(child.arguments[0], variable) if whole(exponent) is None else None
            place = zero.place if zero is not None else None
            if isinstance(place, Constant) and any(np.any(end == place.value) for end in ends):
                return True
    return False


def _needs_endpoint_rule(terms: list[Term], at_zero: bool, at_one: bool) -> bool:
    return any(
        (at_zero and whole(term.at_zero) is None) or (at_one and whole(term.at_one) is None)
        for term in terms
    ) or ((at_zero or at_one) and any(not term.is_closed for term in terms))  # fmt: skip
