"""Fits beside each other as tables of text."""

from __future__ import annotations

import math

from pdflang.results.side_by_side import Estimate, SideBySide
from pdflang.results.tables import aligned

Lines = list[tuple[str, ...]]

_LARGEST = 6
"""Decimals, or zeros, with which a number is still written out."""


def shared_table(found: SideBySide) -> Lines:
    """Headings, then a line for each shared number: mean ± standard deviation of each fit, differences in sigmas."""
    first, *others = found.names
    head = ("", *found.names, *(f"{name} − {first}" for name in others))
    return [head, *((row.name, *map(value, row.estimates), *map(_sigmas, row.sigmas)) for row in found.rows)]


def fits_table(found: SideBySide) -> Lines:
    """Headings, then a line for each fit: its method, what its errors are, χ², and its errors over the first's.

    Columns without a number are left out.
    """
    head = ("fits", "method", "errors", "χ²", "data", f"errors/{found.names[0]}", "least", "largest")
    lines = [
        (row.name, row.method, row.errors, "–" if row.chi2 is None else f"{row.chi2:.2f}",
         "–" if row.count is None else str(row.count), *(f"{w:.3f}" for w in row.widths or ()))
        for row in found.fits
    ]  # fmt: skip
    whole = [(*line, *("–",) * (len(head) - len(line))) for line in lines]
    kept = [i for i in range(len(head)) if any(line[i] != "–" for line in whole)]
    return [tuple(line[i] for i in kept) for line in (head, *whole)]


def loo_table(found: SideBySide) -> Lines:
    """Headings, then a line for each fit with its elpd, the best first."""
    lines = [
        (row.name, f"{row.elpd:.2f}", _number(row.se), f"{row.p_loo:.2f}", f"{row.difference:.2f}",
         _number(row.se_difference), f"{row.largest_k:.2f}")
        for row in found.loo
    ]  # fmt: skip
    return [("LOO", "elpd", "SE", "p_loo", "below the best", "SE of that", "largest k"), *lines]


def evidence_table(found: SideBySide) -> Lines:
    """Headings, then a line for each fit with its evidence, the largest first."""
    lines = [
        (row.name, f"{row.log_z:.2f}", f"{row.error:.2g}", f"{row.difference:.2f}", f"{row.error_difference:.2g}")
        for row in found.evidence
    ]
    return [("evidence", "log Z", "error", "below the best", "error of that"), *lines]


def tables(found: SideBySide) -> list[Lines]:
    """The tables that there are."""
    there = [
        (found.rows, shared_table), (found.fits, fits_table), (found.loo, loo_table), (found.evidence, evidence_table),
    ]  # fmt: skip
    return [table(found) for rows, table in there if rows]


def to_text(found: SideBySide) -> str:
    """All of it as it is printed."""
    parts = ["\n".join(aligned(lines)) + "\n" for lines in tables(found)]
    if found.words:
        parts.append("".join(f"note: {sentence}\n" for sentence in found.words))
    return "\n".join(parts) or "The fits share nothing.\n"


def value(estimate: Estimate | None) -> str:
    """A mean with its standard deviation, of which two digits count."""
    if estimate is None:
        return "–"
    if not (math.isfinite(estimate.sd) and estimate.sd > 0):
        return f"{estimate.mean:.6g}"
    decimals = 1 - math.floor(math.log10(estimate.sd))
    if -_LARGEST <= decimals <= _LARGEST:
        mean, sd = round(estimate.mean, decimals), round(estimate.sd, decimals)
        return f"{mean:.{max(0, decimals)}f} ± {sd:.{max(0, decimals)}f}"
    digits = decimals + max(1 - decimals, math.floor(math.log10(abs(estimate.mean) or estimate.sd)))
    return f"{estimate.mean:.{digits}e} ± {estimate.sd:.1e}"


def _sigmas(number: float | None) -> str:
    return "–" if number is None else f"{number:+.2f} σ"


def _number(number: float) -> str:
    return "–" if math.isnan(number) else f"{number:.2f}"


