"""Measured data: tables, data sets with a covariance, FK tables. Their numbers are read when data is bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from math import inf
from typing import Any, Protocol

from pdflang.components import arrays
from pdflang.diagnostics import PdflangError, Span, closest_names
from pdflang.evolution import LOOPS, Evolution
from pdflang.evolution.operators import LEAST, active
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Dtype, Node, Phase, Reference
from pdflang.ir.program import PARTONS, EvolutionSource, FKSource, LhapdfSource
from pdflang.ir.ranges import NONNEGATIVE, POSITIVE, REAL, Range
from pdflang.ir.sizes import Axis, Size, symbol
from pdflang.semantics.calls import CallSite, Given, match
from pdflang.semantics.combine import as_number, error
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.pdfsets import domain_of
from pdflang.semantics.scope import Scope
from pdflang.semantics.supports import check_support
from pdflang.semantics.values import (
    CovarianceValue,
    DatasetValue,
    FunctionValue,
    FunctionVariable,
    IntervalValue,
    LengthValue,
    LhapdfValue,
    OperatorValue,
    PdfsetsValue,
    PdfsetValue,
    TextValue,
    Value,
    describe,
)
from pdflang.syntax import ast

_LIGHT = ("g", "d", "dbar", "u", "ubar", "s", "sbar")


class Columns(Protocol):
    """What names the columns of a source, without reading their numbers; `data` implements it."""

    def of_table(self, path: str, name: str, span: Span, folder: Any) -> tuple[str, ...] | None:
        """The columns of a table, None where the file does not exist, or is not the one that will be read."""

    def of_commondata(self, names: tuple[str, ...], name: str, span: Span, folder: Any) -> tuple[str, ...] | None:
        """The kinematic columns common to data sets, None where a set is not there."""

    def hadrons_of(self, path: str, span: Span, folder: Any) -> int | None:
        """For how many hadrons an FK table is, 1 or 2; None where the file is not there, or is wrong."""

    def flavours_of_member(
        self, path: str, member: int, scale: float, span: Span, folder: Any
    ) -> tuple[str, ...] | None:
        """The partons that a member of an LHAPDF set has at a scale in GeV; None where the set is not there."""

    def flavours_of_operators(self, path: str, scale: float, span: Span, folder: Any) -> int | None:
        """How many flavours operators of a file lead to at a scale in GeV; None where the file is not there."""

    def check_fktable(self, source: FKSource, set_names: tuple[str, ...] | None) -> None:
        """That tables, for these data sets or for none, can act on a pdfset: E514 and what `data` finds."""


@dataclass
class TableColumns:
    """The columns of one table or data set that a model reads; new ones are added as they are named."""

    name: str
    axis: Axis
    available: tuple[str, ...] | None
    source: str = ""
    read: dict[str, Node] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    sets: tuple[str, ...] = ()
    parts: dict[tuple[str, ...], dict[str, Node]] = field(default_factory=dict)

    def column(self, column: str, span: Span, index: str | None = None, within: Range = REAL) -> Node:
        """A column as an array over the rows; of an index, its labels or positions, as positions."""
        if self.available is not None and column not in self.available:
            near = closest_names(column, self.available)
            raise error(
                "E517",
                f"`{self.source or self.name}` has no column `{column}`",
                span,
                remedy=f"did you mean `{near[0]}`?" if near else f"its columns are {', '.join(self.available)}",
            )
        dtype: Dtype = "int" if index else "real"
        if index:
            self.labels[column] = index
        if index or within is not REAL or column not in self.read:
            self.read[column] = data_reference(f"{self.name}.{column}", (self.axis,), dtype, within)
        return self.read[column]


def data_reference(name: str, axes: tuple[Axis, ...], dtype: Dtype = "real", within: Range = REAL) -> Reference:
    """A datum, or a part of one, as an expression; binding makes sure that it lies `within`."""
    return Reference(name, "data", axes, dtype, Phase.DATA, within)


def dataset_value(columns: TableColumns) -> DatasetValue:
    """A measured data set: its central values and kinematic columns."""
    central = columns.read.setdefault("central", data_reference(f"{columns.name}.central", (columns.axis,)))
    return DatasetValue(columns.name, central, columns.column, columns.sets)


def set_weights(elaborator: Elaborator, written: ast.Expression, scope: Scope, count: int) -> tuple[float, ...]:
    """The weights of `count` data sets. Errors: E303, E304, E401, E403."""
    node = elaborator.number(written, scope, "as weights")
    remedy = f"write a number for each data set, in their order: weights = [{', '.join('1' * count)}]"
    if node.phase != Phase.CONST:
        raise error("E403", "weights of data sets are constants", written.span)
    if len(node.axes) != 1:
        raise error("E304", f"weights are an array, but this is {describe(node)}", written.span, remedy=remedy)
    weights = tuple(float(weight) for weight in elaborator.fold(node))
    if len(weights) != count:
        said = "1 weight is" if len(weights) == 1 else f"{len(weights)} weights are"
        raise error("E303", f"{said} given for {count} data sets", written.span, remedy=remedy)
    wrong = next((weight for weight in weights if not 0 < weight < inf), None)
    if wrong is not None:
        raise error(
            "E401", f"the weight of a data set is positive and finite, but this is {wrong:g}", written.span,
            remedy="leave a data set out that is not to count; in a `data` of its own it can be predicted",
        )  # fmt: skip
    return weights


def systematics_of(dataset: DatasetValue, kind: str) -> CovarianceValue:
    """`.covariance`, `.shifts` or `.errors`: experimental as they stand, and with t0 when called."""
    rows, row = dataset.central.axes[0], arrays.SYSTEMATICS[kind]
    sources = Axis(symbol(f"{dataset.name}.correlated"))
    axes = {"covariance": (rows, rows), "shifts": (rows, sources), "errors": (rows,)}[kind]

    def part(name: str) -> Node:
        return data_reference(f"{dataset.name}.{name}", (rows, Axis(symbol(f"{dataset.name}.{name.split('_')[0]}"))))

    def value(reference: Node | None) -> Node:
        parts = (reference or dataset.central, *(part(name) for name in row.parameters[1:]))
        return nodes.Whole(row, parts, axes, "real")

    return CovarianceValue(dataset.name, rows, value)


def sources_of(dataset: DatasetValue) -> LengthValue:
    """`.sources`: the correlated errors, to run over."""
    name = f"{dataset.name}.correlated"
    length = Reference(name, "length", (), "int", Phase.DATA, NONNEGATIVE)
    return LengthValue(Axis(symbol(name), f"{dataset.name}.sources"), length)


def lhapdf(elaborator: Elaborator, site: CallSite) -> LhapdfValue:
    """`lhapdf("SET", member = 0)`: the densities of a member of an LHAPDF set, at the scale of its declaration."""
    matched = match(site, ["set"], ["member"])
    value = elaborator.given(matched["set"], site.scope)
    if not isinstance(value, TextValue):
        raise error("E301", f"a set is named by its folder in quotes, but this is {describe(value)}", site.span)
    number = _constant(elaborator, matched["member"], site, "the number of a member") if "member" in matched else 0
    if number != int(number) or number < 0:
        raise error("E301", "members are numbered from 0", matched["member"].span)

    def at(scale: float) -> PdfsetValue:
        place = (value.text, int(number), scale)
        folder = site.scope.module.source.folder
        # Without the set, of which a remark tells, those that any pdfset may have.
        flavours = elaborator.declarations.flavours_of_member(*place, site.span, folder) or _LIGHT
        name = elaborator.declarations.lhapdf_set(LhapdfSource(*place, flavours, site.span, folder))
        knots = Axis(symbol(f"{name}.x"))
        places = data_reference(f"{name}.x", (knots,), "real", Range(0, 1, open_lower=True))
        values = data_reference(f"{name}.values", (Axis(Size(len(flavours))), knots))
        rows = {flavour: nodes.Element(values, (Constant(i),)) for i, flavour in enumerate(flavours)}
        return _of_rows(value.text, arrays.CUBIC_IN_LOG, places, rows, scale)

    return LhapdfValue(value.text, at)


def evolve(elaborator: Elaborator, site: CallSite) -> OperatorValue:
    """`evolve(Q = 100, order = "nlo", alpha_s = 0.118)`: from a pdfset to one at another scale, or at several."""
    named = [field.name for field in fields(Evolution)]
    matched = match(site, [], ["Q", "operators", *named])
    if "Q" not in matched:
        raise error("E303", "evolve needs a scale", site.span, remedy="write evolve(Q = 100), in GeV")
    scales = elaborator.given_number(matched["Q"], site.scope, "as a scale in GeV")
    if scales.axes:
        _require_vector(scales, matched["Q"].span)
    scale = scales if scales.axes else float(_constant(elaborator, matched["Q"], site, "a scale in GeV"))
    check_support(elaborator, scales, POSITIVE, "a scale in GeV", matched["Q"].span)
    file = _file_of_operators(elaborator, matched, site)
    settings: dict[str, Any] = {}
    for name in matched.keys() - {"Q", "order", "operators"}:
        value = _constant(elaborator, matched[name], site, f"`{name}`")
        settings[name] = int(value) if name == "flavours" and value == value // 1 else value
    if "order" in matched:
        order = elaborator.given(matched["order"], site.scope)
        if not isinstance(order, TextValue) or order.text not in LOOPS:
            raise error("E301", "the order of an evolution is one of " + ", ".join(f'"{o}"' for o in LOOPS), site.span)
        settings["order"] = order.text
    evolution = _evolution_of(settings, site.span)

    def apply(value: Value, depth: int, span: Span) -> Value:
        if not isinstance(value, PdfsetValue):
            raise error("E301", f"evolve acts on a pdfset, but this is {describe(value)}", span)
        if value.scale is None:
            raise error("E301", f"the scale of `{value.name}` is not known", span, remedy="declare it: at Q = 1.65")
        lower, upper = domain_of(value.flavours, elaborator.fold)
        if lower > LEAST or upper < 1:
            there = f"`{value.name}` has them on ({lower:g}, {upper:g})"
            said = f"evolution reads densities from x = {LEAST:g} to 1, and {there}"
            raise error("E402", said, span, remedy="densities without a domain of their own are defined on (0, 1)")
        known = tuple(flavour for flavour in value.flavours if flavour in PARTONS)
        folder = site.scope.module.source.folder
        source = EvolutionSource(tuple(sorted(settings.items())), value.scale, scale, known, file, site.span, folder)
        name = elaborator.declarations.evolution(source)
        knots = Axis(symbol(f"{name}.x"))
        grid = data_reference(f"{name}.x", (knots,), "real", Range(0, 1, True, True))
        loop = nodes.Loop(depth, knots)
        point = nodes.Element(grid, (nodes.LoopIndex(loop),))
        densities = [
            nodes.Array(loop, as_number(value.flavours[flavour].apply((point,), depth + 1, span), span))
            for flavour in known
        ]
        stacked = nodes.Stack(tuple(densities), Axis(Size(len(known))))
        outer = (Axis(symbol(f"{name}.scales")),) if isinstance(scale, Node) else ()
        rows = (*outer, Axis(Size(len(PARTONS))), knots)
        table = data_reference(f"{name}.table", (*rows, Axis(Size(len(known))), knots))
        evolved = nodes.Whole(arrays.CONTRACT, (table, stacked), rows, "real", span=span)
        if isinstance(scale, Node):
            return _at_scales(name, value.name, grid, evolved, scale, file is None)
        label = f"{value.name} at {scale:g} GeV"
        if file is not None:
            told = elaborator.declarations.flavours_of_operators(file, scale, site.span, folder)
            return _of_partons(label, grid, evolved, (), scale, told or 3)
        alpha_s = data_reference(f"{name}.alpha_s", (), "real", POSITIVE)
        found = _of_partons(label, grid, evolved, (), scale, active(evolution, scale))
        return replace(found, numbers={"alpha_s": alpha_s, "flavours": Constant(active(evolution, scale))})

    return OperatorValue(site.name, apply)


def _evolution_of(settings: dict[str, Any], span: Span) -> Evolution:
    try:
        return Evolution(**settings)
    except PdflangError as failure:
        raise PdflangError(*(replace(one, span=span) for one in failure.diagnostics)) from None


def _file_of_operators(elaborator: Elaborator, matched: dict[str, Given], site: CallSite) -> str | None:
    if "operators" not in matched:
        return None
    value = elaborator.given(matched["operators"], site.scope)
    if not isinstance(value, TextValue):
        what = f"operators are named by their file in quotes, but this is {describe(value)}"
        raise error("E301", what, matched["operators"].span)
    others = sorted(matched.keys() - {"Q", "operators"})
    if others:
        raise error(
            "E303", f"`{others[0]}` is what the file of operators was made with", matched[others[0]].span,
            remedy=f"leave `{others[0]}` out, or the file",
        )  # fmt: skip
    return value.text


def _require_vector(scales: Node, span: Span) -> None:
    if scales.phase == Phase.PARAMETER:
        raise error("E403", "scales must be known once data is bound, but these read parameters", span)
    if len(scales.axes) != 1:
        raise error("E304", f"several scales are a vector, but this is {describe(scales)}", span)


def _at_scales(name: str, of: str, grid: Node, evolved: Node, scales: Node, has_coupling: bool) -> PdfsetsValue:
    """A pdfset for each of several scales; what was computed is there once for equal ones."""
    axis = scales.axes[0]
    which = data_reference(f"{name}.which", (axis,), "int", NONNEGATIVE)
    alpha_s = data_reference(f"{name}.alpha_s", (axis,), "real", POSITIVE)
    flavours = data_reference(f"{name}.flavours", (axis,), "int", NONNEGATIVE)

    def member(position: Node) -> PdfsetValue:
        told = {"Q": scales, **({"alpha_s": alpha_s, "flavours": flavours} if has_coupling else {})}
        numbers = {known: nodes.Element(values, (position,)) for known, values in told.items()}
        place = nodes.Element(which, (position,))
        return replace(_of_partons(f"{of} at one of its scales", grid, evolved, (place,), None), numbers=numbers)

    return PdfsetsValue(of, axis, member)


def _of_partons(
    name: str, grid: Node, evolved: Node, place: tuple[Node, ...], scale: float | None, active: int = 6
) -> PdfsetValue:
    """The pdfset of what has a row for each parton, with the quarks that are active."""
    rows = {
        parton: nodes.Element(evolved, (*place, Constant(i)))
        for i, (parton, pid) in enumerate(PARTONS.items()) if pid == PARTONS["g"] or abs(pid) <= active
    }  # fmt: skip
    return _of_rows(name, arrays.POLYNOMIAL_IN_X, grid, rows, scale)


def _of_rows(
    name: str, row: arrays.ArrayFunction, knots: Node, rows: Mapping[str, Node], scale: float | None
) -> PdfsetValue:
    """A pdfset of numbers at knots, a row by parton, and a way to interpolate them."""
    unit = IntervalValue(Constant(0.0), Constant(1.0))

    def function(parton: str, values: Node) -> FunctionValue:
        def apply(arguments: tuple[Value, ...], depth: int, span: Span) -> Value:
            x = as_number(arguments[0], span)
            return nodes.Whole(row, (x, knots, values), x.axes, "real", span=span)

        return FunctionValue(parton, (FunctionVariable("x", unit),), apply, role="pdf")

    return PdfsetValue(name, {parton: function(parton, values) for parton, values in rows.items()}, scale)


def _constant(elaborator: Elaborator, given: Given, site: CallSite, what: str) -> float:
    node = elaborator.given_number(given, site.scope, f"as {what}")
    if node.phase != Phase.CONST or node.axes:
        raise error("E403", f"{what} is a constant", given.span)
    return float(elaborator.fold(node))
