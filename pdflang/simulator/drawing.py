"""The simulator of a model: batches of parameters and data, drawn on the fly."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference import Monitor, QuietMonitor
from pdflang.inference.turns import each_of
from pdflang.inference.workers import StopRequest
from pdflang.model import CompiledModel
from pdflang.simulator.batch import Batch
from pdflang.simulator.estimates import Estimates
from pdflang.simulator.event_sets import EventSets
from pdflang.simulator.files import require_same, simulations
from pdflang.simulator.proposals import BLOCK, Origin, Source
from pdflang.simulator.records import Traces
from pdflang.simulator.scoring import Scoring
from pdflang.simulator.tables import in_blocks

if TYPE_CHECKING:
    import xarray

    from pdflang.backend.runtime.events import Events

_POINTS = 16
"""Points of parameters whose envelopes are kept: at least as many as there are threads."""


class Simulator:
    """Draws parameters and data of a model.

    Where the model has no integral of the rate of accepted events, joint scores take it from `yield_sets` further data
    sets for each one of a batch.
    """

    def __init__(self, model: CompiledModel, yield_sets: int = 4) -> None:
        self.model = model
        self.yield_sets = yield_sets

    def __repr__(self) -> str:
        return f"<Simulator of {self.model!r}>"

    @cached_property
    def scoring(self) -> Scoring:
        """What computes the probability of what was drawn."""
        return Scoring(self.model)

    def draw(
        self,
        count: int,
        seed: int = 0,
        first: int = 0,
        parameters: Source | xarray.DataTree = None,
        sizes: Mapping[str, int] | None = None,
        traces: bool = True,
        threads: int | None = None,
        monitor: Monitor | None = None,
        stop: StopRequest | None = None,
    ) -> Batch:
        """So many simulations of a seed, from number `first` on: a number gives the same one in any batch.

        Simulation i is what `model.simulate` draws with the key `fold_in(key(seed), i)`. Its `parameters` are a draw of
        the prior; or those given by name, for all or for each, (first + count, …); or one of a run, given as its folder
        or its draws; or drawn of a `Proposal`, where the prior allows them, and weighted. `sizes` are those of
        `model.simulate`. Errors: those of `model.simulate`, E609 for parameters, E610 for the count.
        KeyboardInterrupt where Ctrl-C was heard, or a `stop` requested.
        """
        self.model.require_simulation(sizes or {})
        _require_some(count)
        with jax.enable_x64(True):
            key = jax.random.key(seed)
            begin = first - first % BLOCK
            numbers = range(begin, begin + -(-(first + count - begin) // BLOCK) * BLOCK)
            keys = jax.vmap(partial(jax.random.fold_in, key))(np.arange(numbers.start, numbers.stop))
            wanted = slice(first - begin, first - begin + count)
            values, log_weights = Origin(self.model, parameters, key).parameters(numbers, wanted, keys)
            if self.has_events:
                values = {name: value[wanted] for name, value in values.items()}
                data, traced = self._events(keys[wanted], values, sizes, traces, threads, monitor, stop)
            else:
                data, traced = self._arrays(keys, values, wanted), {}
                values = {name: value[wanted] for name, value in values.items()}
        weights = log_weights[wanted] if log_weights is not None else None
        given = tuple((sizes or {}).items())
        kept = traced if traces else None
        return Batch(values, data, kept, weights, seed, first, count, given, simulator=self)

    def read(self, folder: str | Path) -> Batch:
        """The simulations that `pdflang simulate --count N` left in a folder, of this model.

        Errors: E621 where they are of another model, E623 where there are none.
        """
        require_same(self.model, Path(folder))
        return Batch.of(self, simulations(folder))

    def drawn_at(self, keys: Any, values: dict[str, np.ndarray], sizes: Mapping[str, int]) -> Batch:
        """Lists of events with their traces at parameters (count, …), with the keys of `simulate`."""
        data, traced = self._events(keys, values, sizes, True, None, None, None)
        return Batch(values, data, traced, None, 0, 0, len(keys), simulator=self)

    @property
    def has_events(self) -> bool:
        """Whether an observation is a list of events: then data sets are drawn one by one."""
        return any(observation.process for observation in self.model.program.observations.values())

    # --- data that are no events ----------------------------------------------------------------------------

    def _arrays(self, keys: Any, values: dict[str, np.ndarray], wanted: slice) -> dict[str, np.ndarray]:
        """Data (count, …) by name, of whole blocks."""
        model = self.model
        data_keys = jax.vmap(jax.random.split)(keys)[:, 1]
        found = in_blocks(lambda k, p: model.functions.simulations(k, p, model.arrays), BLOCK, data_keys, values)
        data = {name: np.asarray(found[name])[wanted] for name in model.program.observations}
        for name, observation in model.program.observations.items():
            bad = np.flatnonzero(~np.isfinite(data[name].reshape(len(data[name]), -1)).all(axis=1))
            for number in bad[:1]:
                at = {parameter: value[wanted][number] for parameter, value in values.items()}
                model.require_finite(observation, data[name][number], at)
        return data

    # --- events ---------------------------------------------------------------------------------------------

    def _events(
        self, keys: Any, values: dict[str, np.ndarray], sizes: Mapping[str, int] | None, traces: bool,
        threads: int | None, monitor: Monitor | None, stop: StopRequest | None,
    ) -> tuple[dict[str, Any], dict[str, Traces]]:  # fmt: skip
        drawn = self._one_by_one(keys, values, sizes, traces, threads, monitor or QuietMonitor(), stop)
        data: dict[str, Any] = {}
        traced: dict[str, Traces] = {}
        for name, observation in self.model.program.observations.items():
            lists = [one[name] for one in drawn]
            process = observation.process
            if process is None:
                data[name] = np.stack([np.asarray(values) for values in lists])
                continue
            signs = [events.weights for events in lists] if self.model.draws_weights(process) else None
            variables = [variable.name for variable in process.variables]
            data[name] = EventSets.of([events.columns for events in lists], variables, signs)
            if traces:
                traced[name] = _accepted(lists, data[name].splits)
        return data, traced

    def _one_by_one(
        self, keys: Any, values: dict[str, np.ndarray], sizes: Mapping[str, int] | None, traces: bool,
        threads: int | None, monitor: Monitor, stop: StopRequest | None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        data_keys = jax.vmap(jax.random.split)(keys)[:, 1]
        envelopes = _SharedEnvelopes()

        def one(number: int) -> dict[str, Any]:
            params = {name: value[number] for name, value in values.items()}
            return self.model.drawn(data_keys[number], params, sizes, traces, envelopes.at(params))

        return each_of(len(keys), one, "simulate", threads, monitor, stop)

    # --- how many events are expected -----------------------------------------------------------------------

    @cached_property
    def estimates(self) -> Estimates:
        """Expected numbers of events where the model has no integral of their rate."""
        return Estimates(self)


def _require_some(count: int) -> None:
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        message = f"the number of simulations must be a whole number above 0, not {count!r}"
        raise PdflangError(Diagnostic("E610", message))


class _SharedEnvelopes:
    """What bounds intensities, at the parameters of the last few data sets: mostly, equal ones follow each other."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, dict[Any, Any]] = OrderedDict()
        self._lock = Lock()

    def at(self, params: Mapping[str, np.ndarray]) -> dict[Any, Any]:
        point = b"".join(np.asarray(value, float).tobytes() for value in params.values())
        with self._lock:
            found = self._kept.setdefault(point, {})
            self._kept.move_to_end(point)
            while len(self._kept) > _POINTS:
                self._kept.popitem(last=False)
        return found


def _accepted(lists: list[Events], splits: np.ndarray) -> Traces:
    """The traces of accepted events of all lists, by stream, in the order of their rows."""
    found: Traces = {}
    for stream in lists[0].traces:
        parts = []
        for events, start in zip(lists, splits, strict=False):
            row = events.traces[stream]["row"]
            kept = np.flatnonzero(row >= 0)
            kept = kept[np.argsort(row[kept])]
            sites = {site: values[kept] for site, values in events.traces[stream].items()}
            parts.append({**sites, "row": sites["row"] + start})
        found[stream] = {site: np.concatenate([part[site] for part in parts]) for site in parts[0]}
    return found
