"""The default: NUTS, after climbs from many draws of the prior have looked for modes that its chains would not find.

Chains that all start at one mode agree with each other, and R-hat says nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np

from pdflang.inference import nuts, smc
from pdflang.inference.draws import Draws, NoFiniteStart
from pdflang.inference.laplace import normal_at
from pdflang.inference.map import maximise
from pdflang.inference.monitor import Monitor
from pdflang.inference.normal import Normal
from pdflang.inference.optima import Optimum
from pdflang.inference.options import AutoOptions, MapOptions, NutsOptions, SmcOptions, chosen_seed
from pdflang.inference.start import CURVED_DIMENSIONS
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest, interrupts

_APART = 3.0
"""Modes are apart where the root mean square of the whitened distance, by either's curvature, is longer."""

_RELEVANT = 7.0
"""A mode counts whose share of the posterior, by Laplace's approximation, is within exp(−7) of the largest."""

_TOLERANCE = 1e-6
_STEPS = 200


def sample(
    target: Target,
    options: AutoOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    enough: Callable[[Draws], bool] | None = None,
) -> Draws:
    """Draws by NUTS; by SMC where there are several modes and the prior is proper. Raises `NoFiniteStart`."""
    options = options or AutoOptions()
    seed = chosen_seed(options.seed)
    with interrupts(stop) as stop:
        modes = relevant_modes(target, options.starts, seed, options.threads, stop)
        if len(modes) > 1 and target.log_prior is not None:
            populations = SmcOptions(max(2, options.chains), max(1000, options.first_draws), seed=seed, threads=options.threads)
            found = smc.sample(target, populations, monitor, stop)
            told = f"{_told(modes)}; tempered SMC was used, whose populations visit all of them"
        else:
            own = NutsOptions(**{f.name: getattr(options, f.name) for f in fields(NutsOptions)})
            found = nuts.sample(target, replace(own, seed=seed), monitor, stop, enough)
            told = f"{_told(modes)}, and no prior that SMC could start from: chains may stay where they start"
    return replace(found, method=f"auto ({found.method})", remarks=(*found.remarks, *([told] if len(modes) > 1 else [])))


class Mode(NamedTuple):
    """A maximum: the normal distribution there, and the log of the mass that it stands for."""

    normal: Normal
    log_mass: float


def relevant_modes(
    target: Target, starts: int, seed: int, threads: int | None, stop: StopRequest | None = None
) -> list[Mode]:
    """The modes that climbs from draws of the prior reach and that are a part of the posterior, the largest first.

    None in many dimensions, where climbs would cost more than the sampling.
    """
    if target.dimension > CURVED_DIMENSIONS:
        return []
    climbs = MapOptions(starts, seed, _TOLERANCE, _STEPS, threads)
    try:
        optima = maximise(target, climbs, stop=stop)
    except NoFiniteStart:
        return []
    modes: list[Mode] = []
    for optimum in sorted(optima.every, key=lambda optimum: -optimum.value):
        if optimum.converged and not any(_same(mode.normal, optimum) for mode in modes):
            normal = normal_at(optimum)
            modes.append(Mode(normal, optimum.value + normal.log_volume))
    modes.sort(key=lambda mode: -mode.log_mass)
    return [mode for mode in modes if mode.log_mass > modes[0].log_mass - _RELEVANT]


def _same(normal: Normal, optimum: Optimum) -> bool:
    """Whether two optima are one mode: near to each other by the larger of their two scales."""
    other = normal_at(optimum)
    distances = (normal.whitened(optimum.z[None]), other.whitened(normal.mean[None]))
    return min(float(np.sqrt(np.mean(distance**2))) for distance in distances) < _APART


def _told(modes: list[Mode]) -> str:
    masses = np.exp([mode.log_mass - modes[0].log_mass for mode in modes])
    shares = ", ".join(f"{share:.2g}" for share in masses / masses.sum())
    return f"the posterior has {len(modes)} modes that climbs from the prior reach (shares about {shares})"
