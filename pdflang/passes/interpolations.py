"""Sums over densities that are interpolated between knots, as products of a known matrix with the values at the knots.

A convolution with evolved densities is linear in them: Σ_k c_k f(x_k) is m · f, where f are the values at the knots and
m follows from the places x_k and the coefficients c_k, which are known once data is bound. Where each datum has a scale
of its own, m times the operator of its scale acts on the densities before the evolution. So a theory that is written as
integrals costs what an FK table does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pdflang.components import arrays
from pdflang.ir import nodes
from pdflang.ir.nodes import Apply, Constant, Element, Loop, Node, Phase, Whole
from pdflang.ir.sizes import Axis, Size
from pdflang.semantics import build

_Key = TypeVar("_Key")


@dataclass(frozen=True)
class _Term:
    """Σ over `loops` of `coefficient` times an interpolation at x, between `knots` where there are `values`."""

    x: Node
    knots: Node
    values: Node
    coefficient: Node = build.ONE
    loops: tuple[Loop, ...] = ()

    @property
    def row(self) -> Node:
        """What each knot counts."""
        x, coefficient = self.x, self.coefficient
        for loop in self.loops:
            x, coefficient = nodes.Array(loop, x), nodes.Array(loop, coefficient)
        arguments = (x, coefficient, self.knots, Constant(len(self.loops)))
        return Whole(arrays.INTERPOLATION_ROW, arguments, self.knots.axes, "real")


@dataclass(frozen=True)
class _Linear:
    """Σ of terms, each times a number that no loop changes, and a rest that has none."""

    rest: Node = build.ZERO
    terms: dict[_Term, Node] = field(default_factory=dict)


def gather_interpolations(root: Node) -> Node:
    """The expression with interpolations of densities gathered into matrices."""
    if not any(_is_interpolation(node) for node in nodes.walk(root)):
        return root
    forms: dict[Node, _Linear] = {}
    done: dict[Node, Node] = {}

    def written(node: Node) -> Node:
        if node not in done:
            done[node] = _written(forms[node])
        return done[node]

    for node in nodes.walk(root):
        linear = _linear(node, forms)
        forms[node] = linear or _Linear(node.rebuild(written).called(node.hint))
    return written(root)


def _is_interpolation(node: Node) -> bool:
    """Whether a node interpolates at a place that is known once data is bound."""
    if not isinstance(node, Whole) or node.function is not arrays.POLYNOMIAL_IN_X:
        return False
    x, knots, _ = node.arguments
    return max(x.phase, knots.phase) <= Phase.DATA and not x.axes


# --- linear forms ----------------------------------------------------------------------------------------------


def _linear(node: Node, forms: dict[Node, _Linear]) -> _Linear | None:
    if _is_interpolation(node):
        assert isinstance(node, Whole)
        x, knots, values = node.arguments
        return _Linear(terms={_Term(x, knots, values): build.ONE})
    if isinstance(node, nodes.Sum):
        form = forms[node.body]
        follows = any(node.loop in term.values.loops for term in form.terms)
        return _summed(node.loop, form) if form.terms and not node.axes and not follows else None
    if not isinstance(node, Apply) or not any(forms[argument].terms for argument in node.arguments):
        return None
    parts = [forms[argument] for argument in node.arguments]
    name = node.function.name
    if name == "negate":
        return _scaled(parts[0], Constant(-1.0))
    if name == "add":
        return _together(*parts)
    if name == "subtract":
        return _together(parts[0], _scaled(parts[1], Constant(-1.0)))
    if name == "multiply":
        for one, other in (parts, parts[::-1]):
            if not other.terms and _can_scale(other.rest):
                return _scaled(one, other.rest)
    if name == "divide" and not parts[1].terms and _can_scale(parts[1].rest):
        return _scaled(parts[0], build.divide(build.ONE, parts[1].rest))
    return None


def _can_scale(factor: Node) -> bool:
    return not factor.axes and (factor.phase <= Phase.DATA or not factor.loops)


def _scaled(form: _Linear, factor: Node) -> _Linear:
    terms: dict[_Term, Node] = {}
    for term, number in form.terms.items():
        if factor.loops:
            terms[replace(term, coefficient=build.multiply(factor, term.coefficient))] = number
        else:
            terms[term] = build.multiply(factor, number)
    return _Linear(build.multiply(factor, form.rest), terms)


def _together(left: _Linear, right: _Linear) -> _Linear:
    return _Linear(build.add(left.rest, right.rest), _added([*left.terms.items(), *right.terms.items()]))


def _summed(loop: Loop, form: _Linear) -> _Linear:
    def over(term: _Term) -> _Term:
        if loop in term.x.loops:
            return replace(term, loops=(*term.loops, loop))
        return replace(term, coefficient=nodes.Sum(loop, term.coefficient))

    terms = _added([(over(term), number) for term, number in form.terms.items()])
    return _Linear(build.ZERO if form.rest is build.ZERO else nodes.Sum(loop, form.rest), terms)


def _added(items: list[tuple[_Key, Node]]) -> dict[_Key, Node]:
    """The sum of what has the same key."""
    found: dict[_Key, Node] = {}
    for key, value in items:
        found[key] = build.add(found[key], value) if key in found else value
    return found


# --- as matrices -----------------------------------------------------------------------------------------------


def _written(form: _Linear) -> Node:
    """A form as products of rows with values at knots, or of tables with densities before the evolution."""
    if not form.terms:
        return form.rest
    at_scales = {term: number for term, number in form.terms.items() if _evolution_of(term.values) is not None}
    at_one = {term: number for term, number in form.terms.items() if term not in at_scales}
    products = [*_products_with_values(at_one), *_products_with_densities(at_scales)]
    return build.add(build.total(products), form.rest)


def _products_with_values(terms: dict[_Term, Node]) -> Iterator[Node]:
    """Values that have the same row are added first, then rows that have the same values."""
    by_row = _added([((term.row, term.values.loops), build.multiply(n, term.values)) for term, n in terms.items()])
    for values, row in _added([(values, row) for (row, _), values in by_row.items()]).items():
        yield Whole(arrays.DOT, (row, values), (), "real")


def _evolution_of(values: Node) -> Whole | None:
    """The evolution to several scales that values at knots are one parton of, at a known one of the scales."""
    if not isinstance(values, Element) or len(values.positions) != 2 or values.positions[0].phase > Phase.DATA:
        return None
    evolved = values.base
    is_evolved = isinstance(evolved, Whole) and evolved.function is arrays.CONTRACT and not evolved.loops
    return evolved if is_evolved and isinstance(values.positions[1], Constant) else None  # type: ignore[return-value]


def _products_with_densities(terms: dict[_Term, Node]) -> Iterator[Node]:
    """A table for each evolution, place among its scales and number that follows parameters."""
    groups: dict[tuple[Whole, Node, Node], list[tuple[int, Node]]] = {}
    for term, number in terms.items():
        evolved = _evolution_of(term.values)
        assert evolved is not None and isinstance(term.values, Element)
        scale, parton = term.values.positions
        assert isinstance(parton, Constant)
        known, unknown = (build.ONE, number) if number.phase == Phase.PARAMETER else (number, build.ONE)
        entry = int(parton.value), build.multiply(known, term.row)
        groups.setdefault((evolved, scale, unknown), []).append(entry)
    for (evolved, scale, number), entries in groups.items():
        rows = _added(entries)
        operators, densities = evolved.arguments
        partons = build.known_positions(list(rows))
        stacked = nodes.Stack(tuple(rows.values()), Axis(Size(len(rows))))
        table = Whole(arrays.TABLE_OF_ROWS, (operators, scale, stacked, partons), densities.axes, "real")
        yield build.multiply(number, Whole(arrays.CONTRACT, (table, densities), (), "real"))
