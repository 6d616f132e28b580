"""Events that stand where there are none: lists have room that is computed with, but never counted.

0 times what the rate has at such a place must be 0, so that an empty list needs a place where the rate is not 0.
"""

from __future__ import annotations

from typing import Any

from pdflang.certify import arrays_over
from pdflang.compress import Rates
from pdflang.ir import nodes
from pdflang.ir.evaluate import Evaluator
from pdflang.ir.program import BoundProgram, EventVariable, Observation
from pdflang.passes.typical import typical_of

_DRAWS = 4
_PLACES = 256
_FAR = 3.0
"""Where a region has no end, places are spread over so much."""


def stand_ins(bound: BoundProgram, planned: BoundProgram) -> dict[str, Any]:
    """The arrays of each empty list of events as those of one event, by name."""
    import numpy as np

    found: dict[str, Any] = {}
    for name, observation in bound.program.observations.items():
        if observation.process is None or observation.log_likelihood is None:
            continue
        axis = observation.target.axes[0]
        if axis.size.bind(bound.lengths) > 0:
            continue
        columns = _possible_event(Rates(planned, name), bound, observation)
        for key in arrays_over(axis, bound):
            found[key] = np.asarray([columns.get(key, 1)], dtype=np.asarray(bound.arrays[key]).dtype)
    return found


def _possible_event(rates: Rates, bound: BoundProgram, observation: Observation) -> dict[str, Any]:
    """The columns of the first place whose rate is positive at draws of the prior, as far as one is found."""
    import numpy as np

    process = observation.process
    assert process is not None
    # Places without a pattern that a region could follow (Roberts: multiples of powers of a generalised golden ratio).
    golden = _golden(len(process.variables))
    shares = (0.5 + np.outer(np.arange(_PLACES), golden ** -np.arange(1.0, len(process.variables) + 1))) % 1
    points = np.stack([_along(v, shares[:, k], bound) for k, v in enumerate(process.variables)], axis=1)
    possible = np.isfinite(rates.at(typical_of(bound).draws[:_DRAWS])(points)).all(axis=0)
    columns = [key for column in process.columns.values() for key in nodes.references(column)]
    return dict(zip(columns, points[int(np.argmax(possible))], strict=True))


def _golden(dimension: int) -> float:
    """The root of g^(d + 1) = g + 1 above 1."""
    root = 1.5
    for _ in range(50):
        root = (1 + root) ** (1 / (dimension + 1))
    return root


def _along(variable: EventVariable, shares: Any, bound: BoundProgram) -> Any:
    """Places of a variable, by their shares of the way through its region."""
    import numpy as np

    if variable.axis is not None:
        return np.floor(shares * variable.axis.size.bind(bound.lengths))
    evaluate = Evaluator(bound.arrays, bound.lengths, bound.program.definition_nodes)
    lower, upper = (
        float(evaluate(end)) if end is not None else float(sign * np.inf)
        for end, sign in ((variable.lower, -1), (variable.upper, 1))
    )
    if np.isfinite(lower) and np.isfinite(upper):
        return lower + (upper - lower) * shares
    if np.isfinite(lower):
        return lower + _FAR * shares
    if np.isfinite(upper):
        return upper - _FAR * shares
    return _FAR * (2 * shares - 1)
