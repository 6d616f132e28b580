"""Posteriors beside the least standard deviations that any unbiased estimate could have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from pdflang.results.summary import Row
from pdflang.results.tables import csv_text


@dataclass(frozen=True)
class Efficiency:
    """The standard deviation of a posterior, the bound of Cramér and Rao from data alone, and bound/posterior.

    Near 1 the posterior is as narrow as such data allow; above 1 the prior, or a bound, makes it narrower; below 1 it
    is wider, as where data are few and the likelihood is no normal distribution.
    """

    name: str
    sd: float
    cramer_rao: float
    ratio: float


def efficiencies(rows: Sequence[Row], bounds: Mapping[str, np.ndarray]) -> list[Efficiency]:
    """One for each entry of each parameter of a summary, whose entries are in row-major order."""
    found = []
    for name, sds in bounds.items():
        own = [row for row in rows if row.variable == name]
        for row, least in zip(own, np.ravel(sds), strict=True):
            ratio = float(least) / row.sd if row.sd else float("nan")
            found.append(Efficiency(row.name, row.sd, float(least), ratio))
    return found


def to_csv(found: Sequence[Efficiency]) -> str:
    """All of them as comma-separated values, numbers in full precision."""
    return csv_text((field.name for field in fields(Efficiency)), map(astuple, found))


def to_text(found: Sequence[Efficiency]) -> str:
    """The range of the ratios in a line."""
    ratios = [one for one in found if np.isfinite(one.ratio)]
    unknown = sum(np.isinf(one.ratio) for one in found)
    if not ratios:
        why = "such data have no information on any parameter" if unknown else "the bound could not be computed"
        return f"Cramér–Rao: {why}.\n"
    least, most = (choose(ratios, key=lambda one: one.ratio) for choose in (min, max))
    span = " to ".join(f"{one.ratio:.2f} ({one.name})" for one in dict.fromkeys((least, most)))
    rest = f"; for {unknown} more the data have no information" if unknown else ""
    return f"Cramér–Rao bound of such data over the sd of the posterior: {span}{rest}.\n"
