"""Many short chains that look where the posterior is, each from the mode that a draw of the prior climbs to."""

from __future__ import annotations

from pdflang.inference.chains import sample_chains
from pdflang.inference.draws import Draws
from pdflang.inference.monitor import Monitor
from pdflang.inference.options import NutsOptions
from pdflang.inference.target import Target
from pdflang.inference.trajectories import NoUTurn
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoints

SCOUTS = 16

_WARMUP, _DRAWS = 150, 100


def scouted(
    method: str, target: Target, seed: int, threads: int | None, monitor: Monitor, stop: StopRequest,
    checkpoints: Checkpoints | None,
) -> Draws:  # fmt: skip
    """Their draws, which need not have the right shares of modes: the first stage of a `method`."""
    options = NutsOptions(SCOUTS, _WARMUP, _DRAWS, seed=seed, threads=threads)
    trajectory = NoUTurn(options.max_tree_depth)
    return sample_chains(method, trajectory, target, options, monitor, stop, checkpoints=checkpoints)
