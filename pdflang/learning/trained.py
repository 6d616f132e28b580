"""What a training gives to a program: the posterior of any data, and densities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.backend.runtime.precision import precise
from pdflang.learning.calibrated import CalibratedRatio, calibrated
from pdflang.learning.event_functions import EventFunctions
from pdflang.learning.learned import Learned
from pdflang.learning.surrogate import Surrogate
from pdflang.results import RunFolder

if TYPE_CHECKING:
    import jax
    import numpy as np
    import xarray

    from pdflang.embedding import Fit, Model
    from pdflang.results.correction import CorrectionTest
    from pdflang.results.events_beside import EventTest
    from pdflang.results.trade_off import TradeOff
    from pdflang.results.validation import Bias


class Trained:
    """Networks that were trained on simulations of a model.

    `observed` are data by name, as for `Model.rebind`; by default those of the model. `history` has the losses of each
    round, pass by pass.
    """

    def __init__(self, model: Model, learned: Learned) -> None:
        self._model = model
        self.learned = learned

    def __repr__(self) -> str:
        passes = sum(len(one) for one in self.history)
        return f"<Trained {self.learned.method.name}: {self.learned.options.simulations} simulations, {passes} passes>"

    @property
    def history(self) -> list[list[dict[str, float]]]:
        return self.learned.history

    def at(self, observed: Mapping[str, Any] | None = None) -> Model:
        """The model with these data, whose inference is on what was learned: `sample`, `map`, `profile`, …

        Error: E624 where the data are not such as the networks were trained for.
        """
        model = self._own if observed is None else self._own.rebind(observed)
        return model

    @cached_property
    def _own(self) -> Model:
        return self._model.with_learned(self.learned)

    def sample(self, observed: Mapping[str, Any] | None = None, **options: Any) -> xarray.DataTree:
        """Draws of the posterior, as `Model.sample` has them; by the network itself where it has learned the posterior.

        There `chains` are parts of one set of independent draws.
        """
        return self.at(observed).sample(**options)

    def map(self, observed: Mapping[str, Any] | None = None, **options: Any) -> Fit:
        """The maximum of the learned posterior, as `Model.map` has it."""
        return self.at(observed).map(**options)

    def log_density(self, params: Mapping[str, Any], observed: Mapping[str, Any] | None = None) -> jax.Array:
        """The log-density of the posterior on the constrained scale: of `npe` normalised, else up to a constant."""
        return self._evaluated("density of params", params, observed)

    def log_likelihood(self, params: Mapping[str, Any], observed: Mapping[str, Any] | None = None) -> jax.Array:
        """log p(x | θ) of all data together, of `nle`, `scandal` and `flow`. Error: E662 for other methods."""
        self.learned.require_method("likelihood", "likelihood")
        return self._evaluated("value of params", params, observed)

    def log_ratio(self, params: Mapping[str, Any], observed: Mapping[str, Any] | None = None) -> jax.Array:
        """log p(x | θ) / p(x), of `nre`; after several rounds, and of single events, up to a constant.

        Error: E662 for methods that learn another thing.
        """
        self.learned.require_method("ratio", "ratio")
        return self._evaluated("value of params", params, observed)

    def simulate(
        self, parameters: Mapping[str, Any] | None = None, events: int | Mapping[str, int] | None = None, seed: int = 0
    ) -> dict[str, Any]:
        """Events that networks make, or simulated ones that they correct, as `Model.simulate` has data.

        At parameters by name, or at a draw of the prior, of a correction where it was learned; so many `events`, of all
        observations or by their names, otherwise as many as the model would have. Weights of `reweight` are in the
        column that the model reads them from, or in one more, `weight`. Errors: E609 for parameters that nothing was
        learned of, E662 for other methods.
        """
        import jax
        import numpy as np

        self.learned.require_simulation()
        model = self._own.with_surrogate()
        sizes = {part.name: events for part in self.learned.parts} if isinstance(events, int) else dict(events or {})
        with jax.enable_x64(True):
            prior_key, data_key = jax.random.split(jax.random.key(seed))
            drawn = model.drawn(data_key, model.draw_prior(prior_key) if parameters is None else parameters, sizes)
        found = model.as_data(drawn)
        return {n: v if isinstance(v, dict) else np.asarray(v) for n, v in found.items()}

    def expected_events(self, parameters: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The expected number of events by observation, of each network of the ensemble (networks,). Errors: as there.

        Of `Iid` events, whose number is given, it has no meaning.
        """
        return Surrogate(self._model, self.learned).expected(parameters)

    def events_beside(self, points: int = 4, events: int = 2000, seed: int = 0) -> tuple[EventTest, ...]:
        """Tests of two samples: events of the networks beside simulated ones, at some of the parameters learned from.

        Each has the accuracy of a classifier, expected numbers, and for each column the largest difference of
        distribution functions with its p-value. Errors: E620 without scikit-learn, E662 for other methods.
        """
        from pdflang.inference.workers import interrupts
        from pdflang.learning.beside import events_beside

        with interrupts() as stop:
            found = events_beside(self._model, self.learned, points, events, seed, None, stop)
        if found is None:
            raise KeyboardInterrupt
        return found

    def event_log_densities(self, observation: str, events: Any, parameters: Mapping[str, Any]) -> np.ndarray:
        """log p(x | θ) of single events, (events,), of `flow` and `scandal`; labels and whole numbers are discrete.

        `events` are columns by name, as the data of an observation are. Errors: E609, E662.
        """
        return EventFunctions(self._model, self.learned, observation).log_densities(events, parameters)

    def anomaly(
        self, observation: str, events: Any, parameters: Mapping[str, Any] | None = None
    ) -> np.ndarray:
        """−log p(x | θ) of single events, (events,): how strange they are to what was learned, of `flow` and `vae`.

        Of `vae` it is an estimate by draws of its encoder. Without parameters, p is the mean at some of those that were
        learned from. `events` are columns by name. Errors: E609, E662.
        """
        return EventFunctions(self._model, self.learned, observation).anomalies(events, parameters)

    def event_log_ratios(
        self, observation: str, events: Any, theta0: Mapping[str, Any], theta1: Mapping[str, Any]
    ) -> np.ndarray:
        """log p(x | θ₀) − log p(x | θ₁) of single events, (events,), of densities that are normalised.

        `events` are columns by name, as the data of an observation are. Errors: E609 where there is no such
        observation, E662 where no ratio of events was learned.
        """
        return EventFunctions(self._model, self.learned, observation).log_ratios(events, theta0, theta1)

    def between(
        self, observation: str, theta0: Mapping[str, Any], theta1: Mapping[str, Any], events: int = 50_000,
        seed: int = 0,
    ) -> CalibratedRatio:  # fmt: skip
        """The ratio of `event_log_ratios` between two points, calibrated with so many simulated events of each.

        Errors: as there.
        """
        return calibrated(EventFunctions(self._model, self.learned, observation), theta0, theta1, events, seed)

    def event_scores(self, observation: str, events: Any) -> dict[str, np.ndarray]:
        """∇ log p(x | θ₀) of single events at the point of `sally`, (events, …) by parameter, on the constrained scale.

        `events` and errors are as for `event_log_ratios`.
        """
        return EventFunctions(self._model, self.learned, observation).scores(events)

    def event_weights(self, observation: str, events: Any) -> np.ndarray:
        """p(x | observed)/p(x | simulated) of single events, (events,), of `reweight`: of mean 1 over simulated ones.

        `events` are columns by name, as the data of an observation are. Errors: E609, E662.
        """
        return EventFunctions(self._model, self.learned, observation).weights(events)

    def moved(self, observation: str, events: Any) -> Any:
        """Simulated events where they look like those observed, of `transport`: columns by name, as they are given.

        Errors: as there.
        """
        return EventFunctions(self._model, self.learned, observation).moved(events)

    def correction_tests(self, events: int = 2000, seed: int = 0) -> tuple[CorrectionTest, ...]:
        """The closure test of `reweight` and `transport`, of each observation.

        So many observed events at most that the training put aside are laid beside new simulated ones, before and after
        the correction: the accuracy of a classifier, the distribution of each column, and what weights leave of the
        events. Errors: E620 without scikit-learn, E662 for other methods.
        """
        from pdflang.inference.workers import interrupts
        from pdflang.learning.closure import correction_tests

        with interrupts() as stop:
            found = correction_tests(self._model, self.learned, events, seed, None, stop)
        if found is None:
            raise KeyboardInterrupt
        return found

    def event_outputs(self, observation: str, events: Any, penalty: float | None = None) -> np.ndarray:
        """P(second hypothesis | x) of single events at equal odds, (events,), of `pivot`.

        Of the classifier of a `penalty`, if not given of the largest. `events` are columns by name. Errors: E609, E620
        where there is no classifier of the penalty, E662.
        """
        return EventFunctions(self._model, self.learned, observation).outputs(events, penalty)

    def trade_offs(self, draws: int | None = None, seed: int = 0) -> tuple[TradeOff, ...]:
        """How good the classifiers of `pivot` are, and what they tell of the nuisance, of each observation.

        Measured with new events at so many draws of the nuisance, by default `held_out`: cross-entropy and AUC; the
        nats that a fresh adversary finds in the output; the distance of outputs between quantiles of the nuisance.
        Errors: E620 for fewer than 100 draws, E662 for other methods.
        """
        from pdflang.inference.workers import interrupts
        from pdflang.learning.trade_off import trade_offs

        options = self.learned.require_output()
        options = options if draws is None else replace(options, held_out=draws)
        with interrupts() as stop:
            found = trade_offs(self._model, self.learned, options.held_out, seed, options.threads, stop=stop)
        if found is None:
            raise KeyboardInterrupt
        return found

    def bias_at(self, params: Mapping[str, Any], data_sets: int = 200, seed: int = 0) -> Bias:
        """How far estimates are moved, and what they lose, over so many data sets simulated at given parameters.

        Arrays by number of the parameters: `shift` in standard deviations of the posterior and `efficiency` beside the
        bound of Cramér and Rao, where the model has a density; `log_likelihood` and `per_event` are the bias in
        log-likelihood of a data set and of one of its events. Errors: those of `simulate`.
        """
        from pdflang.learning.bias import bias_at

        return bias_at(self._model, self.learned, params, data_sets, seed)

    def save(self, folder: str | Path, overwrite: bool = False) -> None:
        """Write a folder that `pdflang sample` and `load_trained` read. Errors: E621 where it exists, E622."""
        from pdflang.learning.store import write_learned

        model, options = self._model, self.learned.options
        record = model.provenance(self.learned.method.name, datetime.now(UTC), seed=options.seed)
        with RunFolder.create(Path("trained"), Path(folder), overwrite) as place:
            place.write_sources(model.sources)
            write_learned(place, self.learned, model.program.source)
            place.write_provenance(record)

    def _evaluated(self, name: str, params: Mapping[str, Any], observed: Mapping[str, Any] | None) -> jax.Array:
        model = self.at(observed)
        function = precise(self.learned.functions_of(model.functions)[name])
        return function(model.checked(params), self.learned.arrays(model))
