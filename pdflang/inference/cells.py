"""Cells that the space of parameters is divided into, where draws of an exploration lie apart (Hafych et al. 2022).

arXiv:2008.03098. Cells are boxes along the principal axes of the draws; outer ones go on without end, so that they fill
the space. In a cell the posterior is a density on unbounded coordinates of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from pdflang.inference.target import Target

_LEAST = 10
"""Draws of the exploration that a cell has at least."""


class Frame(NamedTuple):
    """Where the axes of cells are: z = mean + root w."""

    mean: np.ndarray
    root: np.ndarray

    def inside(self, z: np.ndarray) -> np.ndarray:
        """The coordinates w (m, n) of points."""
        return np.linalg.solve(self.root, (z - self.mean).T).T


class Cell(NamedTuple):
    """A box from `lower` to `upper` (n,), either of which may be infinite; `scout` (n,) is the best draw within."""

    lower: np.ndarray
    upper: np.ndarray
    scout: np.ndarray


def frame_of(z: np.ndarray) -> Frame:
    """The principal axes of draws (m, n), in units of their widths along them."""
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(z.T)))
    return Frame(z.mean(axis=0), vectors * np.sqrt(np.maximum(values, 1e-12 * values[-1])))


def cells_of(w: np.ndarray, log_density: np.ndarray, count: int) -> list[Cell]:
    """Up to `count` cells of draws (m, n): each cut is the one that leaves the least squares within (section 2.2)."""
    infinite = np.full(w.shape[1], np.inf)
    boxes = [(-infinite, infinite, np.arange(len(w)))]
    while len(boxes) < count:
        cuts = [_best_cut(w[rows]) for _, _, rows in boxes]
        gain, axis, place = max(cuts)
        if not gain > 0:
            break
        lower, upper, rows = boxes.pop(next(i for i, cut in enumerate(cuts) if cut[0] == gain))
        below = w[rows, axis] < place
        left, right = upper.copy(), lower.copy()
        left[axis] = right[axis] = place
        boxes += [(lower, left, rows[below]), (right, upper, rows[~below])]
    return [Cell(lower, upper, w[rows[np.argmax(log_density[rows])]]) for lower, upper, rows in boxes]


def _best_cut(w: np.ndarray) -> tuple[float, int, float]:
    """How much the squares of draws (m, n) around their means fall by a cut, along which axis, where."""
    count = len(w)
    if count < 2 * _LEAST:
        return 0.0, 0, 0.0
    found = []
    left = np.arange(1, count)
    for axis in range(w.shape[1]):
        values = np.sort(w[:, axis])
        sums = np.cumsum(values)[:-1]
        # Between two parts that their means stand for: n₁ n₂ / (n₁ + n₂) of the square of their distance.
        apart = sums / left - (values.sum() - sums) / (count - left)
        gains = left * (count - left) / count * apart**2
        usable = (left >= _LEAST) & (count - left >= _LEAST) & (values[1:] > values[:-1])
        best = int(np.argmax(np.where(usable, gains, -1.0)))
        if usable[best]:
            found.append((float(gains[best]), axis, float((values[best] + values[best + 1]) / 2)))
    return max(found, default=(0.0, 0, 0.0))


def target_in(target: Target, frame: Frame, cell: Cell) -> Target:
    """The posterior in a cell, on unbounded coordinates, with the Jacobian."""
    place = {"lower": cell.lower, "upper": cell.upper, "start": start_in(cell), **frame._asdict()}
    content = None if target.content is None else f"{target.content}\nwithin a cell"
    arrays = {"data": target.arrays, "cell": place}
    return Target(target.dimension, _density(target.log_density), _start, arrays, content=content)


def _start(key: Any, arrays: Any) -> Any:
    return arrays["cell"]["start"]


def start_in(cell: Cell) -> np.ndarray:
    """The coordinates (n,) of the best draw of the exploration in a cell."""
    lower, upper, w = (np.asarray(part) for part in cell)
    least = 1e-9
    with np.errstate(all="ignore"):
        below, above = np.maximum(w - lower, least), np.maximum(upper - w, least)
        both, from_below, from_above = np.log(below / above), np.log(np.expm1(below)), np.log(np.expm1(above))
    has_lower, has_upper = np.isfinite(lower), np.isfinite(upper)
    return np.select([has_lower & has_upper, has_lower, has_upper], [both, from_below, from_above], w)


def places_in(v: Any, cell: Any) -> tuple[Any, Any]:
    """The point z (n,) at coordinates of a cell, and log |dz/dv|."""
    lower, upper = cell["lower"], cell["upper"]
    has_lower, has_upper = jnp.isfinite(lower), jnp.isfinite(upper)
    low, high = jnp.where(has_lower, lower, 0.0), jnp.where(has_upper, upper, 0.0)
    width = jnp.where(has_lower & has_upper, high - low, 1.0)
    both = low + width * jax.nn.sigmoid(v)
    one = jnp.where(has_lower, low + jax.nn.softplus(v), high - jax.nn.softplus(v))
    w = jnp.where(has_lower & has_upper, both, jnp.where(has_lower | has_upper, one, v))
    slope = jnp.where(has_lower | has_upper, jax.nn.log_sigmoid(v), 0.0)
    slope += jnp.where(has_lower & has_upper, jnp.log(width) + jax.nn.log_sigmoid(-v), 0.0)
    return cell["mean"] + cell["root"] @ w, slope.sum() + jnp.linalg.slogdet(cell["root"])[1]


@lru_cache(maxsize=32)
def _density(log_density: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The density of all cells, whose ends are data, so that one program serves them."""

    def inside(v: Any, arrays: Any) -> Any:
        z, log_slope = places_in(v, arrays["cell"])
        return log_density(z, arrays["data"]) + log_slope

    return inside
