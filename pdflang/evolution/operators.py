"""Evolution as a matrix: x·f at points at one scale, or at many, from x·f on a grid at another.

Massless quarks are all alike: the gluon's and one quark's evolution tell those of all flavours. Only a quark that is
there at the start, and no more at a lower scale, is like no other. Between knots functions
are polynomials of degree 5 in t = log x + c x, in which knots are equally spaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.evolution.dglap import PIDS, Evolution, evolved
from pdflang.evolution.grids import knots_in_x, weights_at
from pdflang.resources import cache_folder

if TYPE_CHECKING:
    import numpy as np

LEAST = 1e-7
"""The least x on which operators act."""

_COUNT = 100
_FORMAT = 4
"""Counts up where the numbers of a cached operator change their meaning."""

_GLUON, _UP = 21, 2
_COUPLING = "alpha_s"


@dataclass(frozen=True, eq=False)
class Operator:
    """What each knot of the gluon, and of quarks by their PDG numbers, becomes at each point: (points, 13, nx) each.

    `x` (nx,) are the knots below 1, where everything vanishes; partons are in the order of `PIDS`. The up quark stands
    for all that have no matrix of their own. `alpha_s` is the coupling at the scale.
    """

    x: np.ndarray
    of: Mapping[int, np.ndarray]
    alpha_s: float

    def table(self, flavours: Sequence[int]) -> np.ndarray:
        """The matrix (13, points, flavours, nx) for densities of some partons, by their PDG numbers."""
        import numpy as np

        columns = [self.of[_GLUON] if pid == _GLUON else self._of_quark(pid) for pid in flavours]
        return np.stack([np.moveaxis(column, 0, 1) for column in columns], axis=2)

    def _of_quark(self, pid: int) -> np.ndarray:
        """A quark's matrix with the names of the partons exchanged: up for another, quarks for antiquarks."""
        known = abs(pid) if abs(pid) in self.of else _UP
        exchange = {known: abs(pid), abs(pid): known}
        places = []
        for out in PIDS:
            named = out if out == _GLUON else (1 if out > 0 else -1) * exchange.get(abs(out), abs(out))
            places.append(PIDS.index(-named if pid < 0 and named != _GLUON else named))
        return self.of[known][:, places]


def active(evolution: Evolution, scale: float) -> int:
    """How many flavours there are at a scale in GeV."""
    return evolution.flavours or 3 + sum(scale > mass for mass in evolution.thresholds)


def operator(evolution: Evolution, start: float, scale: float) -> Operator:
    """The operator from one scale to another, both in GeV; kept in the cache. Errors: those of `evolved`."""
    return operators(evolution, start, [scale])[0]


def operators(
    evolution: Evolution,
    start: float,
    scales: Sequence[float],
    points: np.ndarray | None = None,
    knots: np.ndarray | None = None,
) -> list[Operator]:
    """The operators from one scale to others. Those that are not in the cache are made together, which saves time.

    They take densities from `knots_in_x` to points, by default from those of `knots_of_operators` to themselves.
    """
    import numpy as np

    knots = knots_of_operators() if knots is None else knots
    points = knots[:-1] if points is None else points
    paths = {scale: _cached(evolution, start, scale, points, knots) for scale in scales}
    found: dict[float, Operator] = {}
    for scale, path in paths.items():
        if path is not None and path.is_file():
            with np.load(path) as stored:
                matrices = {int(pid): stored[pid] for pid in stored.files if pid != _COUPLING}
                found[scale] = Operator(knots[:-1], matrices, float(stored[_COUPLING]))
    lacking = sorted(set(scales) - set(found))
    for scale, made in zip(lacking, _made(evolution, start, lacking, points, knots) if lacking else (), strict=True):
        found[scale] = made
        path = paths[scale]
        if path is not None:
            partial = path.with_name(f".{path.name}.{id(made)}.npz")
            parts: Any = {_COUPLING: made.alpha_s, **{str(pid): matrix for pid, matrix in made.of.items()}}
            np.savez(partial, **parts)
            partial.replace(path)
    return [found[scale] for scale in scales]


def knots_of_operators() -> np.ndarray:
    """The x on which operators act, with 1 at their end."""
    return knots_in_x(LEAST, _COUNT)


def _made(
    evolution: Evolution, start: float, scales: Sequence[float], points: np.ndarray, knots: np.ndarray
) -> Iterator[Operator]:
    import numpy as np

    inner = knots[:-1]
    starting = (_GLUON, _UP, *range(active(evolution, min(scales)) + 1, active(evolution, start) + 1))

    def basis(asked: np.ndarray) -> Any:
        """A member for each knot of each parton: what is 1 there and 0 at all others."""
        shapes = weights_at(knots, asked)[:, :-1].T
        members = np.zeros((len(starting) * len(inner), len(PIDS), len(asked)))
        for place, pid in enumerate(starting):
            members[place * len(inner) : (place + 1) * len(inner), PIDS.index(pid)] = shapes
        return members

    found = evolved(evolution, start, basis, points, np.asarray(scales, float))
    for place in range(len(scales)):
        # (parton and knot, x, parton) → (parton, x, parton, knot)
        by_parton = found.values[:, place].reshape(len(starting), len(inner), len(points), len(PIDS))
        matrices = dict(zip(starting, by_parton.transpose(0, 2, 3, 1), strict=True))
        yield Operator(inner, matrices, float(found.alpha_s[place]))


def _cached(
    evolution: Evolution, start: float, scale: float, points: np.ndarray, knots: np.ndarray
) -> Path | None:
    import hashlib
    import json

    folder = cache_folder("evolution")
    said = json.dumps(
        [_FORMAT, asdict(evolution), start, scale, points.tolist(), knots.tolist()], sort_keys=True
    )
    return folder / f"{hashlib.sha256(said.encode()).hexdigest()[:32]}.npz" if folder else None
