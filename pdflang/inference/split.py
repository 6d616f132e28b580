"""Parts of the data sampled each for itself, and their draws combined: as much work, but none waits for another.

The posterior is the product of the subposteriors of the parts (Scott et al. 2016; Neiswanger, Wang & Xing 2014). What
draws of factors say of a product is an approximation, whichever way they are combined.
"""

from __future__ import annotations

import numpy as np

from pdflang.inference.chain import ChainRun
from pdflang.inference.combining import combination
from pdflang.inference.draws import Draws, Remark, Unsuited, nothing_drawn
from pdflang.inference.importance import importance
from pdflang.inference.monitor import Monitor, QuietMonitor
from pdflang.inference.nuts import programs_for
from pdflang.inference.options import NutsOptions, SplitOptions, chosen_seed
from pdflang.inference.surface import log_densities
from pdflang.inference.target import Target
from pdflang.inference.turns import run_all
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.results.checkpoints import Checkpoints
from pdflang.results.convergence import largest_rhat

_LARGEST_RHAT = 1.05
"""Of the chains of a part; a combination of parts that were not sampled well is none."""


def sample(
    target: Target,
    options: SplitOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws of the combination; gradients are counted in those of all data, of which a part's are 1/K.

    Raises `Unsuited` where the data cannot be divided, or a combination is not for them, and `NoFiniteStart`.
    """
    options = options or SplitOptions()
    seed = chosen_seed(options.seed)
    if target.parts is None:
        raise Unsuited("what was learned of a model has no parts of data", "sample with `nuts`")
    combine = combination(options.combination, target.dimension)
    parts = [part.placed() for part in target.parts(options.parts, seed)]
    settings = NutsOptions(options.chains, options.warmup, options.draws, seed=seed, metric=options.metric)
    programs = [programs_for(part, settings) for part in parts]
    numbers = range(options.chains)
    runs = [
        [ChainRun("split", place * options.chains + number, part, settings, own, seed, None) for number in numbers]
        for place, (part, own) in enumerate(zip(parts, programs, strict=True))
    ]
    with interrupts(stop) as heard:
        for part, own in zip(parts, programs, strict=True):
            own.compile(part, settings, heard)
        everything = [chain for chains in runs for chain in chains]
        finished, took = run_all("split", everything, 0, options.threads, heard, monitor or QuietMonitor(), checkpoints)
    seconds = {"run": took}
    if not finished:
        return nothing_drawn(target.dimension, options.chains, seed, options, "split", seconds)
    z, spent, diverging = (_of_all(runs, name) for name in ("z", "n_steps", "diverging"))
    combined = combine(z, np.random.default_rng([seed, options.parts]), parts)
    flat = combined.z.reshape(-1, target.dimension)
    lp = log_densities(target, flat)
    known = None if combined.log_density is None else importance(lp, combined.log_density.ravel())
    return Draws(
        combined.z,
        {"lp": lp.reshape(combined.z.shape[:2]), "n_gradients": -(-spent.sum(axis=0) // options.parts)},
        seed,
        options,
        "split",
        warmup_gradients=np.sum([[one.warmup_gradients for one in chains] for chains in runs], axis=0) // options.parts,
        warmup_evaluations=np.array([combined.evaluations // options.parts]),
        pareto_k=None if known is None else known.pareto_k,
        remarks=tuple(_remarks(z, int(diverging.sum()), options)),
        seconds=seconds,
    )


def _of_all(runs: list[list[ChainRun]], name: str) -> np.ndarray:
    """A column of transitions (part, chain, draw, …)."""
    return np.stack([[np.concatenate([getattr(rows, name) for rows in one.rows]) for one in chains] for chains in runs])


def _remarks(z: np.ndarray, diverging: int, options: SplitOptions) -> list[Remark]:
    """What is wrong with the draws of parts, and that combinations are approximate."""
    said = []
    worst = float(np.max([largest_rhat(part) for part in z])) if options.chains > 1 else 1.0
    # Of chains that do not move there is no R-hat.
    if not worst <= _LARGEST_RHAT or diverging:
        also = f"; {diverging} of their transitions diverged" if diverging else ""
        said.append(
            Remark(
                f"the draws of parts are not to be relied on: R-hat is up to {worst:.2f}{also}",
                "divide the data into fewer parts, or sample with `nuts`",
                "warning",
            )
        )
    said.append(
        Remark(
            f"draws of {options.parts} parts of the data were combined by `{options.combination}`, an approximation",
            "how far it is off on this model tells `pdflang bench MODEL --methods split,nuts`",
        )
    )
    return said
