"""Whether an argument lies where a distribution needs it: proved, refuted with an example, or unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pdflang.components import arrays
from pdflang.diagnostics import Diagnostic, Span
from pdflang.ir import nodes
from pdflang.ir.evaluate import Evaluator
from pdflang.ir.nodes import Constant, Node, Phase, Reference
from pdflang.ir.program import Check, Parameter
from pdflang.ir.ranges import NONNEGATIVE, Range
from pdflang.semantics.combine import error
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.ranges import range_of

TRIALS = 64
_REACH = 8.0


def check_support(elaborator: Elaborator, node: Node, allowed: Range, what: str, span: Span) -> None:
    """Prove that every value of `node` lies in `allowed`, or refute that (E401), or call it open (L401)."""
    if range_of(node).within(allowed):
        return
    found = extent_of(elaborator, node)
    if found.within(allowed):
        return
    if found.disjoint(allowed) or _is_fixed(node):
        raise error("E401", f"{what} must lie in {allowed}, but this {found.said}", span, label=found.said)
    if node.phase == Phase.DATA:
        if not node.loops:
            require_range(elaborator, node, allowed, what, span)
        return
    if _is_proved_by_parts(elaborator, node, allowed, what, span):
        return
    example = example_outside(elaborator, node, allowed)
    if example is not None:
        said, where = example
        raise error(
            "E401",
            f"{what} must lie in {allowed}, but it can {said}",
            span,
            label=f"can {said}",
            notes=(f"for example where {where}",) if where else (),
            remedy="restrict a parameter (`in (0, inf)`, a prior of positive support), or take exp of it",
        )
    if not _holds_where_plausible(elaborator, node, allowed):
        said = f"{what} must lie in {allowed}, which could not be proved"
        _report_unproved(elaborator, said, found, span, "a draw where it does not has density zero")


def _is_proved_by_parts(elaborator: Elaborator, node: Node, allowed: Range, what: str, span: Span) -> bool:
    """Whether what is joined in an array lies in `allowed`: its parts of data are checked when they are bound."""
    unproved = [part for part in _joined(expanded(elaborator, node)) if not range_of(part).within(allowed)]
    if any(part.phase != Phase.DATA or part.loops for part in unproved):
        return False
    for part in unproved:
        require_range(elaborator, part, allowed, what, span)
    return True


def _joined(node: Node) -> list[Node]:
    """The parts that an array is joined from, or an element of it; the node itself where it is no such array."""
    if isinstance(node, nodes.Element):
        parts = _joined(node.base)
        return parts if parts != [node.base] else [node]
    if isinstance(node, nodes.Stack) or (isinstance(node, nodes.Whole) and node.function is arrays.CONCAT):
        return [part for child in node.children() for part in _joined(child)]
    return [node]


def remark_on_sign(elaborator: Elaborator, node: Node, what: str, span: Span) -> None:
    """Call it open (L401) whether a rate that may be negative is."""
    found = range_of(node)
    if not found.within(NONNEGATIVE) and not _holds_where_plausible(elaborator, node, NONNEGATIVE):
        note = "a draw where it is negative at an event has density zero; simulated events have the weight -1 there"
        _report_unproved(elaborator, f"{what} could not be proved to lie in {NONNEGATIVE}", found, span, note)


def _report_unproved(elaborator: Elaborator, said: str, found: Range, span: Span, note: str) -> None:
    label = f"known to lie in {found}"
    elaborator.reports.add(Diagnostic("L401", said, span, label=label, notes=(note,), severity="lint"))


def require_range(elaborator: Elaborator, node: Node, allowed: Range, what: str, span: Span) -> None:
    """Have data checked against a range when it is bound."""
    elaborator.check(Check("range", _range_report(what, allowed, span), node=node, allowed=allowed))


def extent_of(elaborator: Elaborator, node: Node) -> Range:
    """From the least to the largest value of a constant; what is proved of anything else."""
    if not _is_fixed(node):
        return range_of(node)
    values = elaborator.fold(node)
    if isinstance(values, int | float):  # numbers alone need no NumPy
        return Range(float(values), float(values))
    import numpy as np

    values = np.asarray(values)
    if not values.size:
        return Range(0.0, 0.0, True, True)
    return Range(float(np.min(values)), float(np.max(values)))


def _is_fixed(node: Node) -> bool:
    return node.phase == Phase.CONST and not node.loops


def example_outside(elaborator: Elaborator, node: Node, allowed: Range) -> tuple[str, str] | None:
    """What a node can be outside of `allowed`, and where, if a few trials find that: ("be -1", "a = -1")."""
    return _counterexample(elaborator, node, allowed) or _example_by_ranges(elaborator, node, allowed)


def _counterexample(elaborator: Elaborator, node: Node, allowed: Range) -> tuple[str, str] | None:
    """A value outside `allowed` at parameters that their supports admit, if a few trials find one."""
    import numpy as np

    if node.loops or any(isinstance(child, nodes.Integral | nodes.Root | nodes.Ode) for child in nodes.walk(node)):
        return None
    if not all(_is_known(child) for child in nodes.walk(expanded(elaborator, node))):
        return None
    read = _leaves(elaborator, node)
    if read is None:
        return None
    parameters = elaborator.declarations.parameters
    generator = np.random.default_rng(0)
    for trial in range(TRIALS):
        shapes = {name: tuple(axis.size.constant for axis in reference.axes) for name, reference in read.items()}
        values = {
            name: _constrained(
                parameters[name].constraint,
                _value_in(_plausible(parameters, reference), trial, generator, shapes[name]),
            )
            for name, reference in read.items()
        }
        if not _is_admitted(elaborator, values):
            continue
        try:
            with np.errstate(all="ignore"):
                result = np.asarray(Evaluator(values, {}, _definitions(elaborator))(node), dtype=float)
        except (ArithmeticError, ValueError, np.linalg.LinAlgError):
            return None
        for value in result.ravel():
            if np.isfinite(value) and float(value) not in allowed and _is_plain(trial, float(value), allowed):
                return f"be {value:g}", ", ".join(f"{name} = {number_text(v)}" for name, v in values.items())
    return None


def _constrained(constraint: str | None, value: Any) -> Any:
    """The elements of an array as its parameter can have them: in their order, or shares of one."""
    import numpy as np

    if constraint == "ordered":
        return np.sort(value)
    return value / value.sum(-1, keepdims=True) if constraint == "simplex" else value


def _is_admitted(elaborator: Elaborator, values: Mapping[str, Any]) -> bool:
    """Whether parameters lie where their supports end that follow other parameters."""
    import numpy as np

    evaluate = Evaluator(values, {}, _definitions(elaborator))
    for name, value in values.items():
        ends = elaborator.declarations.parameters[name].ends
        if ends is not None:
            with np.errstate(all="ignore"):
                lower, upper = (np.asarray(evaluate(end), float) for end in ends)
            if not np.all((value > lower) & (value < upper)):
                return False
    return True


def _is_known(node: Node) -> bool:
    """Whether a node may be evaluated while a model is checked: functions of the embedding program may be slow."""
    return not isinstance(node, nodes.Apply) or getattr(node.function, "is_known", True)


def _example_by_ranges(elaborator: Elaborator, node: Node, allowed: Range) -> tuple[str, str] | None:
    """Parameters at which all of `node` lies outside `allowed`: integrals and binders are not evaluated."""
    import numpy as np

    parameters = elaborator.declarations.parameters
    node = expanded(elaborator, node)
    if any(parameters[name].ends is not None for name in nodes.references(node) if name in parameters):
        return None
    read = {
        name: reference
        for name, reference in nodes.references(node).items()
        if reference.kind == "param" and name in parameters and parameters[name].constraint is None
    }
    free = [child for child in nodes.walk(node) if _is_free(child, node) and child not in elaborator.made]
    generator = np.random.default_rng(0)
    for trial in range(TRIALS // 4):
        values = {
            name: float(_value_in(_plausible(elaborator.declarations.parameters, reference), trial, generator, ()))
            for name, reference in read.items()
        }
        # An array is tried with all its elements equal.
        fixed: dict[Node, Node] = {
            old: Reference(name, "param", old.axes, old.dtype, old.phase, Range(values[name], values[name]))
            for name, old in read.items()
        }
        for variable in free:
            position = float(_value_in(range_of(variable), trial, generator, ()))
            values[_name_of(elaborator, variable)] = position
            fixed[variable] = Constant(position)
        found = range_of(nodes.substitute(node, fixed))
        if found.disjoint(allowed) and all(_is_plain(trial, end, allowed) for end in (found.lower, found.upper)):
            said = f"be {found.lower:g}" if found.lower == found.upper else f"lie in {found}"
            return said, ", ".join(f"{name} = {value:.3g}" for name, value in values.items())
    return None


def _is_free(child: Node, root: Node) -> bool:
    """Whether a node is a variable that nothing below the root binds: of a function, or of simulated events."""
    if isinstance(child, nodes.Variable):
        return child.loop in root.loops
    return isinstance(child, nodes.Element) and isinstance(child.base, Reference) and child.base.kind == "event"


def _name_of(elaborator: Elaborator, variable: Node) -> str:
    if isinstance(variable, nodes.Element) and isinstance(variable.base, Reference):
        return variable.base.name.rpartition(".")[2]
    return elaborator.names.get(variable, "the variable")


def _is_plain(trial: int, value: float, allowed: Range) -> bool:
    """Whether a value is an example: on the very edge of `allowed` it may be an exponential that underflowed."""
    return value not in (allowed.lower, allowed.upper) or trial % 4 < 2


def expanded(elaborator: Elaborator, node: Node) -> Node:
    """The node with derived values written out, those of detectors too; solved constants keep their names."""
    definitions = _definitions(elaborator)

    def definition(child: Node) -> Node | None:
        if isinstance(child, Reference) and child.kind == "let" and child.name in definitions:
            return definitions[child.name]
        return elaborator.made.get(child)

    def below(child: Node) -> Iterable[Node]:
        written = definition(child)
        return child.children() if written is None else (written,)

    done: dict[Node, Node] = {}
    for child in nodes.walk(node, below=below):
        written = definition(child)
        done[child] = child.rebuild(done.__getitem__) if written is None else done[written]
    return done[node]


def _definitions(elaborator: Elaborator) -> dict[str, Node]:
    return {**elaborator.constants, **elaborator.declarations.definition_nodes}


def _leaves(elaborator: Elaborator, node: Node) -> dict[str, Reference] | None:
    """The parameters below a node, through its definitions; None where something else is read."""
    definitions = _definitions(elaborator)
    leaves: dict[str, Reference] = {}
    pending = list(nodes.references(node).values())
    seen: set[str] = set()
    while pending:
        reference = pending.pop()
        if reference.name in seen:
            continue
        seen.add(reference.name)
        if reference.name in definitions:
            pending += nodes.references(definitions[reference.name]).values()
        elif reference.kind == "param" and all(axis.size.is_known for axis in reference.axes):
            leaves[reference.name] = reference
            pending += nodes.references(*(elaborator.declarations.parameters[reference.name].ends or ())).values()
        else:
            return None
    return leaves


def _holds_where_plausible(elaborator: Elaborator, node: Node, allowed: Range) -> bool:
    """Whether the node lies in `allowed` for all parameters that are to be found where their priors have mass."""
    return plausible_range(expanded(elaborator, node), elaborator.declarations.parameters).within(allowed)


def plausible_range(node: Node, parameters: Mapping[str, Parameter]) -> Range:
    """The range of a node for all parameters that are to be found where their priors have mass."""
    narrowed: dict[Node, Node] = {
        old: Reference(name, "param", old.axes, old.dtype, old.phase, _plausible(parameters, old))
        for name, old in nodes.references(node).items()
        if old.kind == "param"
    }
    return range_of(nodes.substitute(node, narrowed))


def _plausible(parameters: Mapping[str, Parameter], reference: Reference) -> Range:
    """Where a parameter can be found: its support, of which a normal prior reaches eight standard deviations.

    `lumi ~ Normal(1, 0.02)` is negative in no draw, and no example against a rate.
    """
    prior = parameters[reference.name].prior if reference.name in parameters else None
    known = [float(a.value) for a in prior.arguments if isinstance(a, Constant)] if prior is not None else []
    if prior is None or prior.row.name != "Normal" or len(known) != 2:
        return reference.range
    mu, sigma = known
    return reference.range.intersection(Range(mu - _REACH * sigma, mu + _REACH * sigma))


def _value_in(allowed: Range, trial: int, generator: Any, shape: tuple[int, ...]) -> Any:
    """A number, or array of them, inside a range; scales vary from trial to trial."""
    import numpy as np

    lower, upper = allowed.lower, allowed.upper
    if np.isfinite(lower) and np.isfinite(upper):
        return lower + (upper - lower) * generator.uniform(0.001, 0.999, shape)
    scale = 10.0 ** (trial % 4 - 1)
    if np.isfinite(lower):
        return lower + scale * generator.exponential(size=shape)
    if np.isfinite(upper):
        return upper - scale * generator.exponential(size=shape)
    return scale * generator.normal(size=shape)


def number_text(value: Any) -> str:
    """A number, or the first of an array, in a message."""
    import numpy as np

    array = np.asarray(value)
    if array.ndim == 0:
        return f"{float(array):.3g}"
    return "[" + ", ".join(f"{v:.3g}" for v in array.ravel()[:4]) + (", …]" if array.size > 4 else "]")


def _range_report(what: str, allowed: Range, span: Span):  # type: ignore[no-untyped-def]
    """A message for data that lies outside `allowed`, once the offending entry is known."""

    def report(found: float, entry: str) -> Diagnostic:
        return Diagnostic(
            "E509",
            f"{what} must lie in {allowed}, but {entry} is {found:.10g}",
            span,
            label=f"must lie in {allowed}",
            remedy="correct the data, leave such rows out with `where`, or allow the value: "
            "a wider region, another distribution",
        )

    return report
