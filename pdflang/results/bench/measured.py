"""What the draws of one method are worth and what they cost: the record that is kept of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.results import convergence

if TYPE_CHECKING:
    from pdflang.inference import Draws

MOST_DRAWS = 4000
"""Draws, nearly independent, that are kept for distances."""

_JUDGE = "judge"
"""What of a method's time is neither compilation nor drawing."""


def measured(
    names: Sequence[str], values: np.ndarray, draws: Draws, seconds: float, compilation: float
) -> dict[str, Any]:
    """The record of `draws` that took so many `seconds`, some of them for `compilation`, as plain data.

    `values` (chain, draw, entry) are the parameters on the constrained scale, `names` those of their entries. `mean`,
    `sd` and their standard errors are lists with a number for each entry; `ess` is the least of the bulk, `rhat` the
    largest.
    """
    columns = np.moveaxis(values, 2, 0)
    with np.errstate(all="ignore"):
        ess = [convergence.ess_bulk(column) for column in columns]
        rhats = [convergence.rhat(column) for column in columns]
        moments = {
            "mean": columns.mean(axis=(1, 2)).tolist(),
            "sd": columns.std(axis=(1, 2), ddof=1).tolist(),
            "mean_error": [convergence.mcse_of_mean(column) for column in columns],
            "sd_error": [convergence.mcse_of_sd(column) for column in columns],
        }
    return {
        "drawn_by": draws.method,
        "chains": draws.z.shape[0],
        "draws": draws.z.shape[1],
        "seconds": max(seconds - compilation - draws.seconds.get(_JUDGE, 0.0), 1e-9),
        "compile_seconds": compilation,
        "gradients": _total(draws.statistics.get("n_gradients")) + _total(draws.warmup_gradients),
        "evaluations": _total(draws.warmup_evaluations),
        "ess": float(np.min(ess)),
        "rhat": max((rhat for rhat in rhats if math.isfinite(rhat)), default=None),
        "divergences": _total(draws.statistics.get("diverging")),
        "log_evidence": draws.evidence._asdict() if draws.evidence else None,
        "pareto_k": draws.pareto_k,
        "remarks": [remark.sentence for remark in draws.remarks if remark.severity != "note"],
        "interrupted": draws.interrupted,
        "names": list(names),
        **moments,
    }


def _total(counts: np.ndarray | None) -> int:
    return 0 if counts is None else int(np.sum(counts))


def thinned(z: np.ndarray, ess: float) -> np.ndarray:
    """Of draws (chain, draw, n) those of all chains that lie so far apart that they are nearly independent, (m, n)."""
    chains, count = z.shape[:2]
    wanted = max(1.0, min(ess, float(MOST_DRAWS)))
    step = max(1, math.ceil(chains * count / wanted))
    return np.concatenate(list(z[:, step - 1 :: step]))


def flattened(parameters: Mapping[str, Any], order: Sequence[str], shape: tuple[int, int]) -> np.ndarray:
    """Arrays (draws, …) by name as (chain, draw, entry), in the order of their names."""
    columns = [np.asarray(parameters[name], float).reshape(*shape, -1) for name in order]
    return np.concatenate(columns, axis=2)
