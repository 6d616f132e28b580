"""How far a learned likelihood moves estimates, and how much of the information in data it loses.

At the parameters that data are simulated at, the score of their likelihood has the mean 0 and as covariance the Fisher
information I. The score of a learned one has a mean b and a covariance J, and H is minus the mean of its second
derivatives. With P that of the prior, estimates are moved by (H + P)⁻¹ b. With C the covariance of both scores, what
the learned one knows of the parameters is Godambe's information Cᵀ J⁻¹ C (Godambe 1960), which is I at most, also over
the same simulated data sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from pdflang.diagnostics import PdflangError
from pdflang.driver import rebind
from pdflang.fields import parameter_entries
from pdflang.inference import Monitor, QuietMonitor
from pdflang.inference.platform import double_precision
from pdflang.inference.surface import surface_of
from pdflang.inference.target import likelihood_of
from pdflang.inference.turns import each_of
from pdflang.learning.coordinates import jacobians, log_prior
from pdflang.results.validation import Bias
from pdflang.semantics.capabilities import require_gradient
from pdflang.simulator import Batch, EventSets, Simulator

if TYPE_CHECKING:
    from pdflang.inference.workers import StopRequest
    from pdflang.learning.learned import Learned
    from pdflang.model import CompiledModel

SETS = 200
"""Data sets by default: means are known to 0.07 standard deviations, and better where scores are known."""

_RESAMPLED = 200


class _Scored(NamedTuple):
    """Of one data set: score and minus second derivatives of the learned likelihood, score of the likelihood itself."""

    score: np.ndarray
    curvature: np.ndarray
    exact: np.ndarray | None


def bias_at(
    model: CompiledModel, learned: Learned, params: Mapping[str, Any], sets: int = SETS, seed: int = 0,
    threads: int | None = None, monitor: Monitor | None = None, stop: StopRequest | None = None,
) -> Bias:  # fmt: skip
    """The bias of what was learned of a model, at given parameters.

    The scatter of means is less where the model has a density, whose scores have the mean 0. Of rounds that were made
    for one data set the parameters are to be near those of its posterior. Errors: those of `simulate`.
    KeyboardInterrupt where a stop was requested.
    """
    z = np.asarray(model.unconstrain(params))
    batch = Simulator(model).draw(sets, seed, parameters=dict(params), traces=False, threads=threads, stop=stop)
    has_density = _has_density(model)
    prior_slope, prior_curvature = _of_prior(model, z)

    def scored(number: int) -> _Scored:
        twin = rebind(model, batch.dataset(number))
        target = learned.target(twin)
        found = surface_of(target).evaluated(target, z)
        own = None
        if has_density:
            likelihood = likelihood_of(twin)
            own = surface_of(likelihood, False).evaluated(likelihood, z).gradient
        return _Scored(found.gradient - prior_slope, found.curvature - prior_curvature, own)

    found = each_of(sets, scored, "scores", threads, monitor or QuietMonitor(), stop)
    jacobian = jacobians(model, z[None])[0]
    scores, curvatures = np.stack([one.score for one in found]), np.stack([one.curvature for one in found])
    exact = np.stack([one.exact for one in found if one.exact is not None]) if has_density else None
    return _bias(parameter_entries(model), scores, curvatures, exact, prior_curvature, jacobian, _events(batch))


def _bias(
    names: tuple[str, ...], scores: np.ndarray, curvatures: np.ndarray, exact: np.ndarray | None, prior: np.ndarray,
    jacobian: np.ndarray, events: float,
) -> Bias:  # fmt: skip
    sets = len(scores)
    whole = _estimated(scores, curvatures, exact, prior, jacobian)
    generator = np.random.default_rng(0)
    again = []
    for _ in range(_RESAMPLED):
        rows = generator.integers(sets, size=sets)
        some = None if exact is None else exact[rows]
        again.append(_estimated(scores[rows], curvatures[rows], some, prior, jacobian))
    # The noise of a mean has a square, too, which is not of the bias.
    noise = float(np.mean([one.log_likelihood for one in again])) - whole.log_likelihood
    efficiencies = [one.efficiency for one in again if one.efficiency is not None]
    return Bias(
        names, whole.shift, np.std([one.shift for one in again], axis=0), whole.efficiency,
        np.std(efficiencies, axis=0) if efficiencies else None, max(0.0, whole.log_likelihood - noise), events, sets,
    )  # fmt: skip


class _Estimated(NamedTuple):
    shift: np.ndarray
    efficiency: np.ndarray | None
    log_likelihood: float


def _estimated(
    scores: np.ndarray, curvatures: np.ndarray, exact: np.ndarray | None, prior: np.ndarray, jacobian: np.ndarray
) -> _Estimated:
    """From scores (sets, n) and minus second derivatives (sets, n, n), beside the scores of the density."""
    mean, curvature = scores.mean(axis=0), curvatures.mean(axis=0)
    efficiency = None
    if exact is not None:
        own, theirs = scores - mean, exact - exact.mean(axis=0)
        # What the scores share with those is not of their mean.
        mean = mean - exact.mean(axis=0) @ np.linalg.lstsq(theirs, own, rcond=None)[0]
        shared = own.T @ theirs
        known = shared.T @ np.linalg.pinv(own.T @ own, hermitian=True) @ shared
        best, left = (
            np.diag(jacobian @ np.linalg.pinv(information / len(scores) + prior, hermitian=True) @ jacobian.T)
            for information in (theirs.T @ theirs, known)
        )
        efficiency = best / left
    posterior = np.linalg.pinv(curvature + prior, hermitian=True)
    move = posterior @ mean
    with np.errstate(invalid="ignore", divide="ignore"):  # where it has no maximum on average
        shift = jacobian @ move / np.sqrt(np.diag(jacobian @ posterior @ jacobian.T))
    return _Estimated(shift, efficiency, float(0.5 * mean @ move))


def _of_prior(model: CompiledModel, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The slope of the log-density of the prior, and minus its second derivatives."""

    def density(point: Any) -> Any:
        return log_prior(model.functions, point, model.arrays)

    with double_precision():
        return np.asarray(jax.grad(density)(z)), -np.asarray(jax.hessian(density)(z))


def _has_density(model: CompiledModel) -> bool:
    try:
        require_gradient(model.program)
    except PdflangError:
        return False
    return True


def _events(batch: Batch) -> float:
    """How many events a data set has, on average."""
    lists = [values for values in batch.data.values() if isinstance(values, EventSets)]
    return float(sum(values.counts.mean() for values in lists))
