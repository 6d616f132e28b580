"""What can be done with each observation: is there a density, its gradient, a simulator, a score; and if not, why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.ir import nodes
from pdflang.ir.marks import marked
from pdflang.ir.nodes import Node, Phase
from pdflang.ir.program import BoundProgram, Observation, Program
from pdflang.semantics.scores import why_no_score, without_gradient


@dataclass(frozen=True)
class Capability:
    """What an observation has; `reasons` say at which line something is missing.

    `score`: what is drawn has a joint score, the gradient of its log-probability with the trace held fixed.
    """

    observation: str
    density: bool
    gradient: bool
    simulator: bool
    score: bool
    reasons: tuple[Diagnostic, ...] = ()

    def __str__(self) -> str:
        words = {"density": "density", "gradient": "gradient", "simulator": "simulator", "score": "joint score"}
        has = [word for name, word in words.items() if getattr(self, name)]
        if not self.reasons:
            return ", ".join(has)
        shown = f"{', '.join(has[:-1])}{' and ' * (len(has) > 1)}{has[-1]}"
        return f"{shown} only: {'; '.join(map(_placed, self.reasons))}"


def _placed(reason: Diagnostic) -> str:
    place = f" ({reason.span.source.name}, line {reason.span.line})" if reason.span is not None else ""
    return f"{reason.message}{place}"


def capabilities(program: Program) -> tuple[Capability, ...]:
    """What each observation of a program has, in the order of their declarations."""
    return tuple(_of(observation, program) for observation in program.observations.values())


def _of(observation: Observation, program: Program) -> Capability:
    has_density, no_score = observation.no_density is None, why_no_score(observation, program)
    missing = _no_gradient(likelihood_of(observation), program) if has_density else observation.no_density
    reasons = tuple(dict.fromkeys(reason for reason in (missing, no_score) if reason is not None))
    return Capability(observation.name, has_density, missing is None, True, no_score is None, reasons)


def likelihood_of(observation: Observation) -> list[Node]:
    """The terms of the log-density that an observation has."""
    terms = [observation.log_likelihood, observation.process.total if observation.process else None]
    return [term for term in terms if term is not None]


def require_score(program: Program) -> None:
    """PdflangError (E612, E614, E617) where an observation has no joint score; nothing need be known of its data."""
    for observation in program.observations.values():
        reason = why_no_score(observation, program)
        if reason is not None:
            raise PdflangError(reason)


def require_fit(bound: BoundProgram) -> None:
    """That an earlier fit is given where the program refers to one: only `map` finds it by itself. Error: E643."""
    if bound.unfitted:
        raise PdflangError(
            Diagnostic(
                "E643",
                "the model refers to an earlier fit, and none is given",
                remedy="let `pdflang map` find it, and give its folder: --data earlier=FOLDER; in Python "
                "model.after(model.map())",
            )
        )


def require_density(program: Program) -> None:
    """PdflangError (E611) where an observation can only be simulated; nothing need be known of its data."""
    for observation in program.observations.values():
        if observation.no_density is not None:
            raise PdflangError(_instead(observation.no_density, program.source.name))


def _instead(reason: Diagnostic, name: str) -> Diagnostic:
    """Why there is no density, with what to run as it is; a text from Python has no name of a file."""
    command = "model.sample(method='abc')" if name.startswith("<") else f"pdflang sample {name} --method abc"
    return replace(reason, notes=(), remedy=f"`{command}` needs nothing but the simulator; or {reason.remedy}")


def require_gradient(program: Program) -> None:
    """PdflangError (E611, E612) where the density is missing, or cannot be differentiated."""
    require_density(program)
    terms = [p.log_prior for p in program.parameters.values()]
    terms += [factor.node for factor in program.factors.values()]
    for observation in program.observations.values():
        terms += likelihood_of(observation)
    reason = _no_gradient(terms, program)
    if reason is not None:
        raise PdflangError(reason)


def _no_gradient(terms: list[Node], program: Program) -> Diagnostic | None:
    """Why expressions cannot be differentiated by the parameters; None where they can."""
    with marked(program.marks):
        applied = (node for node in _all(terms, program) if isinstance(node, nodes.Apply))
        found = next(filter(_is_opaque, applied), None)
        return None if found is None else without_gradient(found)


def _all(terms: list[Node], program: Program) -> Iterator[Node]:
    """All expressions below some, through derived values, each once."""
    definitions = program.definition_nodes
    pending, seen = list(terms), set[Node]()
    while pending:
        for node in nodes.walk(pending.pop()):
            if node in seen:
                continue
            seen.add(node)
            yield node
            if isinstance(node, nodes.Reference) and node.name in definitions:
                pending.append(definitions[node.name])


def _is_opaque(node: nodes.Apply) -> bool:
    follows = any(argument.phase == Phase.PARAMETER for argument in node.arguments)
    return follows and not getattr(node.function, "has_gradient", True)
