"""Variables in which the logarithm of a rate is analytic: its singular points are sent to infinity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pdflang.passes.compression.measure import Array


@dataclass(frozen=True)
class Coordinate:
    """A continuous variable of events and the places, below and above them, where the log-rate is singular.

    Those are the ends at which the rate has a power, log x^a (1 − x)^b being singular at 0 and 1 wherever in
    (0, 1) the events lie. With both the variable is t = logit of the place between them, with one the
    logarithm of the distance from it, with none (an analytic rate) the variable itself.
    """

    lower: float | None = None
    upper: float | None = None

    def forward(self, x: Array) -> Array:
        """t(x), shape (n,); not finite at a singular point, NaN beyond it."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.lower is not None and self.upper is not None:
                return np.log(x - self.lower) - np.log(self.upper - x)
            if self.lower is not None:
                return np.log(x - self.lower)
            return x if self.upper is None else -np.log(self.upper - x)

    def inverse(self, t: Array) -> Array:
        """x(t), shape (n,), the nearer singular point being the one that distances are taken from."""
        if self.lower is not None and self.upper is not None:
            near = (self.upper - self.lower) / (1 + np.exp(np.abs(t)))
            return np.where(t < 0, self.lower + near, self.upper - near)
        if self.lower is not None:
            return self.lower + np.exp(t)
        return t if self.upper is None else self.upper - np.exp(-t)


@dataclass(frozen=True)
class Category:
    """A variable that runs over an index: events of each value are compressed by themselves."""


@dataclass(frozen=True)
class Chart:
    """A coordinate for each variable of events, and which polynomials in them sums over events are exact for.

    In several variables `power` is that of `exponents`. One variable may be cut into `pieces`, each with a rule of its
    own: peaks that are much narrower than the region need it.
    """

    coordinates: tuple[Coordinate | Category, ...]
    power: float = 1.0
    pieces: int = 1

    @property
    def continuous(self) -> dict[int, Coordinate]:
        """The coordinates of continuous variables by their positions."""
        return {k: c for k, c in enumerate(self.coordinates) if isinstance(c, Coordinate)}
