"""Draws of the prior in NumPy: where parameters are to be found, known before anything is compiled."""

from __future__ import annotations

from typing import Any

from pdflang.ir.evaluate import Evaluator, resolve
from pdflang.ir.program import BoundProgram, Draws, Parameter
from pdflang.semantics.lints import everything_read

_WIDTH = 2.0
"""Where a prior is improper, half the width of the interval that stands for it."""


def prior_draws(bound: BoundProgram, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """`count` draws of all parameters: arrays by name.

    They are for planning and for checks of accuracy: an improper prior is replaced by an interval of a few
    units, and factors are left out.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    return [_draw(bound, generator) for _ in range(count)]


def _draw(bound: BoundProgram, generator: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    definitions = bound.program.definition_nodes
    for parameter in _ancestral(bound):
        evaluate = Evaluator({**bound.arrays, **values}, bound.lengths, definitions)
        shape = tuple(axis.size.bind(bound.lengths) for axis in parameter.axes)
        values[parameter.name] = _of_parameter(parameter, evaluate, shape, generator)
    return values


def _ancestral(bound: BoundProgram) -> list[Parameter]:
    """Parameters, each after those that its prior reads."""
    parameters, definitions = bound.program.parameters, bound.program.definition_nodes
    ordered: dict[str, Parameter] = {}

    def visit(parameter: Parameter) -> None:
        for argument in parameter.prior.arguments:
            for name in everything_read(argument, definitions):
                if name in parameters and name not in ordered:
                    visit(parameters[name])
        ordered[parameter.name] = parameter

    for parameter in parameters.values():
        visit(parameter)
    return list(ordered.values())


def _of_parameter(parameter: Parameter, evaluate: Evaluator, shape: tuple[int, ...], generator: Any) -> Any:
    import numpy as np

    prior = parameter.prior
    if not prior.row.proper:
        return _in_support(parameter, generator.uniform(-_WIDTH, _WIDTH, shape))
    arguments = [np.asarray(evaluate(argument), float) for argument in prior.arguments]
    if prior.row.rank:
        return np.reshape(resolve(prior.row.reference)(*arguments).rvs(random_state=generator), shape)
    value = _univariate(prior, arguments, evaluate, generator.uniform(size=shape))
    return np.sort(value, axis=-1) if parameter.constraint == "ordered" else value


def _univariate(prior: Draws, arguments: list[Any], evaluate: Evaluator, shares: Any) -> Any:
    frozen = resolve(prior.row.reference)(*arguments)
    if prior.bounds is None:
        return frozen.ppf(shares)
    lower, upper = (float(evaluate(bound)) for bound in prior.bounds)
    below, above = frozen.cdf(lower), frozen.cdf(upper)
    return frozen.ppf(below + (above - below) * shares)


def _in_support(parameter: Parameter, free: Any) -> Any:
    """Numbers of the order of one inside a support."""
    import numpy as np

    lower, upper = parameter.support.lower, parameter.support.upper
    if np.isfinite(lower) and np.isfinite(upper):
        return lower + (upper - lower) * (free + _WIDTH) / (2 * _WIDTH)
    if np.isfinite(lower):
        return lower + np.exp(free)
    return upper - np.exp(free) if np.isfinite(upper) else free
