"""Fits beside each other on one page: numbers, and functions over each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pdflang.report import functions
from pdflang.report.curves import Curve
from pdflang.report.found import curves_of
from pdflang.report.page import page
from pdflang.report.parts import Part, Picture, Section, Table, drawn, table_of
from pdflang.results.reading import Run
from pdflang.results.side_by_side import SideBySide
from pdflang.results.side_by_side_words import evidence_table, loo_table, shared_table

if TYPE_CHECKING:
    from pdflang.model import CompiledModel


def compare_page(
    found: SideBySide, runs: Sequence[Run], models: Sequence[CompiledModel | None], reasons: Sequence[str] = ()
) -> str:
    """The page as HTML.

    Functions that are no outputs are drawn of runs whose compiled model is given; the page says the `reasons` why
    others have none.
    """
    pictures, words = _functions(found.names, runs, models)
    sections = {
        "numbers": ("Parameters", Section(tables=_tables(shared_table(found), bool(found.rows)))),
        "loo": ("Prediction of left-out data", Section(tables=_tables(loo_table(found), bool(found.loo)))),
        "evidence": ("Evidence", Section(tables=_tables(evidence_table(found), bool(found.evidence)))),
        "functions": ("Functions", Section((*reasons, *words), pictures=tuple(pictures))),
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


def _tables(lines: list[tuple[str, ...]], is_there: bool) -> tuple[Table, ...]:
    return (table_of(lines),) if is_there else ()


def _functions(
    names: Sequence[str], runs: Sequence[Run], models: Sequence[CompiledModel | None]
) -> tuple[list[Picture], list[str]]:
    """A picture of each function that two runs have, by its name, and why others are not there."""
    by_name: dict[str, list[tuple[str, Curve]]] = {}
    lacking: dict[str, list[str]] = {}
    for name, run, model in zip(names, runs, models, strict=True):
        curves, reasons = curves_of(run, model)
        for curve in curves:
            by_name.setdefault(curve.name, []).append((name, curve))
        for reason in reasons:
            lacking.setdefault(reason, []).append(name)
    shared = {called: found for called, found in by_name.items() if len(found) > 1}
    words = [f"only in {found[0][0]}: {called}" for called, found in by_name.items() if len(found) == 1]
    words += [f"{', '.join(of)}: {reason}" for reason, of in lacking.items()]
    return [_picture(number, called, found) for number, (called, found) in enumerate(shared.items())], words


def _picture(number: int, called: str, found: list[tuple[str, Curve]]) -> Picture:
    said = f"{called}: the median and the central 68% and 95% of each fit; of a maximum the line alone."
    of_each, curves = zip(*found, strict=True)
    return drawn(f"function{number}", called, said, lambda: functions.picture(curves, of_each, called))
