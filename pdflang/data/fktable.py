"""Tables that turn parton densities at the starting scale into predictions of data.

An FK table holds evolution and hard cross section in one array: the prediction of datum d is
Σ_{k,a} FK[d, k, a] · x_a f_k(x_a), with k over the evolution basis and a over the points of the x grid (the
FastKernel method of NNPDF, Nucl. Phys. B 838 (2010) 136, arXiv:1002.4407). For two hadrons it is
Σ_{c,a,b} FK[d, c, a, b] · x_a f_i(x_a) · x_b f_j(x_b), where channel c is the pair (i, j).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pdflang.components.flavours import BASES, EVOLUTION_BASIS
from pdflang.data.commondata import CommonData
from pdflang.data.context import DataContext, counted, data_error
from pdflang.data.formats import Arrays, format_of
from pdflang.data.numpy_files import npz_shapes
from pdflang.data.pineappl_files import SUFFIXES, pineappl_hadrons, read_pineappl
from pdflang.data.scheme import check_count
from pdflang.diagnostics import PdflangError

if TYPE_CHECKING:
    import numpy as np

_KINEMATICS = ("x", "Q2", "y")
_PAIRS = 'Its array `flavours` should be pairs of names, one for each channel: [["u", "ubar"], ["ubar", "u"]].'

_RELATIVE_TOLERANCE = 1e-5
"""How far the kinematics of a row may be from those of its datum: many tables have single precision."""


@dataclass(frozen=True, eq=False)
class FKTable:
    """A table for one data set.

    `fk` (rows, channels, nx), for two hadrons (rows, channels, nx, nx), acts on x·f, dimensionless. `bases` has for
    each hadron what the channels take of it, names of the evolution basis or of partons; `xgrid` (nx,) ascends;
    `kinematics` are (rows,) each. `scale` is Q0 in GeV, and `hadrons` the PDG numbers of two hadrons, None where the
    file does not say.
    """

    name: str
    fk: np.ndarray = field(repr=False)
    xgrid: np.ndarray = field(repr=False)
    kinematics: dict[str, np.ndarray] = field(repr=False)
    scale: float | None
    bases: tuple[tuple[str, ...], ...] = (EVOLUTION_BASIS,)
    hadrons: tuple[int, ...] | None = None

    @property
    def rows(self) -> int:
        return len(self.fk)


@dataclass(frozen=True, eq=False)
class MatchedTable:
    """The rows of a table that belong to the data of one set, in the order of the data.

    `row` (n,) are positions in the table, several of which may be equal; `fk` (n, channels, nx, …) are those rows.
    """

    set_name: str
    table: FKTable
    row: np.ndarray = field(repr=False)

    @property
    def fk(self) -> np.ndarray:
        return self.table.fk[self.row]

    @property
    def xgrid(self) -> np.ndarray:
        return self.table.xgrid


def hadrons_of(path: Path, context: DataContext) -> int | None:
    """For how many hadrons a table is, None where it has no table's shape. Errors: those of `read_fk`."""
    if path.suffix.lower() in SUFFIXES:
        return pineappl_hadrons(path, context)
    if path.suffix.lower() == ".npz":
        shape = npz_shapes(path, context).get("fk", ())
    else:
        arrays = format_of(path, context).read(path, context)
        shape = arrays["fk"].shape if "fk" in arrays else ()
    return len(shape) - 2 if len(shape) in (3, 4) else None


