"""The space of parameters in cells that are sampled each for itself, and weighed by their integrals.

Source: Hafych, Eller, Schulz and Caldwell, Statistics and Computing 32, 56 (2022), arXiv:2008.03098, with bridges in
the place of their harmonic means. Chains need not go from one cell to another: a mode that an exploration has seen has
the share that its integral says.
"""

from __future__ import annotations

import jax
import numpy as np
from scipy.special import logsumexp

from pdflang.inference.bridge import bridged
from pdflang.inference.cells import cells_of, frame_of, places_in, target_in
from pdflang.inference.chain import ChainRun
from pdflang.inference.draws import Draws, Remark, nothing_drawn
from pdflang.inference.monitor import Monitor, QuietMonitor
from pdflang.inference.normal import Normal
from pdflang.inference.nuts import programs_for
from pdflang.inference.options import NutsOptions, PartitionOptions, chosen_seed
from pdflang.inference.platform import double_precision
from pdflang.inference.populations import mean_evidence
from pdflang.inference.scouts import SCOUTS, scouted
from pdflang.inference.surface import log_densities
from pdflang.inference.target import Target
from pdflang.inference.turns import run_all
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.results.checkpoints import Checkpoints, later
from pdflang.results.convergence import largest_rhat

_PILOT = 400
"""Draws of each cell and chain that its integral is known by; cells that matter then make as many as they share."""

_PROPOSALS = 1000
"""Draws of the normal that the bridge to a cell begins at."""

_LARGEST_RHAT = 1.05


