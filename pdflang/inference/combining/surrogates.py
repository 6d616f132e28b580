"""Surrogates of the log-densities of parts by Gaussian processes, refined where the posterior is to be.

Source: de Souza, Mesquita, Kaski and Acerbi 2022 (arXiv:2202.11154). A surrogate that knows only the draws of its own
part is blind where those of others, or of the product, are: it is told the density there too, first of all where it is
least certain. The sum of all is sampled.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from pdflang.inference import nuts
from pdflang.inference.combining.combined import Combined, moments_of, product_of
from pdflang.inference.draws import Unsuited
from pdflang.inference.normal import Normal
from pdflang.inference.options import NutsOptions
from pdflang.inference.surface import log_densities
from pdflang.inference.target import Target
from pdflang.results.two_samples import require_scikit

_FIRST, _MORE = 20, 10
"""Points for each dimension that a surrogate begins with, and that it is told in each round."""

_ROUNDS = 5

_CANDIDATES = 500
"""Of the draws of each part, of the product as it is known, and around that: where a surrogate may be told more."""

_AROUND = 1.5

_NOISE = 1e-6
"""Of the variance of a surrogate: what keeps the matrix of near points positive definite."""

_MOST_DIMENSIONS = 15
"""The points that a smooth function is known by grow beyond all bounds."""


def require(dimension: int) -> None:
    """What it takes. Error: E620 without scikit-learn; raises `Unsuited` where there are too many dimensions."""
    require_scikit("a surrogate by Gaussian processes")
    if dimension > _MOST_DIMENSIONS:
        raise Unsuited(
            f"surrogates by Gaussian processes know functions of {_MOST_DIMENSIONS} dimensions at most",
            "combine by `kernels` or `consensus`",
        )


def combine(draws: np.ndarray, random: np.random.Generator, parts: Sequence[Target]) -> Combined:
    """Draws of the sum of surrogates by NUTS, and what the sum is there."""
    count, chains, each, dimension = draws.shape
    product = product_of(moments_of(draws))
    points = [product.whitened(part.reshape(-1, dimension)) for part in draws]
    known = [_Surrogate(part, own, product, random) for part, own in zip(parts, points, strict=True)]
    settings = NutsOptions(chains, 300, each, seed=int(random.integers(2**31)))
    for number in range(_ROUNDS + 1):
        target = Target(dimension, _sum, _start, [surrogate.arrays for surrogate in known])
        last = number == _ROUNDS
        found = nuts.sample(target, settings if last else NutsOptions(2, 200, _CANDIDATES // 2, seed=settings.seed))
        if last:
            break
        near = found.z.reshape(-1, dimension)
        around = near.mean(axis=0) + _AROUND * (near - near.mean(axis=0))
        shared = [random.permutation(own)[: _CANDIDATES // count] for own in points]
        for surrogate in known:
            surrogate.learn(np.concatenate([near, around, *shared]), random)
    return Combined(
        product.mean + found.z @ product.root.T, found.statistics["lp"], sum(len(one.values) for one in known)
    )


class _Surrogate:
    """The log-density of a part in whitened coordinates: the normal of its draws and a Gaussian process beside it."""

    def __init__(self, part: Target, points: np.ndarray, product: Normal, random: np.random.Generator) -> None:
        self._part, self._product = part, product
        self._normal = Normal.of(points)
        first = random.permutation(points)[: _FIRST * points.shape[1]]
        self._points, self.values = np.zeros((0, points.shape[1])), np.zeros(0)
        self._tell(first)

    def learn(self, candidates: np.ndarray, random: np.random.Generator) -> None:
        """Be told the density at some of the candidates (m, n), chosen by how uncertain it is there."""
        _, spread = self._process.predict(candidates, return_std=True)
        # Where hardly anything is uncertain every candidate may be chosen.
        weights = spread**2 + 1e-9 * np.max(spread**2) + 1e-300
        count = min(_MORE * candidates.shape[1], len(candidates))
        self._tell(candidates[random.choice(len(candidates), count, replace=False, p=weights / weights.sum())])

    def _tell(self, points: np.ndarray) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel

        values = log_densities(self._part, self._product.mean + points @ self._product.root.T)
        there = np.isfinite(values)
        self._points = np.concatenate([self._points, points[there]])
        self.values = np.concatenate([self.values, values[there] - self._normal.log_density(points[there])])
        self._shift = float(np.median(self.values))
        size = max(float(np.var(self.values)), 1e-12)
        kernel = ConstantKernel(size, (1e-6 * size, 1e6 * size)) * RBF(np.full(points.shape[1], 4.0), (0.3, 100))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._process = GaussianProcessRegressor(kernel, alpha=_NOISE * size).fit(
                self._points, self.values - self._shift
            )

    @property
    def arrays(self) -> dict[str, Any]:
        """What the function `_sum` reads."""
        size, lengths = self._process.kernel_.k1.constant_value, self._process.kernel_.k2.length_scale
        root = np.linalg.inv(self._normal.root)
        # As many as there will be, so that further points compile nothing again.
        room = (_FIRST + _ROUNDS * _MORE) * len(root) - len(self._points)
        points = np.pad(self._points / lengths, ((0, room), (0, 0)))
        weights = np.pad(size * np.ravel(self._process.alpha_), (0, room))
        return {
            "mean": self._normal.mean, "whitening": root, "points": points, "lengths": lengths, "weights": weights,
        }  # fmt: skip


def _sum(z: Any, surrogates: Any) -> Any:
    """The sum of surrogates at a point (n,), up to a constant."""
    found = 0.0
    for one in surrogates:
        left = one["whitening"] @ (z - one["mean"])
        apart = jnp.sum((z / one["lengths"] - one["points"]) ** 2, axis=1)
        found += -0.5 * left @ left + jnp.exp(-0.5 * apart) @ one["weights"]
    return found


def _start(key: Any, surrogates: Any) -> Any:
    """The middle of the product of normals."""
    return jnp.zeros(surrogates[0]["mean"].shape)
