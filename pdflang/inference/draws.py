"""What a sampler returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pdflang.inference.options import NutsOptions


class NoFiniteStart(Exception):
    """No start with a finite log-density and gradient was found; `z` (dimension,) is the last point tried."""

    def __init__(self, z: np.ndarray) -> None:
        super().__init__("the log-density or its gradient is not finite at any of the starts that were tried")
        self.z = z


@dataclass(frozen=True)
class Draws:
    """Draws of a sampler on the unconstrained scale.

    `z` has shape (chain, draw, dimension). `statistics` are arrays (chain, draw) under ArviZ's names: lp,
    diverging, energy, acceptance_rate, tree_depth, n_steps, n_gradients, step_size. `warmup_gradients`
    (chain,) counts the gradients of warmup and start. `metric` (chain, dimension[, dimension]) is the
    inverse mass matrix used. `seed` is the seed itself, also where the options asked for one.
    `interrupted`: fewer draws than were wanted, maybe none. `sufficient`: what was last said of them by the judge
    that `nuts.sample` was given; None without one. `seconds` tells where the time went.
    """

    z: np.ndarray
    statistics: dict[str, np.ndarray]
    warmup_gradients: np.ndarray
    metric: np.ndarray
    seed: int
    options: NutsOptions
    interrupted: bool = False
    sufficient: bool | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def attributes(self) -> dict[str, Any]:
        """What the saved posterior says about how it was made."""
        return {
            "method": "nuts",
            "seed": self.seed,
            "warmup_gradients": self.warmup_gradients.tolist(),
            "interrupted": int(self.interrupted),
        }
