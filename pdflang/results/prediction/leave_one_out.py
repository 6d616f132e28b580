"""How well each part of the data is predicted from the rest: PSIS-LOO, as ArviZ computes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from pdflang.results import convergence
from pdflang.results.posterior import DRAW_AXES, schema_of
from pdflang.results.schema import entry_names

if TYPE_CHECKING:
    import xarray

FEWEST_DRAWS = 25
"""With fewer, the tails of the weights cannot be smoothed."""

_SAME = 1e-10


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    """The expected log predictive density of one observation, each part left out once (Vehtari et al. 2017).

    `elpd` is its sum over the parts with standard error `se`, `p_loo` the effective number of parameters;
    `elpd_i`, `pareto_k` (parts,) belong to the `entries`. Above `good_k` they are not reliable (Vehtari et al. 2024).
    """

    name: str
    entries: tuple[str, ...]
    elpd_i: np.ndarray
    p_loo: float
    pareto_k: np.ndarray
    good_k: float

    @property
    def elpd(self) -> float:
        """The sum over the parts."""
        return float(self.elpd_i.sum())

    @property
    def se(self) -> float:
        """The standard error of the sum; NaN of one part."""
        parts = len(self.elpd_i)
        return math.sqrt(parts * float(self.elpd_i.var())) if parts > 1 else math.nan

    @property
    def worst(self) -> int:
        """The part with the largest Pareto k."""
        return int(np.argmax(self.pareto_k))


def leave_one_out(tree: xarray.DataTree) -> list[LeaveOneOut]:
    """LOO of each observation in the log_likelihood of a tree, in the order of the group; empty where there is none."""
    if "log_likelihood" not in tree.children:
        return []
    terms = tree["log_likelihood"].to_dataset()
    if terms.sizes["chain"] * terms.sizes["draw"] < FEWEST_DRAWS:
        return []
    efficiency = relative_efficiency(tree)
    return [_of(str(name), terms[name], efficiency) for name in terms.data_vars if terms[name].size]


def together(found: Sequence[LeaveOneOut]) -> LeaveOneOut:
    """All observations as one."""
    return LeaveOneOut(
        "all",
        tuple(entry for one in found for entry in one.entries),
        np.concatenate([one.elpd_i for one in found]),
        sum(one.p_loo for one in found),
        np.concatenate([one.pareto_k for one in found]),
        found[0].good_k,
    )


def relative_efficiency(tree: xarray.DataTree) -> float:
    """Effective draws over draws, the mean over the parameters: what smooths the tails of correlated draws."""
    posterior = tree["posterior"].to_dataset()
    chains, draws = (posterior.sizes[axis] for axis in DRAW_AXES)
    parameters = [v for v in posterior.data_vars.values() if v.attrs.get("role") in ("param", "nuisance") and v.size]
    if chains == 1 or draws < 4 or not parameters:
        return 1.0
    values = [np.asarray(one.transpose(*DRAW_AXES, ...)).reshape(chains, draws, -1) for one in parameters]
    columns = np.concatenate(values, axis=2)
    sizes = np.array([convergence.ess_mean(columns[..., entry]) for entry in range(columns.shape[2])])
    known = sizes[np.isfinite(sizes)]
    return float(known.mean() / (chains * draws)) if len(known) else 1.0


def _is_flat(terms: np.ndarray, tail: int) -> bool:
    """Whether the largest weights are all the same, as of a datum that no parameter has a part in.

    They have no tail to be smoothed, and a Pareto k of 0.
    """
    least = np.partition(np.ravel(terms), tail - 1)[:tail]
    return bool(np.ptp(least) < _SAME * max(1.0, abs(float(least[0]))))


def _of(name: str, terms: xarray.DataArray, efficiency: float) -> LeaveOneOut:
    from arviz_stats.base import array_stats

    values = np.asarray(terms.transpose(*DRAW_AXES, ...))
    entries = tuple(entry_names(name, values.shape[2:], schema_of(terms)))
    draws = values.shape[0] * values.shape[1]
    columns = values.reshape(*values.shape[:2], -1)
    tail = int(3 * (draws / efficiency) ** 0.5 if draws * efficiency > 225 else draws / 5)
    smooth = [i for i in range(columns.shape[2]) if not _is_flat(columns[..., i], tail)]
    elpd_i, pareto_k, p_loo_i = (np.zeros(columns.shape[2]) for _ in range(3))
    if smooth:
        chosen = columns if len(smooth) == columns.shape[2] else columns[..., smooth]
        with np.errstate(all="ignore"):
            found = array_stats.loo(chosen, chain_axis=0, draw_axis=1, r_eff=efficiency)
        elpd_i[smooth], pareto_k[smooth], p_loo_i[smooth] = (np.ravel(part) for part in found)
    for i in set(range(columns.shape[2])) - set(smooth):
        elpd_i[i] = math.log(draws) - logsumexp(-columns[..., i])
        p_loo_i[i] = logsumexp(columns[..., i]) - math.log(draws) - elpd_i[i]
    good = min(1 - 1 / math.log10(draws), 0.7) if draws > 1 else 0.7
    return LeaveOneOut(name, entries, elpd_i, float(p_loo_i.sum()), pareto_k, good)
