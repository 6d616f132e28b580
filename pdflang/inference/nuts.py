"""The no-U-turn sampler (Hoffman & Gelman 2014; Betancourt 2017)."""

from __future__ import annotations

from pdflang.inference.chains import sampler
from pdflang.inference.options import NutsOptions
from pdflang.inference.programs import Programs, programs_of
from pdflang.inference.target import Target
from pdflang.inference.trajectories import NoUTurn


def programs_for(target: Target, options: NutsOptions) -> Programs:
    """The functions that `sample` calls, which may be compiled before."""
    return programs_of(target, options, _trajectory(target, options))


def _trajectory(target: Target, options: NutsOptions) -> NoUTurn:
    return NoUTurn(options.max_tree_depth)


sample = sampler("nuts", NutsOptions, _trajectory)
