"""The Laplace approximation: a normal distribution at the maximum of the density, of the curvature there."""

from __future__ import annotations

import numpy as np

from pdflang.inference.draws import Draws, NoNormalApproximation, nothing_drawn
from pdflang.inference.importance import importance
from pdflang.inference.map import maximise
from pdflang.inference.monitor import Monitor
from pdflang.inference.normal import Normal
from pdflang.inference.optima import Optimum
from pdflang.inference.options import LaplaceOptions, MapOptions, chosen_seed
from pdflang.inference.surface import log_densities
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest


def sample(
    target: Target,
    options: LaplaceOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    enough: object = None,
) -> Draws:
    """Draws of the normal approximation on the unconstrained scale, at the highest maximum reached.

    Raises `NoFiniteStart`, and `NoNormalApproximation` where no start reaches a maximum with a positive curvature.
    """
    options = options or LaplaceOptions()
    seed = chosen_seed(options.seed)
    optima = maximise(target, MapOptions(options.starts, seed, threads=options.threads), monitor, stop)
    best = optima.best
    if not best.converged:
        if optima.interrupted:
            return nothing_drawn(target.dimension, options.chains, seed, options, "laplace", optima.seconds)
        raise NoNormalApproximation(best.reason, best.remedy)
    normal = normal_at(best)
    z = normal.draws(options.chains, options.draws, seed)
    flat = z.reshape(-1, target.dimension)
    log_density = log_densities(target, flat)
    judged = importance(log_density, normal.log_density(flat))
    gradients = sum(optimum.steps for optimum in optima.every) * (1 + target.dimension)
    return Draws(
        z,
        {"lp": log_density.reshape(z.shape[:2]), "n_gradients": np.zeros(z.shape[:2], int)},
        seed,
        options,
        "laplace",
        warmup_gradients=np.array([gradients]),
        evidence=judged.evidence if target.log_prior else None,
        pareto_k=judged.pareto_k,
        seconds=optima.seconds,
    )


def normal_at(optimum: Optimum) -> Normal:
    """The normal distribution of a converged optimum's covariance."""
    assert optimum.covariance is not None
    return Normal(optimum.z, np.linalg.cholesky(optimum.covariance))
