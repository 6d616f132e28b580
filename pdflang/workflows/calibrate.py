"""Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788).

Parameters are drawn from the prior and data from the model at these; the posterior of the data is sampled, and the
true value of each quantity is ranked among the draws. Where density, simulator and sampler belong together, ranks
are uniform. The log-density is ranked too, since it sees mistakes in how data are used that no parameter shows
(Modrák et al. 2023, arXiv:2211.02383), and the distance from a random point. The posterior may be one that was learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference import Monitor, QuietMonitor
from pdflang.inference.options import chosen_seed
from pdflang.inference.platform import double_precision
from pdflang.inference.surface import log_densities
from pdflang.results import RunFolder
from pdflang.results.calibration import Calibration, assessed, findings_of
from pdflang.semantics.drawn_events import require_room_for_events
from pdflang.simulated import data_record
from pdflang.workflows.calibration_files import FITS, write_results
from pdflang.workflows.fan_out import FAILURE, fan_out
from pdflang.workflows.folders import begin, open_folder
from pdflang.workflows.journal import Journal, Record
from pdflang.workflows.options import CalibrateOptions
from pdflang.workflows.ranked import DISTANCE, LOG_DENSITY, Entry, distances, entries_of, rank

if TYPE_CHECKING:
    from pdflang.embedding import Model
    from pdflang.inference import Draws
    from pdflang.inference.workers import StopRequest

_SMALLEST_ROOM = 64


def calibrate(
    fitted: Model,
    options: CalibrateOptions,
    simulator: Model,
    sizes: Mapping[str, int],
    monitor: Monitor | None = None,
    folder: RunFolder | Path | None = None,
) -> Calibration:
    """Calibrate the posterior of `fitted` on data that `simulator` makes, which has the same parameters and data.

    `sizes` are those of `simulate`. Results do not depend on the threads. With a `folder` each finished fit is
    written there at once, and those already there are not made again. Errors: E607 where the simulator's prior cannot
    be drawn from, E613 where the data cannot have another number of events, E614 where events have weights, E621 and
    E622 for the folder.
    """
    _require_probability(fitted)
    require_room_for_events(fitted.program)
    simulator.draw_prior(0)
    started = datetime.now(UTC)
    if isinstance(folder, Path):
        asked = provenance_of(fitted, options, sizes, simulator, started)
        with open_folder(Path(fitted.program.source.name), folder, False, asked) as opened:
            return calibrate(fitted, options, simulator, sizes, monitor, opened)
    options = replace(options, seed=chosen_seed(options.seed))
    origin = partial(provenance_of, fitted, options, sizes, simulator, started)
    fits = _Fits(fitted, simulator, options, sizes)
    journal = Journal(folder, FITS, lambda folder: begin(folder, fitted, origin(interrupted=True)))
    numbers = range(options.fits)
    done = fan_out("calibrate", numbers, fits.make, journal, options.threads, monitor or QuietMonitor())
    records = {number: journal.records[number] for number in numbers if number in journal.records}
    result = _assessed(fits.entries, records, options, not done)
    journal.settle()
    if folder is not None and records:
        write_results(folder, fitted, result, origin(interrupted=not done))
    return result


def _require_probability(model: Model) -> None:
    for observation in model.program.observations.values():
        if observation.process is not None and observation.process.weights is not None:
            raise PdflangError(
                Diagnostic(
                    "E614",
                    f"the events of `{observation.name}` have weights, so that their likelihood is no probability",
                    observation.span,
                    remedy="calibrate the model without `weights`; `sample` and `map` take them",
                )
            )


class _Fits:
    """Makes the record of a fit from its number alone: threads, and how many fits there are, change nothing."""

    def __init__(
        self, fitted: Model, simulator: Model, options: CalibrateOptions, sizes: Mapping[str, int]
    ) -> None:
        self._fitted = fitted
        self._simulator = simulator
        self._options = options
        self._sizes = {name: size for name, size in sizes.items() if name in simulator.program.observations}
        assert options.seed is not None
        self._seed = options.seed
        self._python = Lock()
        """For what holds the interpreter anyway, and walks deep expressions under a recursion limit of its own."""
        self.entries = entries_of(fitted)

    def make(self, number: int, stop: StopRequest) -> Record | None:
        """Ranks, effective sample sizes and divergences of one fit; None where it was stopped."""
        with self._python:
            params, elsewhere, model = self._simulated(number)
        random = np.random.default_rng([self._seed, number])
        options = self._options.of_fit(int(random.integers(2**32)))
        by_network = model.learned.draws(model, options, stop=stop) if model.learned is not None else None
        draws = by_network or model.draw(options, stop=stop)
        if draws.interrupted:
            return None
        z = np.concatenate([np.asarray(model.unconstrain(params))[None], draws.z[0]])
        parameters, derived = model.quantities(z)
        values = {**parameters, **derived}
        if any(entry.name == LOG_DENSITY for entry in self.entries):
            values[LOG_DENSITY] = _log_densities(model, z, draws)
        values[DISTANCE] = distances(z, np.asarray(model.unconstrain(elsewhere)))
        columns = {entry.name: entry.of(values) for entry in self.entries}
        ranked = {name: rank(column, self._options.thin, random) for name, column in columns.items()}
        return {
            "ranks": {name: found.rank for name, found in ranked.items()},
            "ess": {name: found.ess for name, found in ranked.items()},
            "divergences": int(np.sum(draws.statistics.get("diverging", 0))),
        }

    def _simulated(self, number: int) -> tuple[dict[str, Any], dict[str, Any], Model]:
        """Parameters drawn from the prior, others, and the model with data drawn at the first."""
        import jax

        prior_key, data_key = jax.random.split(jax.random.fold_in(jax.random.key(self._seed), number))
        params = self._simulator.draw_prior(prior_key)
        elsewhere = self._simulator.draw_prior(jax.random.fold_in(prior_key, 1))
        data = self._simulator.simulate(data_key, params, self._sizes)
        return params, elsewhere, self._fitted.rebind(data_record(self._fitted, data), self._room(data))

    def _room(self, data: Mapping[str, Any]) -> dict[str, int]:
        """The next power of two for all lists of events: few shapes, which depend on nothing but this fit's data."""
        names = [o.name for o in self._fitted.program.observations.values() if o.process]
        lists = [next(iter(v.values())) if isinstance(v, Mapping) else v for v in (data[name] for name in names)]
        largest = max(map(len, lists), default=0)
        return dict.fromkeys(names, max(_SMALLEST_ROOM, 1 << (largest - 1).bit_length()))


