"""The product of densities of parts, each a normal times what kernels around its draws correct of that.

Source: the semiparametric estimate of Neiswanger, Wang and Xing 2014 (arXiv:1311.4780, section 3.3). The product of K
sums of kernels has a component for each choice of a draw of every part; Gibbs steps choose among them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pdflang.inference.combining.combined import Combined, moments_of, product_of
from pdflang.inference.normal import Normal

_SWEEPS = 200
"""Changes of the choice of each part, for each draw."""


def combine(draws: np.ndarray, random: np.random.Generator, parts: Any) -> Combined:
    """A draw of a component each, chosen by a chain of its own."""
    moments = moments_of(draws)
    product = product_of(moments)
    shape = draws.shape[1:]
    # On this scale the product of the normals is the standard one.
    points = np.stack([product.whitened(part.reshape(-1, shape[-1])) for part in draws])
    normals = [Normal.of(part) for part in points]
    ratios = np.stack([-normal.log_density(part) for normal, part in zip(normals, points, strict=True)])
    count, total, dimension = points.shape
    width = _bandwidth(total, dimension) * np.sqrt(count)
    choice = random.integers(total, size=(count, total))
    rows = np.arange(count)[:, None]
    chosen, own = points[rows, choice], ratios[rows, choice]
    mean, squares = chosen.mean(axis=0), np.sum(chosen**2, axis=(0, 2))
    current = _log_weight(mean, squares, count, width) + own.sum(axis=0)
    for _ in range(_SWEEPS):
        for part in range(count):
            others = random.integers(total, size=total)
            offered = points[part, others]
            new_mean = mean + (offered - chosen[part]) / count
            new_squares = squares + np.sum(offered**2 - chosen[part] ** 2, axis=1)
            new_own = ratios[part, others]
            log_weight = _log_weight(new_mean, new_squares, count, width) + own.sum(axis=0) - own[part] + new_own
            taken = np.log(random.random(total)) < log_weight - current
            chosen[part] = np.where(taken[:, None], offered, chosen[part])
            own[part] = np.where(taken, new_own, own[part])
            mean, squares = np.where(taken[:, None], new_mean, mean), np.where(taken, new_squares, squares)
            current = np.where(taken, log_weight, current)
    # The kernel of a component, of variance width²/K, times the standard normal.
    narrow = width**2 / count
    z = mean / (1 + narrow) + np.sqrt(narrow / (1 + narrow)) * random.standard_normal(mean.shape)
    return Combined((product.mean + z @ product.root.T).reshape(shape))


def _log_weight(mean: np.ndarray, squares: np.ndarray, count: int, width: float) -> np.ndarray:
    """The weight of components (m,): of K kernels in one, and of that under the standard normal."""
    apart = squares - count * np.sum(mean**2, axis=-1)
    blurred = 1 + width**2 / count
    return -0.5 * apart / width**2 - 0.5 * np.sum(mean**2, axis=-1) / blurred


def _bandwidth(count: int, dimension: int) -> float:
    """Silverman's rule for a density of unit widths."""
    return float((4 / ((dimension + 2) * count)) ** (1 / (dimension + 4)))
