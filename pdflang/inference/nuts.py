"""The no-U-turn sampler (Hoffman & Gelman 2014; Betancourt 2017)."""

from __future__ import annotations

from collections.abc import Callable

from pdflang.inference.chains import sample_chains
from pdflang.inference.draws import Draws
from pdflang.inference.monitor import Monitor
from pdflang.inference.options import NutsOptions
from pdflang.inference.programs import Programs, programs_of
from pdflang.inference.target import Target
from pdflang.inference.trajectories import NoUTurn
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoints


def sample(
    target: Target,
    options: NutsOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    enough: Callable[[Draws], bool] | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws by NUTS, as `sample_chains` makes them."""
    options = options or NutsOptions()
    return sample_chains("nuts", _trajectory(options), target, options, monitor, stop, enough, checkpoints)


def programs_for(target: Target, options: NutsOptions) -> Programs:
    """The functions that `sample` calls, which may be compiled before."""
    return programs_of(target, options, _trajectory(options))


def _trajectory(options: NutsOptions) -> NoUTurn:
    return NoUTurn(options.max_tree_depth)
