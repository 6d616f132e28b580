"""What draws of several chains are worth: rank-normalised split R-hat, and effective sample sizes.

The definitions are those of Vehtari, Gelman, Simpson, Carpenter and Bürkner, Bayesian Analysis 16 (2021) 667, and the
numbers those of ArviZ, which tests compare them with. ArviZ itself takes longer to import than a small model to sample.
All functions take the draws of one number, (chain, draw), and give NaN for fewer than four draws or what is not finite.
"""

from __future__ import annotations

import math

import numpy as np

_LEAST_DRAWS = 4
_RANK_OFFSET = 3 / 8
"""Blom's, in their equation 14."""


def rhat(draws: np.ndarray) -> float:
    """R-hat of ranks, the larger of that of the values and that of their distances from the median (section 4.1)."""
    if not _is_valid(draws) or len(draws) < 2:
        return math.nan
    halves = _halves(draws)
    return max(_rhat(_normal_scores(halves)), _rhat(_normal_scores(np.abs(halves - np.median(halves)))))


def largest_rhat(draws: np.ndarray) -> float:
    """The largest R-hat of numbers that are drawn together, (chain, draw, n); NaN where one is."""
    return float(np.max([rhat(column) for column in np.moveaxis(draws, -1, 0)]))


def ess_bulk(draws: np.ndarray) -> float:
    """How many independent draws would determine the ranks as well (section 4.2)."""
    return _ess(_normal_scores(_halves(draws))) if _is_valid(draws) else math.nan


def ess_tail(draws: np.ndarray, shares: tuple[float, float]) -> float:
    """How many independent draws would determine both quantiles as well, of these shares (section 4.3)."""
    if not _is_valid(draws):
        return math.nan
    return min(_ess(_halves(draws <= quantile)) for quantile in np.quantile(draws, shares))


def ess_mean(draws: np.ndarray) -> float:
    """How many independent draws would determine the mean as well."""
    return _ess(_halves(draws)) if _is_valid(draws) else math.nan


def mcse_of_mean(draws: np.ndarray) -> float:
    """The standard error of the mean: the standard deviation over the root of the effective sample size."""
    size = ess_mean(draws)
    return size if math.isnan(size) else float(np.std(draws, ddof=1) / math.sqrt(size))


def mcse_of_sd(draws: np.ndarray) -> float:
    """The standard error of the standard deviation, by that of the variance to first order.

    As the R package posterior has it: the effective sample size is that of squares, which chains whose draws alternate
    have fewer of.
    """
    if not _is_valid(draws):
        return math.nan
    squares = (draws - np.mean(draws)) ** 2
    variance = np.mean(squares)
    if variance == 0:
        return math.nan
    return float(np.sqrt(np.var(squares) / ess_mean(squares) / (4 * variance)))


def _is_valid(draws: np.ndarray) -> bool:
    return draws.shape[1] >= _LEAST_DRAWS and bool(np.all(np.isfinite(draws)))


def _halves(draws: np.ndarray) -> np.ndarray:
    """The first and last halves of chains as chains: a drift sets them apart."""
    half = draws.shape[1] // 2
    return np.vstack((draws[:, :half], draws[:, -half:]))


def _normal_scores(draws: np.ndarray) -> np.ndarray:
    """The normal quantiles of the ranks among all draws; equal draws share their mean rank."""
    from scipy.special import ndtri

    _, places, counts = np.unique(draws, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    ranks = mean_ranks[places.reshape(draws.shape)]
    return np.asarray(ndtri((ranks - _RANK_OFFSET) / (draws.size - 2 * _RANK_OFFSET + 1)))


def _rhat(chains: np.ndarray) -> float:
    """That of chains as they are; NaN where all are the same constant."""
    count = chains.shape[1]
    within = np.mean(np.var(chains, axis=1, ddof=1))
    between = count * np.var(np.mean(chains, axis=1), ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.sqrt((between / within + count - 1) / count))


def _ess(chains: np.ndarray) -> float:
    """By the autocorrelations up to where the sum of a pair of lags is negative (Geyer 1992), made monotone."""
    chains = np.asarray(chains, dtype=float)
    number, count = chains.shape
    if np.ptp(chains) < np.finfo(float).resolution:
        return float(chains.size)
    covariance = _mean_autocovariance(chains)
    within = covariance[0] * count / (count - 1)
    total = covariance[0] + (np.var(np.mean(chains, axis=1), ddof=1) if number > 1 else 0.0)
    correlation = 1 - (within - covariance) / total
    correlation[0] = 1.0
    return number * count / max(_autocorrelation_time(correlation), 1 / math.log10(chains.size))


def _mean_autocovariance(chains: np.ndarray) -> np.ndarray:
    """The autocovariance at each lag, (lag,), of all chains together."""
    count = chains.shape[1]
    padded = 2 ** math.ceil(math.log2(2 * count))
    spectrum = np.fft.rfft(chains - chains.mean(axis=1, keepdims=True), padded)
    power = np.mean(spectrum.real**2 + spectrum.imag**2, axis=0)
    return np.asarray(np.fft.irfft(power, padded)[:count] / count)


def _autocorrelation_time(correlation: np.ndarray) -> float:
    """The sum over lags from minus to plus infinity, up to where the noise begins."""
    count = len(correlation)
    pairs = correlation[: count // 2 * 2].reshape(-1, 2).sum(axis=1)
    # At the first pair that is not positive, and before the last lags, which few draws tell of.
    end = min(int(np.argmax(np.append(pairs, 0.0) <= 0)), max(0, (count - 3) // 2))
    last = correlation[2 * end]
    rest = last if last > 0 or pairs[end] >= 0 else 0.0
    return float(-1 + 2 * np.minimum.accumulate(pairs[:end]).sum() + rest)
