"""Inference compilation (Le, Baydin & Wood 2017, arXiv:1610.09900): proposals that are learned, weights that are exact.

The network is that of `npe`, a flow q(θ | x) trained on simulations. Its draws for a data set have the weights
p(θ, x)/q(θ | x): resampled by them they are of the exact posterior, and the mean of the weights is the evidence, in the
limit of many draws whatever was learned.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from pdflang.inference import Draws, Monitor, Options, Progressed, QuietMonitor
from pdflang.inference.draws import Remark, nothing_drawn
from pdflang.inference.importance import importance, resampled
from pdflang.inference.surface import log_densities
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.learning.npe import loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from pdflang.inference import Target

__all__ = ["loss", "weighted_draws"]

_MOST = 50
"""Proposals for each draw that is wanted, at most."""

_LEAST = 1000
"""Proposals of a part, at least."""

_FEW, _TOO_FEW = 400, 100
"""Independent draws that the weights are worth, below which there is a warning, or an error."""


def weighted_draws(
    proposed: Callable[[int, int], tuple[np.ndarray, np.ndarray]], target: Target, options: Options,
    shape: tuple[int, int], seed: int, monitor: Monitor | None = None, stop: StopRequest | None = None,
) -> Draws:  # fmt: skip
    """Draws (chain, draw, dimension) of a target, resampled by importance; chains are parts of them.

    `proposed(number, count)` gives so many draws z (count, dimension) of a part of the proposals, and their log-density
    (count,). The first part tells how many more make up for what weights lose, up to 50. An interrupt leaves the parts
    that were finished.
    """
    monitor, begin, wanted = monitor or QuietMonitor(), time.perf_counter(), shape[0] * shape[1]
    size = max(wanted, _LEAST)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    total = 1
    with interrupts(stop) as heard:
        monitor.start("compilation", 1, _MOST * size)
        try:
            while len(parts) < total and not heard.requested:
                z, log_proposal = proposed(len(parts), size)
                parts.append((z, log_proposal, log_densities(target, z)))
                if len(parts) == 1:
                    total = min(_MOST, int(np.ceil(wanted / max(1.0, _worth(parts)))))
                monitor.update(Progressed(0, f"worth {_worth(parts):.0f}", len(parts) * size, total * size))
        finally:
            monitor.finish()
    seconds = {"run": time.perf_counter() - begin}
    if not parts:
        return nothing_drawn(target.dimension, shape[0], seed, options, "compilation", seconds)
    z, log_proposal, log_density = (np.concatenate(some) for some in zip(*parts, strict=True))
    judged = importance(log_density, log_proposal)
    # As they are: smoothing mistakes a mode with few proposals for a tail.
    weights = _log_weights(log_proposal, log_density)
    rows = resampled(weights, wanted, np.random.default_rng((seed, 1)))
    details = {"proposals": len(z), "effective": _worth(parts)}
    return Draws(
        z[rows].reshape(*shape, -1),
        {"lp": log_density[rows].reshape(shape), "log_weight": weights[rows].reshape(shape)},
        seed, options, "compilation", evidence=judged.evidence if target.log_prior else None,
        pareto_k=judged.pareto_k, remarks=(_remark(details),), interrupted=heard.requested, seconds=seconds,
        details=details,
    )  # fmt: skip


def _log_weights(log_proposal: np.ndarray, log_density: np.ndarray) -> np.ndarray:
    """Those of proposals (n,), whose exponentials add up to 1; all alike where the density is nowhere finite."""
    logs = np.where(np.isfinite(log_density), log_density - log_proposal, -np.inf)
    if not np.isfinite(logs).any():
        return np.full(len(logs), -np.log(len(logs)))
    found: np.ndarray = logs - logsumexp(logs)
    return found


def _worth(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> float:
    """How many independent draws the weights are worth: (Σ w)²/Σ w² (Kish); none where no density is finite."""
    log_proposal, log_density = (np.concatenate([one[place] for one in parts]) for place in (1, 2))
    if not np.isfinite(log_density).any():
        return 0.0
    return float(np.exp(-logsumexp(2 * _log_weights(log_proposal, log_density))))


def _remark(details: dict[str, float]) -> Remark:
    worth, proposals = details["effective"], details["proposals"]
    said = f"{proposals:.0f} proposals of the network are worth {worth:.0f} independent draws of the posterior"
    more = "train with more `--simulations`, or in `--rounds` for these data; or sample with `--method nuts`"
    if worth < _TOO_FEW:
        return Remark(f"{said}, which are too few", more, "error")
    if worth < _FEW:
        return Remark(f"{said}, which are few", more, "warning")
    return Remark(said, "for more of them ask for more `--draws`")
