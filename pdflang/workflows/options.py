"""Options of the workflows. The command line makes its flags from these fields."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from pdflang.evolution import LOOPS, Evolution
from pdflang.inference.options import AbcOptions, MapOptions, NutsOptions, Options, option, option_as_in


def _of_abc(name: str, default: Any = None) -> Any:
    """The same option as `abc` has it, maybe with another default."""
    shared = next(one for one in fields(AbcOptions) if one.name == name)
    told = {**shared.metadata, "help": f"of abc: {shared.metadata['help']}"}
    return field(default=shared.default if default is None else default, metadata=told)


@dataclass(frozen=True)
class FitsOptions(Options):
    """Options of whatever calibrates a posterior: how many fits there are, and how each is made."""

    fits: int = option(200, "simulated data sets to fit; more find smaller errors", least=1)
    draws: int = option(99, "posterior draws of a fit that the truth is ranked among", least=19)
    thin: int = option(5, "transitions for each of these draws, so that they are nearly independent", least=1)
    warmup: int = option_as_in(NutsOptions, "warmup", 500)
    seed: int | None = option_as_in(NutsOptions, "seed")
    target_acceptance: float = option_as_in(NutsOptions, "target_acceptance")
    max_tree_depth: int = option_as_in(NutsOptions, "max_tree_depth")
    metric: str = option_as_in(NutsOptions, "metric")
    threads: int | None = option(None, "fits that run at once; as many as there are cores if not given", least=1)

    def of_fit(self, seed: int) -> Options:
        """The options of one fit, which is one chain."""
        return NutsOptions(
            chains=1,
            warmup=self.warmup,
            draws=self.draws * self.thin,
            seed=seed,
            target_acceptance=self.target_acceptance,
            max_tree_depth=self.max_tree_depth,
            metric=self.metric,
            threads=1,
        )


@dataclass(frozen=True)
class CalibrateOptions(FitsOptions):
    """Options of `calibrate`: what draws, by default NUTS."""

    method: str = option("nuts", "what draws: nuts, or abc, which needs no density", choices=("nuts", "abc"))
    simulations: int = _of_abc("simulations", 10_000)
    algorithm: str = _of_abc("algorithm")
    summaries: str = _of_abc("summaries")
    adjustment: str = _of_abc("adjustment")
    epsilon: float = _of_abc("epsilon")
    share: float = _of_abc("share")

    def of_fit(self, seed: int) -> Options:
        """The options of one fit."""
        if self.method == "nuts":
            return super().of_fit(seed)
        known = {one.name for one in fields(AbcOptions)}
        given = {name: value for name, value in asdict(self).items() if name in known}
        return AbcOptions(**{**given, "chains": 1, "draws": self.draws * self.thin, "seed": seed, "threads": 1})


@dataclass(frozen=True)
class ValidateOptions(FitsOptions):
    """Options of `validate`: the calibration of each posterior, and the simulations that data are looked for among."""

    simulations: int = option(500, "simulations that the observed data are looked for among", least=50)
    points: int = option(4, "parameters at which events that networks make are laid beside simulated ones", least=1)
    events: int = option(2000, "events of each kind there", least=100)
    only: str = option("all", "what is validated of networks that do both", choices=("all", "posterior", "events"))


@dataclass(frozen=True)
class ProfileOptions(Options):
    """Options of `profile`: how far it goes, and the search for the maximum that it goes out from."""

    points: int | None = option(
        None, "values along each parameter; if not given, 41 for one parameter and 25 each for two", least=5
    )
    reach: float = option(3.0, "standard deviations that it goes to: until −2Δ is the square of that", least=2.5)
    priors: str = option_as_in(MapOptions, "priors")
    starts: int = option_as_in(MapOptions, "starts")
    seed: int | None = option_as_in(MapOptions, "seed")
    tolerance: float = option_as_in(MapOptions, "tolerance")
    max_steps: int = option_as_in(MapOptions, "max_steps")
    threads: int | None = option_as_in(MapOptions, "threads")

    def of_maximum(self) -> MapOptions:
        """The options of the search for the maximum."""
        return MapOptions(self.starts, self.seed, self.tolerance, self.max_steps, self.threads, priors=self.priors)

    def points_along(self, parameters: int) -> int:
        """How many values there are of each parameter."""
        return self.points or (41 if parameters == 1 else 25)


@dataclass(frozen=True)
class BootstrapOptions(Options):
    """Options of the bootstrap: how many replicas of the data are fitted, and how they come about."""

    replicas: int = option(200, "replicas of the data to fit", least=2)
    by: str = option(
        "simulation",
        "how replicas come about: data simulated at the maximum, or events resampled from those observed",
        choices=("simulation", "resampling"),
    )
    seed: int | None = option_as_in(NutsOptions, "seed")
    threads: int | None = option(None, "fits that run at once; as many as there are cores if not given", least=1)


@dataclass(frozen=True)
class EvolutionOptions(Options):
    """Options of whatever evolves densities: order, coupling and masses should be those of the fit's tables."""

    order: str = option("nlo", "order of the evolution", choices=tuple(LOOPS))
    alpha_s: float = option(0.118, "the strong coupling at --alpha-s-scale", above=0, below=1)
    alpha_s_scale: float = option(91.1876, "where --alpha-s is given, in GeV", above=0)
    charm: float = option(1.51, "pole mass where charm joins, in GeV", above=0)
    bottom: float = option(4.92, "pole mass where bottom joins, in GeV", above=0)
    top: float | None = option(None, "pole mass where top joins, in GeV; it does not if not given", above=0)
    flavours: int | None = option(None, "a fixed number of flavours, instead of such that join", least=3, below=7)

    @property
    def evolution(self) -> Evolution:
        """How densities evolve by these options. Error: E620."""
        return Evolution(**{field.name: getattr(self, field.name) for field in fields(Evolution)})


