"""Options of the methods that learn from simulations. The command line makes its flags from these fields."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pdflang.diagnostics import Diagnostic, PdflangError
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
    momentum: float = option(0.9, "how long Adam remembers gradients: their weight after a step", least=0, below=1)
    validation: float = option(0.1, "share of the simulations that only the validation loss sees", above=0, below=0.9)
    summaries: int = option(16, "numbers that a set of events, or of repeated measurements, is summarised by", least=1)
    width: int = option(50, "units of each hidden layer", least=1)
    seed: int | None = option_as_in(NutsOptions, "seed")
    threads: int | None = option(None, "events simulated at once; as many as there are cores if not given", least=1)

    @property
    def networks(self) -> int:
        """How many networks are trained in a round."""
        return 1


@dataclass(frozen=True)
class SplineOptions(TrainOptions):
    """What methods share that learn a density: a coupling flow of splines (Durkan et al. 2019)."""

    layers: int = option(5, "layers of the flow", least=1)
    knots: int = option(8, "inner knots of each spline", least=1)


@dataclass(frozen=True)
class NpeOptions(SplineOptions):
    """Options of `npe`: neural posterior estimation."""


@dataclass(frozen=True)
class CompilationOptions(SplineOptions):
    """Options of `compilation`: inference compilation."""


@dataclass(frozen=True)
class NleOptions(SplineOptions):
    """Options of `nle`: neural likelihood estimation."""


@dataclass(frozen=True)
class NreOptions(TrainOptions):
    """Options of `nre`: neural ratio estimation by contrasts."""

    width: int = option_as_in(TrainOptions, "width", 64)
    depth: int = option(3, "hidden layers of the classifier", least=1)
    contrasts: int = option(10, "parameters that each data set is compared at", least=2)


@dataclass(frozen=True)
class EventOptions(TrainOptions):
    """What methods share that learn of single events."""

    simulations: int = option(500, "simulated lists of events to learn from, in all rounds together", least=10)
    events: int = option(512, "events of each list that are learned from, at most", least=16)
    batch: int = option(32, "groups of 16 events in a step of the optimiser", least=1)
    learning_rate: float = option_as_in(TrainOptions, "learning_rate", 2e-3)
    references: int = option(32, "draws of the prior that events are simulated at", least=1)
    contrasts: int = option(8, "draws of the prior at which each group of 16 events is compared", least=1)
    summaries: int = option_as_in(TrainOptions, "summaries", 32)
    width: int = option_as_in(TrainOptions, "width", 64)


@dataclass(frozen=True)
class CarlOptions(EventOptions):
    """Options of `carl`: a calibrated classifier of events."""


@dataclass(frozen=True)
class AliceOptions(EventOptions):
    """Options of `alice`: a classifier of events that knows the joint ratio."""


@dataclass(frozen=True)
class RolrOptions(EventOptions):
    """Options of `rolr`: a regression of the joint ratio of events."""


@dataclass(frozen=True)
class RascalOptions(EventOptions):
    """Options of `rascal`: a regression of the joint ratio and the joint score of events."""

    score_weight: float = option(10.0, "weight of the squared error of scores", least=0)


@dataclass(frozen=True)
class SallyOptions(EventOptions):
    """Options of `sally`: a regression of the joint score of events at one point."""

    rounds: int = option(3, "rounds; from the second one on, the point is where the posterior is highest", least=1)


@dataclass(frozen=True)
class MakerOptions(EventOptions):
    """What methods share that make events of given parameters."""

    ensemble: int = option(
        1, "networks, each of which learns from another choice of the lists, with repetitions; their spread is the "
        "error of what was learned", least=1,
    )  # fmt: skip

    @property
    def networks(self) -> int:
        return self.ensemble


@dataclass(frozen=True)
class ScandalOptions(MakerOptions, SplineOptions):
    """Options of `scandal`: a flow of single events, with the joint score."""

    events: int = option_as_in(EventOptions, "events", 64)
    contrasts: int = option_as_in(EventOptions, "contrasts", 2)
    layers: int = option_as_in(SplineOptions, "layers", 3)
    score_weight: float = option_as_in(RascalOptions, "score_weight", 1.0)


@dataclass(frozen=True)
class LatentsOptions(EventOptions, SplineOptions):
    """Options of `latents`: proposals of what nobody sees of an event, whose weights add up to its density."""

    events: int = option_as_in(EventOptions, "events", 256)
    layers: int = option_as_in(SplineOptions, "layers", 1)
    proposals: int = option(64, "proposals for each event that is observed", least=2)


@dataclass(frozen=True)
class ReduceOptions(TrainOptions):
    """Options of `reduce`: the draws of the prior, and the autoencoders of outputs."""

    places: int = option(40, "draws of the prior at which the information of data is computed", least=2)
    simulations: int = option(4000, "draws of the prior that outputs are computed at", least=100)
    latent: int | None = option(
        None, "most latent numbers of an autoencoder; as many as parameters if not given", least=1
    )
    components: int = option(64, "principal components of outputs that a network sees at most", least=2)
    epochs: int = option_as_in(TrainOptions, "epochs", 200)
    batch: int = option_as_in(TrainOptions, "batch", 100)
    width: int = option_as_in(TrainOptions, "width", 64)
    depth: int = option(2, "hidden layers of the encoder, and of the decoder", least=1)


@dataclass(frozen=True)
class FlowOptions(MakerOptions, SplineOptions):
    """Options of `flow`: a flow of single events, from events alone."""

    simulations: int = option_as_in(EventOptions, "simulations", 1000)
    layers: int = option_as_in(SplineOptions, "layers", 1)
    knots: int = option_as_in(SplineOptions, "knots", 12)


@dataclass(frozen=True)
class GanOptions(MakerOptions):
    """Options of `gan`: a generator of events against a discriminator."""

    simulations: int = option_as_in(FlowOptions, "simulations")
    patience: int = option_as_in(TrainOptions, "patience", 50)
    learning_rate: float = option_as_in(TrainOptions, "learning_rate", 1e-3)
    momentum: float = option_as_in(TrainOptions, "momentum", 0.0)
    noise: int = option(8, "normal random numbers that the generator makes an event of", least=1)
    turns: int = option(10, "steps of the discriminator for one of the generator, on average", least=1)
    penalty: float = option(0.01, "weight of the squared gradient of the discriminator", least=0)


@dataclass(frozen=True)
class VaeOptions(MakerOptions):
    """Options of `vae`: a variational auto-encoder of events."""

    simulations: int = option_as_in(FlowOptions, "simulations")
    latent: int = option(4, "latent variables", least=1)
    beta: float = option(1.0, "weight of the divergence of the encoder from the prior", above=0)
    layers: int = option_as_in(SplineOptions, "layers", 2)
    knots: int = option_as_in(SplineOptions, "knots")


@dataclass(frozen=True)
class CorrectionOptions(TrainOptions):
    """What methods share that correct simulated events by those observed."""

    simulations: int = option(500, "simulated lists of events to learn from, at most", least=1)
    events: int = option(
        50_000, "events of each side to learn from, at most; simulated ones are ten times as many as those observed",
        least=100,
    )  # fmt: skip
    test: float = option(0.2, "share of the observed events that only `validate` sees", above=0, below=0.9)
    batch: int = option(32, "groups of 16 events of each side in a step of the optimiser", least=1)
    width: int = option_as_in(TrainOptions, "width", 64)
    depth: int = option(3, "hidden layers of the network", least=1)


@dataclass(frozen=True)
class ReweightOptions(CorrectionOptions):
    """Options of `reweight`: a classifier of simulated and observed events."""


@dataclass(frozen=True)
class TransportOptions(CorrectionOptions):
    """Options of `transport`: a map of simulated events to those observed."""

    learning_rate: float = option_as_in(TrainOptions, "learning_rate", 1e-2)
    width: int = option_as_in(TrainOptions, "width", 32)


@dataclass(frozen=True)
class PivotOptions(TrainOptions):
    """Options of `pivot`: classifiers of events that do not depend on a nuisance, each with a penalty of its own.

    In Python `nuisance` and `penalties` may also be sequences.
    """

    simulations: int = option(
        1000, "draws of the nuisance to learn from, each with a simulated list of events of either hypothesis", least=20
    )
    rounds: int = option(1, "rounds: there is one, as nothing is learned of parameters", least=1, most=1)
    events: int = option(32, "events of each list that are learned from, at most", least=1)
    batch: int = option(16, "draws of the nuisance in a step of the optimiser", least=4)
    patience: int = option_as_in(TrainOptions, "patience", 50)
    momentum: float = option_as_in(TrainOptions, "momentum", 0.0)
    validation: float = option_as_in(TrainOptions, "validation", 0.2)
    width: int = option_as_in(TrainOptions, "width", 64)
    nuisance: str | None = option(
        None, "what the output is not to depend on, one name or several: z,w; all that are declared so if not given"
    )
    penalties: str = option(
        "0,0.1,1,10,100",
        "penalties λ of what the output tells of the nuisance, in rising order, a classifier for each; 0 is plain",
    )
    components: int = option(5, "normal distributions that the adversary mixes to guess the nuisance", least=1)
    held_out: int = option(
        1000, "further draws of the nuisance, of which nothing is learned: they tell what is left of it", least=100
    )

    def __post_init__(self) -> None:
        for name in ("nuisance", "penalties"):
            value = getattr(self, name)
            if isinstance(value, list | tuple):
                object.__setattr__(self, name, ",".join(map(str, value)))
            elif isinstance(value, int | float) and not isinstance(value, bool):
                object.__setattr__(self, name, str(value))
        super().__post_init__()
        if not self.penalty_values:
            raise PdflangError(
                Diagnostic(
                    "E620", f"`penalties` must be different numbers, none of them negative, not {self.penalties!r}",
                    remedy="write them with commas: 0,0.1,1,10",
                )
            )  # fmt: skip

    @property
    def networks(self) -> int:
        return len(self.penalty_values)

    @property
    def nuisance_names(self) -> tuple[str, ...]:
        """The names that are given."""
        return tuple(filter(None, (name.strip() for name in (self.nuisance or "").split(","))))

    @property
    def penalty_values(self) -> tuple[float, ...]:
        """The penalties in their order; none where they are not such."""
        try:
            found = tuple(float(text) for text in self.penalties.split(","))
        except ValueError:
            return ()
        return found if len(set(found)) == len(found) and all(0 <= one < math.inf for one in found) else ()