def read_fk(path: Path, context: DataContext) -> FKTable:
    """The FK table of a file of PineAPPL, or one with the arrays fk, xgrid and kin, and what else it says.

    `flavours` are the names of the second axis of `fk`, by default those of `EVOLUTION_BASIS`, and for two hadrons
    pairs of names, (channels, 2); `variables` those of the columns of `kin`, by default x, Q2 and y; `Q0` and `hadrons`
    are as in an `FKTable`. Errors: E514 where this does not fit, E503, E504.
    """
    import numpy as np

    read = read_pineappl if path.suffix.lower() in SUFFIXES else format_of(path, context).read
    arrays = read(path, context)
    for name in ("fk", "xgrid", "kin"):
        if name not in arrays:
            found = ", ".join(f"`{key}`" for key in arrays if key) or "none"
            raise _wrong(path, f"has no array `{name}`", context, f"The arrays that it has: {found}.")
        _check_numbers(path, name, arrays, context)
    fk, xgrid = arrays["fk"], arrays["xgrid"]
    _check_xgrid(path, xgrid, context)
    names = np.asarray(arrays.get("flavours", EVOLUTION_BASIS))
    if fk.ndim == 4 and (names.ndim != 2 or names.shape[1] != 2):
        raise _wrong(path, "is for two hadrons, and has no pairs of flavours", context, _PAIRS)
    bases = tuple(tuple(map(str, column)) for column in (names.T if fk.ndim == 4 else [names.ravel()]))
    if fk.ndim not in (3, 4) or fk.shape[1:] != (len(bases[0]), *[len(xgrid)] * len(bases)):
        shape = " × ".join(map(str, fk.shape))
        points = f" × {len(xgrid)} points of `xgrid`" * len(bases)
        wanted = f"It should be rows × {len(bases[0])} flavours{points}."
        raise _wrong(path, f"has `fk` of the shape {shape}", context, wanted)
    scale = float(arrays["Q0"].flat[0]) if "Q0" in arrays and arrays["Q0"].size == 1 else None
    _check_bases(path, bases, context)
    hadrons = tuple(map(int, arrays["hadrons"].flat)) if "hadrons" in arrays else None
    return FKTable(path.name, fk, xgrid, _kinematics(path, arrays, context), scale, bases, hadrons)


def match_rows(
    tables: Sequence[FKTable], data: CommonData, context: DataContext, first: int = 0, count: int | None = None
) -> tuple[MatchedTable, ...]:
    """The rows of each table that belong to the data: the first table to the set of that number, and so on.

    A datum takes the row whose kinematics are its own, in all variables that table and data share; several
    data may take one row. Stacked in order, the results are the rows of these sets. `count` tables there are in all.

    Errors: E514 for another number of tables than of sets, E515 for a datum without a row or with several
    that differ.
    """
    check_count(len(tables) if count is None else count, data.set_names, context)
    return tuple(
        MatchedTable(name, table, _matching_rows(table, data, data.rows_of(name), context))
        for name, table in zip(data.set_names[first : first + len(tables)], tables, strict=True)
    )


def _wrong(path: Path, reason: str, context: DataContext, note: str = "") -> PdflangError:
    layout = (
        "An FK table has the arrays fk (rows, flavours, points), for two hadrons (rows, pairs of flavours, points, "
        "points), xgrid (points) and kin (rows, variables)."
    )
    return data_error("E514", f"`{path.name}` {reason}", context, notes=(note, layout) if note else (layout,))


def _check_numbers(path: Path, name: str, arrays: Arrays, context: DataContext) -> None:
    import numpy as np

    values = arrays[name]
    if values.dtype.kind not in "if":
        raise _wrong(path, f"has `{name}` that is no array of numbers", context)
    if not np.isfinite(values).all():
        raise _wrong(path, f"has values in `{name}` that are not finite", context)


def _check_xgrid(path: Path, xgrid: np.ndarray, context: DataContext) -> None:
    import numpy as np

    if xgrid.ndim != 1 or not len(xgrid) or xgrid[0] <= 0 or xgrid[-1] > 1 or np.any(np.diff(xgrid) <= 0):
        raise _wrong(path, "has an `xgrid` that does not ascend between 0 and 1", context)


