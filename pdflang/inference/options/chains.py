"""Options of methods whose chains learn step size and metric during a warmup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pdflang.inference.options.base import SEEDS, Options, option, option_as_in

DENSE_DIMENSIONS, LOW_RANK_DIMENSIONS = 200, 5000
"""Up to so many dimensions the metric is dense, and of low rank, unless the options say otherwise."""

FIRST_DRAWS = 1000
MORE_DRAWS = 500
"""Draws per chain, and more at a time, where their number is not given."""


@dataclass(frozen=True)
class ChainOptions(Options):
    """What methods share whose chains adapt their step size and metric first, by Stan's windows.

    The metric is first learned from after `settling` transitions; not at all where that is None.
    """

    settling: ClassVar[int | None] = 75

    chains: int = option(4, "number of independent chains", least=1)
    warmup: int = option(1000, "transitions per chain that adapt step size and metric, not kept", least=20)
    draws: int | None = option(
        None, f"draws to keep per chain; if not given, {FIRST_DRAWS} and then more until the chains agree", least=1
    )
    max_draws: int = option(4000, "draws per chain at most where their number is not given", least=1)
    seed: int | None = option(0, "seed of all random numbers", least=0, below=SEEDS)
    target_acceptance: float = option(0.9, "acceptance rate that the step size aims at", above=0, below=1)
    metric: str = option(
        "auto",
        f"shape of the metric; auto is dense up to {DENSE_DIMENSIONS} dimensions, low-rank up to {LOW_RANK_DIMENSIONS}",
        choices=("auto", "dense", "low-rank", "diagonal"),
    )
    threads: int | None = option(None, "chains that run at once; as many as there are cores if not given", least=1)
    workers: str = option(
        "threads",
        "what chains run on: threads of one process, of which at most 4 compute at once, or a process for each",
        choices=("threads", "processes"),
    )

    @property
    def first_draws(self) -> int:
        """Draws of a chain before anybody asks for more; all of them where their number is given."""
        return min(FIRST_DRAWS, self.max_draws) if self.draws is None else self.draws

    def metric_of(self, dimension: int) -> str:
        """The shape of the metric of a target of this dimension: dense, low-rank or diagonal."""
        if self.metric != "auto":
            return self.metric
        if dimension <= DENSE_DIMENSIONS:
            return "dense"
        return "low-rank" if dimension <= LOW_RANK_DIMENSIONS else "diagonal"


@dataclass(frozen=True)
class NutsOptions(ChainOptions):
    """Options of `nuts`: the no-U-turn sampler."""

    max_tree_depth: int = option(10, "a trajectory has at most 2^depth - 1 steps", least=1, most=20)


@dataclass(frozen=True)
class MarginalOptions(NutsOptions):
    """Options of `marginal`: NUTS with nuisances integrated out by Laplace's approximation."""

    warmup: int = option_as_in(ChainOptions, "warmup", 500)
    starts: int = option(4, "climbs from draws of the prior to the mode that nuisances follow", least=1)


@dataclass(frozen=True)
class FlowNutsOptions(Options):
    """Options of `flow-nuts`: NUTS in the coordinates of a normalising flow, with independent draws of it."""

    chains: int = option_as_in(ChainOptions, "chains")
    warmup: int = option(300, "transitions per chain that adapt step size and metric, not kept", least=20)
    draws: int = option(1000, "draws to keep per chain", least=1)
    layers: int = option(4, "layers of the flow", least=1)
    knots: int = option(8, "inner knots of each spline", least=1)
    width: int = option(32, "units of each hidden layer", least=1)
    seed: int | None = option_as_in(ChainOptions, "seed")
    threads: int | None = option_as_in(ChainOptions, "threads")


@dataclass(frozen=True)
class HmcOptions(ChainOptions):
    """Options of `hmc`: Hamiltonian Monte Carlo whose trajectories have random lengths."""

    settling: ClassVar[int | None] = 25

    warmup: int = option_as_in(ChainOptions, "warmup", 200)
    target_acceptance: float = option_as_in(ChainOptions, "target_acceptance", 0.8)
    length: float = option(2.0, "mean length of a trajectory in standard deviations of the posterior", above=0)