def sample(
    target: Target,
    options: PartitionOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws of all cells by their shares, and the evidence of a proper prior. Raises `NoFiniteStart`.

    Each chain has integrals of its own, so that R-hat sees how well they are known.
    """
    options = options or PartitionOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    with interrupts(stop) as heard:
        scouts = scouted("partition", target, seed, options.threads, monitor, heard, checkpoints)
        nothing = nothing_drawn(target.dimension, options.chains, seed, options, "partition", scouts.seconds)
        if scouts.interrupted:
            return nothing
        z = scouts.z.reshape(-1, target.dimension)
        frame = frame_of(z)
        found = cells_of(frame.inside(z), scouts.statistics["lp"].ravel(), options.cells)
        targets = [target_in(target, frame, cell).placed() for cell in found]
        cells = [_Cell(place, own, options, seed) for place, own in enumerate(targets)]
        cells[0].compile(heard)
        runs = [chain for cell in cells for chain in cell.chains]
        took = 0.0
        for wanted in (lambda: [_PILOT] * len(cells), lambda: _counts(cells, options).max(axis=1)):
            for cell, draws in zip(cells, wanted(), strict=True):
                cell.extend(int(draws))
            kept = later(checkpoints, SCOUTS)
            finished, more = run_all("partition", runs, 0, options.threads, heard, monitor, kept)
            took += more
            if not finished:
                return nothing
    return _drawn(target, options, seed, cells, scouts, took)


class _Cell:
    """The chains of one cell."""

    def __init__(self, place: int, target: Target, options: PartitionOptions, seed: int) -> None:
        self._target, self._seed, self._place = target, seed, place
        self._settings = NutsOptions(options.chains, options.warmup, _PILOT, seed=seed)
        self._programs = programs_for(target, self._settings)
        first, start = place * options.chains, target.arrays["cell"]["start"]
        self.chains = [
            ChainRun("partition", first + number, target, self._settings, self._programs, seed, np.asarray(start))
            for number in range(options.chains)
        ]
        self._integrals: np.ndarray | None = None

    def compile(self, stop: StopRequest) -> None:
        """Compile what all cells share."""
        self._programs.compile(self._target, self._settings, stop)

    def extend(self, draws: int) -> None:
        """Let each chain make so many, in all."""
        for chain in self.chains:
            chain.extend(max(0, self._settings.warmup + draws - chain.progressed.total))

    def column(self, name: str, chain: int) -> np.ndarray:
        """A column of the transitions of a chain (draw, …)."""
        return np.concatenate([getattr(rows, name) for rows in self.chains[chain].rows])

    def pilots(self) -> list[np.ndarray]:
        """The first draws of each chain, in the coordinates of the cell."""
        return [self.column("z", chain)[:_PILOT] for chain in range(len(self.chains))]

    def integrals(self) -> np.ndarray:
        """log ∫ of the density in the cell, (chain,), by the first draws of each chain."""
        if self._integrals is None:
            self._integrals = np.array([self._integral(number) for number in range(len(self.chains))])
        return self._integrals

    def _integral(self, number: int) -> float:
        """By a bridge from the normal of the other chains."""
        pilots = self.pilots()
        others = np.concatenate(pilots[:number] + pilots[number + 1 :])
        normal = Normal.of(others)
        noise = np.random.default_rng((self._seed, self._place, number)).standard_normal((_PROPOSALS, others.shape[1]))
        proposals = normal.mean + noise @ normal.root.T
        drawn = self.column("lp", number)[:_PILOT] - normal.log_density(pilots[number])
        return bridged(drawn, log_densities(self._target, proposals) - normal.log_density(proposals))

    def points(self, number: int, count: int) -> np.ndarray:
        """So many places z (count, n) of a chain, evenly spaced among its draws."""
        v = self.column("z", number)
        rows = v[np.arange(count) * len(v) // max(count, 1)]
        with double_precision():
            return np.asarray(jax.vmap(lambda one: places_in(one, self._target.arrays["cell"])[0])(rows))


def _counts(cells: list[_Cell], options: PartitionOptions) -> np.ndarray:
    """How many draws (cell, chain) of each are among those of the posterior: by the integrals, rounded to their sum."""
    log_z = np.stack([cell.integrals() for cell in cells])
    shares = np.cumsum(np.exp(log_z - logsumexp(log_z, axis=0)), axis=0)
    return np.diff(np.round(shares * options.draws).astype(int), axis=0, prepend=0)


def _drawn(
    target: Target, options: PartitionOptions, seed: int, cells: list[_Cell], scouts: Draws, took: float
) -> Draws:
    counts, numbers = _counts(cells, options), range(options.chains)
    z = np.empty((options.chains, options.draws, target.dimension))
    for number in numbers:
        # Draws of a cell stay in their order, and those of others come between them, as if chains went to and fro.
        order = np.random.default_rng((seed, number)).permutation(np.repeat(np.arange(len(cells)), counts[:, number]))
        for place, cell in enumerate(cells):
            z[number, order == place] = cell.points(number, int(counts[place, number]))
    lp = log_densities(target, z.reshape(-1, target.dimension)).reshape(z.shape[:2])
    spent = np.array([sum(int(cell.column("n_steps", number).sum()) for cell in cells) for number in numbers])
    before = np.array([sum(cell.chains[number].warmup_gradients for cell in cells) for number in numbers])
    assert scouts.warmup_gradients is not None
    explored = int(scouts.warmup_gradients.sum() + scouts.statistics["n_gradients"].sum())
    log_z = logsumexp(np.stack([cell.integrals() for cell in cells]), axis=0)
    return Draws(
        z,
        {"lp": lp, "n_gradients": np.broadcast_to(-(-spent[:, None] // options.draws), lp.shape)},
        seed,
        options,
        "partition",
        warmup_gradients=before + -(-explored // options.chains),
        warmup_evaluations=np.full(options.chains, _PROPOSALS * len(cells)),
        evidence=None if target.log_prior is None else mean_evidence(log_z),
        remarks=tuple(_remarks(cells)),
        seconds={**scouts.seconds, "cells": took},
        details={"cells": float(len(cells))},
    )


def _remarks(cells: list[_Cell]) -> list[Remark]:
    """Where a cell was not sampled well."""
    worst = float(np.max([largest_rhat(np.stack(cell.pilots())) for cell in cells]))
    if worst <= _LARGEST_RHAT:  # there is none of chains that do not move
        return []
    return [
        Remark(
            f"chains within a cell do not agree (R-hat up to {worst:.2f}): it may have several modes, or a shape that "
            "NUTS does not follow",
            "divide into more cells: --cells 8; or give a longer warmup: --warmup 1000",
            "warning",
        )
    ]
