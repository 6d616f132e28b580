"""Options of the inference methods. The command line makes its flags from these fields.

A field's metadata says what the flag's help text says (`help`), the least and greatest value (`least`,
`most`; `above`, `below` where the bound itself is excluded) and the allowed words (`choices`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, ClassVar, TypeVar

from pdflang.diagnostics import Diagnostic, PdflangError, closest_names

_SEEDS = 2**32

DENSE_DIMENSIONS, LOW_RANK_DIMENSIONS = 200, 5000
"""Up to so many dimensions the metric is dense, and of low rank, unless the options say otherwise."""

FIRST_DRAWS = 1000
MORE_DRAWS = 500
"""Draws per chain, and more at a time, where their number is not given."""


def option(default: Any, help: str, **limits: Any) -> Any:
    """A field of an options dataclass with its default, its help text and the limits of its values."""
    return field(default=default, metadata={"help": help, **limits})


def option_as_in(kind: type[Options], name: str, default: Any = MISSING) -> Any:
    """The same option as another method has it, maybe with another default."""
    shared = next(option for option in fields(kind) if option.name == name)
    return field(default=shared.default if default is MISSING else default, metadata=shared.metadata)


@dataclass(frozen=True)
class Options:
    """What every method's options share: values are checked when they are made.

    Raises `PdflangError` (E620) that lists every value out of its range.
    """

    def __post_init__(self) -> None:
        problems = [problem for option in fields(self) for problem in _problems(option, getattr(self, option.name))]
        if problems:
            raise PdflangError(*problems)


@dataclass(frozen=True)
class ChainOptions(Options):
    """What methods share whose chains adapt their step size and metric first, by Stan's windows.

    The metric is first learned from after `settling` transitions.
    """

    settling: ClassVar[int] = 75

    chains: int = option(4, "number of independent chains", least=1)
    warmup: int = option(1000, "transitions per chain that adapt step size and metric, not kept", least=20)
    draws: int | None = option(
        None, f"draws to keep per chain; if not given, {FIRST_DRAWS} and then more until the chains agree", least=1
    )
    max_draws: int = option(4000, "draws per chain at most where their number is not given", least=1)
    seed: int | None = option(0, "seed of all random numbers", least=0, below=_SEEDS)
    target_acceptance: float = option(0.9, "acceptance rate that the step size aims at", above=0, below=1)
    metric: str = option(
        "auto",
        f"shape of the metric; auto is dense up to {DENSE_DIMENSIONS} dimensions, low-rank up to {LOW_RANK_DIMENSIONS}",
        choices=("auto", "dense", "low-rank", "diagonal"),
    )
    threads: int | None = option(None, "chains that run at once; as many as there are cores if not given", least=1)

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
class HmcOptions(ChainOptions):
    """Options of `hmc`: Hamiltonian Monte Carlo whose trajectories have random lengths."""

    settling: ClassVar[int] = 25

    warmup: int = option_as_in(ChainOptions, "warmup", 200)
    target_acceptance: float = option_as_in(ChainOptions, "target_acceptance", 0.8)
    length: float = option(2.0, "mean length of a trajectory in standard deviations of the posterior", above=0)


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


@dataclass(frozen=True)
class LaplaceOptions(Options):
    """Options of `laplace`: the normal approximation at the highest maximum that the starts reach."""

    chains: int = option_as_in(NutsOptions, "chains")
    draws: int = option(1000, "draws per chain", least=1)
    starts: int = option(4, "climbs from draws of the prior; the highest maximum counts", least=1)
    seed: int | None = option_as_in(NutsOptions, "seed")
    threads: int | None = option_as_in(NutsOptions, "threads")


@dataclass(frozen=True)
class PathfinderOptions(Options):
    """Options of `pathfinder`: normal approximations along paths of L-BFGS, their draws resampled by importance."""

    chains: int = option_as_in(NutsOptions, "chains")
    draws: int = option_as_in(LaplaceOptions, "draws")
    paths: int = option(8, "paths, each from a draw of the prior", least=1)
    iterations: int = option(60, "iterations of L-BFGS at most", least=2)
    seed: int | None = option_as_in(NutsOptions, "seed")


@dataclass(frozen=True)
class ViOptions(Options):
    """Options of `vi`: the normal distribution that is nearest in Kullback-Leibler divergence."""

    chains: int = option_as_in(NutsOptions, "chains")
    draws: int = option_as_in(LaplaceOptions, "draws")
    family: str = option("full-rank", "shape of the normal distribution", choices=("full-rank", "mean-field"))
    steps: int = option(4000, "steps of the optimizer", least=100)
    step_draws: int = option(8, "draws that each step estimates its gradient by", least=1)
    seed: int | None = option_as_in(NutsOptions, "seed")


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
    seed: int | None = option_as_in(NutsOptions, "seed")
    threads: int | None = option_as_in(NutsOptions, "threads")


@dataclass(frozen=True)
class NestedOptions(Options):
    """Options of `nested`: nested sampling with slices."""

    chains: int = option(4, "runs, independent of each other", least=2)
    live: int = option(250, "live points of each run", least=20)
    moves: int | None = option(None, "slices for a new point; if not given, twice the dimension, at least 5", least=1)
    remainder: float = option(1e-3, "share of the evidence in live points that ends a run", above=0, below=1)
    seed: int | None = option_as_in(NutsOptions, "seed")
    threads: int | None = option_as_in(NutsOptions, "threads")


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
    seed: int | None = option_as_in(NutsOptions, "seed")
    threads: int | None = option(None, "data sets drawn at once; as many as there are cores if not given", least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.simulations < 2 * self.chains * self.draws:
            message = f"{self.simulations} simulations are too few for {self.chains} chains of {self.draws} draws"
            remedy = "raise `simulations` to twice the number of draws at least, or ask for fewer `draws`"
            raise PdflangError(Diagnostic("E620", message, remedy=remedy))


@dataclass(frozen=True)
class MapOptions(Options):
    """Options of `map`: damped Newton ascents from several starts."""

    starts: int = option(4, "number of starts, each a draw from the prior", least=1)
    seed: int | None = option(0, "seed of the starts", least=0, below=_SEEDS)
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
    seed: int | None = option(0, "seed of all random numbers", least=0, below=_SEEDS)
    threads: int | None = option(None, "data sets drawn at once; as many as there are cores if not given", least=1)


Kind = TypeVar("Kind", bound=Options)


def options_of(kind: type[Kind], given: Mapping[str, Any], whose: str = "") -> Kind:
    """Options by name. Raises `PdflangError` (E620) for a name that there is not, or a value out of range.

    `whose` options they are, of which method, is said where there is none of a name.
    """
    known = [option.name for option in fields(kind)]
    problems = []
    for name in given:
        if name not in known:
            near = closest_names(name, known)
            remedy = f"did you mean `{near[0]}`?" if near else f"the options are {', '.join(known)}"
            message = f"`{whose}` has no option `{name}`" if whose else f"there is no option `{name}`"
            problems.append(Diagnostic("E620", message, remedy=remedy))
    if problems:
        raise PdflangError(*problems)
    return kind(**given)


def chosen_seed(seed: int | None) -> int:
    """The seed itself, or one from the operating system where none is given; results record it."""
    return secrets.randbelow(_SEEDS) if seed is None else seed


def _problems(option: Field[Any], value: Any) -> list[Diagnostic]:
    limits = option.metadata
    if value is None:
        return [] if option.default is None or "None" in str(option.type) else [_problem(option, value, "a value")]
    wanted = _wanted_type(option)
    if isinstance(value, bool) or not isinstance(value, (int, float) if wanted is float else wanted):
        return [_problem(option, value, {int: "a whole number", float: "a number", str: "a word"}[wanted])]
    return [_problem(option, value, text) for holds, text in _limits(limits, value) if not holds]


def _wanted_type(option: Field[Any]) -> type:
    return next(kind for kind in (int, float, str) if str(option.type).startswith(kind.__name__))


def _limits(limits: Mapping[str, Any], value: Any) -> list[tuple[bool, str]]:
    checks = []
    if "least" in limits:
        checks.append((value >= limits["least"], f"at least {limits['least']}"))
    if "most" in limits:
        checks.append((value <= limits["most"], f"at most {limits['most']}"))
    if "above" in limits:
        checks.append((value > limits["above"], f"above {limits['above']}"))
    if "below" in limits:
        checks.append((value < limits["below"], f"below {limits['below']}"))
    if "choices" in limits:
        checks.append((value in limits["choices"], "one of " + ", ".join(limits["choices"])))
    return checks


def _problem(option: Field[Any], value: Any, wanted: str) -> Diagnostic:
    default = "" if option.default is None else f" for the default, {option.default}"
    return Diagnostic(
        code="E620",
        message=f"`{option.name}` must be {wanted}, but it is {value!r}",
        notes=(f"{option.name}: {option.metadata['help']}",),
        remedy=f"leave it out{default}, or give a value in range",
    )
