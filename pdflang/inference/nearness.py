"""What `abc` compares, and how near a simulated data set is to the one that was observed.

Statistics s are compared as they are, or by what they predict of the parameters: regressions of parameters on s, whose
predictions are nearly sufficient summaries (semi-automatic ABC, Fearnhead & Prangle 2012). Where a parameter itself
cannot be predicted, as that of a symmetric model, its square is tried.

The distance of summaries S is d² = (S − S_obs)ᵀ Σ⁻¹ (S − S_obs) / (k + 2), Σ being their covariance at one point of the
parameters. Points of a ball of radius r in k dimensions have the variance r²/(k + 2) along each axis: draws within
d ≤ ε are those of data whose scatter Σ is 1 + ε² times as large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

_FAR = 5.0
"""Spreads from where on statistics count as their logarithm: heavy tails would decide about regressions."""

_PREDICTED = 0.1
"""Below this share of explained variance the square of a parameter is tried, too."""

_LEAST_PREDICTED = 0.02
"""Below this one a prediction is noise, which would have to agree with that of the data all the same."""

_LEAST_SCATTER = 1e-3
"""Of the spread: scatter of statistics that hardly have any."""


@dataclass(frozen=True)
class Scale:
    """Statistics in units of their bulk among simulations, without those that are the same in all of them."""

    center: np.ndarray
    spread: np.ndarray
    varying: np.ndarray

    @classmethod
    def of(cls, statistics: np.ndarray) -> Scale:
        """The bulk of statistics (n, k), NaN where there are none."""
        there = np.isfinite(statistics)
        filled = np.where(there, statistics, np.nan)
        varying = np.flatnonzero(there.any(axis=0))
        low, middle, high = np.nanquantile(filled[:, varying], (0.16, 0.5, 0.84), axis=0)
        spread = np.where(high > low, (high - low) / 2, np.nanstd(filled[:, varying], axis=0))
        varies = spread > 1e-12 * (1 + np.abs(middle))
        return cls(middle[varies], spread[varies], varying[varies])

    def __call__(self, statistics: np.ndarray) -> np.ndarray:
        """Statistics (n, k) as numbers of order 1; one that there is not counts as the typical one."""
        found = np.nan_to_num((statistics[:, self.varying] - self.center) / self.spread, nan=0.0)
        size = np.abs(found)
        far = np.sign(found) * (_FAR + np.log1p(np.maximum(size - _FAR, 0.0)))
        return np.where(size > _FAR, far, found)


@dataclass(frozen=True)
class Prediction:
    """Linear predictions of parameters, and of squares of some: `matrix` (1 + k, m), in units of the prior."""

    center: np.ndarray
    spread: np.ndarray
    chosen: tuple[tuple[int, int], ...]
    matrix: np.ndarray

    @classmethod
    def first(cls, z: np.ndarray, scaled: np.ndarray) -> Prediction | None:
        """What can be predicted of parameters z (n, dimension) by statistics (n, k); None if nothing."""
        spread = z.std(axis=0)
        center, spread = z.mean(axis=0), np.where(spread > 0, spread, 1.0)
        chosen = []
        for place in range(z.shape[1]):
            for power in (1, 2):
                values = ((z[:, place] - center[place]) / spread[place]) ** power
                explained = _explained(values, scaled)
                if explained > _LEAST_PREDICTED:
                    chosen.append((place, power))
                if explained > _PREDICTED:
                    break
        if not chosen:
            return None
        return cls(center, spread, tuple(chosen), np.zeros((0, 0))).refitted(z, scaled)

    def refitted(self, z: np.ndarray, scaled: np.ndarray) -> Prediction:
        """The same predictions by other simulations."""
        units = (z - self.center) / self.spread
        targets = np.stack([units[:, place] ** power for place, power in self.chosen], axis=1)
        return Prediction(self.center, self.spread, self.chosen, _regression(targets, scaled))

    def __call__(self, scaled: np.ndarray) -> np.ndarray:
        return self.matrix[0] + scaled @ self.matrix[1:]


@dataclass(frozen=True)
class Nearness:
    """Summaries of statistics, and their distance from those observed, in units of their scatter.

    `triangle` (m, m) is the Cholesky factor of Σ.
    """

    scale: Scale
    prediction: Prediction | None
    triangle: np.ndarray
    observed: np.ndarray

    @classmethod
    def of(
        cls, scale: Scale, prediction: Prediction | None, observed: np.ndarray, repeated: np.ndarray, spread: np.ndarray
    ) -> Nearness:
        """By statistics that were `repeated` (n, k) at one point, and others that have the `spread` (n, k) of many."""

        def summaries(statistics: np.ndarray) -> np.ndarray:
            scaled = scale(statistics)
            return scaled if prediction is None else prediction(scaled)

        many = summaries(spread)
        floor = _LEAST_SCATTER * np.where(many.std(axis=0) > 0, many.std(axis=0), 1.0)
        covariance = _shrunk(summaries(repeated)) + np.diag(floor**2)
        return cls(scale, prediction, np.linalg.cholesky(covariance), summaries(observed[None])[0])

    def differences(self, statistics: np.ndarray) -> np.ndarray:
        """L⁻¹ (S − S_obs) of statistics (n, k), with L Lᵀ = Σ: (n, m)."""
        scaled = self.scale(statistics)
        summaries = scaled if self.prediction is None else self.prediction(scaled)
        return np.asarray(solve_triangular(self.triangle, (summaries - self.observed).T, lower=True)).T

    def distances(self, statistics: np.ndarray) -> np.ndarray:
        """d (n,) of statistics (n, k)."""
        differences = self.differences(statistics)
        found: np.ndarray = np.sqrt(np.sum(differences**2, axis=1) / (differences.shape[1] + 2))
        return found


def adjusted(z: np.ndarray, weights: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Draws z (n, dimension) as if their data were those observed: without what follows from the differences (n, m).

    By a weighted regression (Beaumont, Zhang & Balding 2002); z is unconstrained, so that nothing leaves its bounds.
    """
    root = np.sqrt(weights)[:, None]
    known = np.concatenate([np.ones((len(z), 1)), differences], axis=1)
    slopes = np.linalg.lstsq(known * root, z * root, rcond=None)[0][1:]
    found: np.ndarray = z - differences @ slopes
    return found


