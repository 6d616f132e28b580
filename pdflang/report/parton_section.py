"""The parton densities of a run on its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pdflang.diagnostics import PdflangError
from pdflang.ensemble import ensemble_of
from pdflang.evolution import Evolution
from pdflang.ir.program import PdfsetDeclaration
from pdflang.partons.combinations import CHANNELS, Combination, correlations, luminosities, there
from pdflang.partons.densities import declared_pdfset
from pdflang.partons.ensembles import Partons, RunPartons, Values
from pdflang.predictive.measured import predictions_at
from pdflang.report import parton_pictures as pictures
from pdflang.report.curves import Curve
from pdflang.report.parts import Picture, Section, drawn

if TYPE_CHECKING:
    from pdflang.ensemble import Ensemble
    from pdflang.model import CompiledModel
    from pdflang.results.reading import Run

_MOST = 3
"""Pdfsets of a model that are drawn."""

_MOST_DATA = 5000
"""Data whose correlations with densities are drawn: a picture has no more columns."""

_SMALLER = 10
_OVERVIEW = ("uv", "dv", "g", "sea")
_MASSES = 24
_LIGHTEST, _HEAVIEST = 10.0, 0.5
"""The range of M: from so many GeV to this part of √s."""

_CHANNELS_SAID = "; ".join(f"{channel}, {said}" for channel, said in CHANNELS.items())


@dataclass(frozen=True, eq=False)
class PartonsWanted:
    """What is drawn of parton densities: at which `scales` in GeV, of which `pdfset`, over which `reference`.

    At the scale of the pdfset itself where none is given; luminosities at `root_s` in GeV where that is.
    """

    scales: tuple[float, ...] = ()
    pdfset: str | None = None
    root_s: float | None = None
    reference: Partons | None = None
    evolution: Evolution = field(default_factory=Evolution)


def partons_of(run: Run, model: CompiledModel | None, wanted: PartonsWanted) -> list[tuple[str, Section]]:
    """Sections under headings; none where there are no pdfsets, or nothing is known of their parameters.

    Errors: E308, E620, E646 where what is asked for cannot be had.
    """
    if model is None:
        return []
    asks = bool(wanted.scales or wanted.pdfset or wanted.root_s or wanted.reference)
    shown = [declared_pdfset(model, wanted.pdfset)] if asks else list(model.program.pdfsets.values())[:_MOST]
    ensemble = ensemble_of(run, model) if shown else None
    if ensemble is None:
        return []
    sections = [section for declared in shown for section in _of_pdfset(model, declared, ensemble, run, wanted)]
    return [(heading, make(f"partons{number}")) for number, (heading, make) in enumerate(sections)]


def parton_curves(run: Run, model: CompiledModel | None, tolerance: float = 1.0) -> tuple[list[Curve], list[str]]:
    """The densities of the pdfsets of a run where they are parametrised, and why some are not there."""
    ensemble = ensemble_of(run, model, tolerance=tolerance) if model is not None and model.program.pdfsets else None
    curves: list[Curve] = []
    reasons: list[str] = []
    for declared in list(model.program.pdfsets.values())[:_MOST] if model is not None and ensemble is not None else ():
        assert model is not None and ensemble is not None
        try:
            partons = RunPartons(run.name, model, declared, ensemble, Evolution(), pictures.X)
        except PdflangError as failure:
            reasons.append(f"{declared.name} is not drawn: {failure.diagnostics[0].message}")
            continue
        values = partons.at(pictures.X, partons.scale)
        at = f" at {partons.scale:g} GeV" if partons.scale is not None else ""
        for one in there(values):
            found = one.of(values)
            centre = found.central if ensemble.centre is not None else None
            name = f"{one.label} of {declared.name}{at}"
            curves.append(Curve(name, declared.name, "x", found.members, pictures.X, (), centre, ensemble.words))
    return curves, reasons


def _of_pdfset(
    model: CompiledModel, declared: PdfsetDeclaration, ensemble: Ensemble, run: Run, wanted: PartonsWanted
) -> Iterator[tuple[str, Callable[[str], Section]]]:
    """Headings, and what makes their sections of the name that their pictures begin with."""
    try:
        ours = RunPartons(run.name, model, declared, ensemble, wanted.evolution, pictures.X)
    except PdflangError as failure:
        said = f"{declared.name} is not drawn: {failure.diagnostics[0].message}"
        yield declared.name, lambda _: Section((said,))
        return
    predicted = predictions_at(model, ensemble.members) if model.program.observations and ensemble.count > 1 else {}
    if sum(values.shape[1] for values in predicted.values()) > _MOST_DATA:
        predicted = {}
    both: list[Partons] = [ours, *([wanted.reference] if wanted.reference is not None else [])]
    scales = wanted.scales or (declared.scale,)
    for partons in both:
        partons.prepare([scale for scale in scales if scale is not None])
    for scale in scales:
        at = f" at {scale:g} GeV" if scale is not None else ""
        title = f"{declared.name}{at}"
        yield title, lambda key, scale=scale, title=title: _at_scale(both, scale, title, key, predicted)  # type: ignore[misc]
    if wanted.root_s is not None:
        root_s = wanted.root_s
        yield f"Luminosities at √s = {root_s:g} GeV", lambda key: _luminosities(both, root_s, key)


def _at_scale(
    both: Sequence[Partons], scale: float | None, title: str, key: str, predicted: Mapping[str, np.ndarray]
) -> Section:
    found = [partons.at(pictures.X, scale) for partons in both]
    shown = there(found[0])
    words = [f"{partons.name}: {partons.words}." for partons in both]
    said = "Lines are the central member, bands the central 68% and 95% of the members"
    words.append(f"{said}; of {both[1].name} dashed lines are the ends of the 68%." if len(both) > 1 else f"{said}.")
    return Section(tuple(words), pictures=tuple(_pictures(both, found, shown, title, key, predicted)))


def _pictures(
    both: Sequence[Partons], found: list[Values], shown: list[Combination], of: str, key: str,
    predicted: Mapping[str, np.ndarray],
) -> Iterator[Picture]:  # fmt: skip
    ours = found[0]
    several = {
        f"{one.name}/{_SMALLER}" if one.name in ("g", "sea") else one.name: one.of(ours).of(
            lambda v, one=one: v / (_SMALLER if one.name in ("g", "sea") else 1)
        )
        for one in shown
        if one.name in _OVERVIEW
    }
    if several:
        said = f"{of}: x·f(x) of gluon, sea and valence; gluon and sea divided by {_SMALLER}."
        yield drawn(f"{key}-all", of, said, lambda: pictures.overview(several, "x·f(x)"))
    if ours.varies and len(shown) > 1:
        columns = np.concatenate([one.of(ours).members[:, pictures.COARSE] for one in shown], axis=1)
        rows = {one.name: len(pictures.X[pictures.COARSE]) for one in shown}
        title = f"Correlations of {of}"
        said = (
            f"{title}: over the members, of each pair of densities at each pair of x, which ascends in each block from "
            f"{pictures.X[0]:g} to {pictures.X[-1]:g}."
        )
        yield drawn(
            f"{key}-correlations", title, said, lambda: pictures.correlation(correlations(columns), rows, rows)
        )
        if predicted:
            title = f"Correlations of {of} with predictions"
            names = ", ".join(f"{number} {name}" for number, name in enumerate(predicted, 1))
            said = f"{title} of data, in their order, by observation or data set; densities as before. {names}."
            values = np.concatenate(list(predicted.values()), axis=1)
            sizes = {str(number): one.shape[1] for number, one in enumerate(predicted.values(), 1)}
            yield drawn(
                f"{key}-predictions", title, said,
                lambda: pictures.correlation(correlations(columns, values), rows, sizes),
            )  # fmt: skip
    over = both[-1].name if len(both) > 1 else "the central member"
    for number, one in enumerate(shown):
        curves = {partons.name: one.of(values) for partons, values in zip(both, found, strict=True)}
        said = f"{one.label}, over log x and over x; below, the ratio to {over}."
        yield drawn(
            f"{key}-{number}", one.label, said,
            lambda curves=curves, one=one: pictures.density(curves, one.label),  # type: ignore[misc]
        )  # fmt: skip


def _luminosities(both: Sequence[Partons], root_s: float, key: str) -> Section:
    masses = np.geomspace(_LIGHTEST, _HEAVIEST * root_s, _MASSES)
    found = [luminosities(partons, root_s, masses) for partons in both]
    of_each = {
        channel: {partons.name: one[channel] for partons, one in zip(both, found, strict=True)} for channel in CHANNELS
    }
    over = both[-1].name if len(both) > 1 else "the central member"
    words = (f"L(M) = 1/s ∫ dx/x f(x, M) f(τ/x, M) over x from τ = M²/s to 1. {_CHANNELS_SAID}.",)
    return Section(
        words,
        pictures=(
            drawn(
                f"{key}-luminosities", "Parton luminosities", f"Parton luminosities of {both[0].name}.",
                lambda: pictures.luminosity(masses, found[0]),
            ),
            drawn(
                f"{key}-ratios", "Ratios of luminosities", f"Ratios of luminosities to {over}.",
                lambda: pictures.luminosity_ratios(masses, of_each),
            ),
        ),
    )  # fmt: skip
