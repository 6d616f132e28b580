"""What an expression of the language means while a model is compiled.

Numbers and arrays are `ir.Node`s. Everything else (functions, intervals, distributions, operators, …) exists
only here: functions are applied, operators consumed, and what is left is arithmetic over arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pdflang.diagnostics import Diagnostic, Span
from pdflang.ir.nodes import Node
from pdflang.ir.sizes import Axis

if TYPE_CHECKING:
    from pdflang.semantics.modules import ModuleInstance


@dataclass(frozen=True)
class IntervalValue:
    """`(lower, upper)`."""

    lower: Node
    upper: Node


@dataclass(frozen=True)
class BoxValue:
    """`box(x = (0, 1), …)`."""

    sides: Mapping[str, IntervalValue]


@dataclass(frozen=True)
class IndexValue:
    """A named axis; `labels` is None where it is numbered or bound by data."""

    name: str
    axis: Axis
    labels: tuple[str, ...] | None


@dataclass(frozen=True)
class LengthValue:
    """A length that data binds, such as N of `data y[N]`: a set to run over and a number."""

    axis: Axis
    number: Node


@dataclass(frozen=True)
class SliceValue:
    """`start:stop`, a set of whole numbers."""

    start: Node
    stop: Node


@dataclass(frozen=True)
class TextValue:
    text: str


Domain = IntervalValue | IndexValue | None


@dataclass(frozen=True)
class FunctionVariable:
    """An argument of a function; `domain` is None where any number will do."""

    name: str
    domain: Domain = None


@dataclass(frozen=True)
class FunctionValue:
    """A function of named variables. `apply(arguments, depth, span)` inlines it inside `depth` binders.

    What detectors made says in `streams` how its events come about, and in `no_density` why it cannot be
    evaluated where a kernel is only a simulator. `is_shared` says that `apply` remembers its values.
    """

    name: str
    variables: tuple[FunctionVariable, ...]
    apply: Callable[[tuple[Value, ...], int, Span], Value] = field(compare=False)
    role: str = "function"
    streams: tuple[Stream, ...] = field(default=(), compare=False)
    no_density: Diagnostic | None = field(default=None, compare=False)
    is_shared: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class DetectorStep:
    """One latent or measured site of a kernel, or several that are drawn together.

    `meaning(values, depth)` is its distribution, or its value, where the variables before it have `values`.
    """

    names: tuple[str, ...]
    kind: Literal["smear", "draw", "let"]
    meaning: Callable[[Mapping[str, Node], int], Value]
    span: Span


@dataclass(frozen=True)
class DetectorValue:
    """The kernel from true to measured variables; a variable that is both passes through.

    `efficiency` and `background` are functions of the values of the true, and of the measured, variables.
    """

    name: str
    measured: tuple[FunctionVariable, ...]
    true: tuple[FunctionVariable, ...]
    efficiency: Callable[[Mapping[str, Node], int], Node] | None
    steps: tuple[DetectorStep, ...]
    background: FunctionValue | None
    no_density: Diagnostic | None

    @property
    def passed(self) -> tuple[str, ...]:
        """The variables that the detector leaves as they are."""
        true = {variable.name for variable in self.true}
        return tuple(variable.name for variable in self.measured if variable.name in true)


@dataclass(frozen=True)
class Stream:
    """Events as they come about: a rate of true variables, times a number, seen through detectors in turn."""

    rate: FunctionValue
    scale: Node
    detectors: tuple[DetectorValue, ...]


@dataclass(frozen=True)
class FamilyValue:
    """`pdf q[f in flavour](x)`, `detector d[m in module](y | x)`: one for each element of an index."""

    name: str
    index: IndexValue
    member: Callable[[Node], FunctionValue | OperatorValue] = field(compare=False)


@dataclass(frozen=True)
class BuiltinValue:
    """A name of the prelude. `call(elaborator, call site)` gives its meaning."""

    name: str
    kind: str
    row: Any
    documentation: str = ""


@dataclass(frozen=True)
class OperatorValue:
    """What stands after `|>` and takes a function, a pdfset or an array: `bins(edges)`, an FK table.

    What may be called with two, `dy(proton, antiproton)`, has `apply_two`.
    """

    name: str
    apply: Callable[[Value, int, Span], Value] = field(compare=False)
    apply_two: Callable[[Value, Value, int, Span], Value] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class DistributionValue:
    """A library distribution with its arguments, in the order of its row; `bounds` truncate it."""

    row: Any
    arguments: tuple[Node, ...]
    span: Span = field(compare=False)
    bounds: tuple[Node, Node] | None = None
    bounds_span: Span | None = field(default=None, compare=False)

    @property
    def is_discrete(self) -> bool:
        return bool(self.row.discrete)


@dataclass(frozen=True)
class MixtureValue:
    """`Mixture([weights], [components])`."""

    row: Any
    weights: Node
    components: tuple[DistributionValue, ...]
    span: Span = field(compare=False)

    @property
    def is_discrete(self) -> bool:
        return self.components[0].is_discrete


@dataclass(frozen=True)
class ProcessValue:
    """`PoissonProcess(rate)` or `Iid(shape)`; `region` says where each variable of the rate runs."""

    row: Any
    rate: FunctionValue
    region: tuple[FunctionVariable, ...]
    span: Span = field(compare=False)
    weights: Node | None = None


@dataclass(frozen=True)
class TableValue:
    """A table of data: `name.column` is a column, `column(name, span, index, within)` that of an index too."""

    name: str
    axis: Axis
    column: Callable[..., Node] = field(compare=False)


@dataclass(frozen=True)
class DatasetValue:
    """Measured data `sets`: central values, kinematic columns, errors; `whole` is the datum of which they are part."""

    name: str
    central: Node
    column: Callable[[str, Span], Node] = field(compare=False)
    sets: tuple[str, ...] = ()
    whole: str = ""

    @property
    def axis(self) -> Axis:
        """Its rows."""
        return self.central.axes[0]


@dataclass(frozen=True)
class CovarianceValue:
    """`dataset.covariance`, or another account of errors: experimental as it stands, with t0 when it is called."""

    dataset: str
    rows: Axis
    matrix: Callable[[Node | None], Node] = field(compare=False)


@dataclass(frozen=True)
class PdfsetValue:
    """Momentum densities x·f(x) by flavour at a scale Q in GeV.

    `numbers` are what else is known at that scale: Q where it is one of several, the coupling `alpha_s` and the number
    of active `flavours` where it came out of an evolution.
    """

    name: str
    flavours: Mapping[str, FunctionValue]
    scale: float | None
    numbers: Mapping[str, Node] = field(default_factory=dict)


@dataclass(frozen=True)
class PdfsetsValue:
    """A pdfset at each of several scales, which are an array over `axis`: `high[i]` is one of them."""

    name: str
    axis: Axis
    member: Callable[[Node], PdfsetValue] = field(compare=False)


@dataclass(frozen=True)
class LhapdfValue:
    """A member of an LHAPDF set: a pdfset as soon as its scale is known."""

    name: str
    at: Callable[[float], PdfsetValue] = field(compare=False)


@dataclass(frozen=True)
class ModuleValue:
    """A used file: `p.a_uv` is its name a_uv."""

    alias: str
    instance: ModuleInstance = field(compare=False)


Value = (
    Node
    | IntervalValue
    | BoxValue
    | IndexValue
    | LengthValue
    | SliceValue
    | TextValue
    | FunctionValue
    | FamilyValue
    | BuiltinValue
    | OperatorValue
    | DistributionValue
    | MixtureValue
    | ProcessValue
    | TableValue
    | DatasetValue
    | CovarianceValue
    | PdfsetValue
    | PdfsetsValue
    | LhapdfValue
    | ModuleValue
)

_KINDS = {
    IntervalValue: "an interval",
    BoxValue: "a region",
    IndexValue: "an index",
    LengthValue: "a length",
    SliceValue: "a range",
    TextValue: "a text",
    FamilyValue: "a family",
    BuiltinValue: "a name of the library",
    OperatorValue: "an operator",
    DistributionValue: "a distribution",
    MixtureValue: "a distribution",
    ProcessValue: "a point process",
    TableValue: "a table",
    DatasetValue: "a data set",
    CovarianceValue: "a covariance",
    LhapdfValue: "an LHAPDF set without a scale",
    PdfsetValue: "a pdfset",
    PdfsetsValue: "a pdfset at several scales",
    ModuleValue: "a module",
}


def describe(value: Value) -> str:
    """The kind of a value in a user's words: "a function of x", "an array over school"."""
    if isinstance(value, FunctionValue):
        return f"a function of {', '.join(v.name for v in value.variables)}"
    if isinstance(value, BuiltinValue):
        return value.kind
    if isinstance(value, Node):
        if value.axes:
            return f"an array over {' and '.join(str(axis) for axis in value.axes)}"
        return {"bool": "a truth value", "int": "a whole number", "real": "a number"}[value.dtype]
    return _KINDS[type(value)]
