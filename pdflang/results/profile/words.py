"""A profile in words: its table, and what is to be said about it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pdflang.results.diagnostics import accuracy, inexact_maximum
from pdflang.results.diagnostics import to_text as findings_text
from pdflang.results.profile.result import Level, Profile
from pdflang.results.tables import aligned

_PRIORS = {
    "all": "the density that is profiled has all priors",
    "nuisance": "the density that is profiled is the likelihood, with the priors of nuisances alone",
}


def to_text(profile: Profile) -> str:
    """The table of intervals, or of what contours span, and what is to be said about it."""
    rows = [("", "maximum", *(f"{100 * level.probability:.0f}%" for level in profile.levels))]
    for axis, name in enumerate(profile.names):
        cells = (_spans(profile, level, axis) for level in profile.levels)
        rows.append((name, f"{profile.best[axis]:.6g}", *cells))
    doubts = inexact_maximum(profile.certificates)
    said = "\n".join([*aligned(rows), "", *_remarks(profile)]) + "\n"
    return said + (findings_text(doubts) if doubts else "") + accuracy(profile.certificates)


def _spans(profile: Profile, level: Level, axis: int) -> str:
    """The intervals; over two quantities, from where to where the contours go along one of them."""
    if level.intervals:
        return " and ".join(
            f"{'[' if i.low_closed else '('}{i.low:.6g}, {i.high:.6g}{']' if i.high_closed else ')'}"
            for i in level.intervals
        )
    if level.contours and not level.reaches_edge:
        along = np.concatenate(level.contours)[:, axis]
        return f"[{along.min():.6g}, {along.max():.6g}]"
    return "–"


def _remarks(profile: Profile) -> Iterator[str]:
    names = " and ".join(profile.names)
    values = " and ".join(f"{level.two_delta:.2f}" for level in profile.levels)
    kind = "intervals end" if len(profile.names) == 1 else "contours are"
    yield f"{kind} where −2Δ log-density is {values}: all else is where it is largest given {names}"
    yield f"{_PRIORS[profile.priors]}; it is {profile.log_density:.10g} at the maximum"
    yield from _of_intervals(profile)
    for name in profile.weighted:
        yield f"the events of {name} have weights: −2Δ has no such probabilities; `pdflang map` has the right errors"
    if not profile.converged:
        yield "no start ended at a maximum of the density: see what `pdflang map` says"
    if profile.higher:
        yield "a point came out above this maximum, which is not the highest: raise `--starts`"
    if profile.unfinished:
        yield f"of {np.isfinite(profile.two_delta).sum()} points {profile.unfinished} are not at a maximum"


def _of_intervals(profile: Profile) -> Iterator[str]:
    for level in profile.levels:
        probability = f"{100 * level.probability:.0f}%"
        if len(level.intervals) > 1:
            yield f"the {probability} interval has {len(level.intervals)} parts: the density has several maxima"
        for interval in level.intervals:
            for end, closed in ((interval.low, interval.low_closed), (interval.high, interval.high_closed)):
                if not closed:
                    where = "at the bound" if np.isfinite(end) else "towards"
                    yield f"the {probability} interval of {profile.names[0]} is open {where} {end:g}"
        if level.reaches_edge:
            yield f"the {probability} contour is open where the grid ends"
