"""Knots in x for densities, and interpolation between them, in NumPy or JAX, whichever the arguments are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

LINEAR = 12.0
"""Knots are equally spaced in t = log x + 12 x: dense near 1, and without sudden changes of their distances."""

_DEGREE = 5


def knots_in_x(least: float, count: int, linear: float = LINEAR) -> np.ndarray:
    """Knots (count,) from the least x to 1, equally spaced in log x + linear · x."""
    import numpy as np

    fine = np.geomspace(least, 1, 200_000)
    steps = np.log(fine) + linear * fine
    wanted = np.linspace(steps[0], steps[-1], count)
    knots = np.exp(np.interp(wanted, steps, np.log(fine)))
    for _ in range(3):  # Newton: the table of values is not exact
        knots -= (np.log(knots) + linear * knots - wanted) / (1 / knots + linear)
    knots[[0, -1]] = least, 1.0
    return knots


def polynomial(x: Any, knots: Any, values: Any) -> Any:
    """Values (n,) at the knots of `knots_in_x` below 1, where they vanish, interpolated at any number of x.

    Polynomials of degree 5 in t. Below the first knot it is the value there.
    """
    numpy = values.__array_namespace__()
    full = numpy.concatenate([values, values[:1] * 0])
    left, shares = _shares(numpy, x, knots, len(values) + 1)
    return sum(share * full[left + node] for node, share in enumerate(shares))


def weights_at(knots: np.ndarray, points: np.ndarray) -> np.ndarray:
    """What each of n knots, 1 being the last, counts for the value at points: (points, n)."""
    import numpy as np

    left, shares = _shares(np, points, knots, len(knots))
    found = np.zeros((len(points), len(knots)))
    for node, share in enumerate(shares):
        found[np.arange(len(points)), left + node] += share
    return found


def row_of_places(x: Any, coefficients: Any, knots: Any, axes: int) -> np.ndarray:
    """What each of n knots below 1 counts for Σ c · f(x): (…, n), where the sum is over the last axes of x and c."""
    import numpy as np

    x, coefficients = np.broadcast_arrays(np.asarray(x, float), coefficients)
    first = x.ndim - axes
    outer = x.shape[:first]
    x, coefficients = x.reshape(*outer, -1), coefficients.reshape(*outer, -1)
    count = len(knots) + 1
    left, shares = _shares(np, x, knots, count)
    start = np.arange(int(np.prod(outer))).reshape(*outer, 1) * count
    found = np.zeros(int(np.prod(outer)) * count)
    for node, share in enumerate(shares):
        found += np.bincount((start + left + node).ravel(), (coefficients * share).ravel(), len(found))
    return found.reshape(*outer, count)[..., :-1]


def table_of_rows(operators: np.ndarray, scale: Any, rows: Any, partons: Any) -> np.ndarray:
    """Rows (…, p, nx) on evolved partons (p,) at scales (…) as tables (…, f, nx) on densities before the evolution.

    `operators` (scales, partons, nx, f, nx) evolve f densities.
    """
    import numpy as np

    rows, (inner, before) = np.asarray(rows), (operators.shape[1:3], operators.shape[3:])
    outer = np.broadcast_shapes(np.shape(scale), rows.shape[:-2])
    scale, rows = np.broadcast_to(scale, outer).ravel(), np.broadcast_to(rows, (*outer, *rows.shape[-2:]))
    # Of all partons, so that the operators are multiplied as they lie in memory.
    full = np.zeros((len(scale), *inner))
    full[:, partons] = rows.reshape(-1, *rows.shape[-2:])
    full, found = full.reshape(len(scale), -1), np.empty((len(scale), int(np.prod(before))))
    for one in np.unique(scale):
        found[scale == one] = full[scale == one] @ operators[one].reshape(full.shape[1], -1)
    return found.reshape(*outer, *before)


def _shares(numpy: Any, x: Any, knots: Any, count: int) -> tuple[Any, list[Any]]:
    """Where the six knots around x begin, and what each of them counts: Lagrange's polynomials of equal steps."""
    first = numpy.log(knots[0]) + LINEAR * knots[0]
    place = (numpy.log(x) + LINEAR * x - first) / (LINEAR - first) * (count - 1)
    place = numpy.clip(place, 0.0, count - 1.0)
    left = numpy.clip(numpy.floor(place).astype(int) - _DEGREE // 2, 0, count - 1 - _DEGREE)
    t = place - left
    shares = []
    for node in range(_DEGREE + 1):
        share = 1.0
        for other in range(_DEGREE + 1):
            if other != node:
                share = share * (t - other) / (node - other)
        shares.append(share)
    return left, shares
