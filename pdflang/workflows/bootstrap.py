"""The bootstrap: fits of data simulated at the maximum, or of events drawn again from those observed."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.fields import schemas
from pdflang.inference import Monitor, QuietMonitor
from pdflang.inference.map import climb
from pdflang.inference.options import chosen_seed
from pdflang.inference.workers import StopRequest
from pdflang.results.bootstrap import Bootstrap
from pdflang.semantics.drawn_events import of_axis, require_room_for_events
from pdflang.simulated import data_record, taken
from pdflang.workflows.fan_out import FAILURE, fan_out
from pdflang.workflows.journal import Journal, Record
from pdflang.workflows.options import BootstrapOptions

if TYPE_CHECKING:
    from pdflang.embedding import Fit, Model


def bootstrap(model: Model, fit: Fit, options: BootstrapOptions, monitor: Monitor | None = None) -> Bootstrap:
    """Fit replicas of the data, each by an ascent from the maximum of `fit`. Ctrl-C keeps those that are finished.

    A replica depends on the seed and its number alone. Errors: E613 where the data cannot have another number of
    events, E614 where events have weights and are to be simulated, E642 where there are no events to resample.
    """
    _require_replicas(model, options)
    seed = chosen_seed(options.seed)
    replicas = _Replicas(model, fit, options, seed)
    journal = Journal(None, "", lambda folder: None)
    numbers = range(options.replicas)
    done = fan_out("bootstrap", numbers, replicas.make, journal, options.threads, monitor or QuietMonitor())
    records = dict(sorted(journal.records.items()))
    vectors = [record["z"] for record in records.values() if FAILURE not in record]
    parameters, derived = model.quantities(np.array(vectors).reshape(-1, model.dimension))
    return Bootstrap(
        arrays={name: values[: len(vectors)] for name, values in {**parameters, **derived}.items()},
        estimates={**fit.params, **fit.derived},
        schemas=schemas(model),
        by=options.by,
        seed=seed,
        asked=options.replicas,
        failures={number: str(record[FAILURE]) for number, record in records.items() if FAILURE in record},
        interrupted=not done,
    )


def _require_replicas(model: Model, options: BootstrapOptions) -> None:
    weighted = model.weighted
    if options.by == "simulation" and weighted:
        raise PdflangError(
            Diagnostic(
                "E614",
                f"the events of `{weighted[0]}` have weights, whose distribution the model does not have",
                model.program.observations[weighted[0]].span,
                remedy="resample the events instead: --bootstrap-by resampling",
            )
        )
    if options.by == "resampling" and not model.event_counts():
        raise PdflangError(
            Diagnostic(
                "E642",
                "there are no events to resample",
                remedy="leave `--bootstrap-by` out: data are then simulated at the maximum",
            )
        )
    require_room_for_events(model.program, beside=options.by == "simulation")


class _Replicas:
    """Makes the fit of a replica from its number."""

    def __init__(self, model: Model, fit: Fit, options: BootstrapOptions, seed: int) -> None:
        self._model, self._params, self._start = model, fit.params, fit.optima.best.z
        self._priors, self._limits, self._options = fit.optima.options.priors, fit.optima.options, options
        self._seed, self._score = seed, fit.score
        self._observed = data_record(model, {})
        self._python = Lock()
        """For what holds the interpreter anyway, and walks deep expressions under a recursion limit of its own."""

    def make(self, number: int, stop: StopRequest) -> Record | None:
        """The maximum for one replica; None where it was stopped. ValueError where the ascent ends elsewhere."""
        with self._python:
            replica = self._model.rebind(self._data(number))
            target = replica.maximised(self._priors) if self._score is None else None
        if target is not None:
            found = climb(target, self._start, self._limits, stop)
        else:
            assert self._score is not None
            found = self._score.refitted(replica, self._start, self._limits, stop)
        if found.status == "interrupted":
            return None
        if found.status == "no finite start":
            raise ValueError("the density is not finite at the maximum of the data themselves")
        if found.status not in ("converged", "flat", "at bound"):
            raise ValueError("no maximum was reached")
        return {"z": found.z.tolist()}

    def _data(self, number: int) -> dict[str, Any]:
        """The data of a replica, as `rebind` takes them."""
        import jax

        resampled = self._options.by == "resampling"
        drawn: Mapping[str, Any] = {}
        if not resampled or len(self._model.event_counts()) < len(self._model.program.observations):
            key = jax.random.fold_in(jax.random.key(self._seed), number)
            drawn = self._model.simulate(key, self._params)
        record = data_record(self._model, drawn)
        return record | (self._resampled(np.random.default_rng([self._seed, number])) if resampled else {})

    def _resampled(self, random: np.random.Generator) -> dict[str, Any]:
        """Events of each list drawn with replacement from those observed: as many, or a Poisson number for a rate.

        Whatever else the data have for each event goes with it.
        """
        found: dict[str, Any] = {}
        for name, count in self._model.event_counts().items():
            observation = self._model.program.observations[name]
            assert observation.process is not None
            number = count if observation.process.normalised else int(random.poisson(count))
            rows = random.integers(count, size=number) if count else np.zeros(0, int)
            for datum, axes in of_axis(self._model.program, observation).items():
                found[datum] = taken(self._observed[datum], rows, axes)
        return found