@dataclass(frozen=True)
class PdfsetOptions(EvolutionOptions):
    """Options of whatever evolves a pdfset of a model."""

    pdfset: str | None = option(None, "the pdfset that is meant; the one of the model if not given")


@dataclass(frozen=True)
class LhapdfOptions(PdfsetOptions):
    """Options of `export lhapdf`: how densities evolve, and how many members the set has."""

    members: int = option(100, "replicas of a posterior, evenly spaced among its draws", least=2, below=10_000)
    tolerance: float = option(1.0, "of a maximum, how far members go along eigenvectors: the root of Δχ²", above=0)
    x_min: float = option(1e-9, "the least x of the grid", above=0, below=0.1)
    q_max: float = option(1e5, "the largest Q of the grid, in GeV", above=0)


@dataclass(frozen=True)
class TheoryOptions(EvolutionOptions):
    """Options of `theory`: from which scale a table evolves, and where the scales of the process lie."""

    order: str = option("nlo", "order of the evolution, and of the terms of the grid", choices=tuple(LOOPS))
    scale: float = option(1.65, "where densities are parametrised, in GeV: what the table acts on", above=0)
    points: int = option(50, "points of the grid in x; more are more exact", least=10, below=1000)
    renormalisation: float = option(1.0, "factor of the renormalisation scale of the grid", above=0)
    factorisation: float = option(1.0, "factor of the factorisation scale of the grid", above=0)


@dataclass(frozen=True)
class ClosureOptions(Options):
    """Options of `closure`: how data are made, and how they are fitted."""

    level: int = option(2, "noise: 0 none, 1 of the data, 2 of the data and of each replica", least=0, below=3)
    fits: int = option(25, "data sets, each with noise of its own", least=1)
    replicas: int = option(40, "replicas of a fit at level 2, or draws of its posterior", least=2)
    method: str = option("map", "fits by maxima, or by draws of the posterior", choices=("map", "sample"))
    priors: str = option_as_in(MapOptions, "priors")
    seed: int | None = option_as_in(MapOptions, "seed")
    threads: int | None = option(None, "fits that run at once; as many as there are cores if not given", least=1)

    @property
    def kept(self) -> int:
        """Replicas of a fit: without noise of their own, maxima are one."""
        return self.replicas if self.level == 2 or self.method == "sample" else 1


@dataclass(frozen=True)
class BenchOptions(Options):
    """Options of `bench`: how long methods run, and what they are compared with."""

    budget: float = option(60.0, "seconds that each method may run, without its compilation", above=0)
    reference: str = option(
        "auto", "the method whose long run the others are compared with; another where it cannot run on the model"
    )
    reference_draws: int = option(
        5000, "draws of each chain of the reference, where their number can be given", least=200
    )
    seed: int | None = option_as_in(NutsOptions, "seed")
