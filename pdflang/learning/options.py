"""Options of the methods that learn from simulations. The command line makes its flags from these fields."""

from __future__ import annotations

from dataclasses import dataclass

from pdflang.inference.options import NutsOptions, Options, option, option_as_in


@dataclass(frozen=True)
class TrainOptions(Options):
    """What all methods share: the simulations, and how long a network is trained on them."""

    simulations: int = option(10_000, "simulated data sets to learn from, in all rounds together", least=100)
    rounds: int = option(
        1, "rounds; from the second one on, parameters come from the posterior of the observed data so far", least=1
    )
    epochs: int = option(100, "passes over the simulations at most; the learning rate falls to 0 by then", least=1)
    patience: int = option(20, "passes without a smaller validation loss that end the training", least=1)
    batch: int = option(200, "simulations of a step of the optimiser", least=10)
    learning_rate: float = option(1e-3, "learning rate of Adam at the beginning", above=0)
    validation: float = option(0.1, "share of the simulations that only the validation loss sees", above=0, below=0.9)
    summaries: int = option(16, "numbers that a set of events, or of repeated measurements, is summarised by", least=1)
    width: int = option(50, "units of each hidden layer", least=1)
    seed: int | None = option_as_in(NutsOptions, "seed")
    threads: int | None = option(None, "events simulated at once; as many as there are cores if not given", least=1)


@dataclass(frozen=True)
class FlowOptions(TrainOptions):
    """What methods share that learn a density: a coupling flow of splines (Durkan et al. 2019)."""

    layers: int = option(5, "layers of the flow", least=1)
    knots: int = option(8, "inner knots of each spline", least=1)


@dataclass(frozen=True)
class NpeOptions(FlowOptions):
    """Options of `npe`: neural posterior estimation."""


@dataclass(frozen=True)
class NleOptions(FlowOptions):
    """Options of `nle`: neural likelihood estimation."""


@dataclass(frozen=True)
class NreOptions(TrainOptions):
    """Options of `nre`: neural ratio estimation by contrasts."""

    width: int = option_as_in(TrainOptions, "width", 64)
    depth: int = option(3, "hidden layers of the classifier", least=1)
    contrasts: int = option(10, "parameters that each data set is compared at", least=2)
