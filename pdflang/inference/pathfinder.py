"""Multi-path Pathfinder (Zhang, Carpenter, Gelman & Vehtari 2022), by BlackJAX.

Each path of L-BFGS leaves the normal approximation of the best ELBO on it. Draws of their mixture are resampled by
Pareto-smoothed importance weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
from blackjax.vi import pathfinder
from scipy.special import logsumexp

from pdflang.inference.ascent import root_of
from pdflang.inference.draws import Draws, NoFiniteStart, NoNormalApproximation, nothing_drawn
from pdflang.inference.importance import importance, resampled
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.normal import Normal
from pdflang.inference.options import PathfinderOptions, chosen_seed
from pdflang.inference.platform import compiler_options, double_precision
from pdflang.inference.start import prior_draw
from pdflang.inference.surface import Surface, log_densities, surface_of
from pdflang.inference.target import Target
from pdflang.inference.turns import run_all
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoint, Checkpoints

_ELBO_DRAWS = 25
"""Draws of each approximation on a path that its ELBO is estimated by; all are evaluated side by side."""

_HISTORY = 10
_GAIN = 2e-12
"""Relative gain in density below which a path ends, as in Stan: near the top the covariance still improves."""


def sample(
    target: Target,
    options: PathfinderOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws of the paths' approximations, resampled by importance.

    Raises `NoFiniteStart`, and `NoNormalApproximation` where no path has an approximation at all.
    """
    options = options or PathfinderOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    find = _finder(target.log_density, options.iterations)
    paths = [_Path(number, target, surface_of(target, False), find, seed) for number in range(options.paths)]
    # One after the other: XLA's threads, which their linear algebra uses, can wait for each other.
    finished, took = run_all("pathfinder", paths, 0, 1, stop, monitor, checkpoints)
    seconds = {"run": took}
    if not finished:
        return nothing_drawn(target.dimension, options.chains, seed, options, "pathfinder", seconds)
    normals = [path.normal for path in paths if path.normal is not None]
    if not normals:
        raise NoNormalApproximation(
            "no path of L-BFGS comes to a place with a normal approximation",
            "sample with `nuts`, or look for kinks and jumps in the density",
        )
    wanted = options.chains * options.draws
    z = np.concatenate([n.draws(1, -(-wanted // len(normals)), seed + i)[0] for i, n in enumerate(normals)])
    log_density = log_densities(target, z)
    # As draws of the mixture, so that paths to the same mode do not count it twice.
    judged = importance(log_density, logsumexp([n.log_density(z) for n in normals], axis=0) - np.log(len(normals)))
    chosen = resampled(judged.log_weights, wanted, np.random.default_rng((seed, options.paths)))
    shape = (options.chains, options.draws)
    return Draws(
        z[chosen].reshape(*shape, -1),
        {"lp": log_density[chosen].reshape(shape), "n_gradients": np.zeros(shape, int)},
        seed,
        options,
        "pathfinder",
        warmup_gradients=np.array([path.gradients for path in paths]),
        evidence=judged.evidence if target.log_prior else None,
        pareto_k=judged.pareto_k,
        seconds=seconds,
    )


class _Path:
    """One path, from a draw of the prior."""

    def __init__(self, number: int, target: Target, surface: Surface, find: Callable[..., Any], seed: int) -> None:
        self.progressed = Progressed(number, "climbing", 0, 100)
        self.gradients = 0
        self.normal: Normal | None = None
        """Its approximation; None before its end, and where its covariance is not that of one."""

        self._target = target
        self._surface = surface
        self._find = find
        self._seed = seed

    @property
    def is_done(self) -> bool:
        """Whether it has come to its end."""
        return self.progressed.done == self.progressed.total

    def go_on(self) -> None:
        """The whole path."""
        number = self.progressed.chain
        initial = partial(self._surface.start, self._target, self._seed, number)
        start = prior_draw(partial(self._surface.evaluated, self._target), initial, self._target.dimension)
        if not start.found:
            raise NoFiniteStart(start.z)
        with double_precision():
            best, steps = self._find(np.uint32(self._seed), np.uint32(number), start.z, self._target.arrays)
        self._end(_normal(*map(np.asarray, best[1:])), start.n_gradients + int(steps))

    def _end(self, normal: Normal | None, gradients: int) -> None:
        self.normal, self.gradients = normal, gradients
        self.progressed = replace(self.progressed, phase="done", done=self.progressed.total)

    def checkpoint(self) -> Checkpoint | None:
        """What it has come to."""
        if not self.is_done:
            return None
        own = {} if self.normal is None else {"mean": self.normal.mean, "root": self.normal.root}
        return Checkpoint("pathfinder", {"gradients": np.array(self.gradients), **own})

    def restore(self, saved: Checkpoint) -> bool:
        """Be where it ended."""
        own = dict(saved.state)
        gradients = int(own.pop("gradients"))
        self._end(Normal(**own) if own else None, gradients)
        return True


def _normal(
    z: np.ndarray, slope: np.ndarray, alpha: np.ndarray, beta: np.ndarray, gamma: np.ndarray
) -> Normal | None:
    """N(z − Σ g, Σ) with Σ = diag(α) + β γ βᵀ and g the gradient of minus the log-density (algorithm 4 of the paper).

    BlackJAX 1.7.1 adds Σ g instead, which is the other way.
    """
    covariance = np.diag(alpha) + beta @ gamma @ beta.T
    root = root_of(covariance)
    return Normal(z - covariance @ slope, root) if np.all(np.isfinite(root)) else None


@lru_cache(maxsize=32)
def _finder(log_density: Callable[[Any, Any], Any], iterations: int) -> Callable[..., Any]:
    """The compiled path of a target; data are arguments."""

    def find(seed: Any, number: Any, start: Any, arrays: Any) -> Any:
        key = jax.random.fold_in(jax.random.key(seed), number)
        best, info = pathfinder.approximate(
            key,
            lambda z: log_density(z, arrays),
            start,
            _ELBO_DRAWS,
            maxiter=iterations,
            maxcor=_HISTORY,
            ftol=_GAIN,
        )
        return best, jax.numpy.isfinite(info.path.elbo).sum()

    return jax.jit(find, compiler_options=compiler_options())
