"""Draws of the prior in NumPy: where parameters are to be found, known before anything is compiled."""

from __future__ import annotations

from typing import Any

from pdflang.ir.evaluate import Evaluator, resolve
from pdflang.ir.nodes import Phase
from pdflang.ir.program import BoundProgram, Draws, Parameter

_WIDTH = 2.0
"""Where a prior is improper, half the width of the interval that stands for it."""


def prior_draws(bound: BoundProgram, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """`count` draws of all parameters: arrays by name.

    They are for planning and for checks of accuracy: an improper prior is replaced by an interval of a few
    units, and factors are left out.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    definitions = bound.program.definition_nodes
    draws: list[dict[str, Any]] = [{} for _ in range(count)]
    for parameter in bound.program.parameters.values():
        shape = tuple(axis.size.bind(bound.lengths) for axis in parameter.axes)
        if any(argument.phase == Phase.PARAMETER for argument in parameter.prior.reads):
            for draw in draws:
                evaluate = Evaluator({**bound.arrays, **draw}, bound.lengths, definitions)
                (draw[parameter.name],) = _of_parameter(parameter, evaluate, 1, shape, generator)
        else:
            evaluate = Evaluator(bound.arrays, bound.lengths, definitions)
            values = _of_parameter(parameter, evaluate, count, shape, generator)
            for draw, value in zip(draws, values, strict=True):
                draw[parameter.name] = value
    return draws


def _of_parameter(
    parameter: Parameter, evaluate: Evaluator, count: int, shape: tuple[int, ...], generator: Any
) -> Any:
    """`count` draws of one parameter, (count, *shape), where its prior's arguments are known."""
    import numpy as np

    prior = parameter.prior
    if not prior.row.proper:
        return _in_support(parameter, evaluate, generator.uniform(-_WIDTH, _WIDTH, (count, *shape)))
    if prior.row.rank:
        arguments = _numbers(prior, evaluate)
        return np.stack([_of_vectors(prior, arguments, shape, generator) for _ in range(count)])
    if prior.components:
        return _of_mixture(prior, evaluate, (count, *shape), generator)
    value = _univariate(prior, evaluate, generator.uniform(size=(count, *shape)))
    return np.sort(value, axis=-1) if parameter.constraint == "ordered" else value


def _of_vectors(prior: Draws, arguments: list[Any], shape: tuple[int, ...], generator: Any) -> Any:
    """One draw for each plate: SciPy takes none."""
    import numpy as np

    plates = shape[:-1]
    ranks = [1, 2] if prior.row.exactly_one else [parameter.rank for parameter in prior.row.parameters]
    full = [
        np.broadcast_to(argument, (*plates, *argument.shape[argument.ndim - rank :]))
        for argument, rank in zip(arguments, ranks, strict=True)
    ]
    if not all(np.isfinite(part).all() for part in full):
        # A matrix that is not positive definite: who compiles the model tells it by its name.
        return np.full(shape, np.nan)
    found = np.empty(shape)
    for plate in np.ndindex(*plates):
        found[plate] = resolve(prior.row.reference)(*(part[plate] for part in full)).rvs(random_state=generator)
    return found


def _of_mixture(prior: Draws, evaluate: Evaluator, shape: tuple[int, ...], generator: Any) -> Any:
    import numpy as np

    drawn = np.stack([_univariate(part, evaluate, generator.uniform(size=shape)) for part in prior.components])
    assert prior.weights is not None
    below = np.cumsum(evaluate(prior.weights))[:-1]
    chosen = (generator.uniform(size=shape)[..., None] > below).sum(axis=-1)
    return np.take_along_axis(drawn, chosen[None], axis=0)[0]


def _numbers(prior: Draws, evaluate: Evaluator) -> list[Any]:
    import numpy as np

    return [np.asarray(evaluate(argument), float) for argument in prior.arguments]


def _univariate(prior: Draws, evaluate: Evaluator, shares: Any) -> Any:
    import numpy as np

    from pdflang.passes.quantiles import quantiles_of

    # A prior that is as good as a point has draws that are not finite; what comes of them is compared, not trusted.
    with np.errstate(all="ignore"):
        arguments, (share, number) = _numbers(prior, evaluate), quantiles_of(prior.row)
        if prior.bounds is None:
            return number(shares, *arguments)
        lower, upper = (np.asarray(evaluate(bound), float) for bound in prior.bounds)
        below, above = share(lower, *arguments), share(upper, *arguments)
        return number(below + (above - below) * shares, *arguments)


def _in_support(parameter: Parameter, evaluate: Evaluator, free: Any) -> Any:
    """Numbers of the order of one inside a support."""
    import numpy as np

    lower: Any = parameter.support.lower
    upper: Any = parameter.support.upper
    if parameter.ends is not None:
        lower, upper = (np.asarray(evaluate(end), float) for end in parameter.ends)
    if np.isfinite(lower).all() and np.isfinite(upper).all():
        return lower + (upper - lower) * (free + _WIDTH) / (2 * _WIDTH)
    if np.isfinite(lower).all():
        return lower + np.exp(free)
    return upper - np.exp(free) if np.isfinite(upper).all() else free
