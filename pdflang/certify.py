"""Certificates: what the approximations of a compiled model change in its log-density, and in what is derived.

Integrals and convolutions are sums over nodes, and roots are looked for in cells. Each term of the log-density, which
is an observation, a factor or the prior of a parameter, is evaluated with the nodes, cells and steps that run and with
twice as many, at draws of the prior before anything is compiled and at draws of the posterior afterwards, in NumPy. Of
long lists of events some are looked at, and the change is scaled up. So are solved constants and outputs, whose changes
are compared with what they vary by from draw to draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pdflang.backend.numeric import numeric_function
from pdflang.diagnostics import Diagnostic, Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Node, Root
from pdflang.ir.program import BoundProgram, Observation, Program
from pdflang.ir.sizes import Axis
from pdflang.passes import plan
from pdflang.passes.magnitudes import magnitude
from pdflang.passes.middles import by_middles
from pdflang.passes.roots import look_for_roots
from pdflang.passes.tolerance import TOLERANCE, allowances
from pdflang.passes.typical import typical_of
from pdflang.semantics.lints import everything_read

_FINENESSES = (1, 2, 4)
_SMALLEST = -9
_DRAWS = 8
_EVENTS = 150
_CONSTANT = 1e-4
"""What varies by a smaller part of the terms that it adds up is as good as known."""


_REMEDIES = {
    "integrals": "look for a function with jumps or narrow peaks under an integral, for one without a value somewhere, "
    "such as 0/0, or for a resolution that can become far smaller than the region",
    "roots": "let the bracket of `solve` hold one root, and no others that come and go together",
}

Draws = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Scale:
    """What a change is told in parts of, nothing for a log-density; how much is `tolerable`, and what is `wrong`."""

    unit: str
    tolerable: float
    wrong: float


LOG_DENSITY = Scale("", TOLERANCE, 1.0)
"""A log-density that is further off than 1 belongs to another model."""
SPREAD = Scale("its standard deviation", 0.01, 0.1)
"""Of a derived value over draws. That many draws as are usual leave a hundredth of it open."""
KNOWN = Scale("its size", 1e-6, 1e-5)
"""Of a derived value that draws do not change; its size is that of the terms that it adds up."""
POINT = Scale("its size", 1e-3, 1e-2)
"""Of a derived value at one place, such as a maximum, where nothing tells how well it is known."""


@dataclass(frozen=True)
class Certificate:
    """How far a term of the log-density, or a derived value, is from that with a finer rule.

    `name` is that of the observation, factor, parameter, solved constant or output. The `error` is the largest change
    over draws for a term of the log-density, and for a derived value the root of the mean square of the change, of its
    worst entry, in parts of what `scale` tells. It is infinite where just one of the two is no finite number, and
    NaN where neither is a number. `what` is the approximation, in the plural.
    """

    name: str
    error: float
    span: Span
    what: str = "integrals"
    remedy: str = _REMEDIES["integrals"]
    scale: Scale = LOG_DENSITY

    @property
    def holds(self) -> bool:
        """Whether the change is tolerable."""
        return self.error <= self.scale.tolerable

    @property
    def is_wrong(self) -> bool:
        """Whether the change is so large that results are not those of the model."""
        return not self.error <= self.scale.wrong

    @property
    def is_of_density(self) -> bool:
        """Whether it is the log-density that changes, and not a derived value alone."""
        return self.scale is LOG_DENSITY

    @property
    def is_number(self) -> bool:
        return not math.isnan(self.error)

    @property
    def bound(self) -> float:
        """The power of ten that the change is below; what is less than rounding errors is not told apart."""
        return 10.0 ** max(_SMALLEST, math.floor(math.log10(max(self.error, 1e-300))) + 1)

    def __str__(self) -> str:
        effect = self._failure or f"change {self._changed} by less than {self.bound:.0e}{self._unit}"
        name = f"`{self.name}`, " if self.is_of_density or not self.is_number else ""
        return f"{self.what} {effect} ({name}{self.span.source.name}, line {self.span.line})"

    @property
    def note(self) -> str:
        """The remark on one line."""
        remark = self.remark
        return f"{remark.message} ({self.span.source.name}, line {self.span.line}): {remark.remedy}"

    @property
    def _changed(self) -> str:
        return "the log-density" if self.is_of_density else f"`{self.name}`"

    @property
    def _unit(self) -> str:
        return f" times {self.scale.unit}" if self.scale.unit else ""

    @property
    def _failure(self) -> str | None:
        """What is said where there is no change to tell."""
        if not self.is_number:
            return "are not numbers"
        return f"decide whether {self._changed} is a finite number" if math.isinf(self.error) else None

    @property
    def remark(self) -> Diagnostic:
        """What to say where the certificate does not hold at draws of the prior."""
        changed = "the log-density" if self.is_of_density else "it"
        effect = self._failure or (
            f"are not accurate: with a rule twice as fine {changed} changes by {self.error:.1g}{self._unit}"
        )
        message = f"the {self.what} of `{self.name}` {effect}"
        return Diagnostic("L410", message, self.span, remedy=self.remedy, severity="lint")


def fine_enough(bound: BoundProgram) -> tuple[int, tuple[Certificate, ...]]:
    """The fineness at which all certificates hold at draws of the prior, and the certificates; or the best tried."""
    tried = {}
    for fineness in _FINENESSES:
        tried[fineness] = certify(bound, None, fineness)
        if _suffices(tried[fineness]):
            return fineness, tried[fineness]
    # What does not help derived values would make every step of a sampler dearer for nothing.
    of_density = {fineness: [c for c in found if c.is_of_density] for fineness, found in tried.items()}
    enough = next((fineness for fineness, found in of_density.items() if _suffices(found)), max(tried))
    return enough, tried[enough]


def _suffices(certificates: Sequence[Certificate]) -> bool:
    """Whether more nodes are not asked for. What is not a number is none with more nodes either."""
    return all(certificate.holds or not certificate.is_number for certificate in certificates)


def certify(
    bound: BoundProgram, draws: Draws | None = None, fineness: int = 1
) -> tuple[Certificate, ...]:
    """A certificate for each term of the log-density, and each derived value, that rests on an approximation.

    They are judged at `draws` of the parameters; without these, at draws of the prior. What is exact, and observations
    without a density, have none. `fineness` is that of the plan to be judged.
    """
    some = bound.once("few events", lambda: _with_few_events(bound))
    typical = typical_of(some)
    coarse, fine = plan(some, fineness), plan(some, 2 * fineness)
    places = _places(bound.program)
    kinds = {name: _approximations(name, coarse, fine) for name in places}
    approximate = [name for name in kinds if kinds[name]]
    if not approximate:
        return ()
    plans = _Plans(coarse, fine, by_middles(some, 2 * fineness), bound)
    given = typical.draws if draws is None else draws
    few = typical.draws[:_DRAWS] if draws is None else draws
    found = []
    for name in approximate:
        error, scale = plans.of_derived(name, given) if name in bound.program.derived else plans.of_term(name, few)
        what, remedies = " and ".join(kinds[name]), "; ".join(_REMEDIES[kind] for kind in kinds[name])
        found.append(Certificate(name, error, places[name], what, remedies, scale))
    return tuple(found)


def _places(program: Program) -> dict[str, Span]:
    """Where each term of the log-density, and each derived value, is declared. All names are different."""
    declared = (
        *program.observations.values(), *program.factors.values(), *program.parameters.values(),
        *program.derived.values(),
    )  # fmt: skip
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
    return replace(bound, lengths=lengths, arrays=arrays) if lengths != bound.lengths else bound


def arrays_over(axis: Axis, bound: BoundProgram) -> list[str]:
    """The arrays that have an entry for each event: columns, and weights that are a datum of their own."""
    found = [datum for datum in bound.program.data.values() if datum.axes[:1] == (axis,)]
    names = [f"{d.name}.{column}" for d in found if d.shape == "table" for column in d.columns]
    return [*names, *(datum.name for datum in found if datum.shape == "array")]


def _approximations(name: str, coarse: BoundProgram, fine: BoundProgram) -> list[str]:
    """What differs in the two plans of a term or derived value, or of the derived values that it reads."""
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
    """The expressions of a derived value or a term of the log-density, whose sum it is where it is no process."""
    if name in program.derived:
        return {"value": program.derived[name].node}
    if name in program.factors:
        return {"density": program.factors[name].node}
    if name in program.parameters:
        return {"density": program.parameters[name].log_prior}
    observation = program.observations[name]
    parts = {"density": observation.log_likelihood}
    if observation.process is not None:
        parts |= {"total": observation.process.total, "weights": observation.process.weights}
    return {key: node for key, node in parts.items() if node is not None}


@dataclass(frozen=True)
class _Plans:
    """A program by two rules, and `rough`ly; `bound` has all events."""

    coarse: BoundProgram
    fine: BoundProgram
    rough: BoundProgram
    bound: BoundProgram

    def of_term(self, name: str, draws: Draws) -> tuple[float, Scale]:
        """The largest change of a term of the log-density over draws."""
        import numpy as np

        values, finer = (_log_densities(plan, name, draws, self.bound) for plan in (self.coarse, self.fine))
        changes = _changes(values, finer, lambda: _log_densities(self.rough, name, draws, self.bound))
        return float(np.max(changes / allowances(finer))), LOG_DENSITY

    def of_derived(self, name: str, draws: Draws) -> tuple[float, Scale]:
        """The change of a derived value in parts of what it varies by over draws, or of the terms that it adds up."""
        import numpy as np

        values, finer = _values(self.coarse, name, draws), _values(self.fine, name, draws)
        if not finer.size:
            return 0.0, SPREAD
        changes = np.sqrt(np.mean(_changes(values, finer, lambda: _values(self.rough, name, draws)) ** 2, axis=0))
        sizes = np.ma.masked_invalid(_values(self.fine, name, draws, magnitude)).mean(axis=0).filled(0.0)
        spreads = np.ma.masked_invalid(finer).std(axis=0).filled(0.0)
        varies = spreads > _CONSTANT * sizes
        with np.errstate(all="ignore"):
            errors = np.where(changes == 0, 0.0, changes / np.where(varies, spreads, sizes))
        known = KNOWN if len(draws) > 1 else POINT
        scales = [SPREAD if entry else known for entry in varies]
        parts = [error / scale.tolerable for error, scale in zip(errors, scales, strict=True)]
        worst = int(np.argmax(parts))
        return float(errors[worst]), scales[worst]


def _changes(values: Any, finer: Any, roughly: Callable[[], Any]) -> Any:
    """How far apart two arrays are; where a rough one is not a number either, no rule gives one, and nothing counts."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        changes = np.where(values == finer, 0.0, np.abs(values - finer))
    changes[np.isnan(values) ^ np.isnan(finer)] = np.inf
    if np.isnan(changes).any():
        changes[np.isnan(changes) & np.isnan(roughly())] = 0.0
    return changes


def _values(
    planned: BoundProgram, name: str, draws: Draws, of: Callable[[Node], Node] = lambda node: node
) -> Any:
    """A derived value, or what is made `of` it, at each draw: (draws, entries)."""
    import numpy as np

    evaluate = numeric_function(planned, {"value": of(planned.program.derived[name].node)})
    return np.array([np.ravel(evaluate(draw, planned.arrays)["value"]) for draw in draws], float)


def _log_densities(planned: BoundProgram, name: str, draws: Draws, bound: BoundProgram) -> Any:
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
