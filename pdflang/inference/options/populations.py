"""Options of methods that move populations of points from the prior to the posterior."""

from __future__ import annotations

from dataclasses import dataclass

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference.options.base import Options, option, option_as_in
from pdflang.inference.options.chains import ChainOptions


@dataclass(frozen=True)
class SmcOptions(Options):
    """Options of `smc`: populations that follow the likelihood from the prior to the posterior, step by step."""

    chains: int = option(4, "populations, independent of each other", least=2)
    particles: int = option(1000, "draws in each population", least=10)
    effective: float = option(0.7, "share of a population that stays effective in a step", above=0, below=1)
    moves: int | None = option(
        None,
        "trajectories of each particle at each temperature; if not given, 15% of the dimension, at least 5",
        least=1,
    )
    seed: int | None = option_as_in(ChainOptions, "seed")
    threads: int | None = option_as_in(ChainOptions, "threads")


@dataclass(frozen=True)
class JumpsOptions(Options):
    """Options of `jumps`: chains that move within modes and jump between them."""

    chains: int = option(4, "chains, independent of each other", least=2)
    warmup: int = option(500, "sweeps per chain that fit the mixture and the step size, not kept", least=20)
    draws: int = option(1000, "draws to keep per chain, one for each sweep", least=1)
    starts: int = option(16, "climbs from draws of the prior that look for modes", least=1)
    length: float = option(1.5, "mean length of a trajectory in standard deviations of the mode", above=0)
    seed: int | None = option_as_in(ChainOptions, "seed")
    threads: int | None = option_as_in(ChainOptions, "threads")


@dataclass(frozen=True)
class PersistentOptions(Options):
    """Options of `persistent`: populations as those of `smc` that keep the particles of all temperatures."""

    chains: int = option_as_in(SmcOptions, "chains")
    particles: int = option(500, "particles that move at each temperature", least=10)
    effective: float = option(
        3.0, "effective draws among all particles so far that a step leaves, in units of `particles`", above=0
    )
    moves: int | None = option_as_in(SmcOptions, "moves")
    seed: int | None = option_as_in(ChainOptions, "seed")
    threads: int | None = option_as_in(ChainOptions, "threads")


@dataclass(frozen=True)
class TemperingOptions(Options):
    """Options of `tempering`: ladders of chains from the prior to the posterior whose neighbours swap."""

    chains: int = option(4, "ladders, independent of each other", least=2)
    draws: int = option(1000, "draws of each ladder", least=10)
    rounds: int = option(9, "rounds of 2, 4, 8, … scans that tune a ladder before it draws", least=1, most=20)
    rungs: int | None = option(
        None, "rungs of a ladder, the prior counted; if not given, 4, 8, 16, … by what swaps reject", least=3
    )
    moves: int = option(1, "trajectories of each rung between swaps", least=1)
    seed: int | None = option_as_in(ChainOptions, "seed")
    threads: int | None = option_as_in(ChainOptions, "threads")


@dataclass(frozen=True)
class NestedOptions(Options):
    """Options of `nested`: nested sampling with slices."""

    chains: int = option(4, "runs, independent of each other", least=2)
    live: int = option(250, "live points of each run", least=20)
    moves: int | None = option(None, "slices for a new point; if not given, twice the dimension, at least 5", least=1)
    remainder: float = option(1e-3, "share of the evidence in live points that ends a run", above=0, below=1)
    seed: int | None = option_as_in(ChainOptions, "seed")
    threads: int | None = option_as_in(ChainOptions, "threads")


@dataclass(frozen=True)
class AbcOptions(Options):
    """Options of `abc`: approximate Bayesian computation."""

    chains: int = option(4, "parts of the last population", least=1)
    draws: int = option(250, "draws in each part", least=1)
    simulations: int = option(100_000, "simulated data sets at most", least=100)
    algorithm: str = option(
        "sequential",
        "populations that follow a falling ε, or simulations at draws of the prior, of which the nearest are kept",
        choices=("sequential", "rejection"),
    )
    summaries: str = option(
        "auto",
        "what is compared: all statistics of the data, or what they predict of the parameters (semi-automatic); auto "
        "predicts where there are more statistics than parameters",
        choices=("auto", "all", "semi-automatic"),
    )
    adjustment: str = option(
        "linear",
        "correct draws by a linear regression of parameters on what is compared, or not",
        choices=("linear", "none"),
    )
    epsilon: float = option(
        0.1, "where ε has fallen enough, in units of the scatter of data at the same parameters", above=0
    )
    share: float = option(0.5, "share of a population that is within the next ε", above=0, below=1)
    seed: int | None = option_as_in(ChainOptions, "seed")
    threads: int | None = option(None, "data sets drawn at once; as many as there are cores if not given", least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.simulations < 2 * self.chains * self.draws:
            message = f"{self.simulations} simulations are too few for {self.chains} chains of {self.draws} draws"
            remedy = "raise `simulations` to twice the number of draws at least, or ask for fewer `draws`"
            raise PdflangError(Diagnostic("E620", message, remedy=remedy))