def _regression(targets: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    """Intercepts and slopes (1 + k, m); the ridge is of the size of what noise puts in the place of k numbers."""
    width = scaled.shape[1]
    known = np.concatenate([np.ones((len(scaled), 1)), scaled], axis=1)
    ridge = np.diag([0.0] + [max(1.0, float(width))] * width)
    return np.linalg.solve(known.T @ known + ridge, known.T @ targets)


def _explained(values: np.ndarray, scaled: np.ndarray) -> float:
    """The share of variance of values (n,) that statistics (n, k) predict, beyond what chance alone would."""
    variance = values.var()
    if variance == 0:
        return 0.0
    matrix = _regression(values[:, None], scaled)[:, 0]
    left = values - matrix[0] - scaled @ matrix[1:]
    free = len(values) - 1 - scaled.shape[1]
    return float(1 - left.var() / variance * len(values) / free) if free > 0 else 0.0


def _shrunk(values: np.ndarray) -> np.ndarray:
    """The covariance of values (n, m), correlations shrunk by how badly they are known (Schäfer & Strimmer 2005)."""
    count, centred = len(values), values - values.mean(axis=0)
    variances = np.sum(centred**2, axis=0) / (count - 1)
    units = centred / np.where(variances > 0, np.sqrt(variances), 1.0)
    correlations = units.T @ units / (count - 1)
    squares = (units**2).T @ (units**2) / count - (units.T @ units / count) ** 2
    off = ~np.eye(len(variances), dtype=bool)
    total = np.sum(correlations[off] ** 2)
    share = min(1.0, float(np.sum(squares[off]) / count / total)) if total > 0 else 1.0
    scatter = np.sqrt(variances)
    shrunk = np.where(off, (1 - share) * correlations, np.eye(len(variances)))
    return shrunk * scatter[:, None] * scatter
