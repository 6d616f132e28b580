"""Fits beside each other on one page: numbers, and functions over each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from pdflang.diagnostics import PdflangError
from pdflang.ensemble import centre_of
from pdflang.report import functions
from pdflang.report.curves import Curve
from pdflang.report.found import curves_of
from pdflang.report.page import page
from pdflang.report.parton_section import parton_curves
from pdflang.report.parts import Part, Picture, Section, Table, drawn, table_of
from pdflang.results.reading import Run
from pdflang.results.side_by_side import Chi2, SideBySide
from pdflang.results.side_by_side_words import evidence_table, fits_table, loo_table, shared_table

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

Of = tuple[str, Curve]
"""A curve with the name of the fit that it is of."""


def compare_page(
    found: SideBySide, runs: Sequence[Run], models: Sequence[CompiledModel | None], reasons: Sequence[str] = (),
    tolerance: float = 1.0,
) -> str:  # fmt: skip
    """The page as HTML.

    Functions that are no outputs are drawn of runs whose compiled model is given; the page says the `reasons` why
    others have none. Bands around maxima are `tolerance` times as wide as their covariance has them.
    """
    of_each = list(zip(found.names, runs, models, strict=True))
    partons = _pictures("parton", [(n, *parton_curves(run, m, tolerance)) for n, run, m in of_each], functions.ratio)
    others = _pictures("function", [(n, *curves_of(run, m, tolerance)) for n, run, m in of_each], functions.overlaid)
    sections = {
        "fits": ("Fits", Section(tables=_tables(fits_table(found), bool(found.fits)))),
        "numbers": ("Parameters", Section(tables=_tables(shared_table(found), bool(found.rows)))),
        "loo": ("Prediction of left-out data", Section(tables=_tables(loo_table(found), bool(found.loo)))),
        "evidence": ("Evidence", Section(tables=_tables(evidence_table(found), bool(found.evidence)))),
        "partons": ("Parton densities", partons),
        "functions": ("Functions", Section((*reasons, *others.words), pictures=others.pictures)),
    }
    shown = {key: (title, section) for key, (title, section) in sections.items() if section.is_there}
    return page(
        "compare.html",
        title=" and ".join([", ".join(found.names[:-1]), found.names[-1]]),
        parts=[Part(key, title) for key, (title, _) in shown.items()],
        sections=[(key, title, section) for key, (title, section) in shown.items()],
        words=found.words,
        runs=list(zip(found.names, runs, strict=True)),
    )


def chi2_of(run: Run, model: CompiledModel | None) -> Chi2 | None:
    """χ² of all Gaussian observations at the maximum, or at the means of the draws; None where there is none."""
    from pdflang.predictive.agreement import agreement_of

    point = centre_of(run, model) if model is not None else None
    if model is None or point is None:
        return None
    try:
        found = agreement_of(model, point)
    except PdflangError:  # means of draws may be outside of the support
        return None
    return (found.chi2, found.count) if found.by_observation else None


def _tables(lines: list[tuple[str, ...]], is_there: bool) -> tuple[Table, ...]:
    return (table_of(lines),) if is_there else ()


def _pictures(
    key: str, of_each: Sequence[tuple[str, list[Curve], list[str]]], draw: Callable[..., Figure]
) -> Section:
    """A picture of each function that two runs have, by its name, and why others are not there."""
    by_name: dict[str, list[Of]] = {}
    lacking: dict[str, list[str]] = {}
    for name, curves, reasons in of_each:
        for curve in curves:
            by_name.setdefault(curve.name, []).append((name, curve))
        for reason in reasons:
            lacking.setdefault(reason, []).append(name)
    shared = {called: found for called, found in by_name.items() if len(found) > 1}
    words = [f"only in {found[0][0]}: {called}" for called, found in by_name.items() if len(found) == 1]
    words += [f"{', '.join(of)}: {reason}" for reason, of in lacking.items()]
    if any(len(curve.values) > 1 for found in shared.values() for _, curve in found):
        words.append(
            "Lines are at the maximum, or the median of the draws. Of the first fit the bands are the central 68% and "
            "95%, of the others thin lines are the ends of the central 68%. Below: widths of the 68% over the first's."
        )
    return Section(
        tuple(words),
        pictures=tuple(_picture(f"{key}{i}", called, found, draw) for i, (called, found) in enumerate(shared.items())),
    )


def _picture(key: str, called: str, found: list[Of], draw: Callable[..., Figure]) -> Picture:
    of_each, curves = zip(*found, strict=True)
    return drawn(key, called, f"{called} of {', '.join(of_each)}.", lambda: draw(curves, of_each, called))
