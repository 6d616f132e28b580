"""The ensemble of walkers whose moves are invariant to affine maps (Goodman & Weare 2010), by the package emcee.

Source: Foreman-Mackey, Hogg, Lang and Goodman, PASP 125, 306 (2013). An ensemble goes on until its second half is so
many autocorrelation times long that their estimate can be relied on; that half, thinned by this time, are its draws.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference.calls import next_size
from pdflang.inference.draws import Draws, NoFiniteStart, Remark, nothing_drawn
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor
from pdflang.inference.options import EmceeOptions, chosen_seed
from pdflang.inference.surface import STARTS, log_densities, surface_of
from pdflang.inference.target import Target
from pdflang.inference.turns import run_all
from pdflang.inference.workers import StopRequest
from pdflang.results.checkpoints import Checkpoint, Checkpoints

_LONG = 50
"""So many autocorrelation times tell how long one is."""

_JUDGED = 100
"""After so many steps each it is looked whether an ensemble is long enough."""

_TRIED = 20
"""Draws of the prior for each walker, of which the best are starts: from far out the whole ensemble would be drawn."""

_DIFFERENTIAL, _JUMPS, _STRETCHES = 0.7, 0.1, 0.2
"""Shares of moves where they are of differential evolution; jumps are by the whole way between two walkers, so that
they go from mode to mode (ter Braak 2006). Snooker moves are not among them: until emcee 3.1.6 their acceptance is
wrong (its pull request 531), and widths come out too narrow.
"""


def sample(
    target: Target,
    options: EmceeOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws of ensembles that are independent of each other, each a chain: the draws of one walker after another.

    Errors: E620 where emcee is not installed, `NoFiniteStart` where fewer draws of the prior have a finite density than
    there are walkers.
    """
    require_emcee()
    options = options or EmceeOptions()
    seed = chosen_seed(options.seed)
    target = target.placed()
    runs = [_Ensemble(number, target, options, seed) for number in range(options.chains)]
    finished, took = run_all("emcee", runs, 2, options.threads, stop, monitor or QuietMonitor(), checkpoints)
    seconds = {"run": took}
    if not finished:
        return nothing_drawn(target.dimension, options.chains, seed, options, "emcee", seconds)
    times = [run.autocorrelation_time() for run in runs]
    count = min(run.kept(t) for run, t in zip(runs, times, strict=True))
    parts = [run.thinned(t, count) for run, t in zip(runs, times, strict=True)]
    z = np.stack([part.z for part in parts])
    return Draws(
        z,
        {"lp": np.stack([part.lp for part in parts]), "n_gradients": np.zeros(z.shape[:2], int)},
        seed,
        options,
        "emcee",
        warmup_evaluations=np.array([run.evaluations for run in runs]),
        remarks=tuple(_remarks([(run.half, t) for run, t in zip(runs, times, strict=True)])),
        seconds=seconds,
        details={"autocorrelation_time": float(max(times))},
    )


def require_emcee() -> Any:
    """The module emcee. Error: E620 where it is not installed."""
    try:
        import emcee.moves  # of a folder that is called so, as a run's may be, Python makes a package without any
    except ImportError:
        raise PdflangError(
            Diagnostic(
                "E620",
                "the method `emcee` needs the package emcee, which is not installed",
                remedy='install it, pip install "pdflang[emcee]"; or sample with `slice`, which needs nothing',
            )
        ) from None
    return emcee


def _remarks(lengths: list[tuple[int, float]]) -> Iterator[Remark]:
    """What there is to say of so many steps that have such an autocorrelation time."""
    half, longest = min(lengths, key=lambda length: length[0] / length[1])
    if half < _LONG * longest:
        yield Remark(
            f"an ensemble has {half / longest:.0f} autocorrelation times of {longest:.0f} steps behind its warmup, and "
            f"fewer than {_LONG} do not tell how long one is: intervals are not reliable",
            "give more `--steps`; or sample with `nuts`: walkers are slow where there are many parameters",
            "warning",
        )


class _Steps(NamedTuple):
    """All walkers after steps: z (step, walker, n) and lp (step, walker)."""

    z: np.ndarray
    lp: np.ndarray


