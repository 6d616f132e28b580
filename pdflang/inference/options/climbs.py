"""Options of `map`, and of `predict`."""

from __future__ import annotations

from dataclasses import dataclass

from pdflang.inference.options.base import SEEDS, Options, option


@dataclass(frozen=True)
class MapOptions(Options):
    """Options of `map`: damped Newton ascents from several starts."""

    starts: int = option(4, "number of starts, each a draw from the prior", least=1)
    seed: int | None = option(0, "seed of the starts", least=0, below=SEEDS)
    tolerance: float = option(
        1e-12, "largest gain in log-density that a converged optimum may leave; 1e-8 or more for MIGRAD", above=0
    )
    max_steps: int = option(2000, "evaluations of density, gradient and Hessian per start", least=1)
    threads: int | None = option(None, "starts that run at once; as many as there are cores if not given", least=1)
    optimizer: str = option(
        "newton",
        "what climbs: damped Newton ascents with the exact Hessian, or MIGRAD and HESSE of iminuit",
        choices=("newton", "minuit"),
    )
    priors: str = option(
        "all",
        "priors that count: all, or only those of nuisances: the likelihood with what is known of the apparatus",
        choices=("all", "nuisance"),
    )
    score: str = option(
        "density",
        "what is best at the estimate: the density; or, without a likelihood, the energy score of simulated events, or "
        "what a critic, a network, tells of observed and simulated data",
        choices=("density", "energy", "adversarial"),
    )
    simulated: float = option(10.0, "of the energy score: simulated events for each one observed", above=0)
    simulations: int = option(20_000, "of the adversarial score: simulated data sets at most", least=2048)


@dataclass(frozen=True)
class PredictOptions(Options):
    """Options of `predict`."""

    draws: int = option(1000, "draws to predict at, of the prior or evenly spaced in the run", least=2)
    seed: int | None = option(0, "seed of all random numbers", least=0, below=SEEDS)
    threads: int | None = option(None, "data sets drawn at once; as many as there are cores if not given", least=1)
