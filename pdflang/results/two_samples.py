"""Whether two samples come from one distribution: what a classifier makes of it (Lopez-Paz & Oquab 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pdflang.diagnostics.extras import require_extra

_FOLDS = 5


class TwoSamples(NamedTuple):
    """The share of points that a classifier tells apart, ½ for samples of one distribution, and its error."""

    accuracy: float
    error: float


def kolmogorov_distance(
    first: np.ndarray, second: np.ndarray, weights: Sequence[np.ndarray] | None = None
) -> float:
    """The largest difference of the distribution functions of two samples (n,), which may be weighted."""
    own = [np.ones(len(one)) for one in (first, second)] if weights is None else weights
    values = np.concatenate([first, second])
    steps = np.concatenate([own[0] / own[0].sum(), -own[1] / own[1].sum()])
    order = np.argsort(values, kind="stable")
    # Only behind the last of equal values.
    ends = np.append(np.diff(values[order]) > 0, True)
    return float(np.abs(np.cumsum(steps[order])[ends]).max())


def effective_count(weights: np.ndarray) -> float:
    """How many events of weight 1 say as much (Kish 1965)."""
    return float(weights.sum() ** 2 / np.sum(weights**2))


def require_scikit(purpose: str = "comparing draws") -> None:
    """PdflangError (E620) where scikit-learn is not installed, before anything is made that it is needed for."""
    require_extra(purpose, "learn", ("sklearn",))


def c2st(reference: np.ndarray, other: np.ndarray, seed: int = 0) -> TwoSamples:
    """The test of two samples (n, d), in the way of sbibm (Lueckmann et al. 2021, arXiv:2101.04653).

    The classifier is a network of two hidden layers of 10 d units, trained on four fifths of the points and judged by
    the rest, five times; points are in units of the reference. Error: E620 without scikit-learn.
    """
    require_scikit()
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.neural_network import MLPClassifier

    spread = reference.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    points = (np.concatenate([reference, other]) - reference.mean(axis=0)) / scale
    labels = np.repeat([0, 1], [len(reference), len(other)])
    units = 10 * points.shape[1]
    classifier = MLPClassifier((units, units), max_iter=10_000, solver="adam", random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        folds = KFold(_FOLDS, shuffle=True, random_state=seed)
        scores = cross_val_score(classifier, points, labels, cv=folds, scoring="accuracy")
    return TwoSamples(float(scores.mean()), float(scores.std(ddof=1) / np.sqrt(_FOLDS)))
