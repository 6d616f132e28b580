"""Small PineAPPL grids and tables, data sets for them, and densities of which no two are alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pdflang.ir.program import PARTONS

SHAPES = {
    "g": (2, -0.2, 5), "u": (5, 0.7, 3), "ubar": (0.3, -0.1, 7), "d": (3, 0.8, 4), "dbar": (0.4, -0.1, 6),
    "s": (0.2, -0.1, 8), "sbar": (0.1, -0.1, 9), "c": (0.05, -0.1, 7), "cbar": (0.03, -0.1, 10),
}  # fmt: skip
"""Size and powers of x and 1 - x of x·f, by flavour."""

OTHER = {name: (1.5 * size, power + 0.1, fall - 0.5) for name, (size, power, fall) in reversed(SHAPES.items())}
OTHER["u"], OTHER["d"] = OTHER["d"], OTHER["u"]


def declared(name: str, shapes: dict[str, tuple[float, float, float]], scale: float = 1.65, factor: str = "1") -> str:
    """A pdfset of these densities, in the language."""
    flavours = ", ".join(f"{f} = {factor}*{c}*x^({a})*(1 - x)^{b}" for f, (c, a, b) in shapes.items())
    return f"pdfset {name}(x) at Q = {scale} {{ {flavours} }}\n"


def momentum(shapes: dict[str, tuple[float, float, float]], x: Any) -> np.ndarray:
    """x·f (13, …) at x, in the order of `PARTONS`."""
    x = np.asarray(x, float)
    parts = [shapes.get(name, (0, 1, 1)) for name in PARTONS]
    return np.array([c * x**a * (1 - x) ** b for c, a, b in parts])


def as_lhapdf(shapes: dict[str, tuple[float, float, float]]) -> Callable[[int, float, float], float]:
    """The same as a function of the parton's number, x and Q²."""
    places = list(PARTONS.values())
    return lambda pid, x, q2: float(momentum(shapes, x)[places.index(pid)]) if pid in places else 0.0


def written_data(folder: Path, values: np.ndarray, name: str = "COLLIDER_Z", **kinematics: np.ndarray) -> str:
    """A data set with these kinematics and uncorrelated errors of 1 %; its name."""
    import yaml

    home = folder / name
    home.mkdir(parents=True)
    observable = {
        "observable_name": "RATE",
        "ndata": len(values),
        "kinematics": {"variables": {key: {} for key in kinematics}, "file": "kinematics.yaml"},
        "data_central": "data.yaml",
        "data_uncertainties": ["errors.yaml"],
    }
    bins = [
        {key: {"min": None, "mid": float(column[i]), "max": None} for key, column in kinematics.items()}
        for i in range(len(values))
    ]
    errors = {
        "definitions": {"stat": {"treatment": "ADD", "type": "UNCORR"}, "norm": {"treatment": "ADD", "type": "CORR"}},
        "bins": [{"stat": 0.01 * float(v), "norm": 0.005 * float(v)} for v in values],
    }
    written = {
        "metadata.yaml": {"setname": name, "implemented_observables": [observable]},
        "kinematics.yaml": {"bins": bins},
        "data.yaml": {"data_central": [float(v) for v in values]},
        "errors.yaml": errors,
    }
    for file, content in written.items():
        (home / file).write_text(yaml.safe_dump(content))
    return f"{name}_RATE"


def drell_yan(
    hadrons: tuple[int, ...] = (2212, 2212), logarithms: bool = True, polarised: bool = False, electroweak: bool = False
) -> Any:
    """A grid of two hadrons in three bins of rapidity, filled at random, at leading order and the next one."""
    from pineappl.boc import (
        BinsWithFillLimits,
        Channel,
        Kinematics,
        Order,
        ScaleFuncForm,
        Scales,
    )
    from pineappl.convolutions import Conv, ConvType
    from pineappl.grid import Grid
    from pineappl.interpolation import Interp, InterpolationMethod, MappingMethod, ReweightingMethod
    from pineappl.pids import PidBasis

    channels = [
        Channel([([2, -2], 4 / 9), ([4, -4], 4 / 9)]),
        Channel([([-2, 2], 4 / 9)]),
        Channel([([1, -1], 1 / 9), ([3, -3], 0.2)]),
        Channel([([21, 2], 0.3), ([21, -1], 0.1)]),
    ]
    orders = [Order(0, 2, 0, 0, 0), Order(1, 2, 0, 0, 0)]
    orders += [Order(1, 2, 1, 0, 0), Order(1, 2, 0, 1, 0)] if logarithms else []
    if electroweak:  # after all else, which is filled as without
        channels.append(Channel([([22, 22], 0.1)]))
        orders.append(Order(0, 3, 0, 0, 0))
    lagrange = InterpolationMethod.Lagrange
    in_scale = Interp(1e2, 1e6, 10, 3, ReweightingMethod.NoReweight, MappingMethod.ApplGridH0, lagrange)
    in_x = Interp(2e-4, 1.0, 20, 3, ReweightingMethod.ApplGridX, MappingMethod.ApplGridF2, lagrange)
    scale = ScaleFuncForm.Scale(0)
    grid = Grid(
        PidBasis.Pdg,
        channels,
        orders,
        BinsWithFillLimits.from_fill_limits([0.0, 1.0, 2.0, 2.5]),
        [Conv(ConvType(polarized=polarised, time_like=False), pid) for pid in hadrons],
        [in_scale, in_x, in_x],
        [Kinematics.Scale(0), Kinematics.X(0), Kinematics.X(1)],
        Scales(scale, scale, ScaleFuncForm.NoScale(0)),
    )
    rng = np.random.default_rng(1)
    for order in range(len(orders)):
        for channel in range(4):
            for _ in range(100):
                y, m2 = rng.uniform(0, 2.5), rng.uniform(60, 120) ** 2
                root = np.sqrt(m2) / 8000
                grid.fill(order, y, channel, [m2, root * np.exp(y), root * np.exp(-y)], rng.uniform() * 0.3**order)
    if electroweak:
        grid.fill(0, 0.5, 4, [8100.0, 0.02, 0.01], 1.0)
    grid.optimize()
    grid.set_metadata("x1_label", "rapidity")
    return grid


def drell_yan_table(path: Path, hadrons: tuple[int, ...] = (2212, 2212), polarised: bool = False) -> Any:
    """A table for two hadrons on the partons themselves, of operators filled at random; written to `path`."""
    from pineappl.evolution import OperatorSliceInfo
    from pineappl.pids import PidBasis

    grid = drell_yan(hadrons, polarised=polarised)
    mask = np.ones(len(grid.orders()), bool)
    asked = grid.evolve_info(mask)
    points, pids = np.array(asked.x1), np.array(asked.pids1)
    x0, pids0 = np.geomspace(1e-3, 0.8, 7), np.array([pid for pid in PARTONS.values() if pid == 21 or abs(pid) < 5])
    rng = np.random.default_rng(2)
    kind = grid.convolutions[0].convolution_types

    def slices() -> Any:
        for scale in asked.fac1:
            info = OperatorSliceInfo(1.65**2, pids0, x0, scale, pids, points, PidBasis.Pdg, kind)
            yield info, rng.uniform(size=(len(pids), len(points), len(pids0), len(x0)))

    table = grid.evolve([slices()], mask, (1.0, 1.0, 1.0), np.array(asked.ren1), np.full(len(asked.ren1), 0.118))
    table.write_lz4(str(path))
    return table