class _Ensemble:
    """One ensemble, some steps at a time."""

    def __init__(self, number: int, target: Target, options: EmceeOptions, seed: int) -> None:
        self._target = target
        self._options = options
        self._number = number
        self._seed = seed
        self._walkers = options.walkers_for(target.dimension)
        self._generator = np.random.RandomState([seed, number])
        self._sampler = self._made()
        self._steps: list[_Steps] = []
        self._done = self._size = 1
        self._spent = 0
        self._is_long = False

    def _made(self) -> Any:
        emcee = require_emcee()
        moves = emcee.moves.StretchMove()
        if self._options.moves == "differential":
            differential, jumps = emcee.moves.DEMove(), emcee.moves.DEMove(gamma0=1.0)
            moves = [(differential, _DIFFERENTIAL), (jumps, _JUMPS), (moves, _STRETCHES)]
        half = self._walkers // 2
        return emcee.EnsembleSampler(
            self._walkers,
            self._target.dimension,
            lambda z: log_densities(self._target, np.asarray(z), half),
            moves=moves,
            vectorize=True,
        )

    @property
    def progressed(self) -> Progressed:
        """How far it is of the most steps that it may take."""
        phase = f"{self._walkers} walkers" if self._steps else "starting"
        done = 100 if self.is_done else 100 * self._done // self._options.steps
        return Progressed(self._number, phase, done, 100)

    @property
    def is_done(self) -> bool:
        """Whether it is long enough, or as long as it may be."""
        return bool(self._steps) and (self._is_long or self._done >= self._options.steps)

    @property
    def evaluations(self) -> int:
        """Of the density, those at draws of the prior too."""
        return self._spent + (self._done - 1) * self._walkers

    @property
    def half(self) -> int:
        """Steps of the second half."""
        return self._done // 2

    def go_on(self) -> None:
        """The starts, or some steps."""
        if not self._steps:
            self._begin()
            return
        begin = time.perf_counter()
        left = min(_JUDGED - self._done % _JUDGED, self._options.steps - self._done)
        count = min(self._size, left)
        last = require_emcee().State(
            self._steps[-1].z[-1], log_prob=self._steps[-1].lp[-1], random_state=self._generator.get_state()
        )
        states = self._sampler.sample(last, iterations=count, store=False, skip_initial_state_check=True)
        # A state is changed in place by the next step.
        found = [(state.coords.copy(), state.log_prob.copy()) for state in states]
        self._generator.set_state(self._sampler.random_state)
        self._steps.append(_Steps(*(np.stack(part) for part in zip(*found, strict=True))))
        self._done += count
        self._size = next_size(count, time.perf_counter() - begin, _JUDGED)
        if self._done % _JUDGED == 0:
            self._is_long = self.half >= _LONG * self.autocorrelation_time()

    def _begin(self) -> None:
        """The best of many draws of the prior."""
        surface, wanted = surface_of(self._target, curved=False, sloped=False), _TRIED * self._walkers
        stream = 2 * self._number
        z = np.concatenate(
            [
                surface.starts(self._target, self._seed, stream, first, min(STARTS, wanted - first))
                for first in range(0, wanted, STARTS)
            ]
        )
        lp = log_densities(self._target, z)
        usable = np.isfinite(lp) & np.all(np.isfinite(z), axis=1)
        if usable.sum() < self._walkers:
            raise NoFiniteStart(z[-1])
        best = np.argsort(np.where(usable, -lp, np.inf), kind="stable")[: self._walkers]
        self._spent = wanted
        self._steps = [_Steps(z[best][None], lp[best][None])]

    def autocorrelation_time(self) -> float:
        """The longest of all parameters, in steps of the second half; infinite where it has none."""
        z = self._joined().z[-max(1, self.half) :]
        with np.errstate(all="ignore"):
            times = require_emcee().autocorr.integrated_time(z, tol=0)
        return float(np.max(np.where(np.isfinite(times), np.maximum(times, 1.0), self._options.steps)))

    def kept(self, autocorrelation_time: float) -> int:
        """How many draws of each walker the second half has, one for each autocorrelation time."""
        return max(1, self.half // int(np.ceil(autocorrelation_time)))

    def thinned(self, autocorrelation_time: float, count: int) -> _Steps:
        """The last `count` draws of each walker, one walker after another: z (draws, n) and lp (draws,)."""
        whole = self._joined()
        steps = len(whole.lp) - 1 - np.arange(count)[::-1] * int(np.ceil(autocorrelation_time))
        z, lp = whole.z[steps].swapaxes(0, 1), whole.lp[steps].T
        return _Steps(z.reshape(-1, z.shape[-1]), lp.ravel())

    def checkpoint(self) -> Checkpoint | None:
        """The numbers that it goes on from, and all steps as rows."""
        if not self._steps:
            return None
        _, keys, position, has_normal, normal = self._generator.get_state()
        state = {
            "keys": np.asarray(keys), "position": np.array(position), "has normal": np.array(has_normal),
            "normal": np.array(normal), "spent": np.array(self._spent), "is long": np.array(self._is_long),
        }  # fmt: skip
        return Checkpoint("emcee", state, self._joined()._asdict())

    def restore(self, saved: Checkpoint) -> bool:
        """Go on from there, if it has as many walkers."""
        rows = _Steps(**saved.rows)
        if rows.z.shape[1:] != (self._walkers, self._target.dimension):
            return False
        numbers = {name: saved.state[name].item() for name in ("position", "has normal", "normal", "spent", "is long")}
        self._generator.set_state(
            ("MT19937", saved.state["keys"], numbers["position"], numbers["has normal"], numbers["normal"])
        )
        self._steps, self._done = [rows], len(rows.lp)
        self._spent, self._is_long = numbers["spent"], numbers["is long"]
        return True

    def _joined(self) -> _Steps:
        self._steps = [_Steps(*(np.concatenate(part) for part in zip(*self._steps, strict=True)))]
        return self._steps[0]
