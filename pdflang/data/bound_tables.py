"""FK tables as the arrays that a model contracts with densities of its own flavours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdflang.components.flavours import evolution_rotation
from pdflang.data.commondata import CommonData
from pdflang.data.context import DataContext
from pdflang.data.fktable import MatchedTable, match_rows, read_fk
from pdflang.data.paths import resolve
from pdflang.data.scheme import check_scheme
from pdflang.ir.program import FKSource

if TYPE_CHECKING:
    import numpy as np


def bound_tables(source: FKSource, data: CommonData | None, context: DataContext) -> dict[str, np.ndarray]:
    """The arrays `xgrid` (nx,) and `table` of a source, for the data of its sets, or with all rows of their own.

    For one hadron `table` is (rows, flavours, nx), the tables stacked. For two it is (rows, channels, nx·nx), and
    `first` and `second` (channels, flavours) say what the channels take of each hadron. Errors: E501 to E504, E514
    where a table does not fit the pdfset, E515.
    """
    import numpy as np

    tables = [read_fk(resolve(path, context), context) for path in source.paths]
    check_scheme(source, tables, context)
    if data is not None:
        matched = match_rows(tables, data, context, source.first, source.count)
    else:
        matched = tuple(MatchedTable("", table, np.arange(table.rows)) for table in tables)
    grid = np.asarray(tables[0].xgrid, dtype=np.float64)
    if len(source.flavours) == 2:
        return {"xgrid": grid, **_of_two(source, matched[0])}
    (flavours,) = source.flavours
    rotated = [np.einsum("dka,kf->dfa", m.fk, evolution_rotation(m.table.bases[0], flavours)) for m in matched]
    return {"xgrid": grid, "table": np.concatenate(rotated)}


def lengths_of(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    """The lengths of the axes of what `bound_tables` makes."""
    rows, channels, last = arrays["table"].shape
    found = {"xgrid": len(arrays["xgrid"]), "rows": rows}
    return found | ({"channels": channels, "pairs": last} if "first" in arrays else {})


def _of_two(source: FKSource, matched: MatchedTable) -> dict[str, np.ndarray]:
    """A table for two hadrons without channels in which the pdfsets have nothing."""
    first, second = (
        evolution_rotation(basis, flavours)
        for basis, flavours in zip(matched.table.bases, source.flavours, strict=True)
    )
    acting = first.any(axis=1) & second.any(axis=1) & matched.table.fk.any(axis=(0, 2, 3))
    table = matched.fk[:, acting]
    return {
        "table": table.reshape(*table.shape[:2], -1),
        "first": first[acting],
        "second": second[acting],
    }
