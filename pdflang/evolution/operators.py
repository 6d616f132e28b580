"""Evolution as a matrix: x·f on a grid at one scale from x·f on the same grid at another.

Massless quarks are all alike: the gluon's and one quark's evolution tell those of all flavours. Between knots functions
are polynomials of degree 5 in t = log x + c x, in which knots are equally spaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.evolution.dglap import PIDS, Evolution, evolved
from pdflang.evolution.grids import knots_in_x, weights_at
from pdflang.resources import cache_folder

if TYPE_CHECKING:
    import numpy as np

_LEAST, _COUNT = 1e-7, 100
_FORMAT = 1
"""Counts up where the numbers of a cached operator change their meaning."""

_GLUON = 21


@dataclass(frozen=True, eq=False)
class Operator:
    """`gluon` and `quark` (nx, 13, nx): what each knot of the gluon, or of the up quark, becomes at each knot.

    `x` (nx,) are the knots below 1, where everything vanishes; partons are in the order of `PIDS`.
    """

    x: np.ndarray
    gluon: np.ndarray
    quark: np.ndarray

    def table(self, flavours: Sequence[int]) -> np.ndarray:
        """The matrix (13, nx, flavours, nx) for densities of some partons, by their PDG numbers."""
        import numpy as np

        columns = [self.gluon if pid == _GLUON else self._of_quark(pid) for pid in flavours]
        return np.stack([np.moveaxis(column, 0, 1) for column in columns], axis=2)

    def _of_quark(self, pid: int) -> np.ndarray:
        """The quark's matrix with the names of the partons exchanged: up for another, quarks for antiquarks."""
        exchange = {2: abs(pid), abs(pid): 2}
        places = []
        for out in PIDS:
            named = out if out == _GLUON else (1 if out > 0 else -1) * exchange.get(abs(out), abs(out))
            places.append(PIDS.index(-named if pid < 0 and named != _GLUON else named))
        return self.quark[:, places]


def active(evolution: Evolution, scale: float) -> int:
    """How many flavours there are at a scale in GeV."""
    return evolution.flavours or 3 + sum(scale > mass for mass in evolution.thresholds)


def operator(evolution: Evolution, start: float, scale: float) -> Operator:
    """The operator from one scale to another, both in GeV; kept in the cache. Errors: those of `evolved`."""
    return operators(evolution, start, [scale])[0]


def operators(evolution: Evolution, start: float, scales: Sequence[float]) -> list[Operator]:
    """The operators from one scale to others. Those that are not in the cache are made together, which saves time."""
    import numpy as np

    found: dict[float, Operator] = {}
    for scale in scales:
        path = _cached(evolution, start, scale)
        if path is not None and path.is_file():
            with np.load(path) as stored:
                found[scale] = Operator(stored["x"], stored["gluon"], stored["quark"])
    lacking = sorted(set(scales) - set(found))
    for scale, made in zip(lacking, _made(evolution, start, lacking) if lacking else (), strict=True):
        found[scale] = made
        path = _cached(evolution, start, scale)
        if path is not None:
            partial = path.with_name(f".{path.name}.{id(made)}.npz")
            np.savez(partial, x=made.x, gluon=made.gluon, quark=made.quark)
            partial.replace(path)
    return [found[scale] for scale in scales]


def knots_of_operators() -> np.ndarray:
    """The x on which operators act, with 1 at their end."""
    return knots_in_x(_LEAST, _COUNT)


def _made(evolution: Evolution, start: float, scales: Sequence[float]) -> Iterator[Operator]:
    import numpy as np

    knots = knots_of_operators()
    inner = knots[:-1]

    def basis(points: np.ndarray) -> Any:
        """A member for each knot of the gluon, then of the up quark: what is 1 there and 0 at all others."""
        shapes = weights_at(knots, points)[:, :-1].T
        members = np.zeros((2 * len(inner), len(PIDS), len(points)))
        for place, pid in enumerate((_GLUON, 2)):
            members[place * len(inner) : (place + 1) * len(inner), PIDS.index(pid)] = shapes
        return members

    found = evolved(evolution, start, basis, inner, np.asarray(scales, float)).values
    for place in range(len(scales)):
        # (member, x, parton) → (x, parton, member)
        ordered = np.moveaxis(found[:, place], 0, -1)
        yield Operator(inner, ordered[..., : len(inner)], ordered[..., len(inner) :])


def _cached(evolution: Evolution, start: float, scale: float) -> Path | None:
    import hashlib
    import json

    folder = cache_folder("evolution")
    said = json.dumps([_FORMAT, asdict(evolution), start, scale, _LEAST, _COUNT], sort_keys=True)
    return folder / f"{hashlib.sha256(said.encode()).hexdigest()[:32]}.npz" if folder else None
