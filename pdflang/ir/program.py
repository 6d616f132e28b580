"""A checked model: its declarations as typed expressions, lengths still open where data binds them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from pdflang.diagnostics import Diagnostic, SourceFile, Span
from pdflang.ir.marks import Marks
from pdflang.ir.nodes import Apply, Constant, Element, Loop, Node, Phase, Variable
from pdflang.ir.ranges import Range
from pdflang.ir.sizes import Axis, Size

Role = Literal["param", "nuisance"]


@dataclass(frozen=True)
class Source:
    """Where data comes from when nothing replaces it.

    `kind` says which loader: a `table` (whole, or its `column`), a `commondata` set, or a `value` (a constant
    node). `condition` filters rows; it reads the columns as references named `<datum>.<column>`. `weights` are those of
    data sets, none where all are 1.
    """

    kind: Literal["table", "commondata", "value"]
    span: Span
    paths: tuple[str, ...] = ()
    column: str | None = None
    variant: str | None = None
    value: Node | None = None
    condition: Node | None = None
    weights: tuple[float, ...] = ()


@dataclass(frozen=True)
class Datum:
    """One `data` declaration. `columns` are the parts of a table or data set that the model reads.

    `labels_of` names the index whose labels (or positions) the values are, `column_labels` that of columns. `parts` has
    the columns that are read of some of the data sets by themselves, by their names.
    """

    name: str
    axes: tuple[Axis, ...]
    dtype: Literal["int", "real"]
    span: Span
    source: Source | None
    folder: Any = None
    shape: Literal["array", "table", "commondata"] = "array"
    labels_of: str | None = None
    columns: Mapping[str, Node] = field(default_factory=dict)
    column_labels: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[tuple[str, ...], Mapping[str, Node]] = field(default_factory=dict)


def part_name(datum: str, sets: tuple[str, ...]) -> str:
    """What some of the data sets of a datum are called, and their axis."""
    return f"{datum}[{', '.join(sets)}]"


@dataclass(frozen=True)
class FKSource:
    """FK tables for data sets of `rows` that follow each other, contracted with the densities of one hadron, or of two.

    The `first` of them belongs to the data set of that number, of the `count` for which there are tables. `flavours`
    and `scales`, in GeV, are those of each hadron.
    Without `rows` tables have their own, all of them. The densities of each hadron are functions on one of `domains`.
    """

    paths: tuple[str, ...]
    rows: str
    flavours: tuple[tuple[str, ...], ...]
    scales: tuple[float | None, ...]
    first: int
    count: int
    same: bool
    span: Span = field(compare=False)
    folder: Any = None
    domains: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class LhapdfSource:
    """A member of an LHAPDF set, at `scale` in GeV, where it has the partons `flavours`."""

    path: str
    member: int
    scale: float
    flavours: tuple[str, ...]
    span: Span = field(compare=False)
    folder: Any = None


@dataclass(frozen=True)
class EvolutionSource:
    """An operator that takes densities of the named `flavours` from one scale to another, or others, all in GeV.

    `settings` are those of an `Evolution` by name; where there is a file of `operators`, it has its own. Several scales
    are an array that is known once data is bound.
    """

    settings: tuple[tuple[str, Any], ...]
    start: float
    scale: float | Node
    flavours: tuple[str, ...]
    operators: str | None
    span: Span = field(compare=False)
    folder: Any = None


@dataclass(frozen=True)
class PdfsetDeclaration:
    """A `pdfset` of momentum densities by flavour, at `scale` in GeV where it says so.

    `densities` are those of its flavours at `MOMENTUM_FRACTION`; they are defined on `domain`.
    """

    name: str
    scale: float | None
    flavours: tuple[str, ...]
    span: Span = field(compare=False)
    densities: Mapping[str, Definition] = field(default_factory=dict, compare=False)
    domain: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Draws:
    """A distribution as the simulator and the density need it: a row, its arguments, its truncation."""

    row: Any
    arguments: tuple[Node, ...]
    bounds: tuple[Node, Node] | None = None
    weights: Node | None = None
    components: tuple[Draws, ...] = ()

    @property
    def reads(self) -> tuple[Node, ...]:
        """Every expression that it needs: arguments, bounds, weights, and those of its components."""
        weights = (self.weights,) if self.weights is not None else ()
        own = (*self.arguments, *(self.bounds or ()), *weights)
        return (*own, *(node for component in self.components for node in component.reads))


@dataclass(frozen=True)
class Parameter:
    """A `param` or `nuisance`: `prior` draws fill `axes`; `support` is what the prior allows.

    `ends` are the ends of the support where they are not the same for all parameters and data.
    """

    name: str
    axes: tuple[Axis, ...]
    role: Role
    prior: Draws
    log_prior: Node
    support: Range
    constraint: Literal["ordered", "simplex"] | None
    span: Span
    ends: tuple[Node, Node] | None = None


@dataclass(frozen=True)
class Definition:
    """A derived value that others refer to by name."""

    name: str
    node: Node
    kind: Literal["let", "solve", "const"]
    span: Span


PARTONS: Mapping[str, int] = {
    "tbar": -6, "bbar": -5, "cbar": -4, "sbar": -3, "ubar": -2, "dbar": -1, "g": 21, "d": 1, "u": 2, "s": 3, "c": 4,
    "b": 5, "t": 6,
}  # fmt: skip
"""The partons of QCD by their names, with their PDG numbers."""

MOMENTUM_FRACTION = Variable(Loop(0, None), Range(0, 1, True, True))
"""Where densities are taken that belong to no expression of the model."""

EARLIER = "earlier"
"""What data are called that stand for parameters at an earlier fit: `earlier.a` for `a`."""

EVENTS = Axis(Size(0), "simulated events")
"""The axis of events that are being drawn: their number is not known before."""

EVENT_LOOP = Loop(0, EVENTS)
"""The loop over them: what depends on it differs from event to event."""


@dataclass(frozen=True)
class EventVariable:
    """One variable of events: `place` stands for its values, one for each of the `EVENTS`.

    It runs from `lower` to `upper`, or over the positions of an index, whose `axis` is given then. Both are
    None where nothing bounds it.
    """

    name: str
    place: Node
    lower: Node | None = None
    upper: Node | None = None
    axis: Axis | None = None


@dataclass(frozen=True)
class EventStep:
    """What a detector draws (`draws`) or computes (`value`) for each event: latent or measured sites."""

    variables: tuple[EventVariable, ...]
    draws: Draws | None
    value: Node | None
    span: Span


@dataclass(frozen=True)
class EventStage:
    """One detector as a simulator runs it: events are kept with the probability `efficiency`, then the steps.

    `variables` are what it measures, with their region: events outside are lost.
    """

    name: str
    efficiency: Node | None
    steps: tuple[EventStep, ...]
    variables: tuple[EventVariable, ...]


@dataclass(frozen=True)
class EventStream:
    """How events come about: places drawn with `intensity` over the box of `variables`, then detectors."""

    name: str
    variables: tuple[EventVariable, ...]
    intensity: Node
    stages: tuple[EventStage, ...]
    span: Span


@dataclass(frozen=True)
class Process:
    """A list of events: columns of the data by variable, the integral of the rate, how events come about.

    `total` is None where the rate has no density. `normalised`: the events are independent draws of the
    normalised rate. `weights` has one entry for each event.
    """

    columns: Mapping[str, Node]
    variables: tuple[EventVariable, ...]
    total: Node | None
    normalised: bool
    streams: tuple[EventStream, ...]
    weights: Node | None = None


@dataclass(frozen=True)
class Observation:
    """An `observe`. `log_likelihood` has one entry per datum; where it is None, `no_density` says why.

    `loops` are the binders of the observed entries and `offsets` where they start; `target` is one observed
    entry (or the whole datum). A process has its parts in `process`.
    """

    name: str
    log_likelihood: Node | None
    draws: Draws | None
    loops: tuple[Loop, ...]
    target: Node
    span: Span
    process: Process | None = None
    no_density: Diagnostic | None = None

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where the observed entries start, for each of the `loops`."""
        positions = self.target.positions if isinstance(self.target, Element) else ()
        ends = (position.arguments[-1] if isinstance(position, Apply) else None for position in positions)
        return tuple(int(end.value) if isinstance(end, Constant) else 0 for end in ends)