def _log_densities(model: Model, z: np.ndarray, draws: Draws) -> np.ndarray:
    """Those of the truth, and of the draws behind it; of draws that know theirs nothing is computed again."""
    target = model.target()
    known = draws.statistics.get("lp")
    if known is None:
        return log_densities(target, z)
    with double_precision():
        return np.append(float(target.log_density(z[0], target.arrays)), known[0])


def provenance_of(
    fitted: Model,
    options: CalibrateOptions,
    sizes: Mapping[str, int],
    simulator: Model,
    started: datetime,
    interrupted: bool = False,
) -> dict[str, Any]:
    """What a run folder says about where a calibration comes from."""
    notes = {} if simulator is fitted else {"simulator": simulator.sources}
    settings = {**asdict(options), "sizes": dict(sizes)}
    return fitted.provenance(
        "calibrate", started, seed=options.seed, options=settings, interrupted=interrupted, notes=notes
    )


def _assessed(
    entries: tuple[Entry, ...], records: Mapping[int, Record], options: CalibrateOptions, interrupted: bool
) -> Calibration:
    failures = {number: record[FAILURE] for number, record in records.items() if FAILURE in record}
    good = [record for record in records.values() if FAILURE not in record]
    quantities = tuple(
        assessed(
            entry.name,
            entry.variable,
            entry.role,
            np.array([record["ranks"][entry.name] for record in good]),
            options.draws,
            float(np.median([record["ess"][entry.name] for record in good])),
        )
        for entry in entries
        if good
    )
    divergent = sum(record["divergences"] > 0 for record in good)
    findings = findings_of(quantities, len(good), failures, divergent)
    assert options.seed is not None
    return Calibration(
        quantities, len(good), options.draws, failures, divergent, findings, options.seed, interrupted
    )
