"""What each declaration means, worked out when its name is first asked for, so that order does not matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, cached_property
from math import inf
from typing import Any

from pdflang.diagnostics import Label, PdflangError, Span, closest_names
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, Node, Phase, Reference
from pdflang.ir.program import (
    MOMENTUM_FRACTION,
    Datum,
    Definition,
    EvolutionSource,
    FKSource,
    IndexDeclaration,
    LhapdfSource,
    Parameter,
    PdfsetDeclaration,
    Source,
    part_name,
)
from pdflang.ir.ranges import NONNEGATIVE, POSITIVE, REAL, Range
from pdflang.ir.sizes import Axis, Size, symbol
from pdflang.semantics import build
from pdflang.semantics.combine import as_number, axes_agree, error
from pdflang.semantics.datasets import Columns, TableColumns, data_reference, dataset_value, set_weights
from pdflang.semantics.detectors import detector_operator
from pdflang.semantics.distributions import (
    draws_of,
    ends_of,
    is_fixed,
    log_probability,
    over_plates,
    require_fixed_bounds,
    support_of,
)
from pdflang.semantics.domains import probe_domain
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.lints import no_momentum_fraction
from pdflang.semantics.modules import Entry, Override
from pdflang.semantics.names import counted_names, distribution_of, names_in
from pdflang.semantics.pdfsets import check_entries, domain_of, partons_of
from pdflang.semantics.ranges import range_of
from pdflang.semantics.scope import Scope
from pdflang.semantics.sets import axis_of, open_loop, written_size
from pdflang.semantics.solves import Solves
from pdflang.semantics.values import (
    DistributionValue,
    FamilyValue,
    FunctionValue,
    FunctionVariable,
    IndexValue,
    IntervalValue,
    LengthValue,
    LhapdfValue,
    MixtureValue,
    OperatorValue,
    PdfsetsValue,
    PdfsetValue,
    TableValue,
    TextValue,
    Value,
    describe,
)
from pdflang.syntax import ast

CONSTRAINTS = ("ordered", "simplex", "positive", "correlation")

_MOMENTUM_FRACTIONS = "xyzξζ"
"""What the name of a momentum fraction starts with: x, x1, z."""


class DeclarationTable:
    """The declarations of all files of a model, by qualified name, as far as they have been needed."""

    def __init__(self, elaborator: Elaborator, columns: Columns) -> None:
        self._elaborator = elaborator
        self._columns = columns
        self._values: dict[str, Value] = {}
        self._failed: dict[str, PdflangError] = {}
        self._active: list[tuple[Entry, Span]] = []
        self.indices: dict[str, IndexDeclaration] = {}
        self.data: dict[str, Datum] = {}
        self.tables: dict[str, TableColumns] = {}
        self.fk_tables: dict[FKSource, str] = {}
        self.lhapdf_sets: dict[LhapdfSource, str] = {}
        self.evolutions: dict[EvolutionSource, str] = {}
        self.parameters: dict[str, Parameter] = {}
        self.definitions: dict[str, Definition] = {}
        self.solves = Solves(elaborator)
        self.pdfsets: dict[str, PdfsetDeclaration] = {}
        self.momentum_sums: dict[str, Definition] = {}
        self.used: set[str] = set()

    @property
    def definition_nodes(self) -> dict[str, Node]:
        return {name: definition.node for name, definition in self.definitions.items()}

    def declared(self, entry: Entry, span: Span) -> Value:
        """The value of a declared name that is read at `span`."""
        name = entry.qualified
        self.used.add(name)
        return self.define(entry, span)

    def define(self, entry: Entry, span: Span) -> Value:
        """The value of a declared name, whether or not anything reads it."""
        name = entry.qualified
        if name in self._values:
            return self._values[name]
        if name in self._failed:
            # What is broken is reported once, whoever reads it.
            raise self._failed[name]
        if any(active.qualified == name for active, _ in self._active):
            raise self._cycle(entry, span)
        self._active.append((entry, span))
        try:
            handler: Callable[[Entry, Any], Value] = getattr(self, f"_{type(entry.declaration).__name__}")
            with self._elaborator.in_branch(False):
                value = handler(entry, entry.declaration)
        except PdflangError as failure:
            self._failed[name] = failure
            raise
        finally:
            self._active.pop()
        self._values[name] = value
        return value

    def _cycle(self, entry: Entry, span: Span) -> Exception:
        names = [active.qualified for active, _ in self._active]
        first = names.index(entry.qualified)
        chain = " needs ".join(f"`{name}`" for name in [*names[first:], entry.qualified])
        related = tuple(
            Label(place, f"`{active.qualified}` is needed here") for active, place in self._active[first + 1 :]
        )
        return error(
            "E203",
            f"the definition goes in a circle: {chain}",
            span,
            related=related,
            remedy="a value cannot need itself; a constant that an equation fixes is declared with `solve`",
        )

    def _scope(self, entry: Entry) -> Scope:
        return Scope(entry.module, {})

    def _refuse_reading(self, entry: Entry, declaration: ast.Declaration) -> Value:
        keyword = type(declaration).__name__.lower()
        raise error(
            "E301", f"`{entry.name}` is {'an' if keyword[0] in 'aeiou' else 'a'} {keyword} and cannot be read",
            self._active[-1][1], related=(Label(entry.span, "declared here"),),
            remedy="declare the value with `let` and read that",
        )  # fmt: skip

    _Output = _Factor = _Observe = _refuse_reading

    # --- axes and lengths -----------------------------------------------------------------------------------

    def _Axis(self, entry: Entry, declaration: ast.Axis) -> Value:
        """A length that the brackets of a datum introduced."""
        name = entry.qualified
        reference = Reference(name, "length", (), "int", Phase.DATA, NONNEGATIVE)
        return LengthValue(Axis(symbol(name), name), reference)

    def _Index(self, entry: Entry, declaration: ast.Index) -> Value:
        name = entry.qualified
        labels = declaration.labels or None
        if labels:
            for position, label in enumerate(labels):
                if label in labels[:position]:
                    raise error("E202", f"the label `{label}` of `{name}` is written twice", entry.span)
            size = Size(len(labels))
        elif declaration.size is not None:
            size = written_size(self._elaborator, declaration.size, self._scope(entry))
            if size.is_known and size.constant < 1:
                raise error("E403", f"an index has at least one element, but `{name}` has {size.constant}", entry.span)
        else:
            size = symbol(name)
        axis = Axis(size, name)
        self.indices[name] = IndexDeclaration(name, axis, labels, entry.span)
        return IndexValue(name, axis, labels)

    def axes(self, written: tuple[ast.Axis, ...], scope: Scope) -> tuple[list[Axis], list[Loop], Scope]:
        """The axes of a bracketed declaration, the loops of its binders, and the scope inside them."""
        axes, loops = [], []
        for axis in written:
            found = axis_of(self._elaborator, axis.over, scope)
            axes.append(found)
            if axis.binder is not None:
                opened = open_loop(self._elaborator, axis.binder, axis.over, scope)
                assert not isinstance(opened, IntervalValue)
                loop, scope = opened
                loops.append(loop)
        if any(axis.binder is not None for axis in written[len(loops) :]):
            raise error(
                "E305", "axes without a binder come last", written[0].span, remedy="write [i in N, j in M]"
            )
        return axes, loops, scope

    # --- numbers --------------------------------------------------------------------------------------------

    def _Const(self, entry: Entry, declaration: ast.Const) -> Value:
        override = entry.module.overrides.get(declaration.name)
        written = override.setting.value if override else declaration.value
        value = self._elaborator.evaluate(written, Scope(override.module, {}) if override else self._scope(entry))
        if not isinstance(value, Node):
            if isinstance(value, TextValue | IntervalValue | IndexValue):
                return value
            value = as_number(value, written.span, "as a constant")
        if value.phase != Phase.CONST:
            late = next(iter(nodes.references(value).values()))
            raise error(
                "E403",
                f"`{entry.name}` is a constant, but it reads `{late.name}`, which is known only later",
                written.span,
                remedy="set it to a number" if override else f"declare it with `let`: let {entry.name} = …",
            )
        folded = self._elaborator.fold(value)
        if not value.axes:
            number = bool(folded) if value.dtype == "bool" else int(folded) if value.dtype == "int" else float(folded)
            return Constant(number, span=written.span)
        name = entry.qualified
        if value.dtype == "real" and any(number != number for number in folded.ravel()):
            raise error("E409", f"`{name}` has elements that are not numbers", written.span)
        self._elaborator.constants[name] = value
        self.definitions[name] = Definition(name, value, "const", entry.span)
        return Reference(name, "const", value.axes, value.dtype, Phase.CONST, range_of(value))

    def _Let(self, entry: Entry, declaration: ast.Let) -> Value:
        axes, loops, scope = self.axes(declaration.axes, self._scope(entry))
        value = self._elaborator.evaluate(declaration.value, scope)
        if not axes and isinstance(value, FunctionValue | DistributionValue | IntervalValue):
            return value
        node = as_number(value, declaration.value.span, f"as the value of `{entry.name}`")
        for loop in reversed(loops):
            node = nodes.Array(loop, node, span=declaration.value.span)
        if axes:
            self._check_declared_axes(entry, node, axes, declaration.value.span)
        return self.define_value(entry, node, "let")

    def _check_declared_axes(self, entry: Entry, node: Node, axes: list[Axis], span: Span) -> None:
        fits = len(node.axes) == len(axes) and all(
            axes_agree(a, b, span, self._elaborator.check) for a, b in zip(node.axes, axes, strict=True)
        )
        if not fits:
            shape = ", ".join(str(axis) for axis in axes)
            raise error(
                "E302", f"`{entry.name}` is declared over [{shape}], but its value is {describe(node)}", span
            )

    def define_value(self, entry: Entry, node: Node, kind: Any) -> Node:
        """A named derived value; a plain number stays what it is."""
        if isinstance(node, Constant):
            return node
        name = entry.qualified
        self.definitions[name] = Definition(name, node, kind, entry.span)
        if node.phase == Phase.CONST:
            self._elaborator.constants[name] = node
        return Reference(name, "let", node.axes, node.dtype, node.phase, range_of(node), span=entry.span)

    def _Solve(self, entry: Entry, declaration: ast.Solve) -> Value:
        # The phase is that of everything the equation reads; a fixed constant costs nothing to call a parameter's.
        unknown = Reference(entry.qualified, "solve", (), "real", Phase.PARAMETER, REAL, span=entry.span)
        self.solves.declared(entry, declaration, unknown)
        return unknown

    # --- parameters -----------------------------------------------------------------------------------------

    def _Param(self, entry: Entry, declaration: ast.Param) -> Value:
        override = entry.module.overrides.get(declaration.name)
        if override and not override.setting.is_prior:
            node = self._elaborator.number(override.setting.value, Scope(override.module, {}))
            if declaration.axes:
                axes, _, _ = self.axes(declaration.axes, self._scope(entry))
                self._check_declared_axes(entry, node, axes, override.setting.value.span)
            return self.define_value(entry, node, "let")
        axes, loops, scope = self.axes(declaration.axes, self._scope(entry))
        prior = self._prior(declaration, override, scope)
        constraint, prior = self._constrained(declaration, prior)
        if prior.row.rank and not axes:
            axes = [self._event_axis(prior)]
        if constraint == "ordered" and not axes:
            raise error(
                "E304", f"`ordered` is a property of several numbers, and `{declaration.name}` is one", entry.span,
                remedy=f"give it an axis: {declaration.name}[2]: ordered ~ …",
            )  # fmt: skip
        if isinstance(prior, MixtureValue):
            require_fixed_bounds(prior, "a component of a prior")
        support = support_of(self._elaborator, prior)
        support = Range(support.lower, support.upper, True, True)
        name = entry.qualified
        value = Reference(name, "param", tuple(axes), "real", Phase.PARAMETER, support, span=entry.span)
        target: Node = value
        if loops:
            target = nodes.Element(value, tuple(nodes.LoopIndex(loop) for loop in loops))
        log_prior = log_probability(self._elaborator, prior, target, prior.span)
        for loop in reversed(loops):
            log_prior = nodes.Array(loop, log_prior)
        plates = axes[len(loops) : len(axes) - prior.row.rank]
        self.parameters[name] = Parameter(
            name,
            tuple(axes),
            "nuisance" if declaration.is_nuisance else "param",
            draws_of(prior, loops, plates),
            log_prior,
            support,
            constraint,
            entry.span,
            _moving_ends(prior, loops, plates) if constraint is None and not prior.row.rank else None,
        )
        return value

    def _prior(
        self, declaration: ast.Param, override: Override | None, scope: Scope
    ) -> DistributionValue | MixtureValue:
        written = override.setting.value if override else declaration.prior
        value = distribution_of(self._elaborator, written, Scope(override.module, {}) if override else scope)
        if not isinstance(value, DistributionValue | MixtureValue):
            raise error(
                "E306",
                f"a prior is a distribution, but this is {describe(value)}",
                written.span,
                remedy="write a distribution with its arguments after ~: Normal(0, 1)",
            )  # fmt: skip
        if not value.row.has_density:
            raise error("E306", f"a prior has a density, and {value.row.name} is a simulator", written.span)
        if value.is_discrete:
            raise error(
                "E306",
                f"parameters are continuous, and {value.row.name} is a distribution of counts",
                written.span,
                remedy="sum a discrete latent out: Mixture([weights], [components])",
            )
        return value

    def _constrained(
        self, declaration: ast.Param, prior: DistributionValue | MixtureValue
    ) -> tuple[Any, DistributionValue | MixtureValue]:
        """What the type after `:` adds to a prior."""
        constraint = declaration.constraint
        if constraint is None:
            return ("simplex" if prior.row.simplex else None), prior
        if constraint not in CONSTRAINTS:
            near = closest_names(constraint, CONSTRAINTS)
            raise error(
                "E309",
                f"a parameter cannot be `{constraint}`",
                declaration.span,
                remedy=f"did you mean `{near[0]}`?" if near else f"types are {', '.join(CONSTRAINTS)}",
            )
        if constraint == "correlation":
            raise error(
                "E308", "correlation matrices as parameters are not supported in this version", declaration.span
            )
        if isinstance(prior, MixtureValue):
            raise error(
                "E306", f"a mixture cannot be `{constraint}`", prior.span,
                remedy="restrict its components: Mixture([w, 1 - w], [Normal(0, 1) in (0, inf), …])",
            )  # fmt: skip
        if constraint == "positive":
            if prior.bounds is None:
                prior = DistributionValue(
                    prior.row, prior.arguments, prior.span, (Constant(0.0), Constant(float("inf")))
                )
            return None, prior
        if constraint == "ordered" and (prior.row.rank or prior.bounds or any(a.axes for a in prior.arguments)):
            raise error("E306", "`ordered` takes an independent prior of one variable, without bounds", prior.span)
        if constraint == "simplex" and not prior.row.simplex:
            raise error("E306", "a simplex takes a Dirichlet prior", prior.span)
        return constraint, prior

    def _event_axis(self, prior: DistributionValue | MixtureValue) -> Axis:
        assert isinstance(prior, DistributionValue)
        return next(a.axes[-1] for a in prior.arguments if a.axes)

    # --- data -----------------------------------------------------------------------------------------------

    def _Data(self, entry: Entry, declaration: ast.Data) -> Value:
        name = entry.qualified
        folder = entry.module.source.folder
        written = declaration.source
        source: Any
        source, condition = (written.source, written.condition) if isinstance(written, ast.Where) else (written, None)
        column = None
        if isinstance(source, ast.Member) and _called(source.base) == "table":
            source, column = source.base, source.name
        kind = _called(source)
        if kind in ("table", "commondata"):
            assert isinstance(source, ast.Call)
            return self._file(entry, declaration, source, kind, column, condition)
        if condition is not None:
            raise error(
                "E310",
                "`where` filters the rows of a table or a data set",
                condition.span,
                remedy='write it after the source of a datum: data d = table("d.csv") where x > 0.1',
            )
        dtype, labels = self._data_type(entry, declaration)
        axes, _, _ = self.axes(declaration.axes, self._scope(entry))
        value = None
        if source is not None:
            value = self._elaborator.number(source, self._scope(entry), "as data")
            if value.phase != Phase.CONST:
                raise error(
                    "E403", "data has a constant or a file as its source", source.span,
                    remedy=f'a column is a datum of its own: data {declaration.name} = table("…").{source.name}'
                    if isinstance(source, ast.Member)
                    else "write it as a derived value: let … = …, or give the datum from the command line",
                )  # fmt: skip
            # Lengths that data binds are those of whatever replaces the value.
            if axes and (len(axes) != len(value.axes) or all(axis.size.is_known for axis in axes)):
                self._check_declared_axes(entry, value, axes, source.span)
            axes = axes or list(value.axes)
            if value.dtype == "int" and declaration.type_name is None and not axes and entry.name in self._counted:
                dtype = "int"
        origin = Source("value", source.span, value=value) if source is not None and value is not None else None
        self.data[name] = Datum(name, tuple(axes), dtype, entry.span, origin, folder, labels_of=labels)
        return data_reference(name, tuple(axes), dtype, _sign(value))

    @cached_property
    def _counted(self) -> set[str]:
        """Names that are read where a whole number is due; another number may replace any other."""
        return set().union(*(counted_names(module.tree) for module in self._elaborator.modules.instances))

    def _data_type(self, entry: Entry, declaration: ast.Data) -> tuple[Any, str | None]:
        type_name = declaration.type_name
        if type_name in (None, "real", "int"):
            return type_name or "real", None
        found = entry.module.find(type_name)
        if isinstance(found, Entry):
            value = self.declared(found, declaration.span)
            if isinstance(value, IndexValue | LengthValue):
                return "int", found.qualified
        indices = [n for n, e in entry.module.entries.items() if isinstance(e.declaration, ast.Index)]
        near = closest_names(type_name, [*indices, "int", "real"])
        raise error(
            "E309",
            f"data cannot be of type `{type_name}`",
            declaration.span,
            remedy=f"did you mean `{near[0]}`?" if near else "types are int, real, or an index whose labels it holds",
        )

    def _file(
        self, entry: Entry, declaration: ast.Data, call: ast.Call, kind: Any, column: str | None,
        condition: ast.Expression | None,
    ) -> Value:  # fmt: skip
        name, folder = entry.qualified, entry.module.source.folder
        paths, variant, weights = self._file_arguments(entry, call, kind)
        if declaration.axes:
            axes, _, _ = self.axes(declaration.axes, self._scope(entry))
            if len(axes) > 1:
                return self._array_file(entry, declaration, Source(kind, call.span, paths, column), axes, condition)
            axis = axes[0]
        else:
            axis = Axis(symbol(name), name)
        if kind == "table":
            available = self._columns.of_table(paths[0], name, call.span, folder)
        else:
            available = self._columns.of_commondata(paths, name, call.span, folder)
        columns = self.tables[name] = TableColumns(name, axis, available, paths[0], sets=paths)
        filter_node = self._row_filter(entry, columns, condition)
        source = Source(kind, call.span, paths, column, variant, None, filter_node, weights)
        if column is not None:
            columns.column(column, call.span)
            dtype, labels = self._data_type(entry, declaration)
            self.data[name] = Datum(name, (axis,), dtype, entry.span, source, folder, "array", labels, columns.read)
            return data_reference(name, (axis,), dtype)
        shape = "table" if kind == "table" else "commondata"
        self.data[name] = Datum(
            name, (axis,), "real", entry.span, source, folder, shape, None, columns.read, columns.labels,  # type: ignore[arg-type]
            columns.parts,
        )  # fmt: skip
        if kind == "table":
            return TableValue(name, axis, columns.column)
        return dataset_value(columns)

    def _array_file(
        self, entry: Entry, declaration: ast.Data, source: Source, axes: list[Axis], condition: ast.Expression | None
    ) -> Value:
        """An array of several axes, such as a covariance: a file holds one, or one by name among others."""
        if condition is not None:
            raise error("E310", "`where` filters rows, and this has several axes", condition.span)
        if source.kind != "table":
            raise error(
                "E305", "a data set has one axis, its rows", declaration.axes[1].over.span,
                remedy=f"write data {declaration.name} = commondata(…)",
            )  # fmt: skip
        dtype, labels = self._data_type(entry, declaration)
        name = entry.qualified
        if source.column is not None:
            available = self._columns.of_table(source.paths[0], name, source.span, entry.module.source.folder)
            TableColumns(name, axes[0], available, source.paths[0]).column(source.column, source.span)
        self.data[name] = Datum(
            name, tuple(axes), dtype, entry.span, source, entry.module.source.folder, labels_of=labels
        )  # fmt: skip
        return data_reference(name, tuple(axes), dtype)

    def _file_arguments(
        self, entry: Entry, call: ast.Call, kind: str
    ) -> tuple[tuple[str, ...], str | None, tuple[float, ...]]:
        """The names of files or data sets, the variant, the weights."""
        paths: list[str] = []
        variant = None
        weights: tuple[float, ...] = ()
        names = ("variant", "weights") if kind == "commondata" else ()
        for argument in call.arguments:
            if argument.name is not None and argument.name not in names:
                near = closest_names(argument.name, names)
                raise error(
                    "E303", f"{kind} has no argument `{argument.name}`", argument.span,
                    remedy=f"did you mean `{near[0]}`?" if near else "",
                )  # fmt: skip
            if argument.name == "weights":
                count = sum(other.name is None for other in call.arguments)
                weights = set_weights(self._elaborator, argument.value, self._scope(entry), count)
                continue
            value = self._elaborator.evaluate(argument.value, self._scope(entry))
            if not isinstance(value, TextValue):
                raise error("E301", f"{kind} takes names in quotes", argument.span, label=describe(value))
            if argument.name is None:
                paths.append(value.text)
            else:
                variant = value.text
        if not paths or (kind == "table" and len(paths) > 1):
            raise error("E303", f"{kind} takes {'one file' if kind == 'table' else 'names of data sets'}", call.span)
        return tuple(paths), variant, weights

    def _row_filter(self, entry: Entry, columns: TableColumns, condition: ast.Expression | None) -> Node | None:
        """The condition of `where`, in which the columns are in scope by their own names."""
        if condition is None:
            return None
        scope = self._scope(entry)
        # Rows are counted before the filter there, so that axis is not the datum's own.
        unfiltered = TableColumns(columns.name, Axis(symbol(f"{columns.name} before where")), columns.available)
        for name in columns.available if columns.available is not None else names_in(condition):
            known = scope.module.find(name)
            if known is None or columns.available is not None:
                scope = scope.bind(name, unfiltered.column(name, condition.span))
        node = self._elaborator.number(condition, scope, "as a condition")
        if node.dtype != "bool":
            raise error("E311", f"`where` asks for a condition, but this is {describe(node)}", condition.span,
                        remedy="compare a column with something: Q2 > 3.5")  # fmt: skip
        return node

    def part(self, datum: str, sets: tuple[str, ...], span: Span) -> TableColumns:
        """The columns of some of the data sets of a datum."""
        label = part_name(datum, sets)
        available = self._columns.of_commondata(sets, datum, span, self.data[datum].folder)
        read = self.tables[datum].parts.setdefault(sets, {})
        return TableColumns(label, Axis(symbol(label), label), available, label, read, sets=sets)

    def evolution(self, source: EvolutionSource) -> str:
        """The name of an operator; equal ones have one."""
        return self.evolutions.setdefault(source, f"evolution{len(self.evolutions) + 1}")

    def lhapdf_set(self, source: LhapdfSource) -> str:
        """The name by which the numbers of a set are known; equal sources have one."""
        return self.lhapdf_sets.setdefault(source, f"lhapdf{len(self.lhapdf_sets) + 1}")

    def flavours_of_member(
        self, path: str, member: int, scale: float, span: Span, folder: Any
    ) -> tuple[str, ...] | None:
        """The partons that a member of an LHAPDF set has at a scale, None where that cannot be told yet."""
        return self._columns.flavours_of_member(path, member, scale, span, folder)

    def flavours_of_operators(self, path: str, scale: float, span: Span, folder: Any) -> int | None:
        """How many flavours there are after operators of a file, None where that cannot be told yet."""
        return self._columns.flavours_of_operators(path, scale, span, folder)

    def hadrons(self, path: str, span: Span, folder: Any) -> int | None:
        """For how many hadrons an FK table is, None where that cannot be told yet."""
        return self._columns.hadrons_of(path, span, folder)

    def fk_table(self, source: FKSource, sets: tuple[str, ...] | None) -> str:
        """The name under which the numbers of FK tables are bound, which predict these data sets."""
        if source not in self.fk_tables:
            self._columns.check_fktable(source, sets)
        return self.fk_tables.setdefault(source, f"fk{len(self.fk_tables) + 1}")

    # --- functions ------------------------------------------------------------------------------------------

    def _function(
        self, entry: Entry, declaration: Any, variables: tuple[ast.Variable, ...], body: ast.Expression,
        role: str, default: IntervalValue | None, scope: Scope,
    ) -> FunctionValue:  # fmt: skip
        elaborator = self._elaborator
        parameters = []
        for position, variable in enumerate(variables):
            if any(variable.name == other.name for other in variables[:position]):
                raise error("E202", f"`{declaration.name}` has two arguments `{variable.name}`", variable.span)
            parameters.append(FunctionVariable(variable.name, self._domain(variable, scope) or default))

        def apply(arguments: tuple[Value, ...], depth: int, span: Span) -> Value:
            inner = scope.at_depth(max(depth, scope.depth))
            for parameter, argument in zip(parameters, arguments, strict=True):
                inner = inner.bind(parameter.name, argument)
            with elaborator.applying(declaration, span):
                value = elaborator.evaluate(body, inner)
                if role != "func" and isinstance(value, FunctionValue):
                    self._forgotten_argument(body, inner, declaration.name)
            return value.called(declaration.name) if isinstance(value, Node) and value.phase > 0 else value

        return elaborator.shared(FunctionValue(entry.qualified, tuple(parameters), apply, role))

    def _forgotten_argument(self, body: ast.Expression, scope: Scope, name: str) -> None:
        """Raise what is wrong with a body that is a function, where the function stands: 4*u for 4*u(x)."""
        pending = [body]
        while pending:
            part = pending.pop()
            if isinstance(self._elaborator.evaluate(part, scope), FunctionValue):
                body = part
                pending = [getattr(part, side) for side in ("operand", "right", "left") if hasattr(part, side)]
        as_number(self._elaborator.evaluate(body, scope), body.span, f"as a value of `{name}`")

    def _domain(self, variable: ast.Variable, scope: Scope) -> Any:
        if variable.domain is None:
            return None
        value = self._elaborator.evaluate(variable.domain, scope)
        if isinstance(value, IntervalValue | IndexValue):
            return value
        raise error(
            "E301",
            f"the domain of `{variable.name}` is an interval or an index, but this is {describe(value)}",
            variable.domain.span,
            remedy=f"write {variable.name} in (0, 1)",
        )

    def _Func(self, entry: Entry, declaration: ast.Func) -> Value:
        return self._function(
            entry, declaration, declaration.variables, declaration.body, "func", None, self._scope(entry)
        )

    def _Pdf(self, entry: Entry, declaration: ast.Pdf) -> Value:
        unit = IntervalValue(Constant(0.0), Constant(1.0))
        for variable in declaration.variables:
            if variable.domain is None and variable.name[0] not in _MOMENTUM_FRACTIONS:
                self._elaborator.reports.add(no_momentum_fraction(declaration.name, variable))

        def build(scope: Scope) -> FunctionValue:
            return self._function(entry, declaration, declaration.variables, declaration.body, "pdf", unit, scope)

        return self._family(entry, declaration.axes, build)

    def _family(
        self, entry: Entry, axes: tuple[ast.Axis, ...], build: Callable[[Scope], FunctionValue | OperatorValue]
    ) -> FunctionValue | OperatorValue | FamilyValue:
        """A function, or one for each element of an index."""
        scope = self._scope(entry)
        if not axes:
            return build(scope)
        axis = axes[0]
        index = self._elaborator.evaluate(axis.over, scope)
        if len(axes) > 1 or axis.binder is None or not isinstance(index, IndexValue):
            raise error(
                "E305",
                "a family of functions runs over one index",
                axis.span,
                remedy="write pdf q[f in flavour](x) = …",
            )
        binder = axis.binder
        return FamilyValue(entry.qualified, index, cache(lambda position: build(scope.bind(binder, position))))

    def _Theory(self, entry: Entry, declaration: ast.Theory) -> Value:
        variables = declaration.variables
        if variables is None:
            return self._elaborator.evaluate(declaration.body, self._scope(entry))

        def build(scope: Scope) -> FunctionValue:
            function = self._function(entry, declaration, variables, declaration.body, "theory", None, scope)
            if all(variable.domain is not None for variable in function.variables):
                return function
            found = probe_domain(self._elaborator, function, entry.span)
            merged = tuple(
                FunctionVariable(v.name, v.domain if v.domain is not None else domain)
                for v, domain in zip(function.variables, found, strict=True)
            )
            return replace(function, variables=merged)

        return self._family(entry, declaration.axes, build)

    def _Pdfset(self, entry: Entry, declaration: ast.Pdfset) -> Value:
        scope = self._scope(entry)
        scale = None
        if declaration.scale is not None:
            node = self._elaborator.number(declaration.scale, scope, "as a scale in GeV")
            if node.phase != Phase.CONST or node.axes:
                raise error("E403", "the scale of a pdfset is a constant in GeV", declaration.scale.span)
            scale = float(self._elaborator.fold(node))
            if not 0 < scale < inf:
                said = f"the scale of a pdfset is positive, in GeV, but this is {scale:g}"
                raise error("E401", said, declaration.scale.span)
        if declaration.variable is None:
            value = self._elaborator.evaluate(declaration.value, scope) if declaration.value else None
            if isinstance(value, LhapdfValue):
                if scale is None:
                    remedy = f'say at which: pdfset {entry.name} = lhapdf("{value.name}") at Q = 1.65, in GeV'
                    raise error("E303", "an LHAPDF set has densities at all scales", declaration.span, remedy=remedy)
                return value.at(scale)
            if isinstance(value, PdfsetsValue) and scale is None:
                return value
            if not isinstance(value, PdfsetValue):
                raise error("E301", "a pdfset is declared by its flavours, or by another pdfset", declaration.span)
            if scale is not None and scale != value.scale:
                there = "at no known scale" if value.scale is None else f"at {value.scale:g} GeV"
                remedy = f"evolve it: … |> evolve(Q = {scale:g})"
                raise error("E301", f"this pdfset is {there}, not at {scale:g} GeV", declaration.span, remedy=remedy)
            return value
        unit = IntervalValue(Constant(0.0), Constant(1.0))
        check_entries(declaration.entries)
        written = {
            setting.name: self._function(entry, setting, (declaration.variable,), setting.value, "pdf", unit, scope)
            for setting in declaration.entries
        }
        flavours = {flavour: self._elaborator.shared(function) for flavour, function in partons_of(written).items()}
        name = entry.qualified
        self._check_numbers(entry, written)
        spans = {setting.name: setting.span for setting in declaration.entries}
        densities = {
            flavour: Definition(
                flavour, self._at_fraction(function, entry.span), "let", spans.get(flavour, entry.span)
            )
            for flavour, function in flavours.items()
        }
        if flavours:
            # ∫ of the sum of all momentum densities, which is 1 for a whole hadron.
            total = build.weighted_sum((1.0, density.node) for density in densities.values())
            node = nodes.Integral(MOMENTUM_FRACTION.loop, unit.lower, unit.upper, total, span=entry.span)
            self.momentum_sums[name] = Definition(name, node, "let", entry.span)
        domain = domain_of(flavours, self._elaborator.fold)
        self.pdfsets[name] = PdfsetDeclaration(name, scale, tuple(flavours), entry.span, densities, domain)
        return PdfsetValue(name, flavours, scale)

    def _at_fraction(self, function: FunctionValue, span: Span) -> Node:
        return as_number(function.apply((MOMENTUM_FRACTION,), 1, span), span)

    def _check_numbers(self, entry: Entry, densities: Mapping[str, FunctionValue]) -> None:
        for name, function in densities.items():
            value = self._at_fraction(function, entry.span)
            if value.axes:
                raise error("E304", f"the density of `{name}` is a number, but this is {describe(value)}", entry.span)

    def _Detector(self, entry: Entry, declaration: ast.Detector) -> Value:
        def build(scope: Scope) -> OperatorValue:
            return detector_operator(self._elaborator, entry.qualified, declaration, scope, self._domain)

        return self._family(entry, declaration.axes, build)


def _sign(value: Node | None) -> Range:
    """What a datum's own value says about those that may replace it: a positive number stays positive."""
    if value is None:
        return REAL
    found = range_of(value)
    return next((sign for sign in (POSITIVE, NONNEGATIVE) if found.within(sign)), REAL)


def _called(expression: ast.Expression | None) -> str | None:
    if isinstance(expression, ast.Call) and isinstance(expression.function, ast.Name):
        return expression.function.name
    return None


def _moving_ends(
    prior: DistributionValue | MixtureValue, loops: list[Loop], plates: list[Axis]
) -> tuple[Node, Node] | None:
    """The ends of a support that follow anything, or differ between entries; None where they are two numbers."""
    if isinstance(prior, MixtureValue):
        return None
    ends = ends_of(prior)
    return None if all(is_fixed(end) for end in ends) else over_plates(ends, loops, plates)
