"""Data meets a program: every length becomes known, every number is checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pdflang.components.arrays import SYSTEMATIC_ERRORS, SYSTEMATICS
from pdflang.data import checks
from pdflang.data.bound_evolutions import bound_evolution
from pdflang.data.bound_tables import bound_tables, lengths_of
from pdflang.data.columns import commondata_folders
from pdflang.data.commondata import OPERATIONS, CommonData, read_commondata
from pdflang.data.context import DataContext, counted, data_error
from pdflang.data.lhapdf_files import densities_of_member
from pdflang.data.overrides import value_of
from pdflang.data.paths import resolve
from pdflang.data.tables import Table, read_array, read_table
from pdflang.diagnostics import Label, PdflangError, Reports, closest_names
from pdflang.ir import nodes
from pdflang.ir.evaluate import Evaluator
from pdflang.ir.program import (
    EARLIER,
    BoundProgram,
    Check,
    Datum,
    Program,
    Rows,
    expressions,
    part_name,
)
from pdflang.ir.ranges import Range
from pdflang.ir.sizes import Axis
from pdflang.semantics.lints import everything_read

if TYPE_CHECKING:
    import numpy as np


def bind(
    program: Program, given: Mapping[str, Any], sizes: Mapping[str, int] | None = None
) -> BoundProgram:
    """The program with its data: what is `given` by name, the declared sources for the rest.

    Values are arrays, numbers, nested lists, or mappings of columns for a table. With `sizes` the program is to
    be simulated: observed data need not be there, and `sizes` gives the lengths that nothing else tells. Raises
    PdflangError with everything that is wrong with the data.
    """
    _check_sizes(program, sizes or {})
    binder = _Binder(program, given, sizes)
    reports = Reports()
    for datum in program.data.values():
        with reports.collecting():
            binder.bind(datum)
    reports.raise_errors()
    binder.compare_sizes()
    binder.settle_indices()
    binder.fill_absent()
    binder.bind_tables()
    # Lengths first: values are computed where no position lies outside its axis.
    for of_values in (False, True):
        for check in program.checks:
            if (check.node is not None) is of_values:
                with reports.collecting():
                    binder.verify(check)
        reports.raise_errors()
    binder.bind_lhapdf()
    binder.bind_evolutions()
    binder.verify_lengths()
    return BoundProgram(
        program, binder.lengths, binder.arrays, binder.notes(), binder.rows, binder.unfitted, binder.data_sets(),
        binder.weights(), binder.labels,
    )  # fmt: skip


def _check_sizes(program: Program, sizes: Mapping[str, int]) -> None:
    """That every size is that of an axis, or of the events of an Iid observation. Error: E610."""
    known = {o.name for o in program.observations.values() if o.process and o.process.normalised}
    axes = [axis for datum in program.data.values() for axis in datum.axes]
    known |= {symbol for axis in axes for symbol, _ in axis.size.symbols}
    for name in sizes:
        if name not in known:
            near = closest_names(name, known)
            names = f"sizes are those of {', '.join(sorted(known))}" if known else "all sizes follow from the model"
            raise data_error(
                "E610",
                f"nothing in the model has a size called `{name}`",
                DataContext(name),
                remedy=f"did you mean `{near[0]}`?" if near else names,
            )


class _Binder:
    def __init__(self, program: Program, given: Mapping[str, Any], sizes: Mapping[str, int] | None) -> None:
        self._program = program
        self._simulates = sizes is not None
        self._made = {*program.observations, *_weights(program)}
        self._absent: list[Datum] = []
        self._given = _by_name(given, program)
        self._fixed_by: dict[str, DataContext] = {}
        self._contexts: dict[str, DataContext] = {}
        self._sets: dict[str, CommonData] = {}
        self._parts: dict[str, CommonData] = {}
        self.lengths: dict[str, int] = dict(sizes or {})
        self.arrays: dict[str, Any] = {}
        self.rows: dict[str, Rows] = {}
        self.labels: dict[str, tuple[str, ...]] = {}

    @property
    def unfitted(self) -> bool:
        """Whether nothing was given for the parameters of an earlier fit."""
        return bool(self._program.earlier) and self._program.earlier.keys().isdisjoint(self._given)

    def data_sets(self) -> dict[str, dict[str, Any]]:
        """Where the entries of each measured data set stand, by datum; without those of which cuts leave nothing."""
        return {
            name: {one: rows for one in found.set_names if len(rows := found.rows_of(one))}
            for name, found in self._sets.items()
        }

    def weights(self) -> dict[str, dict[str, float]]:
        """The weights of measured data sets, by datum, where they have any."""
        sets = self.data_sets()
        return {
            name: {one: weight for one, weight in found.weight_of.items() if one in sets[name]}
            for name, found in self._sets.items() if found.weights
        }  # fmt: skip

    # --- one datum ------------------------------------------------------------------------------------------

    def bind(self, datum: Datum) -> None:
        """Read a datum, check it, and learn lengths from it."""
        context = DataContext(datum.name, datum.span, datum.folder)
        if datum.name in self._given:
            self._bind_given(datum, context.of("the data given"))
        elif self._is_made(datum):
            self._absent.append(datum)
        elif datum.name in self._program.earlier:
            raise _not_in_fit(self._program.earlier[datum.name], context)
        elif datum.source is None:
            raise data_error(
                "E518",
                f"no data is given for `{datum.name}`",
                context,
                remedy=f"give it: --data {datum.name}=FILE, or in Python data={{{datum.name!r}: …}}",
            )
        elif datum.source.kind == "value":
            assert datum.source.value is not None
            self._bind_array(
                datum, Evaluator({}, {}, self._program.definition_nodes)(datum.source.value), context
            )
        elif datum.source.kind == "table":
            self._bind_table(datum, context)
        else:
            self._bind_commondata(datum, context)

    def _is_made(self, datum: Datum) -> bool:
        """Whether the numbers are to come from elsewhere than data: from a simulation, or from a fit."""
        if datum.name in self._program.earlier:
            return self.unfitted
        return self._simulates and datum.name in self._made and self._is_absent(datum)

    def _is_absent(self, datum: Datum) -> bool:
        """Whether a datum has no numbers of its own, so that the simulator must do without."""
        if datum.source is None:
            return True
        if datum.source.kind != "table":
            return False
        try:
            resolve(datum.source.paths[0], DataContext(datum.name, datum.source.span, datum.folder))
        except PdflangError:
            return True
        return False

    def fill_absent(self) -> None:
        """Room for observed data that the simulator will make: empty lists of events, zeros of known lengths."""
        for datum in self._absent:
            self._learn_event_count(datum)
        for datum in self._absent:
            self._fill(datum)

    def _learn_event_count(self, datum: Datum) -> None:
        """How many events there are is for the simulator to say, unless the model asks for a number of them."""
        observation = self._program.observations.get(datum.name)
        if observation is None or observation.process is None:
            return
        symbols = _symbols(datum)
        counts = [self.lengths[name] for name in (datum.name, *symbols) if name in self.lengths]
        if observation.process.normalised and not counts:
            raise data_error(
                "E518",
                f"how many events `{datum.name}` has is not known",
                DataContext(datum.name, datum.span),
                remedy=f"say how many there are: --size {datum.name}=100",
            )
        self.lengths.update(dict.fromkeys(symbols, counts[0] if counts else 0))

    def _fill(self, datum: Datum) -> None:
        import numpy as np

        unknown = [name for name in _symbols(datum) if name not in self.lengths]
        if unknown:
            raise data_error(
                "E518",
                f"the length `{unknown[0]}` of `{datum.name}` is not known",
                DataContext(datum.name, datum.span),
                remedy=f"say how many there are: --size {unknown[0]}=100",
            )
        shape = [axis.size.bind(self.lengths) for axis in datum.axes]
        if datum.shape != "table":
            self.arrays[datum.name] = np.zeros(shape)
        for name in datum.columns:
            self.arrays[f"{datum.name}.{name}"] = np.zeros(shape, int if name in datum.column_labels else float)

    def _bind_given(self, datum: Datum, context: DataContext) -> None:
        value = self._given[datum.name]
        if isinstance(value, Mapping):
            value = value_of(dict(value), datum.name, context)
        if datum.shape == "commondata":
            self._bind_commondata(datum, context)
            self._replace_central(datum, value, context)
            return
        if datum.shape == "table":
            self._bind_columns(datum, self._as_table(datum, value, context), context)
            return
        if isinstance(value, Table):
            column = datum.source.column if datum.source and datum.source.column else datum.name
            value = self._only_column(value, column, context)
        self._bind_array(datum, value, context)

    def _as_table(self, datum: Datum, value: Any, context: DataContext) -> Table:
        if isinstance(value, Table):
            return value
        if len(datum.columns) == 1:
            (name,) = datum.columns
            return Table({name: _array(value, context)}, "the data given")
        raise data_error(
            "E519", f"`{datum.name}` is a table, and one array is given for it", context,
            remedy=f"give its columns by name: {', '.join(datum.columns)}",
        )  # fmt: skip

    def _only_column(self, table: Table, column: str, context: DataContext) -> Any:
        if column in table.columns:
            return table.columns[column]
        if len(table.columns) == 1:
            return next(iter(table.columns.values()))
        raise data_error(
            "E517", f"{table.source} has no column `{column}`", context,
            remedy=f"its columns are {', '.join(table.columns)}",
        )  # fmt: skip

    def _bind_table(self, datum: Datum, context: DataContext) -> None:
        source = datum.source
        assert source is not None
        path = resolve(source.paths[0], DataContext(datum.name, source.span, datum.folder))
        if len(datum.axes) > 1:
            self._bind_array(datum, read_array(path, context, source.column), context.of(path.name))
            return
        table = read_table(path, context, source.column if source.condition is None else None)
        context = context.of(path.name)
        if source.condition is not None:
            mask = self._mask(datum, dict(table.columns), table.rows, context)
            self.rows[datum.name] = Rows(path.name, mask.nonzero()[0])
            table, context = table.select(mask), replace(context, rows=self.rows[datum.name].positions)
        if not self._holds_events(datum):
            checks.check_not_empty(table.rows, context)
        if datum.shape == "table":
            self._bind_columns(datum, table, context)
            return
        assert source.column is not None
        values = self._column(table, source.column, context)
        self._bind_array(datum, values, context.of(f"column `{source.column}` of {path.name}"))

    def _holds_events(self, datum: Datum) -> bool:
        """Whether a datum is a list of events, of which there may be none."""
        observation = self._program.observations.get(datum.name)
        return observation is not None and observation.process is not None

    def _bind_columns(self, datum: Datum, table: Table, context: DataContext) -> None:
        self._learn(datum.axes[0], table.rows, context)
        for name in datum.columns:
            values = self._column(table, name, context)
            place = context.of(f"column `{name}`" + (f" of {context.source}" if context.source else ""))
            if name in datum.column_labels:
                values = self._positions(datum.column_labels[name], values, place)
            else:
                checks.check_finite(values, place)
            self.arrays[f"{datum.name}.{name}"] = values
            self._contexts[f"{datum.name}.{name}"] = place

    def _column(self, table: Table, name: str, context: DataContext) -> Any:
        if name not in table.columns:
            near = closest_names(name, table.columns)
            raise data_error(
                "E517",
                f"{table.source or 'the table'} has no column `{name}`",
                context,
                remedy=f"did you mean `{near[0]}`?"
                if near
                else f"its columns are {', '.join(table.columns)}",
            )
        return table.columns[name]

    def _mask(self, datum: Datum, columns: Mapping[str, Any], rows: int, context: DataContext) -> np.ndarray:
        import numpy as np

        assert datum.source is not None and datum.source.condition is not None
        values = {f"{datum.name}.{name}": column for name, column in columns.items()}
        evaluate = Evaluator({**self.arrays, **values}, self.lengths, self._program.definition_nodes)
        mask = np.broadcast_to(np.asarray(evaluate(datum.source.condition), dtype=bool), (rows,))
        checks.check_not_empty(int(mask.sum()), context, selected_from=rows)
        return mask

    def _bind_commondata(self, datum: Datum, context: DataContext) -> None:
        source = datum.source
        assert source is not None
        place = DataContext(datum.name, source.span, datum.folder)
        found = read_commondata(source.paths, source.variant, commondata_folders(datum.folder), place)
        found = found.weighted(source.weights)
        if source.condition is not None:
            found = found.select(self._mask(datum, found.kinematics, found.rows, context))
        self._sets[datum.name] = found
        if datum.name in self._rescaled_sets():
            found.check_scale()
        if datum.name in self._with_errors():
            found.check_uncorrelated()
        self._learn(datum.axes[0], found.rows, context)
        self.labels[f"{datum.name}.sources"] = found.correlated_names
        parts = {"central": found.central, **found.kinematics, **found.systematics()}
        for name in ("correlated", "uncorrelated"):
            self.lengths[f"{datum.name}.{name}"] = parts[f"{name}_absolute"].shape[1]
        for name, values in parts.items():
            self.arrays[f"{datum.name}.{name}"] = values
        for sets, columns in datum.parts.items():
            self._bind_part(part_name(datum.name, sets), found, sets, columns)

    def _bind_part(self, name: str, data: CommonData, sets: tuple[str, ...], columns: Iterable[str]) -> None:
        """Some of the data sets of a datum: where their rows stand, and columns of their own."""
        part = self._parts[name] = data.part(sets)
        self.lengths[name] = part.rows
        self.arrays[f"{name}.rows"] = data.positions_of(sets)
        for column in columns:
            self.arrays[f"{name}.{column}"] = part.kinematics[column]

    def _replace_central(self, datum: Datum, value: Any, context: DataContext) -> None:
        """Pseudodata: other central values for the points of a measured data set, whose errors stay."""
        if isinstance(value, Table):
            raise data_error("E519", f"`{datum.name}` takes its central values as one array", context)
        found = self.arrays[f"{datum.name}.central"]
        values = self._typed(datum, _array(value, context), context)
        if values.shape != found.shape:
            raise data_error(
                "E506",
                f"`{datum.name}` has {len(found)} points, but the values given have shape {values.shape}",
                context,
                remedy="give a central value for each point that the cuts leave",
            )
        self.arrays[f"{datum.name}.central"] = values

    def _systematics(self) -> Iterator[tuple[str, nodes.Whole]]:
        """The data sets whose covariance, shifts or errors are read, each with what is read."""
        for node in nodes.walk(*expressions(self._program)):
            if isinstance(node, nodes.Whole) and node.function in SYSTEMATICS.values():
                yield next(iter(nodes.references(node.arguments[1]))).rpartition(".")[0], node

    def _rescaled_sets(self) -> set[str]:
        """Those of which something refers to other numbers than the measured values."""
        return {
            name for name, node in self._systematics()
            if getattr(node.arguments[0], "name", "") != f"{name}.central"
        }  # fmt: skip

    def _with_errors(self) -> set[str]:
        """Those whose uncorrelated errors are read by themselves."""
        return {name for name, node in self._systematics() if node.function is SYSTEMATIC_ERRORS}

    def _biased(self) -> Iterator[str]:
        """What is to be said of multiplicative errors that are relative to the measured values.

        A fit then prefers predictions that are too small, whose errors are: D'Agostini, Nucl. Instrum. Meth. A 346
        (1994) 306.
        """
        for name in dict(self._systematics()).keys() - self._rescaled_sets():
            if any(source.treatment == "MULT" for source in self._sets[name].sources):
                yield (
                    f"errors of `{name}` are multiplicative, and its covariance is the experimental one, with which "
                    f"fits are biased; relative to a fixed prediction they are not: {name}.covariance(t0 = earlier(…))"
                )

    # --- arrays and their lengths ---------------------------------------------------------------------------

    def _bind_array(self, datum: Datum, value: Any, context: DataContext) -> None:
        array = self._typed(datum, _array(value, context), context)
        if array.ndim != len(datum.axes):
            shape = ", ".join(str(axis) for axis in datum.axes)
            place = f" in {context.source}" if context.source else ""
            raise data_error(
                "E506",
                f"`{datum.name}` has {counted(array.ndim, 'axis', 'axes')}{place}, "
                f"but it is declared {f'over [{shape}]' if shape else 'as a single number'}",
                context,
                remedy="" if shape else f"declare its axis: data {datum.name}[N]",
            )
        for axis, length in zip(datum.axes, array.shape, strict=True):
            self._learn(axis, length, context)
        self.arrays[datum.name] = array
        self._contexts[datum.name] = context
        if not datum.axes and datum.dtype == "int":
            self._state(datum.name, int(array), context)

    def _typed(self, datum: Datum, array: np.ndarray, context: DataContext) -> np.ndarray:
        import numpy as np

        if datum.labels_of in self._program.indices:
            return self._positions(datum.labels_of, array, context)
        if datum.dtype == "int":
            return checks.check_integers(array, context)
        checks.check_finite(array, context)
        return array.astype(np.float64)

    def _positions(self, name: str, array: np.ndarray, context: DataContext) -> np.ndarray:
        """Labels or positions of an index as positions, in range."""
        index = self._program.indices[name]
        if index.labels and array.dtype.kind == "U":
            return checks.label_positions(array, index.labels, context, index.name)
        length = index.axis.size.constant if index.axis.size.is_known else 2**62
        return checks.check_positions(array, length, context, index.name)

    def _learn(self, axis: Axis, length: int, context: DataContext) -> None:
        """Compare a length with what is known of its axis, or learn it."""
        size = axis.size
        if size.is_known:
            checks.check_size(length, size.constant, context, str(axis) if axis.name else "")
            return
        open_symbols = [(name, count) for name, count in size.symbols if name not in self.lengths]
        if not open_symbols:
            names = [name for name, _ in size.symbols]
            checks.check_size(
                length, size.bind(self.lengths), context, str(axis), self._fixed_by.get(names[0])
            )
            return
        if len(open_symbols) == 1 and open_symbols[0][1] == 1:
            name = open_symbols[0][0]
            self.lengths[name] = length - (size - self._open(name)).bind(self.lengths)
            self._fixed_by[name] = context

    def _state(self, name: str, length: int, context: DataContext) -> None:
        """A length that is given as a number: compare it with what data determined, or learn it."""
        known = self.lengths.setdefault(name, length)
        other = self._fixed_by.setdefault(name, context)
        if known == length:
            return
        raise data_error(
            "E506",
            f"`{name}` is given as {length}, but `{other.name}` makes it {known}",
            other,
            label=f"{known} here",
            remedy=f"leave `{name}` out: data tell their lengths, or give data of that length",
        )

    def compare_sizes(self) -> None:
        """Lengths among what is given (`N` beside `y[N]`), which say what the data already say, or should."""
        import numpy as np

        indices = {name: index.axis.size for name, index in self._program.indices.items()}
        self.lengths.update({name: size.constant for name, size in indices.items() if size.is_known})
        symbols = {name for axis in self._axes() for name, _ in axis.size.symbols}
        for name in self._given.keys() & (self.lengths.keys() | symbols) - self._program.data.keys():
            context = DataContext(name, source="the data given")
            array = np.asarray(self._given[name])
            if array.ndim or array.dtype.kind not in "iuf" or array != round(float(array)) or array < 0:
                raise data_error("E508", f"`{name}` is a length, so what is given for it is a whole number", context)
            self._state(name, int(array), context)

    def settle_indices(self) -> None:
        """Positions on an index that data binds: within its length, or the greatest of them tells it."""
        for datum in self._program.data.values():
            index = self._program.indices.get(datum.labels_of or "")
            if index is None or index.axis.size.is_known or datum.name not in self.arrays:
                continue
            context = self._contexts[datum.name]
            positions = self.arrays[datum.name]
            length = self.lengths.setdefault(index.name, int(positions.max(initial=-1)) + 1)
            checks.check_positions(positions, length, context, index.name)

    def verify_lengths(self) -> None:
        """Every axis of the model has a length, and none is negative."""
        for axis in self._axes():
            unknown = [name for name, _ in axis.size.symbols if name not in self.lengths]
            name = unknown[0] if unknown else str(axis)
            index = self._program.indices.get(name)
            context = DataContext(name, index.span if index else None)
            if unknown:
                raise data_error(
                    "E518",
                    f"no data tells the length of `{name}`",
                    context,
                    remedy=f"give it: --data {name}=8, or in Python data={{{name!r}: 8}}",
                )
            length = axis.size.bind(self.lengths)
            if length < 0:
                raise data_error("E506", f"the data make an axis of length `{name}` = {length}", context)

    def _axes(self) -> Iterator[Axis]:
        """The axes of parameters, of data that are still to be made, and of all expressions."""
        for datum in self._absent:
            yield from datum.axes
        for parameter in self._program.parameters.values():
            yield from parameter.axes
        for node in nodes.walk(*expressions(self._program)):
            yield from node.axes
            yield from (loop.axis for loop in node.loops if loop.axis is not None)

    def _open(self, name: str) -> Any:
        from pdflang.ir.sizes import symbol

        return symbol(name)

    # --- what must hold -------------------------------------------------------------------------------------

    def verify(self, check: Check) -> None:
        """A condition on lengths or values that semantics left to the data."""
        if check.node is None:
            left, right = check.left.bind(self.lengths), check.right.bind(self.lengths)
            if left > right or (left != right and check.kind == "length"):
                raise PdflangError(check.report(left, right))
            return
        absent = {datum.name for datum in self._absent}
        read = everything_read(check.node, self._program.definition_nodes)
        if absent.isdisjoint(map(self._program.datum_of, read)):
            self._verify_range(check, check.node)

    def _verify_range(self, check: Check, node: nodes.Node) -> None:
        import numpy as np

        values = np.asarray(
            Evaluator(self.arrays, self.lengths, self._program.definition_nodes)(node), dtype=float
        )
        flat = values.ravel()
        allowed = Range(0, check.right.bind(self.lengths) - 1) if check.kind == "positions" else check.allowed
        bad = (flat <= allowed.lower) if allowed.open_lower else (flat < allowed.lower)
        bad |= (flat >= allowed.upper) if allowed.open_upper else (flat > allowed.upper)
        offenders = np.flatnonzero(bad & np.isfinite(flat))
        if len(offenders):
            position = np.unravel_index(offenders[0], values.shape) if values.ndim else ()
            report = check.report(float(flat[offenders[0]]), self._place(node, position))
            count = (f"{len(offenders)} of {flat.size} values are so.",) if len(offenders) > 1 else ()
            related = (*report.related, *self._declaration(node, report.span))
            raise PdflangError(replace(report, notes=count, related=related))

    def _place(self, node: nodes.Node, position: tuple[Any, ...]) -> str:
        """An entry as its author finds it: a row of a file where it is a datum itself."""
        context = self._context_of(node)
        if context is None or not position:
            return _entry_name(position)
        return context.row(int(position[0])) + "".join(f", column {int(i) + 1}" for i in position[1:2])

    def _context_of(self, node: nodes.Node) -> DataContext | None:
        """Where the entries of a datum come from, or those of the first datum that an array follows row by row."""
        read = nodes.references(node).values()
        names = [reference.name for reference in read if node.axes and reference.axes[:1] == node.axes[:1]]
        return next((self._contexts[name] for name in names if name in self._contexts), None)

    def _declaration(self, node: nodes.Node, place: Any) -> tuple[Label, ...]:
        """Where the datum that a condition is about is declared, unless the message points there already."""
        context = self._context_of(node)
        if context is None or context.span is None or context.span == place:
            return ()
        return (Label(context.span, "declared here"),)

    # --- theory tables --------------------------------------------------------------------------------------

    def bind_tables(self) -> None:
        """FK tables, for the flavours that the model declares."""
        for name, source in self._program.fk_tables.items():
            context = DataContext(source.rows or "fktable", source.span, source.folder)
            data = {**self._sets, **self._parts}[source.rows] if source.rows else None
            arrays = bound_tables(source, data, context)
            self.arrays |= {f"{name}.{part}": values for part, values in arrays.items()}
            self.lengths |= {f"{name}.{axis}": length for axis, length in lengths_of(arrays).items()}

    def bind_evolutions(self) -> None:
        """The matrices of evolutions: of a file, from the cache, or by HOPPET."""
        for name, source in self._program.evolutions.items():
            scales = source.scale
            if isinstance(scales, nodes.Node):
                scales = Evaluator(self.arrays, self.lengths, self._program.definition_nodes)(scales)
            arrays, lengths = bound_evolution(source, scales)
            self.arrays |= {f"{name}.{part}": values for part, values in arrays.items()}
            self.lengths |= {f"{name}.{axis}": length for axis, length in lengths.items()}

    def bind_lhapdf(self) -> None:
        """Members of LHAPDF sets at their scales."""
        import numpy as np

        for name, source in self._program.lhapdf_sets.items():
            context = DataContext(source.path, source.span, source.folder)
            x, found = densities_of_member(source.path, source.member, source.scale, context)
            if set(found) != set(source.flavours):
                note = "When the model was checked, the set was not there, or another."
                raise data_error("E520", f"the LHAPDF set `{source.path}` has changed", context, notes=(note,))
            values = np.array([found[flavour] for flavour in source.flavours])
            self.arrays[f"{name}.x"], self.arrays[f"{name}.values"] = x, values
            self.lengths[f"{name}.x"] = len(x)

    def notes(self) -> tuple[str, ...]:
        """What was given and is not used, and what biases a fit."""
        known = {*self._program.data, *self.lengths, *self._program.indices}
        unused = [name for name in self._given if name not in known]
        ignored = (f"no `data` is called `{name}`; what is given for it is ignored" for name in unused)
        return (*ignored, *self._emptied(), *self._biased(), *self._half_predicted())

    def _emptied(self) -> Iterator[str]:
        """Data sets of which cuts leave nothing."""
        for name, sets in self.data_sets().items():
            for one in self._sets[name].set_names:
                if one not in sets:
                    yield f"the cuts of `{name}` leave nothing of `{one}`"

    def _half_predicted(self) -> Iterator[str]:
        """Data sets that their metadata call a ratio, or the like, of FK tables, of which one alone is applied."""
        known = {**self._sets, **self._parts}
        predicted = Counter(
            one
            for source in self._program.fk_tables.values() if source.rows
            for one in known[source.rows].set_names[source.first : source.first + len(source.paths)]
        )  # fmt: skip
        operations = {one: kind for found in self._sets.values() for one, kind in found.operations.items()}
        for one, count in predicted.items():
            formula = OPERATIONS.get(operations[one], "a formula of several")
            if formula and count == 1:
                yield (
                    f"the metadata of `{one}` say {operations[one]}: its prediction is {formula} of FK tables a, b, …, "
                    "and one is applied; write the formula, with fktable(…) for each"
                )


def _by_name(given: Mapping[str, Any], program: Program) -> dict[str, Any]:
    """What is given by the names of data: the parameters of an `earlier` fit each by its own."""
    found = dict(given)
    if program.earlier and EARLIER in found:
        parameters = found.pop(EARLIER)
        parameters = parameters.columns if isinstance(parameters, Table) else parameters
        if not isinstance(parameters, Mapping):
            raise data_error(
                "E519", f"`{EARLIER}` is a fit, and what is given for it is none", DataContext(EARLIER),
                remedy=f"give the folder of one, --data {EARLIER}=model.run, or in Python its parameters by name",
            )  # fmt: skip
        missing = [name for name in program.earlier.values() if name not in parameters]
        if missing:
            raise _not_in_fit(missing[0], DataContext(EARLIER))
        found |= {datum: parameters[name] for datum, name in program.earlier.items() if datum not in found}
    return found


def _not_in_fit(parameter: str, context: DataContext) -> PdflangError:
    return data_error(
        "E518", f"the earlier fit has no parameter `{parameter}`", context,
        remedy="give a fit of this model: what `pdflang map` of it has written",
    )  # fmt: skip


def _symbols(datum: Datum) -> list[str]:
    """The lengths that the axes of a datum are made of."""
    return [name for axis in datum.axes for name, _ in axis.size.symbols]


def _weights(program: Program) -> Iterator[str]:
    """The data that hold weights of events and nothing else."""
    for observation in program.observations.values():
        weights = observation.process.weights if observation.process else None
        if isinstance(weights, nodes.Reference):
            yield weights.name


def _array(value: Any, context: DataContext) -> np.ndarray:
    import numpy as np

    if isinstance(value, list | tuple):
        converted = value_of(list(value), context.name, context)
        if isinstance(converted, Table):
            raise data_error("E519", f"`{context.name}` is an array, and records are given", context)
        return converted
    array = np.asarray(value)
    if array.dtype == object:
        raise data_error("E519", f"what is given for `{context.name}` is no array of numbers", context)
    return array


def _entry_name(position: tuple[Any, ...]) -> str:
    if not position:
        return "its value"
    return f"row {int(position[0]) + 1}" + "".join(f", column {int(i) + 1}" for i in position[1:2])