def _kinematics(path: Path, arrays: Arrays, context: DataContext) -> dict[str, np.ndarray]:
    kin, rows = arrays["kin"], len(arrays["fk"])
    columns = kin.shape[1] if kin.ndim == 2 else len(_KINEMATICS)
    names = tuple(map(str, arrays["variables"])) if "variables" in arrays else _KINEMATICS[:columns]
    if kin.shape != (rows, len(names)):
        shape = " × ".join(map(str, kin.shape))
        variables = f"{counted(len(names), 'variable')} ({', '.join(names)})"
        wanted = f"It should be {rows} rows, as `fk` has, × {variables}."
        raise _wrong(path, f"has `kin` of the shape {shape}", context, wanted)
    return {name: kin[:, column] for column, name in enumerate(names)}


def _check_bases(path: Path, bases: tuple[tuple[str, ...], ...], context: DataContext) -> None:
    channels = list(zip(*bases, strict=True))
    if len(set(channels)) < len(channels) or not all(any(set(b) <= set(basis) for basis in BASES) for b in bases):
        listed = ", or ".join(", ".join(basis) for basis in BASES)
        known = f"The names that an FK table may use, each {'pair ' * (len(bases) == 2)}once: {listed}."
        said = ", ".join("·".join(channel) for channel in channels)
        raise _wrong(path, f"has the flavours {said}", context, known)


def _matching_rows(
    table: FKTable, data: CommonData, positions: np.ndarray, context: DataContext
) -> np.ndarray:
    """For each datum at `positions` the row of the table, (n,)."""
    import numpy as np

    shared = [name for name in table.kinematics if name in data.kinematics]
    if not shared:
        raise data_error(
            "E515",
            f"`{table.name}` and the data share no kinematic variable",
            context,
            notes=(
                f"The table has {', '.join(table.kinematics)}.",
                f"The data have {', '.join(data.kinematics) or 'none'}.",
            ),
            remedy="name the columns of the table's `kin` in an array `variables`",
        )
    fits = np.ones((len(positions), table.rows), dtype=bool)
    for name in shared:
        wanted = data.kinematics[name][positions, None]
        fits &= np.isclose(table.kinematics[name], wanted, rtol=_RELATIVE_TOLERANCE, atol=0.0)
    found = fits.sum(axis=1)
    if not found.all():
        raise _unmatched(table, data, positions[found == 0], shared, context)
    row = np.argmax(fits, axis=1)
    for datum in np.flatnonzero(found > 1):
        candidates = np.flatnonzero(fits[datum])
        if not np.allclose(table.fk[candidates], table.fk[row[datum]], rtol=_RELATIVE_TOLERANCE, atol=0.0):
            raise _ambiguous(table, data, positions[datum], candidates, shared, context)
    return row


def _place(data: CommonData, position: int, shared: Sequence[str]) -> str:
    values = ", ".join(f"{name} = {data.kinematics[name][position]:g}" for name in shared)
    return f"{data.row_name(position)} ({values})"


def _unmatched(
    table: FKTable, data: CommonData, positions: np.ndarray, shared: Sequence[str], context: DataContext
) -> PdflangError:
    covered = ", ".join(
        f"{name} from {table.kinematics[name].min():g} to {table.kinematics[name].max():g}"
        for name in shared
        if table.rows
    )
    return data_error(
        "E515",
        f"no row of `{table.name}` belongs to {_place(data, positions[0], shared)}",
        context,
        notes=(
            f"{counted(len(positions), 'datum has', 'data have')} no row in the table.",
            f"The table has {counted(table.rows, 'row')}" + (f", {covered}." if covered else "."),
        ),
        remedy="select the data that the table covers with `where`, or compute the table for all of them",
    )


def _ambiguous(
    table: FKTable,
    data: CommonData,
    position: int,
    candidates: np.ndarray,
    shared: Sequence[str],
    context: DataContext,
) -> PdflangError:
    rows = ", ".join(str(row + 1) for row in candidates)
    return data_error(
        "E515",
        f"several rows of `{table.name}` belong to {_place(data, position, shared)}",
        context,
        notes=(f"The rows {rows} (counted from 1) have these kinematics, and their contents differ.",),
        remedy="add the variable that tells them apart to the table's `kin`, and its name to `variables`",
    )
