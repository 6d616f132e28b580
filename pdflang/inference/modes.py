"""The modes among the maxima that climbs have reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pdflang.inference.normal import Normal
from pdflang.inference.optima import Optima, Optimum

_APART = 3.0
"""Modes are apart where the root mean square of the whitened distance, by either's curvature, is longer."""

_RELEVANT = 7.0
"""A mode counts whose share of the posterior, by Laplace's approximation, is within exp(−7) of the largest."""


class Mode(NamedTuple):
    """A maximum: the normal distribution there, and the log of the mass that it stands for."""

    normal: Normal
    log_mass: float


def modes_of(optima: Optima) -> list[Mode]:
    """The modes that are a part of the posterior, the largest first; none where no climb converged."""
    modes: list[Mode] = []
    for optimum in sorted(optima.every, key=lambda optimum: -optimum.value):
        if optimum.converged and not any(_same(mode.normal, optimum) for mode in modes):
            normal = _normal_at(optimum)
            modes.append(Mode(normal, optimum.value + normal.log_volume))
    modes.sort(key=lambda mode: -mode.log_mass)
    return [mode for mode in modes if mode.log_mass > modes[0].log_mass - _RELEVANT]


def told(modes: Sequence[Mode]) -> str:
    """How many there are, and how large, as the beginning of a sentence."""
    masses = np.exp([mode.log_mass - modes[0].log_mass for mode in modes])
    shares = ", ".join(f"{share:.2g}" for share in masses / masses.sum())
    return f"the posterior has {len(modes)} modes that climbs from the prior reach (shares about {shares})"


def _same(normal: Normal, optimum: Optimum) -> bool:
    """Whether two optima are one mode: near to each other by the larger of their two scales."""
    other = _normal_at(optimum)
    distances = (normal.whitened(optimum.z[None]), other.whitened(normal.mean[None]))
    return min(float(np.sqrt(np.mean(distance**2))) for distance in distances) < _APART


def _normal_at(optimum: Optimum) -> Normal:
    """The normal distribution of a converged optimum's covariance."""
    assert optimum.covariance is not None
    return Normal(optimum.z, np.linalg.cholesky(optimum.covariance))
