"""Options of methods that put a normal distribution in place of the posterior."""

from __future__ import annotations

from dataclasses import dataclass

from pdflang.inference.options.base import Options, option, option_as_in
from pdflang.inference.options.chains import ChainOptions


@dataclass(frozen=True)
class LaplaceOptions(Options):
    """Options of `laplace`: the normal approximation at the highest maximum that the starts reach."""

    chains: int = option_as_in(ChainOptions, "chains")
    draws: int = option(1000, "draws per chain", least=1)
    starts: int = option(4, "climbs from draws of the prior; the highest maximum counts", least=1)
    seed: int | None = option_as_in(ChainOptions, "seed")
    threads: int | None = option_as_in(ChainOptions, "threads")


@dataclass(frozen=True)
class PathfinderOptions(Options):
    """Options of `pathfinder`: normal approximations along paths of L-BFGS, their draws resampled by importance."""

    chains: int = option_as_in(ChainOptions, "chains")
    draws: int = option_as_in(LaplaceOptions, "draws")
    paths: int = option(8, "paths, each from a draw of the prior", least=1)
    iterations: int = option(60, "iterations of L-BFGS at most", least=2)
    seed: int | None = option_as_in(ChainOptions, "seed")


@dataclass(frozen=True)
class ViOptions(Options):
    """Options of `vi`: the normal distribution that is nearest in Kullback-Leibler divergence."""

    chains: int = option_as_in(ChainOptions, "chains")
    draws: int = option_as_in(LaplaceOptions, "draws")
    family: str = option("full-rank", "shape of the normal distribution", choices=("full-rank", "mean-field"))
    steps: int = option(4000, "steps of the optimizer", least=100)
    step_draws: int = option(8, "draws that each step estimates its gradient by", least=1)
    seed: int | None = option_as_in(ChainOptions, "seed")
