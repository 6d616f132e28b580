"""Closure tests: fits of data that are made at a known truth.

Levels: at 0 data are the truth's prediction, at 1 they have noise, and at 2 each replica of a fit has noise of its own
on top. Del Debbio, Giani and Wilson, Eur. Phys. J. C 82 (2022) 330 (arXiv:2111.05787).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference import MapOptions, Monitor, QuietMonitor
from pdflang.inference.map import climb
from pdflang.inference.options import NutsOptions, chosen_seed
from pdflang.ir import nodes
from pdflang.ir.evaluate import Evaluator
from pdflang.partons.combinations import COMBINATIONS
from pdflang.partons.densities import Densities
from pdflang.results import RunFolder
from pdflang.results.closure import Closure, assessed, to_record, to_text
from pdflang.semantics.capabilities import require_fit
from pdflang.workflows.fan_out import FAILURE, fan_out
from pdflang.workflows.folders import begin
from pdflang.workflows.journal import Journal, Record
from pdflang.workflows.options import ClosureOptions
from pdflang.workflows.ranked import entries_of

if TYPE_CHECKING:
    from pdflang.embedding import Model
    from pdflang.inference.workers import StopRequest

FITS = "closure.jsonl"
_X = np.concatenate([np.geomspace(1e-4, 0.1, 13), np.linspace(0.15, 0.75, 7)])
"""Where densities are compared with the true ones."""

_ENDED = ("converged", "flat", "at bound")
_WARMUP, _THIN = 500, 5
"""Transitions of a chain before its draws, and for each of them."""


def closure(
    fitted: Model,
    options: ClosureOptions,
    simulator: Model,
    truth: Mapping[str, Any],
    monitor: Monitor | None = None,
    folder: RunFolder | None = None,
) -> Closure:
    """Fit data that `simulator` makes at its parameters `truth`, and compare fits with it.

    With a `folder` each finished fit is written there at once, and those already there are not made again. Results do
    not depend on the threads. Errors: E620 for options that do not go together, E643 where an earlier fit is needed and
    cannot be the truth, E647 where observations are not Gaussian, or not the same in both models.
    """
    if options.level == 2 and options.method == "sample":
        remedy = "use `--level 1`, or `--method map`"
        raise PdflangError(Diagnostic("E620", "draws of a posterior are no replicas of data", remedy=remedy))
    options = replace(options, seed=chosen_seed(options.seed))
    started = datetime.now(UTC)
    truth = dict(truth)
    fitted, simulator = _at_truth(fitted, truth), _at_truth(simulator, truth)
    fits = _Fits(fitted, simulator, truth, options)
    origin = partial(provenance_of, fitted, options, simulator, truth, started)
    journal = Journal(folder, FITS, lambda folder: begin(folder, fitted, origin(interrupted=True)))
    # Without noise all fits are one.
    numbers = range(options.fits if options.level else 1)
    done = fan_out("closure", numbers, fits.make, journal, options.threads, monitor or QuietMonitor())
    records = {number: journal.records[number] for number in numbers if number in journal.records}
    good = [record for record in records.values() if FAILURE not in record]
    assert options.seed is not None
    result = Closure(
        level=options.level,
        method=options.method,
        fits=len(good),
        replicas=options.kept,
        failures={number: record[FAILURE] for number, record in records.items() if FAILURE in record},
        lost=sum(record["lost"] for record in good),
        seed=options.seed,
        interrupted=not done,
        **assessed(good, options.seed, options.kept),
    )
    journal.settle()
    if folder is not None and records:
        folder.write_all(
            [
                lambda f: f.write_sources(fitted.sources),
                lambda f: f.write_text("summary.txt", to_text(result)),
                lambda f: f.write_json("closure.json", to_record(result)),
                *(_picture(result, good, kind) for kind in ("png", "svg") if good),
                lambda f: f.write_provenance(origin(interrupted=not done)),
            ]
        )
    return result


def provenance_of(
    fitted: Model,
    options: ClosureOptions,
    simulator: Model,
    truth: Mapping[str, Any],
    started: datetime,
    interrupted: bool = False,
) -> dict[str, Any]:
    """What a run folder says about where a closure test comes from."""
    notes = {} if simulator.sources == fitted.sources else {"simulator": simulator.sources}
    known = {name: np.asarray(value).tolist() for name, value in truth.items()}
    settings = {**asdict(options), "truth": known}
    fitted = _at_truth(fitted, truth)
    return fitted.provenance(
        "closure", started, seed=options.seed, options=settings, interrupted=interrupted, notes=notes
    )


def _at_truth(fitted: Model, truth: Mapping[str, Any]) -> Model:
    """The fitted model whose covariance refers to the truth, where it refers to a fit and the truth has parameters."""
    if not fitted.program.earlier or not set(fitted.program.parameters) <= set(truth):
        return fitted
    return fitted.after(truth)


@dataclass(frozen=True, eq=False)
class _Observed:
    """A Gaussian observation: where its data stand, the truth's prediction, the root of the covariance."""

    name: str
    array: str
    prediction: np.ndarray
    root: np.ndarray

    @property
    def count(self) -> int:
        return int(self.prediction.size)

    @property
    def covariance(self) -> np.ndarray:
        found: np.ndarray = self.root @ self.root.T
        return found

    def whitened(self, away: np.ndarray) -> np.ndarray:
        """L⁻¹ of deviations (…, n)."""
        flat = away.reshape(-1, self.count)
        return np.linalg.solve(self.root, flat.T).T


