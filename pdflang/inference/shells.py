"""What the points of a nested-sampling run say: weights, evidence, draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from pdflang.inference.draws import Evidence
from pdflang.inference.importance import resampled

_SEQUENCES = 200
"""Sequences of volumes that are drawn: the volume of a shell is known only by its distribution."""


@dataclass(frozen=True)
class Shells:
    """Points z (count, n) with normalised log weights (count,), and the evidence of the run."""

    z: np.ndarray
    log_weights: np.ndarray
    evidence: Evidence

    @classmethod
    def of(
        cls,
        z: np.ndarray,
        log_likelihood: np.ndarray,
        live: int,
        replaced: int,
        log_share: float,
        generator: np.random.Generator,
    ) -> Shells:
        """The shells of a run with so many `live` points, of which the lowest `replaced` were replaced at a time.

        `z` (count, n) and `log_likelihood` (count,) have the points that died and then those that live at the end.
        The volume within the i-th point is that within the one before times u^(1/m), with u uniform and m the points
        there were (Skilling 2006, section 3; points that die together do so one by one, Fowlie et al. 2021).
        `log_share` is the log of the prior's part that the first volume is.
        """
        order = np.argsort(log_likelihood, kind="stable")
        together = np.arange(live, live - replaced, -1)
        deaths = (len(z) - live) // replaced
        counts = np.concatenate([np.tile(together, deaths), np.arange(live, 0, -1)])
        shrinkage = np.log(generator.random((_SEQUENCES, len(z)))) / counts
        log_inner = np.cumsum(shrinkage, axis=1)
        log_outer = log_inner - shrinkage
        log_terms = log_likelihood[order] + log_outer + np.log(-np.expm1(shrinkage))
        log_z = logsumexp(log_terms, axis=1)
        log_weights = logsumexp(log_terms - log_z[:, None], axis=0) - np.log(_SEQUENCES)
        return cls(z[order], log_weights, Evidence(float(log_z.mean() + log_share), float(log_z.std())))

    @property
    def effective(self) -> float:
        """Of how many equal draws the weights are worth (Kish)."""
        return float(np.exp(-logsumexp(2 * self.log_weights)))

    def draws(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Points (count, n) drawn by their weights."""
        return self.z[resampled(self.log_weights, count, generator)]
