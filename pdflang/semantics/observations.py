"""`observe`, `factor` and `output`: what makes a density of the declarations, and what is kept of a draw."""

from __future__ import annotations

from dataclasses import replace

from pdflang.diagnostics import Diagnostic, Label, PdflangError, Span, closest_names
from pdflang.ir import nodes
from pdflang.ir.nodes import Loop, Node, Phase, Reference
from pdflang.ir.program import Factor, Observation, Output, expressions_of
from pdflang.ir.sizes import Size, symbol
from pdflang.semantics import build
from pdflang.semantics.causality import compared, drawn, readings
from pdflang.semantics.combine import as_number, error
from pdflang.semantics.declarations import DeclarationTable
from pdflang.semantics.distributions import draws_of, log_probability, support_of
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.lints import everything_read
from pdflang.semantics.modules import Entry, ModuleInstance
from pdflang.semantics.names import distribution_of
from pdflang.semantics.places import Places
from pdflang.semantics.positions import check_order
from pdflang.semantics.processes import Observed, process_observation
from pdflang.semantics.scope import Scope
from pdflang.semantics.supports import require_range
from pdflang.semantics.values import (
    DistributionValue,
    MixtureValue,
    ProcessValue,
    TableValue,
    Value,
    describe,
)
from pdflang.syntax import ast


