"""The Python interface: load a model, then evaluate, simulate, maximise or sample it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang import driver
from pdflang.diagnostics import Diagnostic, PdflangError, SourceFile
from pdflang.diagnostics.words import values_in_words
from pdflang.inference import (
    MapOptions,
    Method,
    Monitor,
    NoFiniteStart,
    Options,
    PredictOptions,
    Target,
    Unsuited,
    method_named,
    method_of,
)
from pdflang.inference.options import chosen_seed, options_of
from pdflang.ir.program import EARLIER
from pdflang.model import CompiledModel
from pdflang.semantics.capabilities import require_fit, require_gradient
from pdflang.semantics.modules import place_of

if TYPE_CHECKING:
    from datetime import datetime

    import jax
    import numpy as np
    import xarray

    from pdflang.certify import Certificate
    from pdflang.distances.adversarial_fit import AdversarialScore
    from pdflang.distances.energy import EnergyScore
    from pdflang.functions import Functions
    from pdflang.inference import Draws, Optima
    from pdflang.inference.workers import StopRequest
    from pdflang.ir.program import BoundProgram, Process
    from pdflang.learning.correction import Correction
    from pdflang.learning.learned import Learned
    from pdflang.learning.learning import Learning, Store
    from pdflang.learning.methods import LearningMethod
    from pdflang.learning.options import TrainOptions
    from pdflang.learning.trained import Trained
    from pdflang.predictive.agreement import Agreement
    from pdflang.results import RunFolder
    from pdflang.results.bench import Bench
    from pdflang.results.bootstrap import Bootstrap
    from pdflang.results.calibration import Calibration
    from pdflang.results.checkpoints import Checkpoints
    from pdflang.results.contraction import PriorMoments
    from pdflang.results.profile import Profile
    from pdflang.results.reduction import Reduction
    from pdflang.results.trees import Tree
    from pdflang.simulator import Simulator
    from pdflang.workflows.minos import Minos

    Score = EnergyScore | AdversarialScore

_BATCH = 1000
"""Draws whose outputs are computed at once: a bound on memory."""

_CERTIFIED = 32
"""Draws of a posterior at which approximations are compared with finer ones."""


def load(
    path: str | Path,
    data: Mapping[str, Any] | None = None,
    room: Mapping[str, int] | None = None,
    exact: bool = False,
) -> Model:
    """The compiled model of a `.pdfm` file.

    `data` replaces the declared sources by name: numbers, arrays of NumPy or JAX, lists, or mappings of columns
    for a table; for `earlier` a fit, or the folder of one. `room` makes arrays of events larger than the events need,
    by observation, so that `Model.rebind` compiles nothing for up to so many. Long lists of events are compressed to a
    few nodes where that changes the log-density by less than 1e-3, as `Model.notes` say; `exact` sums them all. Raises
    PdflangError with everything that is wrong with the model or its data.
    """
    return _compiled(driver.read_source(Path(path)), data, room, exact)


def loads(
    text: str,
    data: Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    room: Mapping[str, int] | None = None,
    exact: bool = False,
) -> Model:
    """The compiled model of a text, as `load` has it of a file.

    Files that it names are looked for in `folder`, by default where we are.

    >>> import pdflang
    >>> model = pdflang.loads('''
    ... param mu ~ Normal(0, 5)
    ... data y[N]
    ... observe y ~ Normal(mu, 1)
    ... ''', data={"y": [1.0, 2.0, 3.0]})
    >>> model
    <Model <model>: mu; observes y>
    >>> round(float(model.log_density({"mu": 2.0})), 6)
    -6.365192
    >>> fit = model.map()
    >>> round(float(fit.params["mu"]), 6)
    1.973684
    """
    return _compiled(SourceFile("<model>", text, Path(folder) if folder else Path.cwd()), data, room, exact)


def load_trained(folder: str | Path, data: Mapping[str, Any] | None = None) -> Trained:
    """What `pdflang train` or `Trained.save` left in a folder, with data as for `load`.

    The model is the text that the folder has; files of data are looked for where the model was then. Errors: those of
    `load`, E623 where the folder is no such folder or is damaged, E624 where data are not such as it was trained for.
    """
    from pdflang.learning.store import read_learned, source_at
    from pdflang.learning.trained import Trained

    learned = read_learned(Path(folder))
    return Trained(_compiled(source_at(Path(folder)), data, None, False), learned)


def _compiled(
    source: SourceFile, data: Mapping[str, Any] | None, room: Mapping[str, int] | None, exact: bool
) -> Model:
    given = dict(data or {})
    if EARLIER in given:
        given[EARLIER] = _parameters(given[EARLIER])
    bound = driver.bind(driver.check(source, given), given)
    return Model(bound, driver.compile_bound(bound, exact=exact), room or {})


def _parameters(fit: Any) -> Any:
    """The parameters of a fit, which may be a folder."""
    from pdflang.results.points import centre_of_run

    if isinstance(fit, str | Path):
        return centre_of_run(Path(fit))
    return fit.params if isinstance(fit, Fit) else fit


@dataclass(frozen=True)
class Fit:
    """The maximum of a posterior density, and the normal approximation around it.

    `params` are the parameters there, arrays by name, `log_density` the value; `standard_errors` have the same
    shapes and come from the inverse of minus the Hessian, to first order, or from the sandwich estimate where
    events have weights: NaN where there is none, and for parameters at a bound, which `at_bound` names.
    `covariance` (n, n) is that of all entries of all parameters in the order of their declarations. `derived`
    are derived values and outputs, `optima` what each start found. `certificates` say how exact integrals and other
    approximations are at the maximum. `minos` has the errors of both signs where they were asked for.

    `agreement` says how well data with normal errors are described: `chi2` is that of all together, `dof` the number of
    data less that of parameters, `chi2_by_data` what each measured data set has by itself.

    `earlier` are the parameters at which `earlier(…)` was taken, none where the model has no such thing; where no fit
    was given, it was found in so many `rounds`, each of which takes the one before for the earlier.

    Where it is the minimum of a `score` that was asked for, `log_density` is minus that score, and standard errors are
    those of the sandwich estimate, or what the critic of an adversarial score tells.
    """

    params: dict[str, np.ndarray]
    log_density: float
    standard_errors: dict[str, np.ndarray]
    covariance: np.ndarray | None
    derived: dict[str, np.ndarray]
    agreement: Agreement
    optima: Optima
    at_bound: tuple[str, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    minos: Minos | None = None
    earlier: dict[str, np.ndarray] = field(default_factory=dict)
    rounds: int = 0
    score: Score | None = None

    @property
    def chi2(self) -> float:
        return self.agreement.chi2

    @property
    def dof(self) -> int:
        return self.agreement.dof

    @property
    def chi2_by_data(self) -> dict[str, float]:
        return {part.name: part.chi2 for part in self.agreement.by_data}

    @property
    def converged(self) -> bool:
        """Whether the best start ended at a maximum."""
        return self.optima.best.converged

    def __repr__(self) -> str:
        where = values_in_words(self.params)
        return f"<Fit: {self.optima.best.status}, log-density {self.log_density:.10g} at {where}>"


class Model(CompiledModel):
    """A compiled model with its data: the functions of `CompiledModel`, and inference on them.

    Where something was `learned` of simulations, inference is on that in place of the density.
    """

    learned: Learned | None = None
    surrogate: Learned | None = None
    """What draws events in the place of the simulator, or corrects those that it draws."""

    def with_learned(self, learned: Learned) -> Model:
        """This model, with what was learned in place of its density. Error: E624 where its data are not fit for it."""
        learned.require(self)
        found = Model(self.bound, self.functions, self.capacities)
        found.learned = learned
        return found

    def with_bound(
        self, bound: BoundProgram, functions: Functions, room: Mapping[str, int] | None = None
    ) -> CompiledModel:
        """This model with other data, as `CompiledModel` has it."""
        found = super().with_bound(bound, functions, room)
        assert isinstance(found, Model)
        return found if self.learned is None else found.with_learned(self.learned)

    def train(
        self, method: str = "npe", *, parameters: Mapping[str, Any] | str | Path | None = None,
        monitor: Monitor | None = None, **options: Any,
    ) -> Trained:  # fmt: skip
        """A density that is learned from simulations of this model, for models without one, or for many data sets.

        `method` is one of `pdflang.learning.methods.LEARNING`, which say what each is for; options are the fields of
        its options: simulations, rounds, epochs, seed, … With several `rounds` it is for the data of this model alone.
        Methods that learn of single events take `parameters` in the place of draws of the prior: one point, or arrays
        (n, …) by name, such as two points between which a ratio is asked for, or the draws or folder of a run.
        Ctrl-C keeps the best network so far. Errors: those of `learn`, and E620 for the options.
        """
        from pdflang.learning.methods import learning_method
        from pdflang.learning.trained import Trained

        chosen = learning_method(method)
        settings = options_of(chosen.options, options)
        settings = replace(settings, seed=chosen_seed(settings.seed))
        found = self.learn(chosen, settings, monitor, parameters=parameters)
        if found.learned is None:
            raise KeyboardInterrupt
        return Trained(self, found.learned)

    def learn(
        self, method: LearningMethod, options: TrainOptions, monitor: Monitor | None = None,
        note: Callable[[str], None] = lambda text: None, store: Store | None = None,
        parameters: Mapping[str, Any] | str | Path | None = None,
    ) -> Learning:  # fmt: skip
        """What a method learns of simulations, by options with a seed; a `store` keeps what a training goes on from.

        `note` is told what it costs. Errors: E607 where the prior cannot be drawn from, E608 without parameters, E620
        where a package is missing, E661 where simulations or losses are not finite, E662 where the method cannot learn
        from such data, and those of `simulate`.
        """
        from pdflang.learning.methods import require_packages

        require_packages()
        self._require_parameters()
        require_fit(self.bound)
        from pdflang.learning.learning import learn

        return learn(self, method, options, monitor, note, store, parameters=parameters)

    @property
    def notes(self) -> tuple[str, ...]:
        """Data that are not used, what became of long lists of events, and approximations that are not accurate."""
        inaccurate = (certificate.note for certificate in self.certificates if not certificate.holds)
        return (*self.bound.notes, *map(str, self.compressions.values()), *inaccurate)

    @cached_property
    def exact(self) -> Model:
        """This model with all events in its likelihood, compiled when it is needed; itself where it has them."""
        if not self.functions.generated.compressed:
            return self
        return Model(self.bound, driver.compile_bound(self.bound, self.functions, exact=True), {})

    def rebind(self, data: Mapping[str, Any], room: Mapping[str, int] | None = None) -> Model:
        """This model with other data, given as for `load`; data that are not given come from their sources.

        Nothing is compiled again where shapes are the same. Arrays of events have room for five standard
        deviations more than there were, or for as many as `room` says, here or in `load`: other numbers of events
        compile nothing either, up to that. Where nodes stand for events, as many as before do for any number.
        """
        rebound = driver.rebind(self, data, room)
        assert isinstance(rebound, Model)
        return rebound

    def after(self, fit: Fit | Mapping[str, Any]) -> Model:
        """This model with `earlier(…)` at the parameters of a fit. Nothing is compiled again."""
        found = driver.after(self, fit.params if isinstance(fit, Fit) else fit)
        assert isinstance(found, Model)
        return found

    @property
    def stand_in(self) -> Learned | None:
        """What was learned, where it takes the place of the density."""
        return self.learned if self.learned is not None and self.learned.stands_in else None

    @property
    def has_density(self) -> bool:
        """Whether there is a density, of the model or learned."""
        return self.stand_in is not None or all(o.no_density is None for o in self.program.observations.values())

    def with_surrogate(self) -> Model:
        """This model, whose events are drawn or corrected by what was learned; itself where nothing of that was."""
        if self.learned is None or not self.learned.method.simulates:
            return self
        found = self.with_learned(self.learned)
        found.surrogate = self.learned
        return found

    def drawn(
        self, key: Any, params: Mapping[str, Any], sizes: Mapping[str, int] | None = None, traces: bool = False,
        envelopes: Any = None,
    ) -> dict[str, Any]:  # fmt: skip
        """What is drawn with a key, as `CompiledModel` has it; by the surrogate where there is one.

        Errors: E609 for parameters that nothing was learned of, E662 for traces, which a surrogate does not know.
        """
        if self.surrogate is None:
            return super().drawn(key, params, sizes, traces, envelopes)
        if traces:
            raise PdflangError(
                Diagnostic(
                    "E662", f"events by `{self.surrogate.method.name}` have no traces",
                    remedy="leave traces out, or simulate the model itself",
                )
            )  # fmt: skip
        if self.correction is not None:
            return self.correction.drawn(super().drawn, key, params, sizes or {}, envelopes)
        from pdflang.learning.surrogate import Surrogate

        return dict(Surrogate(self, self.surrogate).drawn(key, params, sizes))

    @cached_property
    def correction(self) -> Correction | None:
        """What corrects simulated events, if anything does."""
        if self.surrogate is None or not self.surrogate.method.corrects:
            return None
        from pdflang.learning.correction import Correction

        return Correction(self, self.surrogate)

    def draw_prior(self, key: Any) -> dict[str, jax.Array]:
        """Parameters drawn from the prior, as `CompiledModel` has it; where events are corrected, where that is."""
        return super().draw_prior(key) if self.correction is None else dict(self.correction.point)

    def as_data(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """What was drawn, by the names of the data, as `CompiledModel` has it; with the weights of a correction."""
        found = super().as_data(drawn)
        return found if self.correction is None else self.correction.with_weights(found, drawn)

    def draws_weights(self, process: Process) -> bool:
        """Whether events of a process have weights where they are drawn, or get them by a correction."""
        weighs = self.correction is not None and self.correction.learned.method.corrects == "weights"
        return weighs or super().draws_weights(process)

    def target(self) -> Target:
        """What samplers see."""
        from pdflang.elsewhere import bound_here, packed
        from pdflang.inference.target import posterior_of
        from pdflang.subposteriors import subposteriors

        if self.stand_in is not None:
            return self.stand_in.target(self)
        apart = None if bound_here(self) else partial(packed, self)
        return replace(posterior_of(self), parts=partial(subposteriors, self), packed=apart)

    def maximised(self, priors: str = "all") -> Target:
        """What optimizers see, without the Jacobian: with all priors, or with those of a `nuisance` alone."""
        if self.stand_in is not None:
            return self.stand_in.maximised(self, priors)
        functions = self.functions
        density = functions.log_posterior if priors == "all" else functions.penalised_likelihood
        content = functions.content and f"{functions.content}\nwithout the Jacobian, with {priors} priors"
        return Target(self.dimension, density, functions.start, self.arrays, content=content)

    def sample(
        self,
        *,
        method: str = "auto",
        monitor: Monitor | None = None,
        log_likelihood: bool = False,
        **options: Any,
    ) -> xarray.DataTree:
        """Draws of the posterior as a DataTree in ArviZ's schema.

        `method` is one of `pdflang.inference.METHODS`, which say what each is for; options are the fields of its
        options, of HMC and NUTS chains, warmup, draws, seed, target_acceptance, … Without `draws` they make 1000
        each and then more, up to `max_draws`, until every quantity has R-hat < 1.01 and an effective sample size of 100
        per chain. With `log_likelihood` the log-probability of each datum is kept.
        The groups are posterior, sample_stats, observed_data and log_likelihood; arrays are (chain, draw, *axes),
        with labels as coordinates. Lists of more than 100,000 events are not repeated in observed_data.
        Attributes of the tree tell the method, the seed, what it cost, how accurate integrals are at the draws, and of
        some methods the evidence. Errors: those of `draw`, and E620 for the options.
        """
        draws = self.draw(options_of(method_named(method).options, options, method), monitor)
        return self.tree(draws, log_likelihood, self.accuracy(draws)).to_xarray()

    def draw(
        self,
        options: Options,
        monitor: Monitor | None = None,
        stop: StopRequest | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> Draws:
        """Draws on the unconstrained scale, (chain, draw, dimension), by the method whose options are given.

        A caller that hears Ctrl-C itself passes on its `stop`. `checkpoints` keep what is made on the way, from where
        the run goes on if they hold something already. Errors: E601 where no start has a finite density, E608
        without parameters, E611, E612, E625 and E662 where the method cannot run on the model, E626 where there is
        nothing that a normal approximation could stand at, and those of `simulate` for a method that only simulates.
        """
        from pdflang.results import suffices

        self._require_parameters()
        require_fit(self.bound)
        method = method_of(options)
        if method.name == "auto" and self.learned is not None and self.learned.method.draws:
            drawn = self.learned.draws(self, options, monitor, stop)
            assert drawn is not None
            return drawn
        self._require_method(method)
        if method.simulates:
            from pdflang.distances.experiment import ModelExperiment

            return method.adapter(ModelExperiment(self), options, monitor, stop, checkpoints=checkpoints)
        judge = {"enough": lambda draws: suffices(self._judged(draws))} if method.grows else {}
        try:
            return method.adapter(self.target(), options, monitor, stop, checkpoints=checkpoints, **judge)
        except NoFiniteStart as failure:
            raise PdflangError(self.explain_nonfinite(self.constrain(failure.z))) from None
        except Unsuited as failure:
            raise PdflangError(Diagnostic("E626", str(failure), remedy=failure.remedy)) from None

    def _require_method(self, method: Method) -> None:
        """What a method needs of the model, or of what was learned. Errors: E611, E612, E625, E662."""
        if self.stand_in is None:
            method.require(self.program)
        elif method.simulates:
            raise PdflangError(
                Diagnostic(
                    "E662", f"`{method.name}` simulates the model, and takes nothing from what was learned of it",
                    remedy="give the file of the model in the place of the folder of `train`",
                )
            )  # fmt: skip

    def tree(
        self,
        draws: Draws,
        log_likelihood: bool = False,
        certificates: Sequence[Certificate] = (),
        folder: Path | None = None,
    ) -> Tree:
        """Draws as a tree: parameters, solved constants and outputs, with labels as coordinates.

        With a `folder` large arrays are not in memory: they are mapped from files there that have no name. The worst
        of the `certificates` is an attribute, `accuracy`; `is_accurate` is 1 where all of them hold, else 0.
        Attributes of each parameter say what its draws are beside those of its prior: `attach` has their names.
        """
        from pdflang.fields import data_schemas, schemas
        from pdflang.predictive import left_elsewhere, left_out_terms, observed_arrays, term_schemas
        from pdflang.results.contraction import attach
        from pdflang.results.diagnostics import accuracy_attributes
        from pdflang.results.posterior import by_chain, group_of, tree_of

        parameters, derived = self.quantities(draws.z.reshape(-1, self.dimension), folder)
        shape = draws.z.shape[:2]
        terms = left_out_terms(self, parameters, folder) if log_likelihood else {}
        posterior = group_of(by_chain({**parameters, **derived}, shape), schemas(self))
        if posterior is not None:
            attach(posterior, self._prior_moments)
        groups = {
            "posterior": posterior,
            "sample_stats": group_of(draws.statistics, {}),
            "log_likelihood": group_of(by_chain(terms, shape), term_schemas(self, terms)),
            "observed_data": group_of(observed_arrays(self), data_schemas(self), ()),
        }
        by = {"learned_by": self.learned.method.name} if self.learned is not None else {}
        return tree_of(groups, {**draws.attributes, **by, **left_elsewhere(self), **accuracy_attributes(certificates)})

    def _judged(self, draws: Draws) -> Tree:
        """Draws of what is judged by its quality."""
        from pdflang.fields import schemas
        from pdflang.results.posterior import by_chain, group_of, tree_of
        from pdflang.results.summary import LARGE_OUTPUT

        large = {name for name, size in self._derived_sizes.items() if size > LARGE_OUTPUT}
        parameters, derived = self.quantities(draws.z.reshape(-1, self.dimension), leave_out=large)
        shaped = by_chain({**parameters, **derived}, draws.z.shape[:2])
        return tree_of({"posterior": group_of(shaped, schemas(self))}, {})

    def simulator(self, yield_sets: int = 4) -> Simulator:
        """What draws batches of parameters and data, with the traces of events, joint scores and joint ratios.

        Where the model has no integral of the rate of accepted events, that of each data set is estimated from
        `yield_sets` further ones.
        """
        from pdflang.simulator import Simulator

        return Simulator(self, yield_sets)

    def cramer_rao(self, params: Mapping[str, Any], seed: int = 0) -> dict[str, np.ndarray]:
        """The least standard deviations that unbiased estimates from such data alone could have at given parameters.

        Arrays by name, inf where data say nothing. Errors: E614 where events have weights, and those of `simulate`.
        """
        from pdflang.predictive.information import cramer_rao

        return cramer_rao(self, params, seed)

    @cached_property
    def _prior_moments(self) -> dict[str, PriorMoments]:
        from pdflang.predictive.prior import prior_moments

        return prior_moments(self)

    def accuracy(self, draws: Draws) -> tuple[Certificate, ...]:
        """How exact integrals and other approximations are at some draws of the posterior; nothing without draws."""
        import numpy as np

        vectors = draws.z.reshape(-1, self.dimension)
        if not len(vectors):
            return ()
        chosen = vectors[np.linspace(0, len(vectors) - 1, min(_CERTIFIED, len(vectors))).astype(int)]
        parameters, _ = self.quantities(chosen, of=len(vectors))
        return self.certify([{n: values[i] for n, values in parameters.items()} for i in range(len(chosen))])

    def quantities(
        self, vectors: Any, folder: Path | None = None, leave_out: Collection[str] = (), of: int = 0
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Parameters, and derived values, of unconstrained vectors (n, dimension): arrays (n, …) by name.

        Large ones are mapped from files in the `folder`, where one is given. Those to `leave_out` are not kept.
        Some `of` so many are computed by the program that is to compute all of these.
        """
        import jax
        import numpy as np

        from pdflang.results.spool import Spool, rows_at_once

        count = max(1, len(vectors))
        # A power of two: where runs have other numbers of draws, as nested ones, few programs serve all of them.
        most = 1 << (max(count, of) - 1).bit_length()
        at_once = rows_at_once(sum(self._derived_sizes.values()), min(_BATCH, most))
        spools = Spool(len(vectors), folder), Spool(len(vectors), folder)
        with jax.enable_x64(True):
            for first in range(0, count, at_once):
                part = vectors[first : first + at_once]
                # Batches have one length, so that one program serves them all.
                padded = np.zeros((at_once, self.dimension))
                padded[: len(part)] = part
                for spool, found in zip(spools, self.functions.quantities(padded, self.arrays), strict=True):
                    kept = {name: values for name, values in found.items() if name not in leave_out}
                    spool.add({name: np.asarray(values)[: len(part)] for name, values in kept.items()})
        # JAX sorts the keys of a dict; results keep the order of the declarations.
        order = dict.fromkeys([*self.program.parameters, *self._declared_values])
        parameters, derived = ({n: group[n] for n in order if n in group} for group in (s.arrays() for s in spools))
        return parameters, derived

    @property
    def _derived_sizes(self) -> dict[str, int]:
        """How many numbers are kept of a draw beside the parameters, by name."""
        axes = {name: value.node.axes for name, value in self.program.derived.items()}
        return {n: math.prod(axis.size.bind(self.bound.lengths) for axis in found) for n, found in axes.items()}

    @property
    def sources(self) -> dict[str, str]:
        """The texts of all files of the model by name, the main one first; used files by paths from its folder."""
        return {place_of(source, self.program.source): source.text for source in self.program.files}

    def predict(
        self, posterior: xarray.DataTree | None = None, *, monitor: Monitor | None = None, **options: Any
    ) -> xarray.DataTree:
        """Data drawn at draws of a posterior, or of the prior where none is given, with what was observed.

        Options are the fields of `PredictOptions`: draws, seed, threads. Groups are by ArviZ's schema, among them
        prior_predictive, or posterior_predictive and log_likelihood. Errors: E609 where the posterior is of other
        parameters, E620 for the options, and those of `simulate`.
        """
        from pdflang import predictive

        require_fit(self.bound)
        return predictive.predict(self, options_of(PredictOptions, options), posterior, monitor)

    def provenance(self, method: str, started: datetime, **details: Any) -> dict[str, Any]:
        """Where a result of this model comes from: texts, data, seed, versions, command."""
        from pdflang.results import provenance

        notes = {**details.pop("notes", {}), **self._noted()}
        return provenance(method, self.sources, self.bound.arrays, started, notes=notes, **details)

    def _noted(self) -> dict[str, Any]:
        """What provenance says of nodes that stand for events, and of networks that stand for a density."""
        compressed = self.functions.generated.compressed
        nodes = {name: {"events": found.events, "nodes": found.nodes} for name, found in compressed.items()}
        by = {"learned": self.learned.record()} if self.learned is not None else {}
        return {**({"compression": nodes} if nodes else {}), **by}

    def map(self, *, minos: bool = False, monitor: Monitor | None = None, **options: Any) -> Fit:
        """The maximum of the posterior density on the constrained scale, from several starts.

        Options are the fields of `MapOptions`: starts, seed, tolerance, max_steps, priors, optimizer. With the `score`
        "energy" it is the minimum of the energy score of simulated events, with "adversarial" where a network does not
        tell simulated data from those observed: these need no density. With `minos` there are errors of both
        signs from profiles. The result says whether it converged, and how exact integrals are.
        A model with `earlier(…)` to which no fit was given is fitted again and again, each time with the one before for
        the earlier, until nothing changes. Errors: E601 where no start has a finite density, E608 without parameters,
        E620 for the options, E644 where fits do not settle.
        """
        import numpy as np

        from pdflang.predictive.agreement import agreement_of

        settings = options_of(MapOptions, options)
        if settings.score != "density":
            return self._without_density(settings, minos, monitor)
        if self.bound.unfitted:
            from pdflang.workflows.earlier import settled

            model, rounds = settled(self, settings, monitor)
            return replace(model.map(minos=minos, monitor=monitor, **asdict(settings)), rounds=rounds)
        optima = self.optima(settings, monitor)
        best = optima.best
        params = {name: np.asarray(value) for name, value in self.constrain(best.z).items()}
        covariance = self._constrained_covariance(best.z, self._sandwiched(best.z, best.covariance))
        return Fit(
            params,
            best.value,
            self._by_parameter(params, covariance),
            covariance,
            {name: np.asarray(value) for name, value in self.derived(params).items()},
            agreement_of(self, params),
            optima,
            self._parameters_of(best.bound),
            self.certify([params]),
            self._minos(optima, monitor) if minos and not optima.interrupted else None,
            {name: np.asarray(self.bound.arrays[datum]) for datum, name in self.program.earlier.items()},
        )

    def _without_density(self, options: MapOptions, minos: bool, monitor: Monitor | None) -> Fit:
        """The estimate of a score of simulated data.

        Errors: E607, E608, E617, E620, E643, E661, E662, and those of `simulate`.
        """
        import numpy as np

        from pdflang.predictive.agreement import agreement_of

        self._require_parameters()
        require_fit(self.bound)
        if minos or self.stand_in is not None:
            what = "`--minos` follows the density" if minos else "what was learned is a density"
            message = f"{what}, of which the {options.score} score knows nothing"
            raise PdflangError(Diagnostic("E620", message, remedy="leave `--score` out; `--bootstrap` tells errors"))
        score, rounds, own, optima = self._least(options, monitor)
        best = optima.best
        params = {name: np.asarray(value) for name, value in self.constrain(best.z).items()}
        covariance = self._constrained_covariance(best.z, own)
        derived = {name: np.asarray(value) for name, value in self.derived(params).items()}
        return Fit(
            params, best.value, self._by_parameter(params, covariance), covariance, derived,
            agreement_of(self, params), optima, self._parameters_of(best.bound), rounds=rounds, score=score,
        )  # fmt: skip

    def _least(self, options: MapOptions, monitor: Monitor | None) -> tuple[Score, int, Any, Optima]:
        """A score, its rounds, the covariance of its estimate, and the same as what an optimiser returns."""
        if options.score == "energy":
            from pdflang.distances.energy_fit import least_score

            minimum, optima = least_score(self, options, monitor)
            return minimum.score, minimum.rounds, minimum.covariance(self), optima
        from pdflang.learning.methods import require_packages

        require_packages()
        from pdflang.distances.adversarial_fit import at_rest

        score, optima = at_rest(self, options, monitor)
        return score, score.rounds, optima.best.covariance, optima

    def _minos(self, optima: Optima, monitor: Monitor | None) -> Minos:
        from pdflang.workflows.minos import minos_of

        return minos_of(self, optima, monitor)

    def optima(
        self, options: MapOptions, monitor: Monitor | None = None, stop: StopRequest | None = None
    ) -> Optima:
        """Where ascents from several starts end, on the unconstrained scale. Errors: those of `map`."""
        self._require_parameters()
        if self.stand_in is None:
            require_gradient(self.program)
        if options.optimizer == "minuit":
            from pdflang.inference.minuit import maximise
        else:
            from pdflang.inference.map import maximise
        try:
            return maximise(self.maximised(options.priors), options, monitor, stop)
        except NoFiniteStart as failure:
            raise PdflangError(self.explain_nonfinite(self.constrain(failure.z))) from None

    def bootstrap(self, fit: Fit | None = None, *, monitor: Monitor | None = None, **options: Any) -> Bootstrap:
        """Fits of replicas of the data, which tell bias, spread and percentile intervals of the estimates of `fit`.

        Without a `fit` it is that of `map`. Options are the fields of `BootstrapOptions`: replicas, by, seed, threads.
        Errors: those of `map` and `simulate`, E614 where events have weights and are to be simulated, E642 where there
        are none to resample.
        """
        from pdflang.workflows import BootstrapOptions
        from pdflang.workflows.bootstrap import bootstrap

        fit = fit or self.map()
        at_fit = self.after(fit.earlier) if self.bound.unfitted else self
        return bootstrap(at_fit, fit, options_of(BootstrapOptions, options), monitor)

    def profile(self, *names: str, monitor: Monitor | None = None, **options: Any) -> Profile:
        """The largest log-density at given values of one entry of a parameter, or of two, all others being free.

        Names are those of tables: `mu`, `theta[3]`, `c[u]`. Options are the fields of `ProfileOptions`: points, reach,
        priors, …; intervals and contours are those of −2Δ log-density for 68% and 95%. Errors: those of `map`, and E641
        for the names.
        """
        from pdflang.workflows import ProfileOptions
        from pdflang.workflows.profile import profile

        require_fit(self.bound)
        return profile(self, names, options_of(ProfileOptions, options), monitor)

    def reduce(
        self, *, monitor: Monitor | None = None, warn: Callable[[str], None] = lambda reason: None, **options: Any
    ) -> Reduction:
        """What data determine of the parameters, and in how few numbers the outputs can be told.

        Options are the fields of `ReduceOptions`: places, simulations, latent, epochs, seed, … Without the packages of
        `pdflang[learn]` there are no `losses`, and `warn` hears it. Errors: E607 where the prior cannot be drawn from,
        E608 without parameters, E611, E612.
        """
        from pdflang.learning.options import ReduceOptions
        from pdflang.learning.reduction import reduce

        self._require_parameters()
        return reduce(self, options_of(ReduceOptions, options), monitor, warn=warn)

    def calibrate(
        self,
        *,
        simulator: Model | None = None,
        sizes: Mapping[str, int] | None = None,
        folder: str | Path | RunFolder | None = None,
        monitor: Monitor | None = None,
        **options: Any,
    ) -> Calibration:
        """Simulation-based calibration: fits of data simulated at draws of the prior, and the ranks of the truth.

        Options are the fields of `CalibrateOptions`: fits, draws, thin, method, seed, threads, … Data come from
        the `simulator`, by default this model, which must have the same parameters and data; `sizes` are those
        of `simulate`. In a `folder` each finished fit is kept at once, and a run that was cut short goes on. Errors:
        E607 where the prior cannot be drawn from, E608 without parameters, E614 where events have weights, E620
        for the options, E621 where the folder is another's.
        """
        from pdflang.workflows import CalibrateOptions
        from pdflang.workflows.calibrate import calibrate

        require_fit(self.bound)

        self._require_parameters()
        settings = options_of(CalibrateOptions, options)
        self._require_method(method_named(settings.method))
        place = Path(folder) if isinstance(folder, str) else folder
        return calibrate(self, settings, simulator or self, sizes or {}, monitor, place)

    def bench(
        self,
        *,
        methods: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
        given: Mapping[str, Mapping[str, Any]] | None = None,
        cores: Sequence[int] | None = None,
        truth: Mapping[str, Any] | None = None,
        folder: str | Path | RunFolder | None = None,
        tell: Callable[[str], None] = lambda text: None,
        **options: Any,
    ) -> Bench:
        """Methods on this model beside each other: which of those without error makes most effective draws per second.

        Each runs in a process of its own, and one that fails costs its row. `methods` are names, or options by name, by
        default all that take the density; `given` are options of some by name, or of the "reference", the long run
        that errors are told by. Where the posterior is known, the `truth` is in its place: means and standard
        deviations by the names of entries, `{"mu": (1.2, 0.3)}`. Methods run on the most of the `cores`, those with
        threads on the others too, by default on 1 and all. Options are the fields of `BenchOptions`: budget, reference,
        reference_draws, seed. In a `folder` each finished run is kept at once, and a bench that was cut short goes on;
        `tell` hears of each. Errors: E608 without parameters, E620 for names and options and where another process
        cannot have the model, E621 where the folder is another's.
        """
        from pdflang.workflows import BenchOptions
        from pdflang.workflows.bench import bench
        from pdflang.workflows.bench_plan import planned

        self._require_parameters()
        require_fit(self.bound)
        plan = planned(self.program, options_of(BenchOptions, options), methods, given, cores, truth)
        return bench(self, plan, Path(folder) if isinstance(folder, str) else folder, tell)

    @property
    def weighted(self) -> tuple[str, ...]:
        """The observations whose events have weights: their likelihood is no probability of the data."""
        processes = {name: o.process for name, o in self.program.observations.items()}
        return tuple(n for n, process in processes.items() if process is not None and process.weights is not None)

    def _sandwiched(self, z: Any, covariance: Any) -> Any:
        """The covariance of the unconstrained coordinates, corrected where events have weights."""
        import jax
        import jax.numpy as jnp
        import numpy as np

        from pdflang.inference.sandwich import sandwich

        if covariance is None or not self.weighted or self.stand_in is not None:
            return covariance
        exact = self.exact
        with jax.enable_x64(True):
            shares = {name: exact._shares(name) for name in self.weighted}
            scores, hessian = exact.functions.event_scores(jnp.asarray(z), shares, exact.arrays)
        return sandwich(covariance, np.asarray(hessian), np.asarray(scores))

    def _shares(self, name: str) -> Any:
        """What each event has of a normalisation, its weight over that of all, (events,); zeros for the room left."""
        import numpy as np

        from pdflang.ir.evaluate import Evaluator

        process = self.program.observations[name].process
        assert process is not None and process.weights is not None
        shares = np.zeros(self.arrays[f"{name} mask"].shape)
        if not process.normalised:
            return shares
        evaluate = Evaluator(self.bound.arrays, self.bound.lengths, self.program.definition_nodes)
        weights = np.asarray(evaluate(process.weights), float)
        shares[: len(weights)] = weights / weights.sum()
        return shares

    def _parameters_of(self, coordinates: tuple[int, ...]) -> tuple[str, ...]:
        """The parameters that unconstrained coordinates belong to."""
        slots = self.functions.generated.slots
        return tuple(s.parameter.name for s in slots if any(s.start <= i < s.stop for i in coordinates))

    def _constrained_covariance(self, z: Any, covariance: Any) -> Any:
        """The covariance of the flattened parameters, to first order; NaN for those that run to a bound."""
        import jax
        import jax.numpy as jnp
        import numpy as np

        if covariance is None:
            return None
        with jax.enable_x64(True):
            jacobian = np.asarray(self.functions.constrain_jacobian(jnp.asarray(z), self.arrays))
        unknown = np.isnan(np.diag(covariance))
        found = jacobian @ np.where(unknown[:, None] | unknown, 0.0, covariance) @ jacobian.T
        lost = np.any(jacobian[:, unknown] != 0, axis=1)
        return np.where(lost[:, None] | lost, np.nan, found)

    def _by_parameter(self, params: Mapping[str, Any], covariance: Any) -> dict[str, Any]:
        import numpy as np

        errors, start = {}, 0
        for name, value in params.items():
            stop = start + value.size
            if covariance is None:
                errors[name] = np.full(value.shape, np.nan)
            else:
                errors[name] = np.sqrt(np.diag(covariance)[start:stop]).reshape(value.shape)
            start = stop
        return errors

    def _require_parameters(self) -> None:
        if self.dimension == 0:
            raise PdflangError(
                Diagnostic(
                    "E608",
                    "the model has no parameters, so there is nothing to infer",
                    remedy="declare one: param mu ~ Normal(0, 1)",
                )
            )
