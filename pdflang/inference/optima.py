"""What the optimiser returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pdflang.inference.options import MapOptions

if TYPE_CHECKING:
    import numpy as np

Status = Literal["converged", "flat", "at bound", "stalled", "step limit", "no finite start", "interrupted"]

REASONS: dict[Status, tuple[str, str]] = {
    "converged": ("the gradient vanishes and the curvature is that of a maximum", ""),
    "flat": (
        "the gradient vanishes, but in some direction the density does not change",
        "data and priors do not determine every parameter: give the others a proper prior, or fix them",
    ),
    "at bound": (
        "the density still grows where parameters run to a bound or to infinity",
        "the maximum lies on the bound: give a prior that vanishes there, or sample the posterior instead",
    ),
    "stalled": (
        "no step along the gradient gains anything, though the gradient does not vanish",
        "the density has a kink or loses digits there: look for `abs`, `max` and `if`, or for huge numbers",
    ),
    "step limit": (
        "the step limit came first",
        "raise `max_steps`; a density without a maximum, such as a hierarchical model's with a free scale, "
        "or one with kinks, is better sampled",
    ),
    "no finite start": (
        "density or gradient is not finite at any of the starts that were tried",
        "look for priors wider than what the data term allows",
    ),
    "interrupted": ("interrupted by the user", "let it run longer"),
}
"""What a status means, and what to do about it."""


@dataclass(frozen=True)
class Optimum:
    """Where one start ended, in n dimensions.

    `z` (n,), the log-density `value` there and its `gradient` (n,); `covariance` (n, n) is the inverse of
    minus the Hessian of the density that was given, None where that is not positive definite, NaN in rows
    and columns of the coordinates in `bound`, which run to infinity. `steps` counts evaluations of value,
    gradient and Hessian.
    """

    z: np.ndarray
    value: float
    gradient: np.ndarray
    covariance: np.ndarray | None
    status: Status
    bound: tuple[int, ...]
    steps: int

    @property
    def converged(self) -> bool:
        return self.status == "converged"

    @property
    def reason(self) -> str:
        """Why the search ended."""
        return REASONS[self.status][0]

    @property
    def remedy(self) -> str:
        """What to do about it; empty where it converged."""
        return REASONS[self.status][1]


@dataclass(frozen=True)
class Optima:
    """Where all starts ended, in their order; `seed` is that of the starts."""

    every: tuple[Optimum, ...]
    seed: int
    options: MapOptions
    interrupted: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def best(self) -> Optimum:
        """The highest of the converged; where none is, of all."""
        return max(self.every, key=lambda optimum: (optimum.converged, optimum.value))

    @property
    def agreeing(self) -> int:
        """How many starts reached the best optimum's value, to 1e-6 of log-density."""
        return sum(abs(optimum.value - self.best.value) <= 1e-6 for optimum in self.every)
