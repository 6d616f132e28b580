"""Certificates: what the approximations of a compiled model change in its log-density.

Integrals and convolutions are sums over nodes, and roots are looked for in cells. Each term of the log-density, which
is an observation, a factor or the prior of a parameter, is evaluated with the nodes, cells and steps that run and with
twice as many, at draws of the prior before anything is compiled and at draws of the posterior afterwards, in NumPy. Of
long lists of events some are looked at, and the change is scaled up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pdflang.backend.numeric import numeric_function
from pdflang.diagnostics import Diagnostic, Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Node, Root
from pdflang.ir.program import BoundProgram, Observation, Program
from pdflang.ir.sizes import Axis
from pdflang.passes import plan
from pdflang.passes.middles import by_middles
from pdflang.passes.roots import look_for_roots
from pdflang.passes.tolerance import TOLERANCE, allowances
from pdflang.passes.typical import Typical
from pdflang.semantics.lints import everything_read

_FINENESSES = (1, 2, 4)
_SMALLEST = -9
_DRAWS = 8
_EVENTS = 150


_REMEDIES = {
    "integrals": "look for a function with jumps or narrow peaks under an integral, for one without a value somewhere, "
    "such as 0/0, or for a resolution that can become far smaller than the region",
    "roots": "let the bracket of `solve` hold one root, and no others that come and go together",
}


@dataclass(frozen=True)
class Certificate:
    """How far a term of the log-density is from that with a finer rule: the largest change over draws.

    `name` is that of the observation, factor or parameter. The change is infinite where just one of the two is no
    finite number, and NaN where neither is a number. `what` is the approximation, in the plural.
    """

    name: str
    error: float
    span: Span
    what: str = "integrals"
    remedy: str = _REMEDIES["integrals"]

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
        return 10.0 ** max(_SMALLEST, math.floor(math.log10(max(self.error, 1e-300))) + 1)

    def __str__(self) -> str:
        effect = self._failure or f"change the log-density by less than {self.bound:.0e}"
        return f"{self.what} {effect} (`{self.name}`, {self.span.source.name}, line {self.span.line})"

    @property
    def _failure(self) -> str | None:
        """What is said where there is no change to tell."""
        if not self.is_number:
            return "are not numbers"
        return "decide whether the log-density is a finite number" if math.isinf(self.error) else None

    @property
    def remark(self) -> Diagnostic:
        """What to say where the certificate does not hold at draws of the prior."""
        effect = self._failure or (
            f"are not accurate: with a rule twice as fine the log-density changes by {self.error:.1g}"
        )
        message = f"the {self.what} of `{self.name}` {effect}"
        return Diagnostic("L410", message, self.span, remedy=self.remedy, severity="lint")


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
    """A certificate for each term of the log-density that rests on an approximation, at `draws` of the parameters.

    Without `draws`, at draws of the prior. Terms that are exact, and observations without a density, have none.
    `fineness` is that of the plan to be judged.
    """
    some = _with_few_events(bound)
    typical = Typical(some)
    coarse, fine = plan(some, fineness, typical), plan(some, 2 * fineness, typical)
    places = _places(bound.program)
    kinds = {name: _approximations(name, coarse, fine) for name in places}
    approximate = [name for name in kinds if kinds[name]]
    if not approximate:
        return ()
    # Draws of the prior may be where the model itself has no value, such as that of a root that is not there.
    rough = by_middles(some, 2 * fineness) if draws is None else None
    draws = typical.draws[:_DRAWS] if draws is None else draws
    errors = {name: _error(name, coarse, fine, draws, bound, rough) for name in approximate}
    return tuple(
        Certificate(
            name,
            error,
            places[name],
            " and ".join(kinds[name]),
            "; ".join(_REMEDIES[kind] for kind in kinds[name]),
        )
        for name, error in errors.items()
    )


def _places(program: Program) -> dict[str, Span]:
    """Where each term of the log-density is declared: observations, factors, priors. All names are different."""
    declared = (*program.observations.values(), *program.factors.values(), *program.parameters.values())
    return {declaration.name: declaration.span for declaration in declared}


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


def _approximations(name: str, coarse: BoundProgram, fine: BoundProgram) -> list[str]:
    """What differs in the two plans of a term, or of the derived values that it reads."""
    one, other = _parts(coarse.program, name), _parts(fine.program, name)
    definitions, finer = coarse.program.definition_nodes, fine.program.definition_nodes
    read = set().union(*(everything_read(node, definitions) for node in one.values())) & definitions.keys()
    pairs = [*zip(one.values(), other.values(), strict=True), *((definitions[n], finer[n]) for n in read)]
    changed = [(a, b) for a, b in pairs if a is not b]
    kinds = {
        "integrals": any(look_for_roots(a, 1) is not look_for_roots(b, 1) for a, b in changed),
        "roots": any(isinstance(node, Root) for a, _ in changed for node in nodes.walk(a)),
    }
    return [kind for kind, differs in kinds.items() if differs]


def _parts(program: Program, name: str) -> dict[str, Node]:
    """The expressions of a term, whose sum it is where it is no process."""
    if name in program.factors:
        return {"density": program.factors[name].node}
    if name in program.parameters:
        return {"density": program.parameters[name].log_prior}
    observation = program.observations[name]
    parts = {"density": observation.log_likelihood}
    if observation.process is not None:
        parts |= {"total": observation.process.total, "weights": observation.process.weights}
    return {key: node for key, node in parts.items() if node is not None}


def _error(
    name: str,
    coarse: BoundProgram,
    fine: BoundProgram,
    draws: Sequence[Mapping[str, Any]],
    bound: BoundProgram,
    rough: BoundProgram | None,
) -> float:
    """The largest change over draws; those where the `rough` program is not a number either are left out."""
    import numpy as np

    values, finer = _log_densities(coarse, name, draws, bound), _log_densities(fine, name, draws, bound)
    with np.errstate(invalid="ignore"):
        change = np.where(values == finer, 0.0, np.abs(values - finer)) / allowances(finer)
    change[np.isnan(values) ^ np.isnan(finer)] = np.inf
    if rough is not None and np.isnan(change).any():
        change[np.isnan(change) & np.isnan(_log_densities(rough, name, draws, bound))] = 0.0
    return float(np.max(change))


def _log_densities(
    planned: BoundProgram, name: str, draws: Sequence[Mapping[str, Any]], bound: BoundProgram
) -> Any:
    """A term at each draw; the log-likelihood of an observation as that of all events."""
    import numpy as np

    observation = bound.program.observations.get(name)
    evaluate = numeric_function(planned, _parts(planned.program, name))
    found = []
    for draw in draws:
        parts = evaluate(draw, planned.arrays)
        value = np.sum(parts["density"])
        if observation is not None and observation.process is not None:
            value = _of_process(observation, parts, planned, bound)
        found.append(value)
    return np.array(found)


def _of_process(
    observation: Observation, parts: Mapping[str, Any], planned: BoundProgram, bound: BoundProgram
) -> Any:
    import numpy as np

    assert observation.process is not None
    size = observation.target.axes[0].size
    scale = size.bind(bound.lengths) / max(1, size.bind(planned.lengths))
    weights = scale * np.broadcast_to(parts.get("weights", 1.0), np.shape(parts["density"]))
    events = np.sum(weights * parts["density"])
    if observation.process.normalised:
        return events - np.sum(weights) * np.log(parts["total"])
    return events - parts["total"]
