"""What HOPPET does, as a program: `asked` tells at which points it wants densities, `evolved` evolves them.

It imports nothing of pdflang: it may be started wherever HOPPET is.
"""

import json
import sys
from pathlib import Path

import hoppet
import numpy as np

_SPACING = 0.05
_MARGIN = 0.1
_LEAST_REACH = 4.0
"""The finer grids near x = 1 that HOPPET nests in its own must end before that does: they go to log(1/x) = 2."""


def main(folder: Path, what: str) -> None:
    settings = json.loads((folder / "settings.json").read_text())
    with np.load(folder / "points.npz") as points:
        x, scales, coupling_at = points["x"], points["scales"], points["coupling_at"]
    lowest = min(scales.min(), settings["start"], 1.0)
    highest = max(scales.max(), coupling_at.max(), settings["start"], settings["alpha_s_scale"])
    # A top that is not meant to join does so above all scales, that of the coupling too.
    top = settings["top"] or 10 * highest
    reach = max(-np.log(x.min()) + _MARGIN, _LEAST_REACH)
    hoppet.StartExtended(
        reach, _SPACING, 0.99 * lowest, 1.01 * highest, _SPACING / 4, settings["loops"], -6, hoppet.factscheme_MSbar
    )
    if settings["flavours"]:
        hoppet.SetFFN(settings["flavours"])
    else:
        hoppet.SetPoleMassVFN(settings["charm"], settings["bottom"], top)
    hoppet.PreEvolve(settings["alpha_s"], settings["alpha_s_scale"], settings["loops"], 1.0, settings["start"])
    if what == "asked":
        np.save(folder / "asked.npy", points_asked())
    else:
        evolve(folder, x, scales, coupling_at)


def points_asked() -> np.ndarray:
    asked: list[float] = []

    def nothing(x: float, scale: float) -> list[float]:
        asked.append(x)
        return [0.0] * 13

    hoppet.CachedEvolve(nothing)
    return np.array(sorted(set(asked)))


def evolve(folder: Path, x: np.ndarray, scales: np.ndarray, coupling_at: np.ndarray) -> None:
    given, asked = np.load(folder / "densities.npy"), np.load(folder / "asked.npy")
    place = {float(point): position for position, point in enumerate(asked)}
    values = np.empty((len(given), len(scales), len(x), 13))
    for number, densities in enumerate(given):
        columns = [list(column) for column in densities.T.tolist()]
        hoppet.CachedEvolve(lambda point, scale, columns=columns: columns[place[point]])
        for i, scale in enumerate(scales.tolist()):
            for j, point in enumerate(x.tolist()):
                values[number, i, j] = hoppet.Eval(point, scale) if point < 1 else 0.0
    alpha_s = np.array([hoppet.AlphaS(scale) for scale in coupling_at.tolist()])
    np.savez(folder / "evolved.npz", values=values, alpha_s=alpha_s)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
