"""Options of the workflows. The command line makes its flags from these fields."""

from __future__ import annotations

from dataclasses import dataclass

from pdflang.inference.options import MapOptions, NutsOptions, Options, option, option_as_in


@dataclass(frozen=True)
class CalibrateOptions(Options):
    """Options of `calibrate`: how many fits there are, and how each is made."""

    fits: int = option(200, "simulated data sets to fit; more find smaller errors", least=1)
    draws: int = option(99, "posterior draws of a fit that the truth is ranked among", least=19)
    thin: int = option(5, "transitions for each of these draws, so that they are nearly independent", least=1)
    warmup: int = option_as_in(NutsOptions, "warmup", 500)
    seed: int | None = option_as_in(NutsOptions, "seed")
    target_acceptance: float = option_as_in(NutsOptions, "target_acceptance")
    max_tree_depth: int = option_as_in(NutsOptions, "max_tree_depth")
    metric: str = option_as_in(NutsOptions, "metric")
    threads: int | None = option(None, "fits that run at once; as many as there are cores if not given", least=1)

    def of_fit(self, seed: int) -> NutsOptions:
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
