"""Options of methods whose chains learn from each other: they advance together."""

from __future__ import annotations

from dataclasses import dataclass

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference.options.base import Options, option, option_as_in
from pdflang.inference.options.chains import ChainOptions


@dataclass(frozen=True)
class LockstepOptions(Options):
    """What methods share whose chains advance in lock step, and adapt to what all of them see."""

    chains: int = option(16, "chains that advance together", least=4)
    warmup: int = option(300, "transitions that adapt to what all chains see, not kept", least=20)
    draws: int = option(250, "draws to keep per chain", least=1)
    thin: int = option(1, "transitions for each draw", least=1)
    seed: int | None = option_as_in(ChainOptions, "seed")


@dataclass(frozen=True)
class CheesOptions(LockstepOptions):
    """Options of `chees`: Hamiltonian Monte Carlo whose length is tuned across chains."""

    target_acceptance: float = option(
        0.65, "harmonic mean of the acceptance rates that the step size aims at", above=0, below=1
    )


@dataclass(frozen=True)
class EmceeOptions(Options):
    """Options of `emcee`: ensembles of walkers that stretch towards each other."""

    chains: int = option(4, "ensembles, independent of each other", least=2)
    walkers: int | None = option(
        None, "walkers of each ensemble, an even number; four for each dimension and 32 at least if not given", least=4
    )
    steps: int = option(20_000, "steps of each ensemble at most; the first half is warmup", least=100)
    moves: str = option(
        "stretch",
        "how walkers move: by stretches, or by differential evolution, which is better at several modes",
        choices=("stretch", "differential"),
    )
    seed: int | None = option_as_in(ChainOptions, "seed")
    threads: int | None = option_as_in(ChainOptions, "threads")

    def walkers_for(self, dimension: int) -> int:
        """How many there are for a target. PdflangError (E620) for an odd number, or too few to span the space."""
        walkers = max(32, 4 * dimension) if self.walkers is None else self.walkers
        if walkers % 2 or walkers < 2 * dimension:
            message = f"{walkers} walkers are not two equal halves, or too few for a model of dimension {dimension}"
            remedy = f"give an even number of `walkers` that is {max(4, 2 * dimension)} at least"
            raise PdflangError(Diagnostic("E620", message, remedy=remedy))
        return walkers


@dataclass(frozen=True)
class MeadsOptions(LockstepOptions):
    """Options of `meads`: generalised Hamiltonian Monte Carlo that keeps its momentum, tuned across chains."""

    chains: int = option_as_in(LockstepOptions, "chains", 64)
    warmup: int = option_as_in(LockstepOptions, "warmup", 1000)
    draws: int = option_as_in(LockstepOptions, "draws", 200)
    thin: int = option_as_in(LockstepOptions, "thin", 10)
    folds: int = option(4, "parts of the chains, each of which adapts to the one before it", least=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.chains % self.folds or self.chains < 4 * self.folds:
            message = f"{self.chains} chains cannot be {self.folds} folds of equal size with 4 chains at least"
            near = max(4, round(self.chains / self.folds)) * self.folds
            raise PdflangError(Diagnostic("E620", message, remedy=f"give another number of `chains`, such as {near}"))
