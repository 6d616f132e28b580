"""What is proved about the values of an expression, by interval arithmetic from supports and domains."""

from __future__ import annotations

import math
from collections.abc import Callable, MutableMapping
from weakref import WeakKeyDictionary

from pdflang.components.functions import Function
from pdflang.ir import nodes
from pdflang.ir.evaluate import resolve
from pdflang.ir.nodes import Node
from pdflang.ir.ranges import NONNEGATIVE, POSITIVE, REAL, UNIT, Range, point

# What is proved of an expression holds wherever it appears; it is forgotten with the expression.
_known: WeakKeyDictionary[Node, Range] = WeakKeyDictionary()

Known = MutableMapping[Node, Range]

# The comparison that holds where another does not.
_CONTRARY = {
    "less": "greater_equal", "less_equal": "greater", "greater": "less_equal", "greater_equal": "less",
}  # fmt: skip


def range_of(node: Node) -> Range:
    """A range that holds every value of the node, or of the elements of an array."""
    for child in nodes.walk(node, below=lambda child: () if child in _known else child.children()):
        if child not in _known:
            _known[child] = _infer(child, _known)
    return _known[node]


def _infer(node: Node, known: Known) -> Range:
    if isinstance(node, nodes.Constant):
        return point(float(node.value))
    if isinstance(node, nodes.ArrayConstant):
        array = node.values.array()
        return Range(float(array.min()), float(array.max())) if array.size else REAL
    if isinstance(node, nodes.Reference | nodes.Variable | nodes.State):
        return node.range
    if isinstance(node, nodes.LoopIndex):
        assert node.loop.axis is not None
        size = node.loop.axis.size
        return Range(0, size.constant - 1) if size.is_known else NONNEGATIVE
    if isinstance(node, nodes.Element):
        return known[node.base]
    if isinstance(node, nodes.Array | nodes.Scan | nodes.Earlier):
        return known[node.body]
    if isinstance(node, nodes.Stack):
        return _union([known[item] for item in node.items])
    if isinstance(node, nodes.Choose):
        return _choice(node, known)
    if isinstance(node, nodes.Sum):
        return _sign_only(known[node.body])
    if isinstance(node, nodes.Integral):
        return _integral(node, known)
    if isinstance(node, nodes.Apply):
        return _apply(node, known)
    if isinstance(node, nodes.Density):
        return NONNEGATIVE
    if isinstance(node, nodes.Mass):
        return UNIT
    if isinstance(node, nodes.Whole):
        return _whole(node, known)
    return REAL


def _union(ranges: list[Range]) -> Range:
    result = ranges[0]
    for other in ranges[1:]:
        result = result.union(other)
    return result


def _sign_only(body: Range) -> Range:
    """The range of a sum of any number of such terms."""
    if body.lower >= 0:
        return Range(0, math.inf, open_lower=body.lower > 0 or body.open_lower)
    if body.upper <= 0:
        return Range(-math.inf, 0, open_upper=body.upper < 0 or body.open_upper)
    return REAL


def _integral(node: nodes.Integral, known: Known) -> Range:
    lower, upper, body = known[node.lower], known[node.upper], known[node.body]
    if _are_neighbours(node.lower, node.upper):
        return _sign_only(body)
    if lower.upper > upper.lower:
        return REAL
    # Where both ends are one number the integral is 0.
    return _sign_only(body if lower.disjoint(upper) else body.union(point(0)))


def _are_neighbours(lower: Node, upper: Node) -> bool:
    """Whether these are the edges of one bin, which increase: edges[i] and edges[i + 1]."""
    if not (isinstance(lower, nodes.Element) and isinstance(upper, nodes.Element) and lower.base is upper.base):
        return False
    (after,) = upper.positions
    return (
        isinstance(after, nodes.Apply)
        and after.function.name == "add"
        and after.arguments == (*lower.positions, nodes.Constant(1))
    )


_NO_NUMBER = nodes.Constant(math.nan)


def _choice(node: nodes.Choose, known: Known) -> Range:
    """Each branch with what its condition says; one that is never taken, or no number, says nothing."""
    if known is not _known:
        return known[node.yes].union(known[node.no])
    branches = []
    for branch, holds in ((node.yes, True), (node.no, False)):
        restricted = _restrictions(node.condition, holds)
        if any(found.is_empty for found in restricted.values()) or branch is _NO_NUMBER:
            continue
        branches.append(_given(branch, restricted) if restricted else known[branch])
    return _union(branches) if branches else known[node.yes].union(known[node.no])