@dataclass(frozen=True)
class Factor:
    name: str
    node: Node
    span: Span


@dataclass(frozen=True)
class Output:
    """A value stored with every draw; `coordinates` of an axis are known numbers, such as a grid in x."""

    name: str
    node: Node
    span: Span
    coordinates: tuple[Node | None, ...]


@dataclass(frozen=True)
class IndexDeclaration:
    name: str
    axis: Axis
    labels: tuple[str, ...] | None
    span: Span


@dataclass(frozen=True)
class Check:
    """What data must satisfy, found out when it is bound.

    The lengths `left` and `right` are equal (`length`) or in this order (`order`), or a node lies in a range, or has
    positions on an axis of the length `right`. `report` makes the message from what was found.
    """

    kind: Literal["length", "order", "range", "positions"]
    report: Callable[..., Diagnostic]
    left: Size = Size()
    right: Size = Size()
    node: Node | None = None
    allowed: Range = Range()


@dataclass(frozen=True)
class Program:
    """A whole model, all names resolved and all functions inlined; `marks` say where its expressions stand.

    `earlier` are the data that stand for parameters at an earlier fit, and which each stands for.
    """

    source: SourceFile
    files: tuple[SourceFile, ...]
    indices: dict[str, IndexDeclaration]
    data: dict[str, Datum]
    fk_tables: dict[str, FKSource]
    parameters: dict[str, Parameter]
    definitions: dict[str, Definition]
    observations: dict[str, Observation]
    factors: dict[str, Factor]
    outputs: dict[str, Output]
    checks: tuple[Check, ...]
    lints: tuple[Diagnostic, ...]
    earlier: Mapping[str, str] = field(default_factory=dict)
    pdfsets: Mapping[str, PdfsetDeclaration] = field(default_factory=dict)
    lhapdf_sets: Mapping[str, LhapdfSource] = field(default_factory=dict)
    evolutions: Mapping[str, EvolutionSource] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks, compare=False)

    @property
    def definition_nodes(self) -> dict[str, Node]:
        return {name: definition.node for name, definition in self.definitions.items()}

    def datum_of(self, name: str) -> str:
        """The datum to which an array belongs: it is that itself, or a column; data of used files have dots too."""
        return name if name in self.data else name.rpartition(".")[0].partition("[")[0]

    @property
    def derived(self) -> dict[str, Definition | Output]:
        """What is kept of a draw beside its parameters: solved constants that follow them, and outputs."""
        solved = {
            name: definition
            for name, definition in self.definitions.items()
            if definition.kind == "solve" and definition.node.phase == Phase.PARAMETER
        }
        return {**solved, **self.outputs}