@dataclass(frozen=True)
class MalaOptions(ChainOptions):
    """Options of `mala`: the Metropolis-adjusted Langevin algorithm."""

    target_acceptance: float = option_as_in(ChainOptions, "target_acceptance", 0.574)


@dataclass(frozen=True)
class GistOptions(ChainOptions):
    """Options of `gist`: trajectories that tune their length by Gibbs steps."""

    target_acceptance: float = option_as_in(ChainOptions, "target_acceptance", 0.8)
    max_steps: int = option(256, "a trajectory has at most so many steps", least=1, most=4096)


@dataclass(frozen=True)
class MclmcOptions(ChainOptions):
    """Options of `mclmc`: microcanonical Langevin Monte Carlo."""

    correction: str = option(
        "metropolis",
        "accept trajectories, which is exact, or let all pass with energies kept to 5e-4 per dimension",
        choices=("metropolis", "none"),
    )
    length: float = option(
        2.0, "mean length of a trajectory in standard deviations of the posterior, times √dimension", above=0
    )


@dataclass(frozen=True)
class WalkOptions(ChainOptions):
    """What methods share whose chains need the density alone, and make several moves for a draw."""

    metric: str = option(
        "auto",
        f"shape of the metric; auto is dense up to {DENSE_DIMENSIONS} dimensions, diagonal beyond",
        choices=("auto", "dense", "diagonal"),
    )
    moves: int | None = option(None, "moves for each draw; as many as there are dimensions if not given", least=1)

    def metric_of(self, dimension: int) -> str:
        """The shape of the metric of a target of this dimension: dense or diagonal."""
        if self.metric != "auto":
            return self.metric
        return "dense" if dimension <= DENSE_DIMENSIONS else "diagonal"


@dataclass(frozen=True)
class RandomWalkOptions(WalkOptions):
    """Options of `random-walk`: the Metropolis algorithm with normal proposals."""

    target_acceptance: float = option_as_in(ChainOptions, "target_acceptance", 0.3)
    moves: int | None = option(
        None, "proposals for each draw; three times the dimension, at least 10, if not given", least=1
    )


@dataclass(frozen=True)
class MultiproposalOptions(WalkOptions):
    """Options of `multiproposal`: Metropolis with many proposals at once."""

    target_acceptance: float = option_as_in(ChainOptions, "target_acceptance", 0.5)
    proposals: int = option(16, "proposals of a move, whose densities are computed side by side", least=1, most=10_000)
    moves: int | None = option(None, "moves for each draw; the dimension, at least 3, if not given", least=1)


@dataclass(frozen=True)
class SliceOptions(WalkOptions):
    """Options of `slice`: slice sampling in random directions."""

    width: float = option(3.0, "first width of a slice in standard deviations of the posterior", above=0)


@dataclass(frozen=True)
class EllipticalOptions(WalkOptions):
    """Options of `elliptical`: elliptical slice sampling."""

    settling: ClassVar[int | None] = None

    warmup: int = option_as_in(ChainOptions, "warmup", 500)
    moves: int | None = option(5, "ellipses for each draw", least=1)


@dataclass(frozen=True)
class AutoOptions(Options):
    """Options of `auto`: HMC or NUTS after a search for modes."""

    starts: int = option(16, "climbs from draws of the prior that look for modes", least=1)
    chains: int = option_as_in(ChainOptions, "chains")
    warmup: int | None = option(
        None, "transitions per chain that adapt step size and metric; as of hmc or nuts if not given", least=20
    )
    draws: int | None = option_as_in(ChainOptions, "draws")
    max_draws: int = option_as_in(ChainOptions, "max_draws")
    seed: int | None = option_as_in(ChainOptions, "seed")
    target_acceptance: float | None = option(
        None, "acceptance rate that the step size aims at; as of hmc or nuts if not given", above=0, below=1
    )
    max_tree_depth: int = option_as_in(NutsOptions, "max_tree_depth")
    metric: str = option_as_in(ChainOptions, "metric")
    threads: int | None = option_as_in(ChainOptions, "threads")
    workers: str = option_as_in(ChainOptions, "workers")
