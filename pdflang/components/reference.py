"""What the rows are tested against, by NumPy and SciPy; constants are folded with the functions here.

Loaded only by dotted name: it imports SciPy, whose statistics load themselves where a distribution is asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy import special


def sign(x: ArrayLike) -> NDArray[np.int64]:
    return np.sign(x).astype(np.int64)


def floor(x: ArrayLike) -> NDArray[np.int64]:
    return np.floor(x).astype(np.int64)


def ceil(x: ArrayLike) -> NDArray[np.int64]:
    return np.ceil(x).astype(np.int64)


def round(x: ArrayLike) -> NDArray[np.int64]:
    return np.rint(x).astype(np.int64)


def step(x: ArrayLike) -> NDArray[np.int64]:
    return (np.asarray(x) >= 0).astype(np.int64)


def digamma(x: ArrayLike) -> NDArray[np.float64]:
    return special.digamma(x)


def log_Phi(x: ArrayLike) -> NDArray[np.float64]:
    return special.log_ndtr(x)


def beta(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    return special.beta(a, b)


def log_beta(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    return special.betaln(a, b)


def choose(n: ArrayLike, k: ArrayLike) -> NDArray[np.float64]:
    return np.where(np.asarray(k) > np.asarray(n), 0.0, special.binom(n, k))


def log_choose(n: ArrayLike, k: ArrayLike) -> NDArray[np.float64]:
    n, k = np.asarray(n, float), np.asarray(k, float)
    inside = np.minimum(k, n)
    value = -np.log1p(n) - special.betaln(n - inside + 1, inside + 1)
    return np.where(k > n, -np.inf, value)


def bessel_j(n: ArrayLike, x: ArrayLike) -> NDArray[np.float64]:
    return special.jv(n, x)


def log_prob_of_counts(counts: Any, rate: Any, log_factorial: Any) -> Any:
    return special.xlogy(counts, rate) - rate - log_factorial


def log_prob_of_known_scale(y: Any, mu: Any, sigma: Any, log_sigma: Any) -> Any:
    return -0.5 * ((y - mu) / sigma) ** 2 - log_sigma - 0.5 * np.log(2 * np.pi)


def log_prob_of_white(y: Any, mu: Any, log_norm: Any) -> Any:
    return -0.5 * np.sum((y - mu) ** 2) - log_norm


def log_prob_of_linear(blocks: Any, v: Any, log_norm: Any) -> Any:
    flat, (rows, y, rest) = np.ravel(v), blocks
    mu = np.concatenate([block @ flat[len(flat) - block.shape[1] :] for block in rows])
    return -0.5 * (np.sum((y - mu) ** 2) + rest) - log_norm


def log_or_floor(x: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(x, float)
    return np.where(x == 0, -1e100, np.log(np.where(x == 0, 1.0, x)))


def where_taken(taken: ArrayLike, value: ArrayLike) -> NDArray[np.float64]:
    return np.broadcast_arrays(np.asarray(value), taken)[0]


def scale_tril_of_precision(precision: ArrayLike) -> NDArray[np.float64]:
    upper = np.flip(np.linalg.cholesky(np.flip(precision)))
    return np.asarray(np.linalg.solve(upper.T, np.eye(len(upper))), np.float64)


def Normal(mu: Any, sigma: Any) -> Any:
    return scipy.stats.norm(mu, sigma)


def StudentT(nu: Any, mu: Any, sigma: Any) -> Any:
    return scipy.stats.t(nu, mu, sigma)


def Cauchy(mu: Any, sigma: Any) -> Any:
    return scipy.stats.cauchy(mu, sigma)


def Laplace(mu: Any, sigma: Any) -> Any:
    return scipy.stats.laplace(mu, sigma)


def Logistic(mu: Any, sigma: Any) -> Any:
    return scipy.stats.logistic(mu, sigma)


def LogNormal(mu: Any, sigma: Any) -> Any:
    return scipy.stats.lognorm(sigma, scale=np.exp(mu))


def HalfNormal(sigma: Any) -> Any:
    return scipy.stats.halfnorm(scale=sigma)


def HalfCauchy(sigma: Any) -> Any:
    return scipy.stats.halfcauchy(scale=sigma)


def Exponential(rate: Any) -> Any:
    return scipy.stats.expon(scale=1 / rate)


def Gamma(shape: Any, rate: Any) -> Any:
    return scipy.stats.gamma(shape, scale=1 / rate)


def InverseGamma(shape: Any, scale: Any) -> Any:
    return scipy.stats.invgamma(shape, scale=scale)


def Weibull(shape: Any, scale: Any) -> Any:
    return scipy.stats.weibull_min(shape, scale=scale)


def Beta(a: Any, b: Any) -> Any:
    return scipy.stats.beta(a, b)


def Uniform(lower: Any, upper: Any) -> Any:
    return scipy.stats.uniform(lower, upper - lower)


def MvNormal(mu: Any, scale_tril: Any) -> Any:
    return scipy.stats.multivariate_normal(mu, scale_tril @ scale_tril.T)


def Dirichlet(concentration: Any) -> Any:
    return scipy.stats.dirichlet(concentration)


def Bernoulli(p: Any) -> Any:
    return scipy.stats.bernoulli(p)


def Binomial(n: Any, p: Any) -> Any:
    return scipy.stats.binom(n, p)


def NegativeBinomial(mu: Any, phi: Any) -> Any:
    return scipy.stats.nbinom(phi, phi / (phi + mu))


def Poisson(rate: Any) -> Any:
    return scipy.stats.poisson(rate)