@dataclass(frozen=True)
class Rows:
    """Where the entries of a datum stand: `positions` in a file, counted from 0, of the rows that were not left out."""

    source: str
    positions: Any


Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class BoundProgram:
    """A program with its data: every length is known, every number there.

    `arrays` holds the data by name, columns as `<datum>.<column>`; `notes` what the user should know about
    data that was given; `rows` are there for data of which rows were left out. `unfitted`: no earlier fit was given,
    and means of the prior stand for it. `data_sets` has the positions of the rows of each measured data set, by datum
    and name of the set, `weights` their weights in the fit where they have any; `labels` are those of axes that data
    name.
    """

    program: Program
    lengths: Mapping[str, int]
    arrays: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    rows: Mapping[str, Rows] = field(default_factory=dict)
    unfitted: bool = False
    data_sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _kept: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, name: Hashable, compute: Callable[[], Found]) -> Found:
        """What `compute` finds of this program and no other, computed when it is first asked for by its name."""
        if name not in self._kept:
            self._kept[name] = compute()
        found: Found = self._kept[name]
        return found


def map_expressions(program: Program, change: Callable[[Node], Node]) -> Program:
    """A program with every expression changed."""
    return replace(
        program,
        definitions={n: replace(d, node=change(d.node)) for n, d in program.definitions.items()},
        parameters={n: _map_parameter(p, change) for n, p in program.parameters.items()},
        observations={n: _map_observation(o, change) for n, o in program.observations.items()},
        factors={n: replace(f, node=change(f.node)) for n, f in program.factors.items()},
        outputs={n: replace(o, node=change(o.node)) for n, o in program.outputs.items()},
    )