class _Fits:
    """Makes the record of a fit from its number."""

    def __init__(self, fitted: Model, simulator: Model, truth: dict[str, Any], options: ClosureOptions) -> None:
        self._fitted, self._simulator, self._truth, self._options = fitted, simulator, truth, options
        self._python = Lock()
        self._knows = set(fitted.program.parameters) <= set(truth)
        require_fit(fitted.bound)
        require_fit(simulator.bound)
        self._observed = [_observed(fitted, simulator, truth, name) for name in fitted.program.observations]
        self._entries = entries_of(fitted) if self._knows else ()
        self._climbs = MapOptions(priors=options.priors, seed=options.seed)
        self._true_outputs = {n: np.asarray(v) for n, v in simulator.derived(truth).items()}
        self._partons = list(_partons(fitted, simulator, truth))
        self._start = self._started()

    def make(self, number: int, stop: StopRequest) -> Record | None:
        """How far the replicas of one fit are from the truth and from each other; None where it was stopped."""
        data = self._data(number)
        make = self._sampled if self._options.method == "sample" else self._maxima
        vectors, lost = make(number, data, stop)
        if vectors is None:
            return None
        if len(vectors) < min(2, self._options.kept):
            raise ValueError("no maximum was reached")
        parameters, derived = self._fitted.quantities(vectors)
        record = self._in_data_space(parameters, data)
        true = self._true_outputs
        names = [n for n in self._fitted.program.outputs if n in true and true[n].shape == derived[n].shape[1:]]
        values = {n: (derived[n].reshape(len(vectors), -1), true[n].ravel()) for n in names}
        values |= self._densities(parameters)
        record["outputs"] = {name: _by_own_variance(*found) for name, found in values.items()}
        record["ranks"] = self._ranks(parameters)
        return {**record, "lost": lost}

    # --- data ---

    def _data(self, number: int) -> dict[str, np.ndarray]:
        """Data of a fit, by the names of observations."""
        if self._options.level == 0:
            return {observed.name: observed.prediction for observed in self._observed}
        import jax

        assert self._options.seed is not None
        key = jax.random.fold_in(jax.random.key(self._options.seed), number)
        with self._python:
            found = self._simulator.simulate(key, self._truth)
        return {observed.name: np.asarray(found[observed.name]) for observed in self._observed}

    def _replica(self, number: int, replica: int, data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The data of a fit with noise on top, as the fitted model has it."""
        assert self._options.seed is not None
        random = np.random.default_rng([self._options.seed, number, replica])
        found = {}
        for observed in self._observed:
            noise = observed.root @ random.standard_normal(observed.count)
            found[observed.name] = data[observed.name] + noise.reshape(observed.prediction.shape)
        return found

    def _with(self, data: dict[str, np.ndarray]) -> Model:
        """The fitted model with other data of the same shapes."""
        bound = self._fitted.bound
        arrays = {observed.array: data[observed.name] for observed in self._observed}
        with self._python:
            changed = replace(bound, arrays={**bound.arrays, **arrays})
            found: Any = self._fitted.with_bound(changed, self._fitted.functions, None)
        return found

    # --- fits ---

    def _started(self) -> np.ndarray:
        """Where climbs begin: at the truth, or, where fits are to find it, where several find data without noise."""
        if self._knows and self._options.level:
            return np.asarray(self._fitted.unconstrain({n: self._truth[n] for n in self._fitted.program.parameters}))
        exact = {observed.name: observed.prediction for observed in self._observed}
        return self._with(exact).optima(self._climbs).best.z

    def _maxima(self, number: int, data: dict[str, np.ndarray], stop: StopRequest) -> tuple[np.ndarray | None, int]:
        """The maxima of the replicas, (replicas, dimension), and how many have none; None where it was stopped."""
        found, lost = [], 0
        for replica in range(self._options.kept):
            drawn = self._replica(number, replica, data) if self._options.level == 2 else data
            optimum = climb(self._with(drawn).maximised(self._options.priors), self._start, self._climbs, stop)
            if optimum.status == "interrupted" or stop.requested:
                return None, 0
            if optimum.status in _ENDED:
                found.append(optimum.z)
            else:
                lost += 1
        return np.array(found).reshape(len(found), self._fitted.dimension), lost

    def _sampled(self, number: int, data: dict[str, np.ndarray], stop: StopRequest) -> tuple[np.ndarray | None, int]:
        """Evenly spaced draws of the posterior."""
        random = np.random.default_rng([self._options.seed or 0, number])
        settings = NutsOptions(
            chains=1, warmup=_WARMUP, draws=self._options.kept * _THIN, seed=int(random.integers(2**32)), threads=1
        )
        draws = self._with(data).draw(settings, stop=stop)
        return (None, 0) if draws.interrupted else (draws.z[0, _THIN - 1 :: _THIN], 0)

    # --- comparison ---

    def _in_data_space(self, parameters: dict[str, np.ndarray], data: dict[str, np.ndarray]) -> dict[str, Any]:
        """Bias, variance, what lies inside of one sigma along eigenvectors, χ² and φ, of all data together."""
        import jax

        count, replicas = sum(o.count for o in self._observed), len(next(iter(parameters.values())))
        with jax.enable_x64(True):
            rows = [
                self._fitted.predictions({name: values[i] for name, values in parameters.items()})
                for i in range(replicas)
            ]
        sets: dict[str, dict[str, Any]] = {}
        bias = variance = phi = chi2 = inside = 0.0
        for observed in self._observed:
            predicted = np.array([np.asarray(row[observed.name]).ravel() for row in rows])
            mean, true = predicted.mean(0), observed.prediction.ravel()
            spread = observed.whitened(predicted - mean)
            of_variance = np.sum(spread**2) / max(replicas - 1, 1)
            bias += float(np.sum(observed.whitened(mean - true) ** 2)) - of_variance / replicas
            variance += float(of_variance)
            of_data = data[observed.name].ravel()
            chi2 += float(np.sum(observed.whitened(true - of_data) ** 2))
            each = np.sum(observed.whitened(predicted - of_data) ** 2, axis=1)
            phi += float(each.mean() - np.sum(observed.whitened(mean - of_data) ** 2))
            if replicas > 1:
                _, vectors = np.linalg.eigh(observed.root @ observed.root.T)
                inside += float(_inside(predicted @ vectors, true @ vectors).sum())
            parts = self._fitted.bound.data_sets.get(observed.name, {})
            for name, at in parts.items() if replicas > 1 else ():
                sets[name] = _by_covariance(predicted[:, at], true[at], observed.covariance[np.ix_(at, at)])
        return {
            "sets": sets,
            "count": count,
            "bias": bias,
            "variance": variance,
            "inside": inside / count if replicas > 1 else float("nan"),
            "phi": float(np.sqrt(max(phi, 0.0) / count)),
            "chi2": chi2 / count,
        }

    def _densities(self, parameters: dict[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """The densities of the pdfsets that vary, of replicas (replicas, n) and true ones (n,), by their names."""
        with self._python:
            each = [(key, fitted(_X, parameters), true) for key, fitted, true in self._partons]
        found = {
            f"{one.label} of {key}": (one.of_all(ours), one.of_all(true[None])[0])
            for key, ours, true in each
            for one in COMBINATIONS
        }
        return {name: (values, true) for name, (values, true) in found.items() if np.ptp(values, axis=0).any()}

    def _ranks(self, parameters: dict[str, np.ndarray]) -> dict[str, int]:
        if not self._knows or self._options.kept == 1:
            return {}
        ours = [entry for entry in self._entries if entry.variable in parameters]
        true = {name: np.asarray(self._truth[name])[None] for name in parameters}
        return {e.name: int(np.sum(e.of(parameters) < e.of(true)[0])) for e in ours}


def _inside(values: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Which numbers (n,) lie within a standard deviation of replicas (replicas, n) of their mean."""
    replicas = len(values)
    # The mean of K replicas has an error of its own.
    sd = np.sqrt(values.var(axis=0, ddof=1) * (1 + 1 / replicas))
    return np.abs(values.mean(axis=0) - true) < sd


def _partons(
    fitted: Model, simulator: Model, truth: Mapping[str, Any]
) -> Iterator[tuple[str, Densities, np.ndarray]]:
    """Each pdfset that both models have: its name, its densities in the fitted one, and the true ones (13, n)."""
    for declared in fitted.program.pdfsets.values():
        try:
            given = {name: np.asarray(truth[name], float)[None] for name in simulator.program.parameters}
            yield declared.name, Densities(fitted, declared), Densities(simulator, declared)(_X, given)[0]
        except PdflangError:  # the truth has no such pdfset
            continue


def _by_covariance(values: np.ndarray, true: np.ndarray, covariance: np.ndarray) -> dict[str, Any]:
    """Bias and variance of predictions (replicas, n) by a covariance (n, n), as those of all data have it."""
    eigenvalues, vectors = np.linalg.eigh(covariance)
    mean, replicas = values.mean(axis=0), len(values)
    variance = float(np.sum(((values - mean) @ vectors) ** 2 / eigenvalues)) / (replicas - 1)
    bias = float(np.sum(((mean - true) @ vectors) ** 2 / eigenvalues)) - variance / replicas
    inside = float(_inside(values @ vectors, true @ vectors).mean())
    return {"count": len(true), "bias": bias, "variance": variance, "inside": inside}


def _by_own_variance(values: np.ndarray, true: np.ndarray) -> dict[str, Any]:
    """Bias and variance of an output (replicas, n), each number by its own variance; those without one left out."""
    if len(values) < 2:
        return {"count": 1, "bias": float("nan"), "variance": float("nan"), "inside": float("nan")}
    variance = values.var(axis=0, ddof=1)
    moving = variance > 1e-24 * np.maximum(true**2, 1e-300)
    away = values.mean(axis=0)[moving] - true[moving]
    bias = float(np.sum(away**2 / variance[moving])) - moving.sum() / len(values)
    inside = float(_inside(values[:, moving], true[moving]).mean()) if moving.any() else float("nan")
    return {"count": max(int(moving.sum()), 1), "bias": bias, "variance": float(moving.sum()), "inside": inside}


def _observed(fitted: Model, simulator: Model, truth: dict[str, Any], name: str) -> _Observed:
    """An observation of both models. Error: E647."""
    of = fitted.program.observations[name]
    gaussian = of.draws is not None and of.draws.row.name in ("Normal", "MvNormal") and not of.draws.bounds
    if not gaussian:
        raise PdflangError(
            Diagnostic(
                "E647", f"`{name}` is not Gaussian: bias and variance are those of normal errors", of.span,
                remedy="ask `pdflang calibrate`, which takes any model",
            )
        )  # fmt: skip
    predictions = simulator.predictions(truth) if name in simulator.program.observations else {}
    array = next((key for key in (name, f"{name}.central") if key in fitted.bound.arrays), None)
    prediction = np.asarray(predictions[name]) if name in predictions else None
    if prediction is None or array is None or prediction.shape != fitted.bound.arrays[array].shape:
        raise PdflangError(
            Diagnostic(
                "E647", f"the model of the truth does not make all of `{name}`", of.span,
                remedy="it has the same observations, with the same names and data",
            )
        )  # fmt: skip
    assert of.draws is not None
    known = {parameter: np.asarray(value) for parameter, value in truth.items()}
    bound = fitted.bound
    if of.draws.arguments[1].phase == nodes.Phase.PARAMETER and not set(fitted.program.parameters) <= set(known):
        raise PdflangError(
            Diagnostic("E647", f"the errors of `{name}` follow parameters that the truth does not have", of.span)
        )
    evaluate = Evaluator({**bound.arrays, **known}, bound.lengths, bound.program.definition_nodes)
    node = of.draws.arguments[1]
    for loop in reversed(of.loops):
        node = nodes.Array(loop, node)
    root = np.asarray(evaluate(node), float)
    if of.draws.row.name == "Normal":
        root = np.diag(np.broadcast_to(root, prediction.shape).ravel())
    return _Observed(name, array, prediction, root)


def _picture(closure: Closure, records: list[Record], kind: str) -> Callable[[RunFolder], None]:
    from pdflang.report.closure import picture

    return lambda folder: folder.write_bytes(f"closure.{kind}", picture(closure, records, kind))
