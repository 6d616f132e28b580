"""Remarks on a program that is correct but may not say what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

from pdflang.diagnostics import Diagnostic, Label, Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, Node, Phase
from pdflang.ir.program import EVENT_LOOP, Definition, EventStream, Observation, Program

if TYPE_CHECKING:
    from pdflang.syntax import ast

_FAR_FROM_ONE = 0.05


def lint_program(program: Program, used: set[str]) -> Iterator[Diagnostic]:
    """Parameters without influence, data that nothing reads, a model without data, axes of nearly one name."""
    if program.parameters and not program.observations and not program.factors:
        first = next(iter(program.parameters.values()))
        yield _lint(
            "L404", "the model observes nothing, so that its posterior is its prior", first.span,
            remedy="observe a datum: observe y ~ Normal(mu, sigma)",
        )  # fmt: skip
    else:
        yield from _idle_parameters(program)
    for datum in program.data.values():
        if datum.name not in used and datum.name not in program.earlier:
            yield _lint(
                "L403", f"nothing reads the datum `{datum.name}`", datum.span,
                remedy=f"observe it: observe {datum.name} ~ …",
            )  # fmt: skip
    yield from _nearly_equal_axes(program)
    yield from _flat_steps(program)


def lint_momentum_sums(program: Program, sums: Mapping[str, Definition]) -> Iterator[Diagnostic]:
    """A pdfset of constants whose momentum is far from that of a hadron."""
    from pdflang.semantics.estimate import Estimator

    definitions = program.definition_nodes
    for total in sums.values():
        if not all(name in definitions for name in everything_read(total.node, definitions)):
            continue
        found = Estimator({}, {}, definitions).number(total.node)
        if found is not None and abs(found - 1) > _FAR_FROM_ONE:
            yield _lint(
                "L408", f"the momentum sum of `{total.name}` is {found:.4g}, far from 1", total.span,
                label="∫ Σ x f(x) dx over all flavours",
                remedy="entries are momentum densities x·f(x), quarks and antiquarks apart; what is not named is 0",
            )  # fmt: skip


def no_momentum_fraction(name: str, variable: ast.Variable) -> Diagnostic:
    """The remark on `pdf f(E)`: a domain of (0, 1) was hardly meant."""
    return _lint(
        "L407",
        f"`{name}` is a density on (0, 1), and `{variable.name}` is no usual name of a momentum fraction",
        variable.span,
        label="runs from 0 to 1",
        remedy=f"write its domain: {variable.name} in (0, 1), or where else it runs",
    )


def everything_read(node: Node, definitions: Mapping[str, Node]) -> list[str]:
    """All names below a node, through the definitions of derived values."""
    seen: dict[str, None] = {}
    pending: list[Node] = [node]
    while pending:
        for name in nodes.references(pending.pop()):
            if name not in seen:
                seen[name] = None
                if name in definitions:
                    pending.append(definitions[name])
    return list(seen)


def _lint(
    code: str, message: str, span: Span, *, label: str = "", remedy: str = "", related: tuple[Label, ...] = ()
) -> Diagnostic:
    return Diagnostic(code, message, span, label, related, remedy=remedy, severity="lint")


# --- parameters without influence ------------------------------------------------------------------------------


def _idle_parameters(program: Program) -> Iterator[Diagnostic]:
    read, effective = _read_by_terms(program, False), _read_by_terms(program, True)
    for parameter in program.parameters.values():
        if parameter.name not in read:
            yield _lint(
                "L402", f"no observation or factor depends on `{parameter.name}`", parameter.span,
                label="only its prior matters", remedy="remove it, or let the prediction depend on it",
            )  # fmt: skip
        elif parameter.name not in effective:
            yield _lint(
                "L406",
                f"`{parameter.name}` cancels: it only scales the shape of an `Iid` observation, which is normalised",
                parameter.span,
                label="only its prior matters",
                related=tuple(
                    Label(o.span, "observed here")
                    for o in program.observations.values()
                    if o.process and o.process.normalised
                ),
                remedy="remove it, or observe the number of events too: PoissonProcess(rate)",
            )


def _read_by_terms(program: Program, without_scales: bool) -> set[str]:
    """The names that some observation, factor or another parameter's prior reads."""
    definitions = program.definition_nodes
    read: set[str] = set()
    terms: list[Node] = [factor.node for factor in program.factors.values()]
    for observation in program.observations.values():
        terms += _terms_of(observation, without_scales)
    for term in terms:
        read.update(everything_read(term, definitions))
    changed = True
    while changed:
        before = len(read)
        for parameter in program.parameters.values():
            if parameter.name in read:
                read.update(everything_read(parameter.log_prior, definitions))
        changed = len(read) > before
    return read


