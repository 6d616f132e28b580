"""Where the profiles around an optimum have fallen by ½: errors of both signs, as MINOS has them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from pdflang.inference.monitor import Monitor, Progressed
from pdflang.inference.optima import Optimum
from pdflang.inference.options import MapOptions
from pdflang.inference.platform import available_cores
from pdflang.inference.profiles.edges import edge_of
from pdflang.inference.profiles.section import HIGHER, Quantity, Section
from pdflang.inference.surface import surface_of
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest, run_tasks


class Ends(NamedTuple):
    """The lower and upper end (quantities, 2) of the interval around each; NaN where the profile does not cross.

    `higher` says that a profile came out above the optimum, which is then not the maximum; `failed` that the search
    was given up, and that a NaN says nothing.
    """

    values: np.ndarray
    higher: bool
    failed: bool = False


def minos(
    target: Target, optimum: Optimum, quantities: Sequence[Quantity], options: MapOptions, stop: StopRequest,
    monitor: Monitor,
) -> Ends:  # fmt: skip
    """The intervals around an optimum at −2Δ = 1, each from two searches of their own."""
    done: list[str] = []
    evaluated = partial(surface_of(target).evaluated, target)
    top = evaluated(optimum.z)

    def end(quantity: Quantity, side: int) -> tuple[float, float]:
        section = Section(evaluated, target.dimension, [quantity], options.tolerance, options.max_steps)
        start = section.known(top)
        edge = edge_of(section, start, side, 1.0, start.value, stop)
        done.append(quantity.name)
        return edge.value if edge is not None and edge.closed else np.nan, section.highest

    tasks = [partial(end, quantity, side) for quantity in quantities for side in (-1, 1)]
    monitor.start("minos", 1, len(tasks))
    try:
        results = run_tasks(
            tasks, options.threads or available_cores(), stop,
            lambda: monitor.update(Progressed(0, "climbing", len(done), len(tasks))),
        )  # fmt: skip
    finally:
        monitor.finish()
    found = [one or (np.nan, -np.inf) for one in results]
    ends, highest = np.array(found).reshape(-1, 2).T
    return Ends(ends.reshape(-1, 2), bool(np.any(highest > optimum.value + HIGHER)))
