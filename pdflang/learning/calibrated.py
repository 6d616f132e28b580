"""A ratio of events between two points, calibrated by the densities of what a classifier says there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdflang.learning.event_functions import EventFunctions
from pdflang.simulator import Simulator

_BINS = 40
_PATIENCE = 320
"""Data sets without any event that end the search for one."""


@dataclass(frozen=True)
class CalibratedRatio:
    """log p(x | θ₀)/p(x | θ₁) of single events as a function of the learned one (arXiv:1506.02169, section 2.2).

    The learned ratio s is a statistic, whatever its worth: p(s | θ₀)/p(s | θ₁) are ratios of histograms over simulated
    events of both points, in bins of equal content. `learned` are the mean log-ratios of the bins, `true` those of the
    histograms.
    """

    functions: EventFunctions
    theta0: Mapping[str, Any]
    theta1: Mapping[str, Any]
    learned: np.ndarray
    true: np.ndarray

    def log_ratios(self, events: Any) -> np.ndarray:
        """The calibrated log-ratio of events, columns by name: (events,)."""
        raw = self.functions.log_ratios(events, self.theta0, self.theta1)
        return raw + np.interp(raw, self.learned, self.true - self.learned)


def calibrated(
    functions: EventFunctions, theta0: Mapping[str, Any], theta1: Mapping[str, Any], events: int, seed: int
) -> CalibratedRatio:
    """A ratio that is calibrated with so many simulated events of each point, or some more. Errors: E609, E662."""
    samples = [_simulated(functions, (theta0, theta1), own, events, seed + own) for own in (0, 1)]
    raw, weights = zip(*samples, strict=True)
    everything = np.concatenate(raw)
    edges = np.unique(np.quantile(everything, np.linspace(0, 1, _BINS + 1)))
    place = [np.clip(np.searchsorted(edges, one, "right") - 1, 0, max(0, len(edges) - 2)) for one in raw]
    count = max(1, len(edges) - 1)
    sums = [np.bincount(p, w, count) / w.sum() for p, w in zip(place, weights, strict=True)]
    whole = np.bincount(np.concatenate(place), minlength=count)
    center = np.bincount(np.concatenate(place), everything, count) / np.maximum(whole, 1)
    good = (sums[0] > 0) & (sums[1] > 0)
    return CalibratedRatio(functions, theta0, theta1, center[good], np.log(sums[0][good] / sums[1][good]))


def _simulated(
    functions: EventFunctions, points: tuple[Mapping[str, Any], Mapping[str, Any]], own: int, events: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The learned log-ratios of events that are simulated at one of the points, and their weights."""
    simulator, first = Simulator(functions.model), 0
    found: list[np.ndarray] = []
    weights: list[np.ndarray] = []
    while sum(len(one) for one in found) < events:
        batch = simulator.draw(8, seed, first, points[own], traces=False)
        lists = batch.data[functions.observation]
        found.append(functions.log_ratios(lists.columns, *points))
        weights.append(np.ones(len(found[-1])) if lists.weights is None else lists.weights)
        first += 8
        if first >= _PATIENCE and not any(len(one) for one in found):
            break
    return np.concatenate(found), np.concatenate(weights)