def _terms_of(observation: Observation, without_scales: bool) -> list[Node]:
    process = observation.process
    if process is None:
        return [observation.log_likelihood] if observation.log_likelihood is not None else []
    density = [node for node in (observation.log_likelihood, process.total) if node is not None]
    if not process.normalised:
        return density or [part for stream in process.streams for part in _parts(stream)]
    if not without_scales and density:
        return density[:1]
    if len(process.streams) > 1:
        return [part for stream in process.streams for part in _parts(stream)]
    (stream,) = process.streams
    scales = _scales(stream.intensity, EVENT_LOOP)
    unscaled = nodes.substitute(stream.intensity, dict.fromkeys(scales, Constant(1.0)))
    return [unscaled, *_parts(stream)[1:]]


def _parts(stream: EventStream) -> list[Node]:
    """The expressions of a stream of events, its intensity first."""
    found = [stream.intensity]
    for stage in stream.stages:
        found += [stage.efficiency] if stage.efficiency is not None else []
        for step in stage.steps:
            found += [step.value] if step.value is not None else []
            found += step.draws.arguments if step.draws is not None else ()
    return found


def _scales(node: Node, loop: Loop) -> frozenset[Node]:
    """The factors of a function that do not depend on its variable."""
    if loop not in node.loops:
        return frozenset([node]) if node.phase == Phase.PARAMETER else frozenset()
    if not isinstance(node, nodes.Apply):
        return frozenset()
    parts = [_scales(argument, loop) for argument in node.arguments]
    if node.function.name in ("multiply", "divide", "negate"):
        return frozenset().union(*parts)
    if node.function.name in ("add", "subtract"):
        return parts[0] & parts[1]
    return frozenset()


# --- axes ------------------------------------------------------------------------------------------------------


def _flat_steps(program: Program) -> Iterator[Diagnostic]:
    """Functions of parameters in the density that change by jumps alone, so that its gradient does not see them."""
    definitions = program.definition_nodes
    with_density = (o for o in program.observations.values() if o.no_density is None)
    pending = [factor.node for factor in program.factors.values()]
    pending += [parameter.log_prior for parameter in program.parameters.values()]
    pending += [term for observation in with_density for term in _terms_of(observation, False)]
    seen, told = set[Node](), set[Span | None]()
    while pending:
        for node in nodes.walk(pending.pop()):
            if node in seen:
                continue
            seen.add(node)
            if isinstance(node, nodes.Reference) and node.name in definitions:
                pending.append(definitions[node.name])
            if not isinstance(node, nodes.Apply) or not getattr(node.function, "integer", False):
                continue
            # An integral moves its pieces with the places of the jumps, and has the right gradient.
            is_integrated = any(loop.axis is None for loop in node.loops)
            moves = any(argument.phase == Phase.PARAMETER for argument in node.arguments)
            if moves and not is_integrated and node.span is not None and node.span not in told:
                told.add(node.span)
                yield _lint(
                    "L417",
                    f"`{node.function.name}` is flat between its jumps: gradients do not see what it depends on",
                    node.span,
                    label="changes by jumps alone",
                    remedy="sample with `--method nested`, which needs no gradient; or write it without jumps",
                )


def _nearly_equal_axes(program: Program) -> Iterator[Diagnostic]:
    """Lengths that data binds, under names that differ by a slip: N and n, hit and hits."""
    introduced: dict[str, Span] = {}
    for datum in program.data.values():
        for axis in datum.axes:
            if axis.name and not axis.size.is_known and axis.name != datum.name:
                introduced.setdefault(axis.name, datum.span)
    for (first, place), (second, other) in combinations(introduced.items(), 2):
        if _differ_by_a_slip(first, second):
            yield _lint(
                "L409", f"the axes `{first}` and `{second}` are different, and their names nearly equal", other,
                label=f"introduces `{second}`", related=(Label(place, f"introduces `{first}`"),),
                remedy="write the same name where both have one length",
            )  # fmt: skip


def _differ_by_a_slip(first: str, second: str) -> bool:
    short, long = sorted((first.casefold(), second.casefold()), key=len)
    if short == long or long in (short + "s", short + "es"):
        return True
    return len(short) >= 4 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)) if long[i].isalpha())
