"""One chain as its thread runs it."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import jax
import numpy as np

from pdflang.inference import transition
from pdflang.inference.calls import next_size
from pdflang.inference.draws import NoFiniteStart
from pdflang.inference.monitor import Progressed
from pdflang.inference.options import ChainOptions
from pdflang.inference.platform import double_precision
from pdflang.inference.programs import Programs
from pdflang.inference.target import Target
from pdflang.results.checkpoints import Checkpoint, Checkpoints


class ChainRun:
    """A chain that can go on, from its start or from where it was saved.

    The main thread reads `progressed` and, while the chain does not run, the rest.
    """

    def __init__(
        self,
        method: str,
        number: int,
        target: Target,
        options: ChainOptions,
        programs: Programs,
        seed: int,
        checkpoints: Checkpoints,
        mode: np.ndarray | None,
    ) -> None:
        self.progressed = Progressed(number, "starting", 0, options.warmup + options.first_draws)
        self.is_held = False
        self.rows: list[transition.Transitions] = []
        self.warmup_gradients = 0
        self.metric: np.ndarray | None = None
        self.dimension = target.dimension
        self._method = method
        self._number = number
        self._target = target
        self._options = options
        self._programs = programs
        self._seed = seed
        self._mode = mode
        self._stages = transition.stages(options.warmup, options.settling)
        self._chain: transition.Chain | None = None
        self._size = 1
        self._checkpoints = checkpoints
        self._saved_at = time.monotonic()
        self._saved_done: int | None = None
        saved = checkpoints.load(number)
        self._spent_before = 0
        if saved is not None and saved.method == method:
            self._restore(saved)
        elif saved is not None:
            self._spent_before = saved.gradients  # by the method in whose place this one is

    @property
    def is_done(self) -> bool:
        """Whether it has all the draws that it is to make; while it `is_held`, whether its warmup has ended."""
        return self.progressed.done >= (self._options.warmup if self.is_held else self.progressed.total)

    @property
    def step_size(self) -> float:
        """What warmup has found; infinite before its end."""
        if self._chain is None or self.progressed.done < self._options.warmup:
            return math.inf
        return math.exp(float(self._chain.step_size.log_step_size_avg))

    def go_on(self) -> None:
        """One piece of work: the start, or some transitions."""
        with double_precision():
            if self._chain is None:
                self._chain = self._begin()
                return
            begin = time.perf_counter()
            self._chain, count = self._advance(self._chain)
            self._size = next_size(count, time.perf_counter() - begin, transition.CHUNK)
        if time.monotonic() - self._saved_at > self._checkpoints.seconds:
            self.save()

    def save(self) -> None:
        """Keep the chain as it is, if there is something new."""
        if self._chain is None or self._saved_done == self.progressed.done:
            return
        rows = _joined(self.rows)
        self.rows = [] if rows is None else [rows]
        self._checkpoints.save(
            self._number,
            Checkpoint(
                method=self._method,
                state=tuple(np.asarray(leaf) for leaf in jax.tree.leaves(self._chain)),
                done=self.progressed.done,
                total=self.progressed.total,
                warmup_gradients=self.warmup_gradients,
                metric=self.metric,
                columns={} if rows is None else rows._asdict(),
            ),
        )
        self._saved_at, self._saved_done = time.monotonic(), self.progressed.done

    def _restore(self, saved: Checkpoint) -> None:
        """Go on from there; to as many transitions as were wanted, unless the options say how many."""
        total = self.progressed.total if self._options.draws is not None else max(saved.total, self.progressed.total)
        total = max(total, saved.done)
        self._chain = self._programs.restored(saved.state)
        if self._chain is None:
            return
        self.warmup_gradients, self.metric = saved.warmup_gradients, saved.metric
        self.rows = [transition.Transitions(**saved.columns)] if saved.columns else []
        self._saved_done = saved.done
        phase = "warmup" if saved.done < self._options.warmup else "sampling"
        divergent = sum(int(rows.diverging.sum()) for rows in self.rows)
        self.progressed = Progressed(self._number, phase, saved.done, total, divergences=divergent)

    def extend(self, draws: int) -> None:
        """Make so many more draws in the next run."""
        self.progressed = replace(self.progressed, total=self.progressed.total + draws)

    def _begin(self) -> transition.Chain:
        chain, start = self._programs.begin(self._target, self._seed, self._number, self._mode)
        if not start.found:
            raise NoFiniteStart(start.z)
        self.warmup_gradients = self._spent_before + start.n_gradients
        return chain

    def _advance(self, chain: transition.Chain) -> tuple[transition.Chain, int]:
        """One call of the compiled program, which does not go beyond the end of warmup or of the run."""
        done, warmup = self.progressed.done, self._options.warmup
        count = min(self._size, (warmup if done < warmup else self.progressed.total) - done)
        first_stage = min(done, warmup)
        stages = self._stages[first_stage : first_stage + transition.CHUNK]
        count = transition.up_to_window_end(stages[:count])
        target_acceptance = np.float64(self._options.target_acceptance)
        chain, rows = self._programs.advance(
            chain,
            np.uint32(self._seed),
            np.uint32(self._number),
            np.int32(done),
            np.int32(count),
            stages,
            target_acceptance,
            self._target.arrays,
        )
        if transition.ends_window(stages[count - 1]):
            chain = self._programs.end_window(chain, target_acceptance)
        rows = transition.Transitions(*(np.asarray(column)[:count] for column in rows))
        self._keep(rows, done < warmup)
        if self.metric is None and done >= warmup:
            root = jax.tree.map(np.asarray, chain.whitening.root)  # of which NumPy makes it, with nothing to compile
            self.metric = np.asarray(root.covariance)
        return chain, count

    def _keep(self, rows: transition.Transitions, warming_up: bool) -> None:
        before = self.progressed
        divergent = int(rows.diverging.sum())
        if warming_up:
            self.warmup_gradients += int(rows.n_steps.sum())
        else:
            self.rows.append(rows)
        self.progressed = Progressed(
            chain=before.chain,
            phase="warmup" if warming_up else "sampling",
            done=before.done + len(rows.lp),
            total=before.total,
            step_size=float(rows.step_size[-1]),
            divergences=0 if warming_up else before.divergences + divergent,
        )


def _joined(rows: list[transition.Transitions]) -> transition.Transitions | None:
    """The chunks of rows as one; None where there are none."""
    if not rows:
        return None
    return transition.Transitions(*(np.concatenate(columns) for columns in zip(*rows, strict=True)))
