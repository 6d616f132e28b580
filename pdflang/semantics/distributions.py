"""Distributions with their arguments: what stands after `~`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pdflang.components import BetweenParameters, Distribution, arithmetic, arrays
from pdflang.diagnostics import Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Node, Phase
from pdflang.ir.program import Draws
from pdflang.ir.ranges import POSITIVE, Range
from pdflang.ir.sizes import Axis
from pdflang.semantics import build
from pdflang.semantics.affine import affine_in
from pdflang.semantics.calls import CallSite, Given, match
from pdflang.semantics.combine import as_count, axes_agree, error, require_trailing
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.ranges import range_of
from pdflang.semantics.regions import narrowed
from pdflang.semantics.scope import Scope
from pdflang.semantics.sets import open_loop
from pdflang.semantics.supports import check_support, expanded, extent_of
from pdflang.semantics.values import (
    BoxValue,
    DistributionValue,
    FunctionValue,
    FunctionVariable,
    IntervalValue,
    MixtureValue,
    ProcessValue,
    Value,
    describe,
)
from pdflang.syntax import ast

_ROUNDING = 1e-9
"""How far the sum of written weights may be from 1."""


def call_distribution(elaborator: Elaborator, row: Distribution, site: CallSite) -> Value:
    """`Normal(mu, sigma)` and its like."""
    required = [p.name for p in row.parameters if p.required]
    optional = [p.name for p in row.parameters if not p.required]
    matched = match(site, required, optional)
    if row.exactly_one:
        _require_exactly_one(row, matched, site)
    if row.kind == "mixture":
        return _mixture(elaborator, row, matched, site)
    if row.kind in ("process", "iid"):
        return _process(elaborator, row, matched, site)
    arguments = []
    for parameter in row.parameters:
        if parameter.name not in matched:
            continue
        given = matched[parameter.name]
        node = as_count(elaborator.given_number(given, site.scope, f"as `{parameter.name}` of {row.name}"))
        if len(node.axes) < parameter.rank:
            kind = "a vector" if parameter.rank == 1 else "a matrix"
            raise error(
                "E304", f"`{parameter.name}` of {row.name} is {kind}, but this is {describe(node)}", given.span
            )
        check_support(elaborator, node, parameter.range, f"`{parameter.name}` of {row.name}", given.span)
        if parameter.integer:
            _require_whole(elaborator, node, f"`{parameter.name}` of {row.name}", given.span)
        arguments.append(node)
    if row.name == "MvNormal":
        _require_covariance(elaborator, arguments[-1], site, matched)
        arguments = _with_scale_tril(matched, arguments, site)
    elif row.rank == 0:
        spans = [matched[p.name].span for p in row.parameters if p.name in matched]
        if arguments:
            require_trailing(list(zip(arguments, spans, strict=True)), site.span, elaborator.check)
        _require_order(elaborator, row, arguments, site.span)
    return DistributionValue(row, tuple(arguments), site.span)


def _require_whole(elaborator: Elaborator, node: Node, what: str, span: Span) -> None:
    """A count that is known is a whole number."""
    if node.phase != Phase.CONST or node.loops:
        return
    import numpy as np

    values = np.ravel(elaborator.fold(node))
    broken = values[values != np.floor(values)]
    if broken.size:
        raise error("E401", f"{what} must be a whole number, but this is {broken[0]:g}", span)


def _require_order(elaborator: Elaborator, row: Distribution, arguments: Sequence[Node], span: Span) -> None:
    """The ends of a support lie in their order. Errors: E406 for known ends, else E401, or L401 where that is open."""
    support = row.support
    if not isinstance(support, BetweenParameters) or not (
        isinstance(support.lower, str) and isinstance(support.upper, str)
    ):
        return
    names = [p.name for p in row.parameters]
    lower, upper = arguments[names.index(support.lower)], arguments[names.index(support.upper)]
    if any(end.phase != Phase.CONST or end.loops for end in (lower, upper)):
        _require_room(elaborator, lower, upper, f"`{support.upper} - {support.lower}` of {row.name}", span)
        return
    import numpy as np

    for low, high in zip(*map(np.ravel, np.broadcast_arrays(*map(elaborator.fold, (lower, upper)))), strict=True):
        if low >= high:
            raise error(
                "E406",
                f"{row.name} has no values between {low:g} and {high:g}",
                span,
                label=f"`{support.lower}` must lie below `{support.upper}`",
                remedy="write the lower end first",
            )


def _require_exactly_one(row: Distribution, matched: dict[str, Given], site: CallSite) -> None:
    given = [name for name in row.exactly_one if name in matched]
    if len(given) != 1:
        options = ", ".join(f"{name} =" for name in row.exactly_one)
        found = " and ".join(given) if given else "none"
        raise error("E303", f"{row.name} takes exactly one of {options}; {found} given", site.span)


def _require_covariance(elaborator: Elaborator, matrix: Node, site: CallSite, matched: dict[str, Given]) -> None:
    """A matrix that is known is symmetric and positive definite; one of data is looked at when it is bound."""
    import numpy as np

    (name,) = (name for name in ("cov", "precision", "scale_tril") if name in matched)
    if matrix.phase != Phase.CONST or matrix.loops or name == "scale_tril":
        return
    values = np.asarray(elaborator.fold(matrix), float)
    is_square = values.ndim == 2 and values.shape[0] == values.shape[1]
    problem = ""
    if not is_square or not np.allclose(values, values.T, rtol=_ROUNDING, atol=0):
        problem = "symmetric"
    elif not np.linalg.eigvalsh(values)[0] > 0:
        problem = "positive definite"
    if problem:
        raise error(
            "E511", f"`{name}` of {site.name} is not {problem}", matched[name].span,
            remedy="write variances on the diagonal, and rho*sigma_i*sigma_j beside it with rho between -1 and 1",
        )  # fmt: skip


def _with_scale_tril(matched: dict[str, Given], arguments: list[Node], site: CallSite) -> list[Node]:
    """The matrix as its lower triangle, which is what the density needs: computed once where it is fixed."""
    mu, matrix = arguments
    if "scale_tril" in matched:
        return arguments
    row = arrays.CHOLESKY if "cov" in matched else arrays.CHOLESKY_OF_INVERSE
    given = matched["cov"] if "cov" in matched else matched["precision"]
    return [mu, nodes.Whole(row, (matrix,), matrix.axes, "real", span=given.span)]


def _require_unit_sum(elaborator: Elaborator, weights: Node, span: Span) -> None:
    """Written weights are shares of one; those that follow from data or parameters are taken as they are."""
    if weights.phase != Phase.CONST or weights.loops:
        return
    total = math.fsum(elaborator.fold(weights))
    if abs(total - 1) > _ROUNDING:
        raise error(
            "E401",
            f"the weights of a mixture add up to {total:.6g}, where 1 is due",
            span,
            remedy="write the last one as 1 minus the others, or divide by their sum",
        )


def _components(elaborator: Elaborator, given: Given, scope: Scope) -> list[tuple[ast.Expression, Scope]]:
    """The components of a mixture, each with the names that it may read: written in brackets, or over a known set."""
    written = given.expression
    if isinstance(written, ast.ArrayLiteral):
        return [(item, scope) for item in written.items]
    if isinstance(written, ast.Comprehension) and len(written.clauses) == 1 and written.clauses[0].condition is None:
        (clause,) = written.clauses
        opened = open_loop(elaborator, clause.variable, clause.over, scope)
        if not isinstance(opened, IntervalValue):
            loop, inner = opened
            places = _places(loop, clause.over.span)
            return [(written.body, _at(clause.variable, loop, place, inner, scope)) for place in places]
    raise error(
        "E306", "the components of a mixture are written in brackets, or run over a set", given.span,
        remedy="Mixture([w, 1 - w], [Normal(0, 1), Normal(3, 1)]), or Mixture(w, Normal(mu[k], 1) for k in K)",
    )  # fmt: skip


def _places(loop: nodes.Loop, span: Span) -> range:
    assert loop.axis is not None
    if not loop.axis.size.is_known:
        raise error("E403", "how many components a mixture has must be known before the data", span)
    return range(loop.axis.size.constant)


def _at(variable: str, loop: nodes.Loop, place: int, inner: Scope, scope: Scope) -> Scope:
    """The scope of one turn of a loop."""
    element = inner.bindings[variable]
    assert isinstance(element, Node)
    return scope.bind(variable, nodes.substitute(element, {nodes.LoopIndex(loop): nodes.Constant(place)}))


def _mixture(elaborator: Elaborator, row: Distribution, matched: dict[str, Given], site: CallSite) -> Value:
    weights = elaborator.given_number(matched["weights"], site.scope, "as the weights of a mixture")
    components = []
    for item, scope in _components(elaborator, matched["components"], site.scope):
        value = elaborator.evaluate(item, scope)
        if not isinstance(value, DistributionValue) or value.row.rank or not value.row.proper:
            raise error("E306", "a component of a mixture is a proper distribution of one variable", item.span,
                        label=describe(value))  # fmt: skip
        components.append(value)
    if len({component.is_discrete for component in components}) > 1:
        raise error("E306", "a mixture cannot have both counts and real numbers as components", site.span)
    if len(weights.axes) != 1 or (
        weights.axes[0].size.is_known and weights.axes[0].size.constant != len(components)
    ):
        raise error(
            "E302",
            f"a mixture has as many weights as components, and these are {len(components)}",
            matched["weights"].span,
            label=describe(weights),
        )
    check_support(elaborator, weights, Range(0, 1), "a weight of a mixture", matched["weights"].span)
    _require_unit_sum(elaborator, weights, matched["weights"].span)
    return MixtureValue(row, weights, tuple(components), site.span)


def _process(elaborator: Elaborator, row: Distribution, matched: dict[str, Given], site: CallSite) -> Value:
    name = row.parameters[0].name
    rate = elaborator.given(matched[name], site.scope)
    if not isinstance(rate, FunctionValue):
        raise error(
            "E301",
            f"`{name}` of {row.name} is a function, but this is {describe(rate)}",
            matched[name].span,
            remedy="give the function itself, not its value: PoissonProcess(rate)",
        )
    weights = None
    if "weights" in matched:
        weights = elaborator.given_number(matched["weights"], site.scope, "as the weights of events")
    return ProcessValue(row, rate, _region(elaborator, rate, matched, site), site.span, weights)


def _region(
    elaborator: Elaborator, rate: FunctionValue, matched: dict[str, Given], site: CallSite
) -> tuple[FunctionVariable, ...]:
    """Where events are observed: the domain of the rate, or what `over` makes of it."""
    if "over" not in matched:
        return rate.variables
    span = matched["over"].span
    over = elaborator.given(matched["over"], site.scope)
    if isinstance(over, IntervalValue) and len(rate.variables) == 1:
        over = BoxValue({rate.variables[0].name: over})
    if not isinstance(over, BoxValue):
        wanted = "an interval" if len(rate.variables) == 1 else "a box"
        raise error("E301", f"`over` is {wanted}, but this is {describe(over)}", span,
                    remedy="write over = box(x = (0, 1), y = (0, 1))")  # fmt: skip
    names = [variable.name for variable in rate.variables]
    for name in over.sides:
        if name not in names:
            raise error("E205", f"{describe(rate)} has no variable `{name}`", span)
    return tuple(
        narrowed(elaborator, v, over.sides[v.name], span) if v.name in over.sides else v for v in rate.variables
    )


def truncate(elaborator: Elaborator, expression: ast.Truncated, scope: Scope) -> DistributionValue:
    """`D in (lower, upper)`."""
    value = elaborator.evaluate(expression.distribution, scope)
    span = expression.bounds.span
    if isinstance(value, MixtureValue):
        raise error(
            "E306", "a mixture cannot be truncated as a whole", expression.span,
            remedy="truncate its components, and weigh them: Mixture([w, 1 - w], [Normal(0, 1) in (0, inf), …])",
        )  # fmt: skip
    if not isinstance(value, DistributionValue):
        raise error("E306", f"only a distribution can be truncated, and this is {describe(value)}", expression.span)
    bounds = elaborator.evaluate(expression.bounds, scope)
    if not isinstance(bounds, IntervalValue):
        raise error("E301", f"bounds are an interval (lower, upper), but this is {describe(bounds)}", span)
    if not value.row.has_cdf and value.row.proper:
        raise error("E306", f"{value.row.name} cannot be truncated", span, remedy="it has no cumulative distribution")
    support = support_of(elaborator, value)
    lower, upper = extent_of(elaborator, bounds.lower), extent_of(elaborator, bounds.upper)
    allowed = Range(lower.lower, upper.upper, True, True)
    if support.intersection(allowed).is_empty:
        raise error(
            "E406",
            f"{value.row.name} has no values in {allowed}: its support is {support}",
            span,
            label="excludes the whole prior",
        )
    _require_room(elaborator, bounds.lower, bounds.upper, "the upper bound minus the lower one", span)
    return DistributionValue(value.row, value.arguments, value.span, (bounds.lower, bounds.upper), span)


def _require_room(elaborator: Elaborator, lower: Node, upper: Node, what: str, span: Span) -> None:
    """Ends that follow data, parameters or binders leave room between them."""
    if range_of(lower).upper == -math.inf or range_of(upper).lower == math.inf:
        return
    width = _width(expanded(elaborator, lower), expanded(elaborator, upper))
    if all(loop.axis is not None for loop in width.loops):
        # As an array it is looked at entry by entry: of constants at once, of data when they are bound.
        for loop in sorted(width.loops, key=lambda loop: loop.depth, reverse=True):
            width = nodes.Array(loop, width)
    check_support(elaborator, width, POSITIVE, what, span)


def _width(lower: Node, upper: Node) -> Node:
    """upper - lower, with what both read collected: of a + 1 - a only 1 is left, where taken apart nothing is known."""
    width: Node = nodes.Apply(arithmetic.SUBTRACT, (upper, lower), "real", span=upper.span)
    read = set(nodes.walk(lower))
    reached = nodes.walk(upper, below=lambda node: () if node in read else node.children())
    for shared in [node for node in reached if node in read and not isinstance(node, nodes.Constant)][::-1]:
        if parts := affine_in(width, shared):
            width = build.add(build.multiply(parts[0], shared), parts[1])
    return width


def require_fixed_bounds(value: DistributionValue | MixtureValue, what: str) -> None:
    """Where bounds are written numbers in this version. Error: E308."""
    for part in value.components if isinstance(value, MixtureValue) else (value,):
        if part.bounds and not all(is_fixed(bound) for bound in part.bounds):
            raise error("E308", f"bounds of {what} that are not numbers are not supported in this version",
                        part.bounds_span)  # fmt: skip


def is_fixed(node: Node) -> bool:
    """Whether this is one number that is known before data."""
    return node.phase == Phase.CONST and not node.axes and not node.loops


def support_of(elaborator: Elaborator, value: DistributionValue | MixtureValue) -> Range:
    """The numbers that draws can take, bounds included."""
    if isinstance(value, MixtureValue):
        support = support_of(elaborator, value.components[0])
        for component in value.components[1:]:
            support = support.union(support_of(elaborator, component))
        return support
    support = value.row.support
    if isinstance(support, BetweenParameters):
        lower, upper = (extent_of(elaborator, end) for end in _own_ends(value))
        support = Range(lower.lower, upper.upper, lower.open_lower, upper.open_upper)
    if value.bounds:
        lower, upper = (extent_of(elaborator, bound) for bound in value.bounds)
        support = support.intersection(Range(lower.lower, upper.upper))
    return support


def ends_of(value: DistributionValue) -> tuple[Node, Node]:
    """The ends of the support as expressions: those of the distribution, narrowed to its bounds."""
    lower, upper = _own_ends(value)
    if value.bounds:
        lower, upper = build.larger(lower, value.bounds[0]), build.smaller(upper, value.bounds[1])
    return lower, upper


def _own_ends(value: DistributionValue) -> tuple[Node, Node]:
    """The ends of the support of a distribution that is not truncated."""
    support = value.row.support
    names = [parameter.name for parameter in value.row.parameters]

    def end(of: str | float) -> Node:
        return value.arguments[names.index(of)] if isinstance(of, str) else nodes.Constant(float(of))

    return end(support.lower), end(support.upper)


def draws_of(
    value: DistributionValue | MixtureValue, wrap: Sequence[nodes.Loop] = (), plates: Sequence[Axis] = ()
) -> Draws:
    """The distribution as the simulator needs it: draws run over `wrap`, outermost first, then over `plates`."""
    if isinstance(value, MixtureValue):
        components = tuple(draws_of(component, wrap, plates) for component in value.components)
        return Draws(value.row, (), None, _over(value.weights, 1, wrap, plates), components)
    ranks = [p.rank for p in value.row.parameters if p.required or not value.row.exactly_one]
    if value.row.exactly_one:
        ranks = [1, 2]
    arguments = tuple(
        _over(argument, rank, wrap, plates) for argument, rank in zip(value.arguments, ranks, strict=False)
    )
    bounds = over_plates(value.bounds, wrap, plates) if value.bounds else None
    return Draws(value.row, arguments, bounds)


def over_plates(ends: tuple[Node, Node], wrap: Sequence[nodes.Loop], plates: Sequence[Axis]) -> tuple[Node, Node]:
    """The ends of an interval as arrays whose axes are the last ones of the draws."""
    lower, upper = (_over(end, 0, wrap, plates) for end in ends)
    return lower, upper


def _over(node: Node, rank: int, wrap: Sequence[nodes.Loop], plates: Sequence[Axis]) -> Node:
    """An argument that follows binders as an array whose axes are the last ones of the draws.

    From the outermost binder that it follows inwards it has all axes, so that none is taken for another.
    """
    followed = [position for position, loop in enumerate(wrap) if loop in node.loops]
    if not followed:
        return node
    for position, axis in reversed(list(enumerate(plates[: len(plates) - (len(node.axes) - rank)]))):
        node = nodes.Array(nodes.Loop(wrap[-1].depth + 1 + position, axis), node)
    for loop in reversed(wrap[followed[0] :]):
        node = nodes.Array(loop, node)
    return node


def log_probability(
    elaborator: Elaborator, value: DistributionValue | MixtureValue, target: Node, span: Span
) -> Node:
    """log p(target) with one entry for each draw."""
    if isinstance(value, MixtureValue):
        parts = tuple(log_probability(elaborator, component, target, span) for component in value.components)
        return nodes.MixtureLogProbability(value.weights, parts, span=span)
    rank = value.row.rank
    if len(target.axes) < rank:
        raise error(
            "E307",
            f"{value.row.name} draws vectors, but what is distributed is {describe(target)}",
            span,
            remedy="leave the last axis without a binder: [i in S, 3]",
        )
    batch = target.axes[: len(target.axes) - rank] if rank else target.axes
    parameters = [p for p in value.row.parameters if p.required or len(value.row.exactly_one) == 0]
    ranked = [(argument, p.rank) for argument, p in zip(value.arguments, parameters, strict=False)]
    for argument, argument_rank in [*ranked, *((bound, 0) for bound in value.bounds or ())]:
        own = argument.axes[: len(argument.axes) - argument_rank]
        event = argument.axes[len(argument.axes) - argument_rank :]
        if len(own) > len(batch):
            raise _too_many_axes(target, argument, value, span)
        mine = (*own, *event) if rank else own
        theirs = (*batch[len(batch) - len(own) :], *target.axes[len(batch) :][:argument_rank])
        for a, b in zip(mine, theirs, strict=True):
            if not axes_agree(a, b, span, elaborator.check):
                raise _too_many_axes(target, argument, value, span)
    return nodes.LogProbability(value.row, target, value.arguments, value.bounds or (), span=span)


def _too_many_axes(target: Node, argument: Node, value: DistributionValue, span: Span) -> Exception:
    def shape(node: Node) -> str:
        return "the shape [" + ", ".join(map(str, node.axes)) + "]" if node.axes else "no axes"

    return error(
        "E307",
        f"what is distributed has {shape(target)}, but an argument of {value.row.name} has {shape(argument)}",
        span,
        remedy="declare both over the same axes, or index one of them with a binder: y[i in N] ~ …",
    )