_LARGEST = 300
"""In a branch of more expressions conditions are not followed: in many branches, one in the other, that has no end."""


def _given(branch: Node, restricted: dict[Node, Range]) -> Range:
    """The range of a branch where some nodes below it lie in smaller ranges than elsewhere.

    What is said of an array holds entry by entry: it says nothing of a sum over it, or of another entry.
    """
    found: dict[Node, Range] = {}
    by_entry = any(node.axes for node in restricted)
    for count, child in enumerate(nodes.walk(branch)):
        if count > _LARGEST:
            return _known[branch]
        if child in restricted:
            found[child] = restricted[child]
        elif by_entry and not isinstance(child, nodes.Apply | nodes.Choose):
            found[child] = _known[child]
        else:
            found[child] = _infer(child, found)
    return found[branch]


def _restrictions(condition: Node, holds: bool) -> dict[Node, Range]:
    """What a condition, or its contrary, says about the two sides of its comparisons."""
    if not isinstance(condition, nodes.Apply):
        return {}
    name = condition.function.name
    if name == "not":
        return _restrictions(condition.arguments[0], not holds)
    if name == ("and" if holds else "or"):
        left, right = (_restrictions(argument, holds) for argument in condition.arguments)
        both = {node: left[node].intersection(right[node]) for node in left.keys() & right.keys()}
        return {**left, **right, **both}
    if name not in _CONTRARY:
        return {}
    name = name if holds else _CONTRARY[name]
    small, large = condition.arguments if name.startswith("less") else condition.arguments[::-1]
    is_open = not name.endswith("equal")
    below = Range(-math.inf, _known[large].upper, False, is_open or _known[large].open_upper)
    above = Range(_known[small].lower, math.inf, is_open or _known[small].open_lower)
    return {small: _known[small].intersection(below), large: _known[large].intersection(above)}


def _whole(node: nodes.Whole, known: Known) -> Range:
    ranges = [known[argument] for argument in node.arguments]
    name = node.function.name
    if name in ("concat", "min", "max", "mean"):
        return _union(ranges)
    if name in ("sum", "cumsum"):
        return _sign_only(ranges[0])
    if name == "prod" and ranges[0].lower >= 0:
        return _sign_only(ranges[0])
    if name in ("dot", "@") and all(r.lower >= 0 for r in ranges):
        return NONNEGATIVE
    if name in ("linspace", "geomspace"):
        return ranges[0].union(ranges[1])
    if name == "interp":
        return ranges[2]
    if name == "errors":
        # What is uncorrelated is not zero: binding makes sure of it.
        return POSITIVE
    return REAL


def _apply(node: nodes.Apply, known: Known) -> Range:
    arguments = [known[argument] for argument in node.arguments]
    if isinstance(node.function, Function):
        return _function(node.function, arguments)
    if node.function.name == "multiply" and node.arguments[0] is node.arguments[1]:
        return _power(arguments[0], point(2))
    rule = _RULES.get(node.function.name)
    return rule(*arguments) if rule else REAL


def _function(row: Function, arguments: list[Range]) -> Range:
    if row.monotone and len(arguments) == 1:
        argument = arguments[0].intersection(row.domain[0])
        if not argument.is_empty:
            return _monotone(row, argument)
    if row.name == "min":
        return _smaller(*arguments)
    if row.name == "max":
        return _larger(*arguments)
    if row.name == "clip":
        x, low, high = arguments
        return _smaller(_larger(x, low), high)
    if row.name == "hypot":
        ends = [0.0 if 0.0 in a else min(abs(a.lower), abs(a.upper)) for a in arguments]
        return Range(math.hypot(*ends))
    if row.name == "abs":
        return _absolute(arguments[0])
    return row.image


def _smaller(a: Range, b: Range) -> Range:
    """The range of the smaller of two numbers: as low as either of them, as high as both."""
    either, both = a.union(b), a.intersection(b)
    return Range(either.lower, both.upper, either.open_lower, both.open_upper)


def _larger(a: Range, b: Range) -> Range:
    return _negate(_smaller(_negate(a), _negate(b)))


def _absolute(a: Range) -> Range:
    if a.lower >= 0:
        return a
    if a.upper <= 0:
        return _negate(a)
    return Range(0, max(-a.lower, a.upper))


def _monotone(row: Function, argument: Range) -> Range:
    first, last = (_value_at(row, end) for end in (argument.lower, argument.upper))
    # What moves in steps may have the value of an open end before that end.
    ends = [(first, argument.open_lower and not row.integer), (last, argument.open_upper and not row.integer)]
    if row.monotone < 0:
        ends.reverse()
    (lower, open_lower), (upper, open_upper) = ends
    if math.isnan(lower) or math.isnan(upper):
        return row.image
    return Range(lower, upper, open_lower, open_upper).intersection(row.image)


