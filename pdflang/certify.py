"""Certificates: what the approximations of a compiled model change in its log-density.

Integrals and convolutions are sums over nodes. Each observation is evaluated with the nodes that run and with twice as
many, at draws of the prior before anything is compiled and at draws of the posterior afterwards, in NumPy. Of long
lists of events some are looked at, and the change is scaled up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pdflang.backend.numeric import numeric_function
from pdflang.diagnostics import Diagnostic, Span
from pdflang.ir.nodes import Node
from pdflang.ir.program import BoundProgram, Observation
from pdflang.ir.sizes import Axis
from pdflang.passes import plan
from pdflang.passes.middles import by_middles
from pdflang.passes.tolerance import TOLERANCE, allowances
from pdflang.passes.typical import Typical
from pdflang.semantics.lints import everything_read

_FINENESSES = (1, 2, 4)
_SMALLEST = -9
_DRAWS = 8
_EVENTS = 150


_REMEDY = (
    "look for a function with jumps or narrow peaks under an integral, or for a resolution that can become far smaller "
    "than the region"
)
_NO_NUMBER = (
    "look under an integral for what is infinite or has no value, such as 0/0 or the root of a negative number, and "
    "keep parameters away from there"
)


@dataclass(frozen=True)
class Certificate:
    """How far the log-likelihood of an observation is from that with a finer rule: the largest change over draws.

    It is infinite where one of the two is, and NaN where an integral is not a number. `what` is the approximation, in
    the plural.
    """

    observation: str
    error: float
    span: Span
    what: str = "integrals"
    remedy: str = _REMEDY

    @property
    def holds(self) -> bool:
        """Whether the change is tolerable."""
        return self.error <= TOLERANCE

    @property
    def is_number(self) -> bool:
        return not math.isnan(self.error)

    @property
    def bound(self) -> float:
        """The power of ten that the change is below; what is less than rounding errors is not told apart."""
        if math.isinf(self.error):
            return math.inf
        return 10.0 ** max(_SMALLEST, math.floor(math.log10(max(self.error, 1e-300))) + 1)

    def __str__(self) -> str:
        place = f"(`{self.observation}`, {self.span.source.name}, line {self.span.line})"
        if not self.is_number:
            return f"{self.what} are not a number {place}"
        if math.isinf(self.error):
            return f"{self.what} decide whether the log-density is finite {place}"
        return f"{self.what} change the log-density by less than {self.bound:.0e} {place}"

    @property
    def remark(self) -> Diagnostic:
        """What to say where the certificate does not hold."""
        message = (
            f"the integrals of `{self.observation}` are not accurate: with twice the nodes the log-density changes by "
            f"{self.error:.1g}"
        )
        if not self.is_number:
            message = f"an integral of `{self.observation}` is not a number at draws of the prior"
        remedy = self.remedy if self.is_number else _NO_NUMBER
        return Diagnostic("L410", message, self.span, remedy=remedy, severity="lint")


def fine_enough(bound: BoundProgram) -> tuple[int, tuple[Certificate, ...]]:
    """The fineness at which all certificates hold at draws of the prior, and the certificates; or the best tried."""
    for fineness in _FINENESSES:
        certificates = certify(bound, None, fineness)
        # What is not a number is none with more nodes either.
        if all(certificate.holds or not certificate.is_number for certificate in certificates):
            break
    return fineness, certificates


def certify(
    bound: BoundProgram, draws: Sequence[Mapping[str, Any]] | None = None, fineness: int = 1
) -> tuple[Certificate, ...]:
    """A certificate for each observation that rests on an approximation, at `draws` of its parameters.

    Without `draws`, at draws of the prior. Observations that are exact, or have no density, have none. `fineness` is
    that of the plan to be judged.
    """
    some = _with_few_events(bound)
    typical = Typical(some)
    coarse, fine = plan(some, fineness, typical), plan(some, 2 * fineness, typical)
    approximate = [name for name in bound.program.observations if _differs(name, coarse, fine)]
    if not approximate:
        return ()
    # Draws of the prior may be where the model itself has no value, such as that of a root that is not there.
    rough = by_middles(some) if draws is None else None
    draws = typical.draws[:_DRAWS] if draws is None else draws
    return tuple(_certificate(name, coarse, fine, draws, bound, rough) for name in approximate)


def _with_few_events(bound: BoundProgram) -> BoundProgram:
    """The program with at most `_EVENTS` events of each list, evenly chosen."""
    import numpy as np

    lengths, arrays = dict(bound.lengths), dict(bound.arrays)
    for observation in bound.program.observations.values():
        if observation.process is None:
            continue
        symbols = [name for name, _ in observation.target.axes[0].size.symbols]
        if not symbols or lengths[symbols[0]] <= _EVENTS:
            continue
        (symbol,) = symbols
        chosen = np.linspace(0, lengths[symbol] - 1, _EVENTS).astype(int)
        for name in arrays_over(observation.target.axes[0], bound):
            arrays[name] = np.asarray(arrays[name])[chosen]
        lengths[symbol] = _EVENTS
    return replace(bound, lengths=lengths, arrays=arrays)


def arrays_over(axis: Axis, bound: BoundProgram) -> list[str]:
    """The arrays that have an entry for each event: columns, and weights that are a datum of their own."""
    found = [datum for datum in bound.program.data.values() if datum.axes[:1] == (axis,)]
    names = [f"{d.name}.{column}" for d in found if d.shape == "table" for column in d.columns]
    return [*names, *(datum.name for datum in found if datum.shape == "array")]


def _differs(name: str, coarse: BoundProgram, fine: BoundProgram) -> bool:
    """Whether an observation has other nodes in the two plans, or reads a derived value that has."""
    one, other = _terms(coarse, name), _terms(fine, name)
    if any(a is not b for a, b in zip(one.values(), other.values(), strict=True)):
        return True
    definitions, finer = coarse.program.definition_nodes, fine.program.definition_nodes
    read = set().union(*(everything_read(node, definitions) for node in one.values()))
    return any(definitions[n] is not finer[n] for n in read & definitions.keys())


def _terms(planned: BoundProgram, name: str) -> dict[str, Node]:
    observation = planned.program.observations[name]
    terms = {"data": observation.log_likelihood}
    if observation.process is not None:
        terms |= {"total": observation.process.total, "weights": observation.process.weights}
    return {key: node for key, node in terms.items() if node is not None}


def _certificate(
    name: str,
    coarse: BoundProgram,
    fine: BoundProgram,
    draws: Sequence[Mapping[str, Any]],
    bound: BoundProgram,
    rough: BoundProgram | None,
) -> Certificate:
    """The largest change over draws; those where the `rough` program is not a number either are left out."""
    import numpy as np

    values, finer = _log_likelihoods(coarse, name, draws, bound), _log_likelihoods(fine, name, draws, bound)
    with np.errstate(invalid="ignore"):
        change = np.where(values == finer, 0.0, np.abs(values - finer)) / allowances(finer)
    if rough is not None and np.isnan(change).any():
        change[np.isnan(_log_likelihoods(rough, name, draws, bound))] = 0.0
    return Certificate(name, float(np.max(change)), bound.program.observations[name].span)


def _log_likelihoods(
    planned: BoundProgram, name: str, draws: Sequence[Mapping[str, Any]], bound: BoundProgram
) -> Any:
    """The log-likelihood of an observation at each draw, as that of all events."""
    import numpy as np

    observation = bound.program.observations[name]
    evaluate = numeric_function(planned, _terms(planned, name))
    found = []
    for draw in draws:
        terms = evaluate(draw, planned.arrays)
        value = np.sum(terms["data"])
        if observation.process is not None:
            value = _of_process(observation, terms, planned, bound)
        found.append(value)
    return np.array(found)


def _of_process(
    observation: Observation, terms: Mapping[str, Any], planned: BoundProgram, bound: BoundProgram
) -> Any:
    import numpy as np

    assert observation.process is not None
    size = observation.target.axes[0].size
    scale = size.bind(bound.lengths) / max(1, size.bind(planned.lengths))
    weights = scale * np.broadcast_to(terms.get("weights", 1.0), np.shape(terms["data"]))
    events = np.sum(weights * terms["data"])
    if observation.process.normalised:
        return events - np.sum(weights) * np.log(terms["total"])
    return events - terms["total"]
