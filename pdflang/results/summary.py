"""The table of a posterior: mean, spread, a central interval, and how well the draws determine them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from pdflang.results import convergence
from pdflang.results.contraction import contraction_of
from pdflang.results.posterior import DRAW_AXES, schemas_of
from pdflang.results.schema import ROLES, Role, VariableSchema, entry_names
from pdflang.results.tables import aligned, csv_text
from pdflang.results.trees import Tree, Variable

if TYPE_CHECKING:
    import xarray

LONG_ARRAY = 20
"""Entries of an array that the terminal shows at most; the saved table has all."""

LARGE_OUTPUT = 200
"""Entries of an output beyond which their quality, which follows from that of the parameters, is not computed."""

_BLOCK = 512
"""Entries of an array that are summarised at once: all draws of them are in memory."""

_TAIL = (0.05, 0.95)
HEADINGS = ("mean", "sd", "5%", "95%", "MCSE", "ESS bulk", "ESS tail", "R-hat")
"""What `cells` has of a row."""


@dataclass(frozen=True)
class Row:
    """One number of the model. 5% and 95% are quantiles: the ends of the central 90% interval.

    MCSE is the standard error of the mean; ESS bulk, ESS tail (the smaller of those of both quantiles) and
    rank-normalised split R-hat as in Vehtari et al. 2021. They are NaN where they do not exist: too few
    draws, a constant, or an output of more than 200 entries, whose quality follows from the parameters'. The
    contraction, 1 − var(posterior)/var(prior), is that of `Contraction`: NaN for what is no parameter.
    """

    name: str
    variable: str
    role: Role
    mean: float
    sd: float
    low: float
    high: float
    mcse: float
    ess_bulk: float
    ess_tail: float
    rhat: float
    contraction: float = math.nan


def summarise(tree: Tree | xarray.DataTree) -> list[Row]:
    """A row for every entry of every quantity: parameters, then nuisances, derived numbers, outputs."""
    return list(rows_of(tree))


def rows_of(tree: Tree | xarray.DataTree) -> Iterator[Row]:
    """The rows of `summarise`, computed one by one."""
    schemas = schemas_of(tree)
    posterior = tree["posterior"].to_dataset()
    for name in sorted(schemas, key=lambda name: ROLES.index(schemas[name].role)):
        yield from _rows(name, posterior[name], schemas[name])


def to_csv(rows: Sequence[Row]) -> str:
    """All rows as comma-separated values, numbers in full precision."""
    return csv_text((field.name for field in fields(Row)), map(astuple, rows))


def to_text(rows: Sequence[Row]) -> str:
    """The aligned table for a terminal; long arrays are cut and say so."""
    lines: list[tuple[str, ...]] = [("", *HEADINGS)]
    cut: list[str] = []
    for row in shown(rows, cut):
        lines.append((row.name, *cells(row)))
    return "\n".join([*aligned(lines), *cut]) + "\n"


def shown(rows: Sequence[Row], cut: list[str]) -> Iterator[Row]:
    """The rows without those beyond the first of long arrays, which are told in `cut`."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.variable] = counts.get(row.variable, 0) + 1
        if counts[row.variable] <= LONG_ARRAY:
            yield row
    for name, count in counts.items():
        if count > LONG_ARRAY:
            cut.append(f"{name}: {LONG_ARRAY} of {count} entries shown")


def _rows(name: str, variable: Variable | xarray.DataArray, schema: VariableSchema) -> Iterator[Row]:
    values = np.asarray(variable.transpose(*DRAW_AXES, ...), dtype=float)
    chains, draws, *shape = values.shape
    if not values.size:
        return
    columns = values.reshape(chains, draws, -1)
    contraction = contraction_of(variable, columns.shape[2]).value
    with_quality = schema.role != "output" or columns.shape[2] <= LARGE_OUTPUT
    entries = entry_names(name, tuple(shape), schema)
    for first in range(0, len(entries), _BLOCK):
        block = np.moveaxis(columns[:, :, first : first + _BLOCK], 2, 0).copy()
        for row, numbers in enumerate(zip(*_moments(block.reshape(len(block), -1)), strict=True)):
            quality = _quality(block[row]) if with_quality else (math.nan,) * 4
            at = first + row
            mean, sd, low, high = map(float, numbers)
            yield Row(entries[at], name, schema.role, mean, sd, low, high, *quality, float(contraction[at]))


def _moments(rows: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mean, standard deviation and ends of the interval of draws (entry, draw), each (entry,)."""
    with np.errstate(all="ignore"):
        low, high = np.quantile(rows, _TAIL, axis=1)
        sd = rows.std(axis=1, ddof=1) if rows.shape[1] > 1 else np.full(len(rows), math.nan)
        return rows.mean(axis=1), sd, low, high


def _quality(column: np.ndarray) -> tuple[float, float, float, float]:
    """MCSE of the mean, bulk and tail ESS, R-hat of draws (chain, draw)."""
    if np.all(column == column.flat[0]):
        return (math.nan,) * 4
    with np.errstate(all="ignore"):
        return (
            convergence.mcse_of_mean(column),
            convergence.ess_bulk(column),
            convergence.ess_tail(column, _TAIL),
            convergence.rhat(column),
        )


def cells(row: Row) -> tuple[str, ...]:
    """The numbers of a row as they are printed: as many digits as the standard deviation allows."""
    digits = _decimals(row)
    numbers = tuple(_number(value, digits) for value in (row.mean, row.sd, row.low, row.high))
    mcse = "–" if math.isnan(row.mcse) else f"{row.mcse:.1g}" if row.mcse < 1e4 else f"{row.mcse:.1e}"
    counts = tuple("–" if math.isnan(count) else f"{count:.0f}" for count in (row.ess_bulk, row.ess_tail))
    return (*numbers, mcse, *counts, "–" if math.isnan(row.rhat) else f"{row.rhat:.3f}")


def _decimals(row: Row) -> int | None:
    """Decimals that show the standard deviation to three digits; None where plain notation would be long."""
    if not (row.sd > 0 and math.isfinite(row.sd)):
        return None
    decimals = max(0, 2 - math.floor(math.log10(row.sd)))
    largest = max(abs(row.mean), abs(row.low), abs(row.high))
    return decimals if decimals <= 6 and largest < 1e7 else None


def _number(value: float, decimals: int | None) -> str:
    return f"{value:.4g}" if decimals is None else f"{value:.{decimals}f}"