def _value_at(row: Function, end: float) -> float:
    import numpy as np

    if row.integer and math.isinf(end):
        # No whole number is infinite.
        return row.monotone * end
    with np.errstate(all="ignore"):
        return float(resolve(row.numpy)(end))


def _add(a: Range, b: Range) -> Range:
    return Range(
        a.lower + b.lower, a.upper + b.upper, a.open_lower or b.open_lower, a.open_upper or b.open_upper
    )


def _negate(a: Range) -> Range:
    return Range(-a.upper, -a.lower, a.open_upper, a.open_lower)


def _corner(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _multiply(a: Range, b: Range) -> Range:
    ends = [
        (_corner(x, y), (x_open and y != 0) or (y_open and x != 0) or (x == 0 and x_open and y == 0 and y_open))
        for x, x_open in ((a.lower, a.open_lower), (a.upper, a.open_upper))
        for y, y_open in ((b.lower, b.open_lower), (b.upper, b.open_upper))
    ]
    if a.lower >= 0 and b.lower >= 0:
        zero_open = (a.lower > 0 or a.open_lower) and (b.lower > 0 or b.open_lower)
        lower = _corner(a.lower, b.lower)
        return Range(lower, max(value for value, _ in ends), zero_open if lower == 0 else a.open_lower or b.open_lower)
    lower = min(value for value, _ in ends)
    upper = max(value for value, _ in ends)
    return Range(
        lower,
        upper,
        all(is_open for value, is_open in ends if value == lower),
        all(is_open for value, is_open in ends if value == upper),
    )


def _reciprocal(a: Range) -> Range:
    if a.is_empty:
        return REAL
    if a.lower > 0 or (a.lower == 0 and a.open_lower):
        upper = math.inf if a.lower == 0 else 1 / a.lower
        lower = 0.0 if math.isinf(a.upper) else 1 / a.upper
        return Range(lower, upper, a.open_upper or math.isinf(a.upper), a.open_lower)
    if a.upper < 0 or (a.upper == 0 and a.open_upper):
        return _negate(_reciprocal(_negate(a)))
    if a.lower == 0:
        return NONNEGATIVE
    return REAL


def _power(base: Range, exponent: Range) -> Range:
    if exponent.lower == exponent.upper and float(exponent.lower).is_integer() and int(exponent.lower) % 2 == 0:
        if exponent.lower == 0:
            return point(1)
        return _positive_power(_absolute(base), exponent)
    if exponent.lower == exponent.upper and float(exponent.lower).is_integer() and exponent.lower > 0:
        odd = exponent.lower
        return Range(_safe_power(base.lower, odd), _safe_power(base.upper, odd), base.open_lower, base.open_upper)
    if base.lower >= 0:
        return _positive_power(base, exponent)
    return REAL


def _positive_power(base: Range, exponent: Range) -> Range:
    corners = [
        _safe_power(b, e) for b in (base.lower, base.upper) for e in (exponent.lower, exponent.upper)
    ] + [1.0] * (base.lower < 1 < base.upper or exponent.lower < 0 < exponent.upper)
    corners = [c for c in corners if not math.isnan(c)]
    lower, upper = min(corners, default=0.0), max(corners, default=math.inf)
    away_from_zero = base.lower > 0 or base.open_lower
    return Range(max(lower, 0.0), upper, open_lower=lower <= 0 and away_from_zero)


def _safe_power(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf if base > 0 or int(exponent) % 2 == 0 else -math.inf
    except ZeroDivisionError:
        return math.inf


_RULES: dict[str, Callable[..., Range]] = {
    "add": _add,
    "subtract": lambda a, b: _add(a, _negate(b)),
    "negate": _negate,
    "multiply": _multiply,
    "divide": lambda a, b: _multiply(a, _reciprocal(b)),
    "power": _power,
    "less": lambda a, b: Range(0, 1),
    "less_equal": lambda a, b: Range(0, 1),
    "greater": lambda a, b: Range(0, 1),
    "greater_equal": lambda a, b: Range(0, 1),
    "equal": lambda a, b: Range(0, 1),
    "not_equal": lambda a, b: Range(0, 1),
    "and": lambda a, b: Range(0, 1),
    "or": lambda a, b: Range(0, 1),
    "not": lambda a: Range(0, 1),
}
