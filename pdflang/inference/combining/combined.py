"""What combinations give, and the normal distributions that they share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pdflang.inference.normal import Normal


class Combined(NamedTuple):
    """Draws (chain, draw, n); their log-density (chain, draw) up to a constant where it is known.

    `evaluations` of parts' densities were made beside those for their draws, each as good as 1/K of one of the whole.
    """

    z: np.ndarray
    log_density: np.ndarray | None = None
    evaluations: int = 0


class Moments(NamedTuple):
    """Means (part, n) and precisions (part, n, n) of draws of parts."""

    means: np.ndarray
    precisions: np.ndarray


def moments_of(draws: np.ndarray) -> Moments:
    """Of draws (part, chain, draw, n)."""
    flat = draws.reshape(len(draws), -1, draws.shape[-1])
    return Moments(flat.mean(axis=1), np.stack([_precision(part) for part in flat]))


def product_of(moments: Moments) -> Normal:
    """The product of normal densities (Neiswanger et al. 2013, eqs. 3.1 and 3.2)."""
    precision = moments.precisions.sum(axis=0)
    mean = np.linalg.solve(precision, np.einsum("kij,kj->i", moments.precisions, moments.means))
    return Normal(mean, np.linalg.cholesky(np.linalg.inv(precision)))


def _precision(draws: np.ndarray) -> np.ndarray:
    """The inverse covariance of draws (m, n), without the bias that an inverse has (Hartlap et al. 2007)."""
    count, dimension = draws.shape
    shrink = max(count - dimension - 2, 1) / (count - 1)
    root = Normal.of(draws).root
    return shrink * np.linalg.inv(root @ root.T)
