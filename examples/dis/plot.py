"""Draws the bands of xu_v and xg from a run folder of this example: mean and central 68% and 90% of the draws.

    python plot.py model.run bands.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import numpy as np
import xarray
from matplotlib import pyplot as plt

BANDS = (("xu_v", "x u_v(x)", "tab:blue"), ("x_g", "x g(x)", "tab:red"))


def main(run: Path, picture: Path) -> None:
    posterior = xarray.open_datatree(run / "draws.nc", engine="h5netcdf")["posterior"].load()
    figure, panels = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for panel, (name, title, colour) in zip(panels, BANDS, strict=True):
        draws = posterior[name].stack(draw_of_chain=("chain", "draw"))
        (axis,) = (dim for dim in draws.dims if dim != "draw_of_chain")
        x = draws[axis].to_numpy()
        for mass, opacity in ((0.9, 0.2), (0.68, 0.35)):
            low, high = np.quantile(draws.transpose(axis, ...), [(1 - mass) / 2, (1 + mass) / 2], axis=1)
            panel.fill_between(x, low, high, color=colour, alpha=opacity, linewidth=0, label=f"{mass:.0%}")
        panel.plot(x, draws.mean("draw_of_chain"), color=colour, label="mean")
        panel.set(xscale="log", xlabel="x", title=f"{title} at Q = 1.65 GeV", xlim=(x[0], x[-1]), ylim=(0, None))
        panel.legend(frameon=False)
    figure.savefig(picture, dpi=130)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python plot.py RUN_FOLDER PICTURE")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
