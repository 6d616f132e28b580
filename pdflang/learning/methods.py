"""The methods that learn from simulations: the one table that the command, the Python API and documentation read.

A module of a network has `prepared(parts, simulations, options)`, `network(key, parts, scales, dimension, options)`,
`reading(network, parts, scales, data)`, what is computed of a data set once, and
`log_value(network, parts, scales, z, read)`. Of a method that `needs_model` these and `finished` have one more
argument, an `OfModel` of the functions of a model and its arrays. Where the posterior is learned, also
`drawn(network, parts, scales, key, read, count)`; where single events are learned from,
`finished(network, parts, scales, simulations)`, the scales after the training, and `event_values` or `event_scores`;
where outputs of events are, `event_outputs`; where events can be made, `expected(network, part, scales, z)` and
`events_drawn(network, part, scales, key, z, member, count)`, of an ensemble of networks; where events are corrected,
`log_weights` or `moved_rows` of `(network, part, scales, rows)`.
The module of a method has `loss(network, scales, batch, key, options)`, where another function judges networks a
`validation` of the same arguments, of all data at once where it `IS_JUDGED_WHOLE`, where the networks of a training
differ beforehand a `member(network, before, number, options)`, and of methods of events what it has `ASKED` of traces.
`remarks(parts, scales)`, where there are any, are lines for the summary.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from pdflang.diagnostics import Diagnostic, PdflangError, closest_names
from pdflang.diagnostics.extras import require_extra
from pdflang.learning.options import (
    AliceOptions,
    CarlOptions,
    CompilationOptions,
    FlowOptions,
    GanOptions,
    LatentsOptions,
    NleOptions,
    NpeOptions,
    NreOptions,
    PivotOptions,
    RascalOptions,
    ReweightOptions,
    RolrOptions,
    SallyOptions,
    ScandalOptions,
    TrainOptions,
    TransportOptions,
    VaeOptions,
)

_PACKAGES = ("equinox", "flowjax", "optax", "paramax")


@dataclass(frozen=True)
class LearningMethod:
    """A method: its options, its module, what it is for and when not to use it, and of what it learns the logarithm.

    A proposal is a posterior whose draws are weighted by the density of the model, which stays what it is.

    It learns from data sets, or, where it is `of_events`, from the single events of lists, which may be `weighted`.
    Where it `makes_events`, it is a surrogate of the simulator, and trains an ensemble of networks. What it `corrects`
    of simulated events, by those observed, are their weights, or their columns. An `output` is a number of each event,
    of which nothing follows on parameters.
    `network` is the module of its network, where methods share one and differ by their loss. Where it `needs_model`,
    what was learned proposes, and the density is that of the model.
    """

    name: str
    options: type[TrainOptions]
    learns: Literal["posterior", "likelihood", "ratio", "proposal", "events", "correction", "output"]
    purpose: str
    avoid: str
    of_events: bool = False
    weighted: bool = False
    makes_events: bool = False
    network: str = ""
    needs_model: bool = False
    corrects: Literal["", "weights", "columns"] = ""

    @property
    def simulates(self) -> bool:
        """Whether `simulate` gives what it has made of events."""
        return self.makes_events or bool(self.corrects)

    @property
    def draws(self) -> bool:
        """Whether its network draws parameters by itself."""
        return self.learns in ("posterior", "proposal")

    @property
    def is_stacked(self) -> bool:
        """Whether the arrays of its network have those of several behind each other."""
        return self.makes_events or self.learns == "output"

    @property
    def has_density(self) -> bool:
        """Whether it has learned a density of parameters."""
        return self.learns not in ("events", "correction", "output")

    @property
    def module(self) -> Any:
        """The module of its network; this imports JAX and what `require_packages` asks for."""
        return import_module(f"pdflang.learning.{self.network or self.name}")

    @property
    def lesson(self) -> Any:
        """The module of its loss, and of what it asks of traces."""
        return import_module(f"pdflang.learning.{self.name}")


def require_packages() -> None:
    """PdflangError (E620) where a package that networks are made of is not installed; this imports none of them."""
    require_extra("learning from simulations", "learn", _PACKAGES)


def _of_events(
    name: str, options: type[TrainOptions], purpose: str, avoid: str,
    learns: Literal["likelihood", "ratio", "events", "output"] = "ratio", weighted: bool = False,
    network: str = "event_ratios", makes_events: bool = False, needs_model: bool = False,
) -> LearningMethod:  # fmt: skip
    return LearningMethod(name, options, learns, purpose, avoid, True, weighted, makes_events, network, needs_model)


_ROWS = (
    LearningMethod(
        "npe",
        NpeOptions,
        "posterior",
        "a flow of the parameters given data: the posterior of any data set in a moment",
        "simulations are dear and only one data set counts: in rounds it learns only where the posterior is",
    ),
    LearningMethod(
        "nle",
        NleOptions,
        "likelihood",
        "a flow of the data given parameters, from which NUTS or SMC draw: priors may change, repeated measurements "
        "share a flow",
        "data are long vectors, or sets of events",
    ),
    LearningMethod(
        "nre",
        NreOptions,
        "ratio",
        "a classifier of data and parameters, whose logit is log p(x|θ)/p(x), from which NUTS or SMC draw",
        "the posterior is much narrower than the prior: the ratio is then learned from few of the simulations",
    ),
    LearningMethod(
        "compilation",
        CompilationOptions,
        "proposal",
        "a flow of the parameters given data that proposes, and weights by the density of the model: the exact "
        "posterior of any data set, and its evidence",
        "the model has no density; few data sets count: `nuts` and `smc` need no training",
        network="npe",
    ),
    _of_events(
        "carl",
        CarlOptions,
        "a classifier of single events, whose logit is the log-ratio of their intensities at parameters and at the "
        "mean of all; `between` calibrates it",
        "traces are known: `alice` learns the same from far fewer events",
        weighted=True,
    ),
    _of_events(
        "alice",
        AliceOptions,
        "the same classifier, taught by the joint ratio of each event and its trace in place of labels",
        "a data set has so many events that the bias of one, times their number, is not small beside 1",
    ),
    _of_events(
        "rolr",
        RolrOptions,
        "a regression of the joint ratio of events",
        "ratios are large: `alice` weighs them more evenly",
    ),
    _of_events(
        "rascal",
        RascalOptions,
        "a regression of the joint ratio and the joint score of events",
        "scores are expensive, or heavy-tailed",
    ),
    _of_events(
        "sally",
        SallyOptions,
        "a regression of the joint score of events at one point: statistics that are sufficient near it",
        "the likelihood is far from a normal one; in one round, data are not near that point",
        network="",
    ),
    _of_events(
        "scandal",
        ScandalOptions,
        "a flow of single events and their expected number, given parameters, with the joint score",
        "there are more than some ten thousand events: each is seen at each step of a sampler",
        "likelihood",
        network="event_flow",
        makes_events=True,
    ),
    _of_events(
        "latents",
        LatentsOptions,
        "proposals of what nobody sees of an event, such as its true place, given what is seen: the density of its "
        "trace over that of the proposal adds up to the density of the event, whatever was learned",
        "there are more than some ten thousand events, or much that is latent in each: every step of a sampler "
        "evaluates 64 traces of each event",
        "likelihood",
        network="",
        needs_model=True,
    ),
    _of_events(
        "flow",
        FlowOptions,
        "the same flow, from events alone, which may have signed weights: a surrogate of the simulator, with a density",
        "traces are known: `scandal` learns the density from fewer events",
        "likelihood",
        weighted=True,
        network="event_flow",
        makes_events=True,
    ),
    _of_events(
        "gan",
        GanOptions,
        "a generator of events against a discriminator, whose weights may have signs: a surrogate of the simulator",
        "columns are few: `flow` is trained in less time, and has a density",
        "events",
        weighted=True,
        network="",
        makes_events=True,
    ),
    _of_events(
        "vae",
        VaeOptions,
        "a variational auto-encoder of events, with an anomaly score: a surrogate of the simulator",
        "weights have signs: bounds of densities do not cancel; `flow` has no bound, but a density",
        "events",
        weighted=True,
        network="",
        makes_events=True,
    ),
    _of_events(
        "pivot",
        PivotOptions,
        "classifiers of single events of two hypotheses, whose output depends less and less on a nuisance",
        "the nuisance is fitted with the rest: `alice` learns how the density depends on it, and nothing is given away",
        "output",
        network="",
    ),
    LearningMethod(
        "reweight",
        ReweightOptions,
        "correction",
        "a classifier of simulated and observed events, whose odds are weights by which simulated ones look like those "
        "observed",
        "there are observed events where none are simulated: no weight makes them; `transport` moves others there",
        of_events=True,
        weighted=True,
        corrects="weights",
    ),
    LearningMethod(
        "transport",
        TransportOptions,
        "correction",
        "a monotone map of simulated events to where those observed are: of quantiles, or the gradient of a convex "
        "network; they keep weight 1",
        "columns are labels or whole numbers, or cut by thresholds, or events have weights: `reweight`",
        of_events=True,
        corrects="columns",
    ),
)

LEARNING = {method.name: method for method in _ROWS}
"""All methods by name."""


def learning_method(name: str) -> LearningMethod:
    """The method of that name. Raises `PdflangError` (E620) where there is none."""
    if name not in LEARNING:
        near = closest_names(str(name), LEARNING)
        remedy = f"did you mean `{near[0]}`?" if near else f"the methods are {', '.join(LEARNING)}"
        raise PdflangError(Diagnostic("E620", f"there is no method `{name}` of training", remedy=remedy))
    return LEARNING[name]