def expressions(program: Program) -> list[Node]:
    """Every expression of a program."""
    found: list[Node] = []
    map_expressions(program, lambda node: found.append(node) or node)  # type: ignore[func-returns-value]
    return found


def expressions_of(observation: Observation) -> list[Node]:
    """Every expression of an observation."""
    found: list[Node] = []
    _map_observation(observation, lambda node: found.append(node) or node)  # type: ignore[func-returns-value]
    return found


def _map_parameter(parameter: Parameter, change: Callable[[Node], Node]) -> Parameter:
    return replace(
        parameter,
        log_prior=change(parameter.log_prior),
        prior=map_draws(parameter.prior, change),
        ends=_map_pair(parameter.ends, change),
    )


def map_draws(draws: Draws, change: Callable[[Node], Node]) -> Draws:
    """A distribution with every argument changed."""
    return replace(
        draws,
        arguments=tuple(change(argument) for argument in draws.arguments),
        bounds=_map_pair(draws.bounds, change),
        weights=change(draws.weights) if draws.weights is not None else None,
        components=tuple(map_draws(component, change) for component in draws.components),
    )


def _map_observation(observation: Observation, change: Callable[[Node], Node]) -> Observation:
    process, draws, log_likelihood = observation.process, observation.draws, observation.log_likelihood
    return replace(
        observation,
        log_likelihood=change(log_likelihood) if log_likelihood is not None else None,
        process=_map_process(process, change) if process is not None else None,
        draws=map_draws(draws, change) if draws is not None else None,
        target=change(observation.target),
    )


def _map_process(process: Process, change: Callable[[Node], Node]) -> Process:
    return replace(
        process,
        variables=_map_variables(process.variables, change),
        total=_map_optional(process.total, change),
        weights=_map_optional(process.weights, change),
        streams=tuple(_map_stream(stream, change) for stream in process.streams),
    )


def _map_stream(stream: EventStream, change: Callable[[Node], Node]) -> EventStream:
    return replace(
        stream,
        variables=_map_variables(stream.variables, change),
        intensity=change(stream.intensity),
        stages=tuple(_map_stage(stage, change) for stage in stream.stages),
    )


def _map_stage(stage: EventStage, change: Callable[[Node], Node]) -> EventStage:
    def mapped(step: EventStep) -> EventStep:
        draws = map_draws(step.draws, change) if step.draws is not None else None
        return replace(step, draws=draws, value=_map_optional(step.value, change))

    return replace(
        stage,
        efficiency=_map_optional(stage.efficiency, change),
        steps=tuple(mapped(step) for step in stage.steps),
        variables=_map_variables(stage.variables, change),
    )


def _map_variables(
    variables: tuple[EventVariable, ...], change: Callable[[Node], Node]
) -> tuple[EventVariable, ...]:
    return tuple(
        replace(v, lower=_map_optional(v.lower, change), upper=_map_optional(v.upper, change)) for v in variables
    )


def _map_pair(pair: tuple[Node, Node] | None, change: Callable[[Node], Node]) -> tuple[Node, Node] | None:
    return (change(pair[0]), change(pair[1])) if pair is not None else None


def _map_optional(node: Node | None, change: Callable[[Node], Node]) -> Node | None:
    return change(node) if node is not None else None
