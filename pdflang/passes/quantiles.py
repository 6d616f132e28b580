"""Distribution functions of priors and their inverses, by NumPy and `scipy.special`.

`scipy.stats`, which has them all, takes longer to import than a model to compile; tests compare them with it. What is
not here comes from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from pdflang.components.rows import Distribution
from pdflang.ir.evaluate import resolve


class Quantiles(NamedTuple):
    """The share of a distribution below a number, and the number below which a share lies; arrays broadcast.

    Both take the arguments of the prior after the number or share.
    """

    share: Callable[..., Any]
    number: Callable[..., Any]


def _clipped(value: Any) -> Any:
    """A number of the positive half-line, beyond whose end the share is 0."""
    return np.maximum(value, 0.0)


def _odds(share: Any) -> Any:
    return np.log(share) - np.log1p(-share)


def _laplace_share(x: Any, mu: Any, sigma: Any) -> Any:
    tail = 0.5 * np.exp(-np.abs(x - mu) / sigma)
    return np.where(x < mu, tail, 1 - tail)


def _laplace_number(share: Any, mu: Any, sigma: Any) -> Any:
    tail = np.log(2 * np.minimum(share, 1 - share))
    return mu + sigma * np.where(share < 0.5, tail, -tail)


QUANTILES: Mapping[str, Quantiles] = {
    "Normal": Quantiles(
        lambda x, mu, sigma: special.ndtr((x - mu) / sigma), lambda p, mu, sigma: mu + sigma * special.ndtri(p)
    ),
    "LogNormal": Quantiles(
        lambda x, mu, sigma: special.ndtr((np.log(_clipped(x)) - mu) / sigma),
        lambda p, mu, sigma: np.exp(mu + sigma * special.ndtri(p)),
    ),
    "HalfNormal": Quantiles(
        lambda x, sigma: special.erf(_clipped(x) / sigma / np.sqrt(2)),
        lambda p, sigma: sigma * np.sqrt(2) * special.erfinv(p),
    ),
    "StudentT": Quantiles(
        lambda x, nu, mu, sigma: special.stdtr(nu, (x - mu) / sigma),
        lambda p, nu, mu, sigma: mu + sigma * special.stdtrit(nu, p),
    ),
    "Cauchy": Quantiles(
        lambda x, mu, sigma: np.arctan2(sigma, mu - x) / np.pi, lambda p, mu, sigma: mu - sigma / np.tan(np.pi * p)
    ),
    "HalfCauchy": Quantiles(
        lambda x, sigma: 2 / np.pi * np.arctan(_clipped(x) / sigma), lambda p, sigma: sigma * np.tan(np.pi / 2 * p)
    ),
    "Laplace": Quantiles(_laplace_share, _laplace_number),
    "Logistic": Quantiles(
        lambda x, mu, sigma: special.expit((x - mu) / sigma), lambda p, mu, sigma: mu + sigma * _odds(p)
    ),
    "Exponential": Quantiles(lambda x, rate: -np.expm1(-rate * _clipped(x)), lambda p, rate: -np.log1p(-p) / rate),
    "Gamma": Quantiles(
        lambda x, shape, rate: special.gammainc(shape, rate * _clipped(x)),
        lambda p, shape, rate: special.gammaincinv(shape, p) / rate,
    ),
    "InverseGamma": Quantiles(
        lambda x, shape, scale: special.gammaincc(shape, scale / _clipped(x)),
        lambda p, shape, scale: scale / special.gammainccinv(shape, p),
    ),
    "Weibull": Quantiles(
        lambda x, shape, scale: -np.expm1(-((_clipped(x) / scale) ** shape)),
        lambda p, shape, scale: scale * (-np.log1p(-p)) ** (1 / shape),
    ),
    "Beta": Quantiles(
        lambda x, a, b: special.betainc(a, b, np.clip(x, 0.0, 1.0)), lambda p, a, b: special.betaincinv(a, b, p)
    ),
    "Uniform": Quantiles(
        lambda x, lower, upper: np.clip((x - lower) / (upper - lower), 0.0, 1.0),
        lambda p, lower, upper: lower + (upper - lower) * p,
    ),
}
"""By the names of priors: those of one number that are proper and continuous."""


def quantiles_of(row: Distribution) -> Quantiles:
    """Those of a distribution; by its reference in SciPy where the table has none."""
    if row.name in QUANTILES:
        return QUANTILES[row.name]
    assert row.reference is not None
    frozen = resolve(row.reference)
    return Quantiles(
        lambda x, *arguments: frozen(*arguments).cdf(x), lambda p, *arguments: frozen(*arguments).ppf(p)
    )
