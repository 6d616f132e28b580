"""What the data taught: how much narrower the posterior of each parameter is than its prior."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pdflang.results.posterior import DRAW_AXES
from pdflang.results.trees import Group, Variable

if TYPE_CHECKING:
    import xarray

_TOO_HEAVY = 0.25
"""Where the relative variance of the variance is larger, draws do not tell what the variance of the prior is."""


class PriorMoments(NamedTuple):
    """Mean, standard deviation and kurtosis of the prior of each entry of a parameter, from `draws` draws of it."""

    mean: np.ndarray
    sd: np.ndarray
    kurtosis: np.ndarray
    draws: int


class Contraction(NamedTuple):
    """Of each entry of a parameter, (entries,): 1 − var(posterior)/var(prior), its standard error, and the shift.

    The shift is how many standard deviations of the prior the mean has moved. NaN where the prior is improper, or has
    tails so heavy that draws do not tell its variance.
    """

    value: np.ndarray
    error: np.ndarray
    shift: np.ndarray


def moments_of(values: np.ndarray) -> PriorMoments:
    """The moments of draws (n, *axes) of a prior, by entry; NaN where the variance is not determined by them."""
    columns = values.reshape(len(values), math.prod(values.shape[1:]))
    with np.errstate(all="ignore"):
        mean, sd = columns.mean(axis=0), columns.std(axis=0)
        kurtosis = _kurtosis(columns)
        known = np.isfinite(sd) & (sd > 0) & (kurtosis < _TOO_HEAVY * len(columns))
    mean, sd, kurtosis = (np.where(known, found, np.nan) for found in (mean, sd, kurtosis))
    return PriorMoments(mean, sd, kurtosis, len(columns))


def attach(posterior: Group, moments: Mapping[str, PriorMoments]) -> None:
    """Write what was taught into the attributes of each variable of a posterior that has moments of its prior.

    `prior_mean`, `prior_sd`, `contraction` and `contraction_error` have an entry for each of the variable's, in
    row-major order.
    """
    for name, prior in moments.items():
        if not np.any(np.isfinite(prior.sd)):
            continue
        columns = np.asarray(posterior[name].transpose(*DRAW_AXES, ...), float).reshape(-1, len(prior.mean))
        if len(columns) < 2:
            continue
        with np.errstate(all="ignore"):
            left = columns.var(axis=0) / prior.sd**2
            error = left * np.sqrt(prior.kurtosis / prior.draws + _kurtosis(columns) / len(columns))
        posterior[name].attrs.update(
            {"prior_mean": prior.mean, "prior_sd": prior.sd, "contraction": 1 - left, "contraction_error": error}
        )


def contraction_of(variable: Variable | xarray.DataArray, entries: int) -> Contraction:
    """What `attach` wrote, or NaN."""
    names = ("prior_mean", "prior_sd", "contraction", "contraction_error")
    if not all(name in variable.attrs for name in names):
        nothing = np.full(entries, np.nan)
        return Contraction(nothing, nothing, nothing)
    mean, sd, value, error = (np.atleast_1d(variable.attrs[name]) for name in names)
    posterior = np.asarray(variable.transpose(*DRAW_AXES, ...), float).mean(axis=(0, 1)).reshape(entries)
    return Contraction(value, error, (posterior - mean) / sd)


def _kurtosis(columns: np.ndarray) -> np.ndarray:
    """The fourth central moment over the square of the variance, less 1: what the error of a variance grows with."""
    away = columns - columns.mean(axis=0)
    variance = np.mean(away**2, axis=0)
    return np.asarray(np.mean(away**4, axis=0) / variance**2 - 1)
