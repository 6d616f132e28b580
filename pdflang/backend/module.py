"""A bound program as a Python module: what runs, and what `pdflang compile` prints."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pdflang.backend.early import Early
from pdflang.backend.event_streams import Block, streams_of, write_streams
from pdflang.backend.folding import LINE_LENGTH, folded
from pdflang.backend.imports import Imports
from pdflang.backend.layout import BIJECTIONS, Slot, slots
from pdflang.backend.names import Names
from pdflang.backend.outside import called
from pdflang.backend.room import event_axis, may_have_room
from pdflang.backend.simulation import write_probability, write_simulation
from pdflang.backend.writer import Context, Writer
from pdflang.diagnostics import Span
from pdflang.ir import nodes
from pdflang.ir.nodes import ArrayConstant, Loop, Node, Reference
from pdflang.ir.program import BoundProgram, Draws, Observation, Process, expressions
from pdflang.ir.sizes import Axis

_FUNCTIONS = (
    "prepare constrain unconstrain log_prior log_likelihood log_factors log_density derived compare conditionals "
    "draw_parameters simulate log_probability"
)
_TAKEN = frozenset(f"{_FUNCTIONS} data arrays params vector key keys event draws jax jnp np".split())
_RUNTIME = "pdflang.backend.runtime"

_SHORT = 58
_CHI2 = {"Normal": "chi2", "MvNormal": "chi2_correlated"}


@dataclass(frozen=True)
class GeneratedModule:
    """Source text, and what it needs to run.

    `constants` are arrays that `prepare` reads beside the data. `places` maps lines of the source (from 1) to the
    model. `fineness` is that of its plan, and `certificates` say how exact it is. `event_lengths` is how long the
    axis of events, or of the nodes in their place, is for each process; `event_arrays` are the prepared arrays that
    have it, and where, for each process that may have room: they may be padded. `matrices` is where the matrices that
    `prepare` factorises come from, `called` what of the embedding program is called, and where. `streams` names, for
    each process, the function that says how its events come about. `compressions` say what became of long lists of
    events, unless all were to be summed (`is_exact`). `stand_ins` are data of one event for lists without any.
    """

    source: str
    constants: dict[str, Any]
    places: dict[int, Span]
    slots: tuple[Slot, ...]
    event_arrays: dict[str, dict[str, int]]
    event_lengths: dict[str, int]
    matrices: tuple[Span | None, ...]
    called: Mapping[str, Span | None]
    streams: Mapping[str, str]
    fineness: int = 1
    certificates: tuple[Any, ...] = ()
    compressions: Mapping[str, Any] = field(default_factory=dict)
    stand_ins: Mapping[str, Any] = field(default_factory=dict)
    is_exact: bool = False

    @property
    def compressed(self) -> dict[str, Any]:
        """Those of the `compressions` that left nodes in place of events."""
        return {name: events for name, events in self.compressions.items() if events.nodes}


def generate(bound: BoundProgram, version: str) -> GeneratedModule:
    """The module of a planned program."""
    return ModuleWriter(bound, version).generate()


def generate_probability(bound: BoundProgram, version: str) -> GeneratedModule:
    """A module with the probability of simulated data that are no events: `prepare` and `log_probability`."""
    return ModuleWriter(bound, version).generate_probability()


class ModuleWriter:
    def __init__(self, bound: BoundProgram, version: str) -> None:
        self._bound = bound
        self.program = bound.program
        self._version = version
        self._module_names = Names(_TAKEN)
        self.imports = Imports(self._module_names)
        self._context = Context(self.imports, bound.lengths, bound.program.definition_nodes)
        self.early = Early()
        self._functions: dict[str, str] = {}
        self._slots = slots(bound.program, bound.lengths)
        for definition in bound.program.definitions.values():
            definition.node.called(definition.name)
        self._references: dict[str, list[Reference]] = {}
        for node in nodes.walk(*expressions(bound.program)):
            if isinstance(node, Reference):
                self._references.setdefault(node.name, []).append(node)
        self._events = {o.name: o for o in self.program.observations.values() if o.process}

    def generate(self) -> GeneratedModule:
        blocks = [
            *(self._support(slot) for slot in self._slots if slot.parameter.ends is not None),
            self._coordinates(),
            self._priors("log_prior", "The log of each prior."),
            self._likelihoods("log_likelihood", "The log-probability of each datum."),
            self._factors("log_factors", "The value of each factor."),
            self._log_density(),
            self._derived("derived", "What is kept of a draw beside the parameters."),
            self._compare(),
            self._conditionals(),
            self._draw_parameters(),
            *write_streams(self),
            write_simulation(self),
        ]
        return self._module(blocks)

    def generate_probability(self) -> GeneratedModule:
        return self._module([write_probability(self)])

    def _module(self, blocks: list[Block]) -> GeneratedModule:
        """The module of some functions, and of `prepare`, which makes what they read."""
        blocks.insert(0, self._prepare())
        # A file may have any name: none may end the docstring.
        name = re.sub(r"[^ \w.-]", "_", self.program.source.name)
        origin = f"Generated by pdflang {self._version} from {name}: this is what runs."
        lines = [f'"""{origin} `arrays` are what `prepare` returns."""', "", *self.imports.lines(), ""]
        places: dict[int, Span] = {}
        for block_lines, block_places in blocks:
            if not block_lines:
                continue
            lines.append("")
            for line, place in zip(block_lines, block_places, strict=True):
                for part in folded(line):
                    lines.append(part)
                    if place is not None:
                        places[len(lines)] = place
        constants = {name: node.values.array() for node, name in self.early.constants.items()}
        axes = {name: event_axis(observation) for name, observation in self._events.items()}
        roomy = {n for n, o in self._events.items() if may_have_room(o, self.program, self._with_definitions)}
        return GeneratedModule(
            "\n".join(lines) + "\n",
            constants,
            places,
            self._slots,
            {name: self._arrays_over(axis) for name, axis in axes.items() if name in roomy},
            {name: self.length(axis) for name, axis in axes.items()},
            tuple(self._context.matrices),
            called(self.program),
            {name: streams_of(self, observation) for name, observation in self._events.items()},
        )

    # --- building blocks ------------------------------------------------------------------------------------

    def writer(
        self, roots: Iterable[Node], late: frozenset[str] = frozenset(), given: Mapping[Node, str] | None = None
    ) -> Writer:
        """A function body whose parameters are read from `p`; data in `late` is made by the function itself.

        `given` are the arguments of the function, by what they stand for.
        """
        names = self._module_names.inner()
        roots = list(roots)
        read = self._parameters_read(roots)
        known: dict[Node, str] = {node: names.fresh(name) for node, name in (given or {}).items()}
        locals_: list[tuple[str, str]] = []
        for reference in read:
            local = names.fresh(reference.name)
            known[reference] = local
            locals_.append((local, reference.name))
        writer = Writer(self._context, names, "jax.numpy", self.early, known)
        writer.late = late
        for row in _wrapped(locals_):
            writer.write(f"{', '.join(local for local, _ in row)} = {self._unpacked([name for _, name in row])}")
        writer.expect(*roots)
        return writer

    def _unpacked(self, names: list[str]) -> str:
        if len(names) == 1:
            return f"params[{json.dumps(names[0])}]"
        return f"{self.imports.use(f'{_RUNTIME}.coordinates.unpack')}(params, {json.dumps(' '.join(names))})"

    def _parameters_read(self, roots: list[Node]) -> list[Reference]:
        """The parameters below expressions, through definitions, in the order of their declaration."""
        found: dict[str, list[Reference]] = {}
        pending, seen = list(roots), set()
        while pending:
            for node in nodes.walk(pending.pop()):
                if not isinstance(node, Reference) or node in seen:
                    continue
                seen.add(node)
                if node.kind == "param":
                    found.setdefault(node.name, []).append(node)
                elif node.name in self._context.definitions:
                    pending.append(self._context.definitions[node.name])
        return [reference for name in self.program.parameters for reference in found.get(name, [])]

    def function(
        self, head: str, doc: str, writer: Writer | None, result: list[str]
    ) -> tuple[list[str], list[Span | None]]:
        body = writer.lines if writer else []
        places = list(writer.places) if writer else []
        lines = [f"def {head}:", f'    """{doc}"""', *body, *result]
        return lines, [None, None, *places, *[None] * len(result)]

    def returned(self, entries: list[tuple[str, str]]) -> list[str]:
        """`return {…}`: on one line, short entries several to a line, or one a line."""
        rows = [f"{json.dumps(name)}: {text}" for name, text in entries]
        line = f"    return {{{', '.join(rows)}}}"
        if len(line) <= LINE_LENGTH:
            return [line]
        if max(map(len, rows)) <= _SHORT:
            rows = [", ".join(text for _, text in row) for row in _wrapped([("", row) for row in rows])]
        return ["    return {", *(f"        {row}," for row in rows), "    }"]

    # --- data -----------------------------------------------------------------------------------------------

    def _prepare(self) -> tuple[list[str], list[Span | None]]:
        roots = list(self.early.values)
        names = self._module_names.inner()
        known: dict[Node, str] = {}
        for node in nodes.walk(*self._with_definitions(roots)):
            if isinstance(node, Reference) and node.kind == "data":
                known[node] = f"data[{json.dumps(node.name)}]"
            elif isinstance(node, ArrayConstant):
                known[node] = f"data[{json.dumps(self.early.constant(node))}]"
        writer = Writer(self._context, names, "numpy", None, known)
        writer.expect(*roots)
        entries = []
        for node, name in self.early.values.items():
            entries.append((name, writer.result(node, name)))
        return self.function(
            "prepare(data)",
            "What follows from data and constants alone, computed once.",
            writer,
            self.returned(entries),
        )

    def _with_definitions(self, roots: Iterable[Node]) -> list[Node]:
        roots = list(roots)
        found, pending, seen = list(roots), list(roots), set()
        while pending:
            for name in nodes.references(pending.pop()):
                if name in self._context.definitions and name not in seen:
                    seen.add(name)
                    found.append(self._context.definitions[name])
                    pending.append(self._context.definitions[name])
        return found

    def _arrays_over(self, axis: Axis) -> dict[str, int]:
        """Where an axis is in each prepared array that has it."""
        found = {}
        for node, key in self.early.values.items():
            loops = sorted(node.loops, key=lambda loop: loop.depth)
            axes = [*(loop.axis for loop in loops), *node.axes]
            if axis in axes:
                found[key] = axes.index(axis)
        return found

    # --- parameters -----------------------------------------------------------------------------------------

    def _bijection(self, slot: Slot, writer: Writer) -> str:
        """The map to the support of a parameter, whose ends are numbers or follow other parameters and data."""
        name = self.imports.use(f"{BIJECTIONS}.{slot.bijection}")
        return f"{name}({', '.join(writer.text(bound) for bound in slot.bounds)})"

    def _support(self, slot: Slot) -> tuple[list[str], list[Span | None]]:
        """The support of a parameter whose ends follow others."""
        name = slot.parameter.name
        writer = self.writer(slot.bounds)
        result = [f"    return {self._bijection(slot, writer)}"]
        head = f"{self.function_name(f'support_of_{name}')}(params, arrays)"
        return self.function(head, f"Where {json.dumps(name)} lies, given those before it.", writer, result)

    def _coordinates(self) -> tuple[list[str], list[Span | None]]:
        """`constrain` and `unconstrain`, by a table of the bijections."""
        made = self.imports.use(f"{_RUNTIME}.coordinates.coordinates")
        writer = self.writer(())
        entries = [f"{json.dumps(slot.parameter.name)}: {self._of_slot(slot, writer)}" for slot in self._slots]
        shapes = {s.parameter.name: s.unconstrained_shape for s in self._slots if s.unconstrained_shape}
        opening, closing = f"constrain, unconstrain = {made}({{", f"}}, {shapes})" if shapes else "})"
        rows = [f"    {', '.join(text for _, text in row)}," for row in _wrapped([("", entry) for entry in entries])]
        lines = [opening, *rows, closing] if rows else [opening + closing]
        return lines, [None] * len(lines)

    def _of_slot(self, slot: Slot, writer: Writer) -> str:
        if slot.parameter.ends is not None:
            return self.function_name(f"support_of_{slot.parameter.name}")
        return self._bijection(slot, writer)

    def _draw_parameters(self) -> tuple[list[str], list[Span | None]]:
        """Ancestral draws: each prior after the parameters that it reads."""
        names = self._module_names.inner()
        writer = Writer(self._context, names, "jax.numpy", self.early)
        order = self._slots
        writer.expect(*(argument for slot in order for argument in slot.parameter.prior.reads))
        keys = self.imports.use("jax.random.split")
        if order:
            writer.write(f"keys = {keys}(key, {len(order)})")
        locals_ = {}
        for i, slot in enumerate(order):
            parameter = slot.parameter
            text = self._parameter_draw(writer, slot, f"keys[{i}]")
            local = locals_[parameter.name] = writer.assign(parameter.name, text, parameter.span)
            for reference in self.references_to(parameter.name):
                writer.know(reference, local)
        entries = [(slot.parameter.name, locals_[slot.parameter.name]) for slot in self._slots]
        return self.function(
            "draw_parameters(key, arrays)",
            "A draw of the prior; where that is improper, a start.",
            writer,
            self.returned(entries),
        )

    def references_to(self, name: str) -> list[Reference]:
        """All nodes that read a declared name; their ranges may differ."""
        return self._references.get(name, [])

    def _parameter_draw(self, writer: Writer, slot: Slot, key: str) -> str:
        prior = slot.parameter.prior
        if not prior.row.proper:
            uniform = self.imports.use("jax.random.uniform")
            shape = slot.unconstrained_shape
            start = f"{uniform}({key}, {shape}, minval=-2.0, maxval=2.0)"
            return start if slot.bijection == "Real" else f"{self._bijection(slot, writer)}.forward({start})"
        shape = slot.shape[: len(slot.shape) - prior.row.rank]
        text = self.sample(writer, prior, key, str(shape))
        if slot.bijection == "Ordered":
            return f"{writer.array_function('sort')}({text})"
        return text

    def sample(self, writer: Writer, draws: Draws, key: str, shape: str) -> str:
        if draws.components:
            split = self.imports.use("jax.random.split")
            keys = writer.assign("keys", f"{split}({key}, {len(draws.components) + 1})")
            parts = [
                self.sample(writer, component, f"{keys}[{i + 1}]", shape)
                for i, component in enumerate(draws.components)
            ]
            mixture = self.imports.use(f"{_RUNTIME}.distributions.mixture_sample")
            assert draws.weights is not None
            stacked = f"{writer.array_function('stack')}([{', '.join(parts)}], axis=-1)"
            return f"{mixture}({keys}[0], {writer.text(draws.weights)}, {stacked})"
        row = draws.row
        arguments = [writer.text(argument) for argument in draws.arguments]
        distribution = self.imports.use(row.meaning)
        if draws.bounds:
            distribution = writer.truncated(distribution, [writer.text(bound) for bound in draws.bounds])
        return f"{distribution}.sample({', '.join([key, shape, *arguments])})"

    # --- terms of the density -------------------------------------------------------------------------------

    def _priors(self, name: str, doc: str) -> tuple[list[str], list[Span | None]]:
        parameters = self.program.parameters.values()
        terms = [(p, p.log_prior) for p in parameters if p.prior.row.proper or p.ends is not None]
        writer = self.writer(node for _, node in terms)
        entries = []
        for parameter, node in terms:
            text = writer.result(node, f"log_{parameter.name}")
            if node.axes:
                text = f"{writer.array_function('sum')}({text})"
            if parameter.constraint == "ordered":
                # The ordered cone is one of n! equal parts of the space.
                length = parameter.axes[-1].size.bind(self._bound.lengths)
                text = f"{text} + {math.lgamma(length + 1)!r}"
            entries.append((parameter.name, text))
        return self.function(f"{name}(params, arrays)", doc, writer, self.returned(entries))

    def _likelihoods(self, name: str, doc: str) -> tuple[list[str], list[Span | None]]:
        terms = [(o, _term(o)) for o in self.program.observations.values() if o.log_likelihood is not None]
        parts = [part for o, _ in terms if o.process for part in (o.process.total, o.process.weights)]
        writer = self.writer([*(node for _, node in terms), *(part for part in parts if part is not None)])
        entries = []
        for observation, node in terms:
            if observation.process is None:
                entries.append((observation.name, writer.result(node, f"log_{observation.name}")))
            else:
                entries += self._event_terms(writer, observation.name, node, observation.process)
        return self.function(f"{name}(params, arrays)", doc, writer, self.returned(entries))

    def _event_terms(self, writer: Writer, name: str, node: Node, process: Process) -> list[tuple[str, str]]:
        # A factor of 0 silences padding: cheaper than a condition, and as exact.
        weights, count = (f"arrays[{json.dumps(f'{name} {what}')}]" for what in ("mask", "count"))
        if process.weights is not None:
            weights = writer.assign("weights", f"{weights} * {writer.operand(process.weights)}")
            count = f"{writer.array_function('sum')}({weights})"
        events = (name, f"{weights} * {writer.operand(node)}")
        assert process.total is not None
        if process.normalised:
            log = f"{writer.array_function('log')}({writer.text(process.total)})"
            return [events, (f"{name} normalisation", f"-{count} * {log}")]
        return [events, (f"{name} yield", f"-{writer.operand(process.total)}")]

    def _factors(self, name: str, doc: str) -> tuple[list[str], list[Span | None]]:
        factors = self.program.factors.values()
        if not factors:
            return [], []
        writer = self.writer(factor.node for factor in factors)
        entries = [(factor.name, writer.result(factor.node, factor.name)) for factor in factors]
        return self.function(f"{name}(params, arrays)", doc, writer, self.returned(entries))

    def _log_density(self) -> tuple[list[str], list[Span | None]]:
        parts = ["log_prior", "log_likelihood", *(["log_factors"] if self.program.factors else [])]
        total = self.imports.use(f"{_RUNTIME}.density.total")
        terms = ", ".join(f"{part}(params, arrays)" for part in parts)
        return self.function(
            "log_density(params, arrays)",
            "The log-density of the parameters, up to a constant.",
            None,
            [f"    return {total}({terms})"],
        )

    def _derived(self, name: str, doc: str) -> tuple[list[str], list[Span | None]]:
        roots = {name: value.node for name, value in self.program.derived.items()}
        if not roots:
            return [], []
        writer = self.writer(roots.values())
        entries = [(key, writer.result(node, key)) for key, node in roots.items()]
        return self.function(f"{name}(params, arrays)", doc, writer, self.returned(entries))

    def _compare(self) -> tuple[list[str], list[Span | None]]:
        """Observations with a normal distribution: what physicists compare by χ²."""

        def entry(row: str, parts: list[str]) -> str:
            chi2 = self.imports.use(f"{_RUNTIME}.gaussian.{_CHI2[row]}")
            return f"({parts[1]}, {chi2}({', '.join(parts)}))"

        return self._of_normals("compare", "Expectation and χ² of each Gaussian observation.", tuple(_CHI2), entry)

    def _conditionals(self) -> tuple[list[str], list[Span | None]]:
        """Data that are drawn together: what leaving one of them out leaves out."""

        def entry(_: str, parts: list[str]) -> str:
            return f"{self.imports.use(f'{_RUNTIME}.gaussian.log_conditional')}({', '.join(parts)})"

        doc = "The log-probability of each entry of a normal vector, given all others."
        return self._of_normals("conditionals", doc, ("MvNormal",), entry)

    def _of_normals(
        self, name: str, doc: str, rows: tuple[str, ...], entry: Callable[[str, list[str]], str]
    ) -> tuple[list[str], list[Span | None]]:
        """A function of datum, mean and scale of each observation with a distribution of these rows."""
        found = {}
        for observation in self.program.observations.values():
            draws = observation.draws
            if draws is not None and draws.row.name in rows and not draws.bounds:
                parts = (observation.target, *draws.arguments)
                found[observation.name] = (draws.row.name, [self._over_loops(p, observation.loops) for p in parts])
        if not found:
            return [], []
        writer = self.writer(part for _, parts in found.values() for part in parts)
        entries = [(key, entry(row, [writer.text(part) for part in parts])) for key, (row, parts) in found.items()]
        return self.function(f"{name}(params, arrays)", doc, writer, self.returned(entries))

    def _over_loops(self, node: Node, loops: tuple[Loop, ...]) -> Node:
        for loop in reversed(loops):
            if loop in node.loops:
                node = nodes.Array(loop, node)
        return node

    # --- names and lengths ----------------------------------------------------------------------------------

    def function_name(self, wish: str) -> str:
        """What a function of the module is called, the same each time."""
        if wish not in self._functions:
            self._functions[wish] = self._module_names.fresh(wish)
        return self._functions[wish]

    def length(self, axis: Axis) -> int:
        """How long an axis is."""
        return axis.size.bind(self._bound.lengths)

    def loop_length(self, loop: Loop) -> int:
        """How often a loop runs."""
        assert loop.axis is not None
        return self.length(loop.axis)


def _term(observation: Observation) -> Node:
    """The log-probability of an observation's entries; one number where it is the same for all events.

    Their number is not written into the module: there is room for more of them.
    """
    node = observation.log_likelihood
    assert node is not None
    if observation.process and isinstance(node, nodes.Array) and node.loop not in node.body.loops:
        return node.body
    return node


def _wrapped(pairs: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Pairs in rows that fit a line."""
    rows: list[list[tuple[str, str]]] = []
    width = LINE_LENGTH
    for pair in pairs:
        needed = len(pair[0]) + len(pair[1]) + 4
        if width + needed > LINE_LENGTH - 8:
            rows.append([])
            width = 0
        rows[-1].append(pair)
        width += needed
    return rows