class Statements:
    """Elaborates the statements of all files."""

    def __init__(self, elaborator: Elaborator, table: DeclarationTable) -> None:
        self._elaborator = elaborator
        self._table = table
        self.observations: dict[str, Observation] = {}
        self.factors: dict[str, Factor] = {}
        self.outputs: dict[str, Output] = {}

    # --- observe --------------------------------------------------------------------------------------------

    def observe(self, module: ModuleInstance, declaration: ast.Observe) -> None:
        """A data term: the datum, its distribution, one log-probability for each of its entries."""
        entry = self._datum(module, declaration)
        name = entry.qualified
        datum = self._table.declared(entry, declaration.name_span)
        before = self.observations.get(name)
        if before:
            raise error(
                "E208",
                f"`{name}` is observed twice",
                declaration.name_span,
                related=(Label(before.span, "observed here before"),),
                remedy="each datum is observed once; two measurements are two data",
            )
        _, loops, scope = self._table.axes(declaration.axes, Scope(module, {}))
        value = distribution_of(self._elaborator, declaration.distribution, scope)
        if isinstance(value, ProcessValue):
            observed = Observed(name, datum, declaration.name_span, declaration.distribution.span)
            self.observations[name] = found = process_observation(self._elaborator, observed, value)
            self._refuse_events_of_themselves(found)
            return
        if not isinstance(value, DistributionValue | MixtureValue):
            raise error(
                "E306",
                f"an observation needs a distribution, but this is {describe(value)}",
                declaration.distribution.span,
                remedy="write observe y ~ Normal(prediction, sigma)",
            )
        if isinstance(value, DistributionValue) and not value.row.proper:
            raise error(
                "E306", f"data cannot be distributed as {value.row.name}, which is no proper distribution",
                declaration.distribution.span, remedy="observe with a distribution that can be drawn from",
            )  # fmt: skip
        self.observations[name] = self._plain(name, datum, value, loops, scope, declaration)

    def _datum(self, module: ModuleInstance, declaration: ast.Observe) -> Entry:
        *path, last = declaration.name.split(".")
        owner = module
        for part in path:
            if part in owner.entries:
                raise error(
                    "E307", f"what is observed is a datum, and `{declaration.name}` is a part of one",
                    declaration.name_span, related=(Label(owner.entries[part].span, "declared here"),),
                    remedy=f'declare the column: data {last} = table("…").{last}, and observe `{last}`',
                )  # fmt: skip
            if part not in owner.modules:
                raise error("E201", f"no file is used as `{part}`", declaration.name_span)
            owner = owner.modules[part]
        entry = owner.entries.get(last)
        if entry is None:
            data = [n for n, e in owner.entries.items() if isinstance(e.declaration, ast.Data)]
            near = closest_names(last, data)
            raise error(
                "E201",
                f"nothing is called `{declaration.name}`",
                declaration.name_span,
                remedy=f"did you mean `{near[0]}`?" if near else f"declare it: data {last}[N]",
            )
        if not isinstance(entry.declaration, ast.Data):
            raise error(
                "E301",
                f"only data can be observed, and `{declaration.name}` is {_kind(entry.declaration)}",
                declaration.name_span,
                related=(Label(entry.span, "declared here"),),
                remedy=f"declare the measured numbers: data {last}[N]",
            )
        return entry

    def _plain(
        self,
        name: str,
        datum: Value,
        value: DistributionValue | MixtureValue,
        loops: list[Loop],
        scope: Scope,
        declaration: ast.Observe,
    ) -> Observation:
        span = declaration.name_span
        if isinstance(datum, TableValue):
            raise error(
                "E307", f"`{name}` is a table; observe one of its columns, or an event process", span,
                remedy='declare a column: data y = table("…").y',
            )  # fmt: skip
        node = as_number(datum, span)
        target = node
        if loops:
            binders = [axis.binder for axis in declaration.axes]
            positions = tuple(as_number(scope.bindings[binder], span) for binder in binders if binder)
            for axis, position in zip(node.axes, positions, strict=False):
                self._elaborator.check_bounds(axis, position, span)
            target = nodes.Element(node, positions)
        if not loops:
            self._refuse_circle(name, value, span)
        else:
            self._refuse_reading_ahead(name, value, target, loops, span)
        if not value.row.has_density:
            return Observation(
                name, None, draws_of(value), tuple(loops), target, span,
                no_density=_simulator_only(value.row.name, declaration.distribution.span),
            )  # fmt: skip
        log_likelihood = log_probability(self._elaborator, value, target, declaration.span)
        if len(log_likelihood.axes) > len(target.axes):
            raise error(
                "E307",
                f"`{name}` is {describe(target)}, but its distribution is {describe(log_likelihood)}",
                span,
                remedy=f"declare `{name}` over the same axes",
            )
        for loop in reversed(loops):
            log_likelihood = nodes.Array(loop, log_likelihood)
        self._require_values(name, node, value, span)
        return Observation(name, log_likelihood, draws_of(value), tuple(loops), target, span)

    def _refuse_events_of_themselves(self, events: Observation) -> None:
        """Events cannot be needed for their own rate; their weights are read from them."""
        assert events.process is not None
        process = replace(events.process, weights=None)
        drawn_by = replace(events, log_likelihood=None, target=build.ZERO, process=process)
        definitions, lengths = self._table.definition_nodes, dict(events.target.axes[0].size.symbols)
        for node in expressions_of(drawn_by):
            read = everything_read(node, definitions)
            if events.name in self._observed_in(node):
                what = f"`{events.name}` itself"
            elif not events.process.normalised and any(name in lengths and name != events.name for name in read):
                what = "how many there are"
            else:
                continue
            raise error(
                "E203",
                f"the rate of the events `{events.name}` reads {what}, so that they cannot be drawn",
                events.span,
                remedy="read other data, such as a sample that was taken before",
            )

    def _refuse_circle(self, name: str, value: DistributionValue | MixtureValue, span: Span) -> None:
        """A datum drawn as a whole cannot be needed for its own distribution."""
        if any(name in everything_read(node, self._table.definition_nodes) for node in draws_of(value).reads):
            raise error(
                "E203",
                f"the distribution of `{name}` reads `{name}` itself, so that it cannot be drawn",
                span,
                remedy=f"let each entry read earlier ones: observe {name}[t in 1:N] ~ Normal({name}[t - 1], 1)",
            )

    def _refuse_reading_ahead(
        self, name: str, value: DistributionValue | MixtureValue, target: Node, loops: list[Loop], span: Span
    ) -> None:
        """An entry is drawn after those before it, and can need only these, and what is not drawn."""
        assert isinstance(target, nodes.Element)
        places = Places()
        turns = {loop: places.turn(loop) for loop in loops}
        entry = drawn(target.positions, loops, turns, places)
        for reading in readings(draws_of(value).reads, name, turns, self._table.definition_nodes, places):
            order = compared(reading, entry, places)
            if order.kind != "earlier":
                raise PdflangError(_reads_ahead(name, _READ[order.kind], span))
            if order.due is not None:
                report = _reads_ahead(name, f"itself where {order.due} is 0", span)
                check_order(Size(1), order.due, lambda *_, report=report: report, self._elaborator.check)
        for datum in sorted(places.counted):
            report = _reads_ahead(name, f"other entries than these where {datum} is negative", span)
            check_order(Size(0), symbol(datum), lambda *_, report=report: report, self._elaborator.check)

    def _require_values(self, name: str, node: Node, value: DistributionValue | MixtureValue, span: Span) -> None:
        """Data must be possible: counts whole, a positive variable positive."""
        support = support_of(self._elaborator, value)
        require_range(self._elaborator, node, support, f"`{name}`", span)
        if value.is_discrete and isinstance(node, Reference):
            datum = self._table.data.get(node.name)
            if datum is not None and datum.dtype != "int":
                # A count is a count even where the file's author did not say so.
                self._table.data[node.name] = replace(datum, dtype="int")

    # --- factor and output ----------------------------------------------------------------------------------

    def factor(self, module: ModuleInstance, declaration: ast.Factor) -> None:
        """An extra term of the log-density."""
        name = module.prefix + declaration.name
        node = self._elaborator.number(declaration.value, Scope(module, {}), f"as the factor `{name}`")
        if node.axes:
            raise error(
                "E304", f"a factor is one number, but this is {describe(node)}", declaration.value.span,
                remedy="add it up: sum(…)",
            )  # fmt: skip
        self.factors[name] = Factor(name, node, declaration.name_span)

    def check_reading(self) -> None:
        """A factor or a prior that read observed data would count it twice. Error: E407."""
        for factor in self.factors.values():
            for name in self._observed_in(factor.node):
                raise error(
                    "E407",
                    f"the factor `{factor.name}` reads the observed datum `{name}`",
                    factor.span,
                    remedy="what depends on data belongs in an `observe`",
                )
        for parameter in self._table.parameters.values():
            for name in self._observed_in(parameter.log_prior):
                raise error(
                    "E407",
                    f"the prior of `{parameter.name}` reads the observed datum `{name}`, which would count it twice",
                    parameter.span,
                    remedy="a prior is what is known without these data: write its numbers, or declare other data",
                )

    def _observed_in(self, node: Node) -> list[str]:
        """The observed data that an expression reads."""
        read = everything_read(node, self._table.definition_nodes)
        return [name for name in self.observations if any(r == name or r.startswith(f"{name}.") for r in read)]

    def check_circles(self) -> None:
        """Observations are drawn one after the other: none can need one that needs it. Error: E203."""
        needed = {
            name: [other for node in expressions_of(found) for other in self._observed_in(node) if other != name]
            for name, found in self.observations.items()
        }
        done: set[str] = set()

        def visit(name: str, chain: tuple[str, ...]) -> None:
            if name in chain:
                circle = " reads ".join(f"`{n}`" for n in (*chain[chain.index(name) :], name))
                raise error(
                    "E203", f"these data cannot be drawn one after the other: {circle}", self.observations[name].span,
                    remedy="observe them together, with a distribution of vectors, or let one read parameters instead",
                )  # fmt: skip
            if name not in done:
                for other in dict.fromkeys(needed[name]):
                    visit(other, (*chain, name))
                done.add(name)

        for name in needed:
            visit(name, ())

    def output(self, module: ModuleInstance, declaration: ast.Output) -> None:
        """A value kept with every draw."""
        name = module.prefix + declaration.name
        _, loops, scope = self._table.axes(declaration.axes, Scope(module, {}))
        node = as_number(
            self._elaborator.evaluate(declaration.value, scope), declaration.value.span, f"as the output `{name}`"
        )
        for loop in reversed(loops):
            node = nodes.Array(loop, node)
        coordinates = self._coordinates(declaration, node, scope, len(loops))
        self.outputs[name] = Output(name, node, declaration.name_span, coordinates)

    def _coordinates(
        self, declaration: ast.Output, node: Node, scope: Scope, first: int
    ) -> tuple[Node | None, ...]:
        """The sets that the clauses of an output run over, from its axis `first` on, where they are known numbers."""
        clauses = declaration.value.clauses if isinstance(declaration.value, ast.Comprehension) else ()
        found: list[Node | None] = [None] * len(node.axes)
        for position, clause in zip(range(first, len(found)), clauses, strict=False):
            value = self._elaborator.evaluate(clause.over, scope)
            if isinstance(value, Node) and len(value.axes) == 1 and value.phase <= Phase.DATA:
                found[position] = value
        return tuple(found)


_READ = {
    "itself": "itself", "later": "later ones", "unknown": "entries that are not known to be drawn before it",
}  # fmt: skip


def _reads_ahead(name: str, what: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E203", f"the distribution of an entry of `{name}` reads {what}, so that it cannot be drawn", span,
        remedy=f"let it read earlier ones: {name}[t - 1], or states that are one place later: "
        "concat([start], scan(step, start, inputs))",
    )  # fmt: skip


def _simulator_only(name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E611", f"{name} has no density: it is a simulator that was registered", span, label="takes the density away",
        remedy="observe with a distribution of the library where a density is needed",
    )  # fmt: skip


_SPELLED = {"param": "parameter", "let": "derived value", "const": "constant", "func": "function"}


def _kind(declaration: ast.Declaration | ast.Axis) -> str:
    """A declaration in words: "a parameter", "an index"."""
    keyword = type(declaration).__name__.lower()
    word = _SPELLED.get(keyword, keyword)
    return f"{'an' if word[0] in 'aeio' else 'a'} {word}"
