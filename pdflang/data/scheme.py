"""What FK tables and the pdfset that they act on must agree on: the scale, the flavours, one grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pdflang.components.flavours import heaviest_quark, rank_of
from pdflang.data.context import DataContext, counted, data_error
from pdflang.ir.program import FKSource

if TYPE_CHECKING:
    from pdflang.data.fktable import FKTable

_TOLERANCE = 1e-6
"""How far two scales may be apart, in GeV."""


def check_count(tables: int, set_names: Sequence[str], context: DataContext) -> None:
    """That there is one table for each data set. Error: E514."""
    if tables != len(set_names):
        raise data_error(
            "E514",
            f"{counted(tables, 'table')} for {counted(len(set_names), 'data set')}",
            context,
            notes=(f"The data sets are {', '.join(set_names)}.",),
            remedy="name one table for each data set, in the same order",
        )


def check_scheme(source: FKSource, tables: Sequence[FKTable], context: DataContext) -> None:
    """That tables can act on the pdfsets of `source`, those for one hadron all on one grid. Error: E514."""
    import numpy as np

    first = tables[0].xgrid
    for table in tables:
        _check_hadrons(source, table, context)
        if len(table.xgrid) != len(first) or not np.allclose(table.xgrid, first, rtol=1e-12):
            raise data_error("E514", f"`{tables[0].name}` and `{table.name}` have different x grids", context)
        for scale in source.scales:
            if table.scale is not None and scale is not None and abs(table.scale - scale) > _TOLERANCE:
                raise data_error(
                    "E514",
                    f"`{table.name}` starts at Q = {table.scale:g} GeV, but the pdfset is given at {scale:g} GeV",
                    context,
                    remedy="parametrise the pdfset at the scale of the table",
                )
        for hadron, (basis, flavours) in enumerate(zip(table.bases, source.flavours, strict=True)):
            # A process of two hadrons has the channels that are open in it, which need not be those of all quarks.
            if len(table.bases) == 1:
                _check_flavours(table.name, basis, flavours, context)
            _check_domain(table, hadron, source.domains[hadron], context)


def _check_hadrons(source: FKSource, table: FKTable, context: DataContext) -> None:
    if len(table.bases) != len(source.flavours):
        given = counted(len(source.flavours), "pdfset")
        raise data_error(
            "E514", f"`{table.name}` is for {counted(len(table.bases), 'hadron')}, and {given} act on it", context,
            notes=("When the model was checked, the file was not there, or could not be read.",),
        )  # fmt: skip
    if source.same and table.hadrons is not None and len(set(table.hadrons)) == 2:
        first, second = table.hadrons
        remedy = "give it both: dy(proton, anti(proton))" if first == -second else "give it both: dy(proton, other)"
        raise data_error(
            "E514", f"`{table.name}` is for two different hadrons, {first} and {second} by their PDG numbers", context,
            remedy=remedy,
        )  # fmt: skip


def _check_flavours(name: str, basis: Sequence[str], flavours: Sequence[str], context: DataContext) -> None:
    """That a table acts on the heavy quarks of the pdfset, which would count nowhere, or partly.

    Quarks that the pdfset leaves out are zero: a table may act on more of them. A process need not have all of the
    light ones.
    """
    known = heaviest_quark(basis)
    least = max(rank_of(known), rank_of("s"))
    beyond = [flavour for flavour in flavours if rank_of(flavour) > least] if known else []
    if beyond:
        raise data_error(
            "E514",
            f"`{name}` acts on quarks up to `{known}`, and `{beyond[0]}` of the pdfset is beyond",
            context,
            notes=(f"The table acts on {', '.join(dict.fromkeys(basis))}.",),
            remedy=f"leave `{beyond[0]}` out of the pdfset, or make the table with more flavours",
        )


def _check_domain(table: FKTable, hadron: int, domain: tuple[float, float], context: DataContext) -> None:
    """That the table reads no densities where they are not defined."""
    lower, upper = domain
    axis = 2 + hadron
    acts = (table.fk != 0).any(axis=tuple(other for other in range(table.fk.ndim) if other != axis))
    read = table.xgrid[((table.xgrid < lower) | (table.xgrid > upper)) & acts]
    if len(read):
        raise data_error(
            "E514",
            f"`{table.name}` reads densities at x = {read[0]:.3g}, but the pdfset is defined on ({lower:g}, {upper:g})",
            context,
            remedy="densities without a domain of their own are defined on (0, 1)",
        )
