"""Lists of events: padded in the density, drawn by inverse transform in the simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

_CELLS = 8192
_REACH = 36.0
"""In the logit of the place inside the region, as far as 64-bit numbers tell places from its ends."""


def draw_poisson_process(
    key: Array, intensity: Callable[..., Array], p: Any, d: Any, lower: float, upper: float
) -> np.ndarray:
    """Events (n,) of a Poisson process with that intensity between the ends; n is drawn too."""
    count_key, place_key = jax.random.split(key)
    cells = _Cells(intensity, p, d, float(lower), float(upper))
    count = int(jax.random.poisson(count_key, cells.total))
    return cells.draw(place_key, count)


def draw_iid(
    key: Array, shape: Callable[..., Array], p: Any, d: Any, lower: float, upper: float, count: int
) -> np.ndarray:
    """`count` independent events (n,) from a shape, normalised between the ends."""
    return _Cells(shape, p, d, float(lower), float(upper)).draw(key, int(count))


class _Cells:
    """An intensity as linear pieces in the logit of the place, where powers at the ends are smooth."""

    def __init__(self, intensity: Callable[..., Array], p: Any, d: Any, lower: float, upper: float) -> None:
        self._lower, self._width = lower, upper - lower
        self._t = np.linspace(-_REACH, _REACH, _CELLS + 1)
        self._step = self._t[1] - self._t[0]
        density = np.asarray(jax.jit(intensity)(self._place(self._t), p, d))
        slope = self._width / (2 + 2 * np.cosh(self._t))
        self._heights = np.where(slope > 0, density * slope, 0.0)
        if not np.all(np.isfinite(self._heights)) or np.any(self._heights < 0):
            raise ValueError("the intensity of a process is negative or not finite at these parameters")
        masses = (self._heights[1:] + self._heights[:-1]) / 2 * self._step
        self._cumulative = np.concatenate([[0.0], np.cumsum(masses)])

    @property
    def total(self) -> float:
        """The expected number of events."""
        return float(self._cumulative[-1])

    def _place(self, t: np.ndarray) -> np.ndarray:
        inside = self._lower + self._width / (1 + np.exp(-t))
        return np.clip(inside, np.nextafter(self._lower, np.inf), np.nextafter(self._lower + self._width, -np.inf))

    def draw(self, key: Array, count: int) -> np.ndarray:
        """Places of events, each uniform in the cumulative intensity."""
        if count == 0:
            return np.empty(0)
        # Lengths are powers of two, so that other counts compile nothing.
        shares = jax.random.uniform(key, (1 << (count - 1).bit_length(),), dtype=jnp.float64)
        target = np.asarray(shares)[:count] * self.total
        cell = np.clip(np.searchsorted(self._cumulative, target, side="right") - 1, 0, _CELLS - 1)
        left, right = self._heights[cell], self._heights[cell + 1]
        rest = (target - self._cumulative[cell]) / self._step
        # The place s in the cell with left·s + (right − left)·s²/2 = rest, in the form that never cancels.
        root = np.sqrt(np.maximum(left**2 + 2 * (right - left) * rest, 0.0))
        s = np.divide(2 * rest, left + root, out=np.zeros(count), where=left + root > 0)
        return self._place(self._t[cell] + self._step * np.clip(s, 0, 1))
