"""The Laplace approximation: a normal distribution at the maximum of the density, of the curvature there."""

from __future__ import annotations

import numpy as np

from pdflang.inference.draws import Draws, NoNormalApproximation, Remark, nothing_drawn
from pdflang.inference.importance import importance
from pdflang.inference.map import maximise
from pdflang.inference.modes import modes_of, told
from pdflang.inference.monitor import Monitor
from pdflang.inference.options import LaplaceOptions, MapOptions, chosen_seed
from pdflang.inference.surface import log_densities
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoints

_ALAS = "sample with `--method nuts`, which needs no maximum"
_REMEDY = "sample with `--method smc`, which gives each mode its share"


def sample(
    target: Target,
    options: LaplaceOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws of the normal approximation on the unconstrained scale, at the highest maximum reached.

    Raises `NoFiniteStart`, and `NoNormalApproximation` where no start reaches a maximum with a positive curvature.
    """
    options = options or LaplaceOptions()
    seed = chosen_seed(options.seed)
    searches = MapOptions(options.starts, seed, threads=options.threads)
    optima = maximise(target, searches, monitor, stop, checkpoints=checkpoints)
    if optima.interrupted:
        return nothing_drawn(target.dimension, options.chains, seed, options, "laplace", optima.seconds)
    best = optima.best
    if not best.converged:
        raise NoNormalApproximation(best.reason, _ALAS if best.status == "step limit" else best.remedy)
    modes = modes_of(optima)
    normal = modes[0].normal
    others = Remark(f"{told(modes)}, and the draws are of the largest alone", _REMEDY, "warning")
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
        # Of one mode among several the weights know nothing of the others.
        evidence=judged.evidence if target.log_prior and len(modes) == 1 else None,
        pareto_k=judged.pareto_k,
        remarks=(*((others,) if len(modes) > 1 else ()), *judged.remarks(flat)),
        seconds=optima.seconds,
    )
