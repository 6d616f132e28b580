"""Compares the posterior of the truth, and a bin-by-bin correction of the same data, with what nature made.

    python compare.py model.run [unfolding.png]

The correction multiplies the counts of each bin, less the background, by generated/reconstructed of the Monte Carlo. It
is right where the Monte Carlo has the spectrum of nature. Elsewhere it is biased: other shares of events cross the
edges of bins.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray
from make_data import TRUTH, expected

EDGES = np.linspace(0, 1, 11)
"""Bins of the comparison: each is 2 of the truth, 3 of what is measured."""
NORMAL_90 = 1.645


@dataclass(frozen=True)
class Estimate:
    """Central values of the bins, their covariance, and the ends of their 90% intervals."""

    values: np.ndarray
    covariance: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        return np.sqrt(self.covariance.diagonal())

    def covered(self, truth: np.ndarray) -> int:
        """In how many bins the 90% interval holds the truth."""
        return int(np.sum((self.low < truth) & (truth < self.high)))

    def chi2(self, truth: np.ndarray) -> float:
        """With all correlations, of pairs of bins: the posterior resolves no finer structure, its prior does."""
        pairs = np.kron(np.eye(truth.size // 2), [1, 1])
        shift = pairs @ (self.values - truth)
        return float(shift @ np.linalg.solve(pairs @ self.covariance @ pairs.T, shift))


def merged(values: np.ndarray) -> np.ndarray:
    """Sums of neighbours along the last axis, one for each bin of the comparison."""
    return values.reshape(*values.shape[:-1], EDGES.size - 1, -1).sum(-1)


def bin_by_bin(data: dict[str, np.ndarray]) -> Estimate:
    factor = merged(data["generated"]) / merged(data["reconstructed"].sum(1))
    counts = merged(data["n_sr"])
    values, errors = factor * (counts - merged(data["tt_sr"])), factor * np.sqrt(counts)
    return Estimate(values, np.diag(errors**2), values - NORMAL_90 * errors, values + NORMAL_90 * errors)


def draws_of(run: Path) -> np.ndarray:
    """Draws of the truth, (draw, bin)."""
    unfolded = xarray.open_datatree(run / "draws.nc", engine="h5netcdf")["posterior"]["unfolded"].to_numpy()
    return merged(unfolded.reshape(-1, unfolded.shape[-1]))


def posterior(draws: np.ndarray) -> Estimate:
    return Estimate(draws.mean(0), np.cov(draws.T), *np.quantile(draws, [0.05, 0.95], axis=0))


def table(truth: np.ndarray, found: Estimate, correction: Estimate) -> str:
    lines = [f"{'x':>5}      {'nature':>6}  {'posterior':>11}  {'bin by bin':>11}"]
    for i, low in enumerate(EDGES[:-1]):
        cells = (f"{each.values[i]:5.0f} ± {each.errors[i]:<3.0f}" for each in (found, correction))
        lines.append(f"{low:.1f} to {EDGES[i + 1]:.1f} {truth[i]:6.0f}  {'  '.join(cells)}")
    for name, each in (("posterior", found), ("bin by bin", correction)):
        held = f"{each.covered(truth)} of {truth.size} intervals of 90% hold the truth"
        lines.append(f"{name}: {held}, χ² {each.chi2(truth):.1f} for {truth.size // 2} pairs of bins")
    return "\n".join(lines)


def draw(picture: Path, truth: np.ndarray, draws: np.ndarray, correction: Estimate) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, panel = plt.subplots(figsize=(6, 3.4), layout="constrained")
    for mass, opacity in ((0.9, 0.2), (0.68, 0.35)):
        low, high = np.quantile(draws, [(1 - mass) / 2, (1 + mass) / 2], axis=0)
        style = {"color": "tab:blue", "alpha": opacity, "linewidth": 0, "label": f"posterior, {mass:.0%}"}
        panel.stairs(high, EDGES, baseline=low, fill=True, **style)
    panel.stairs(truth, EDGES, color="black", label="nature")
    centres = (EDGES[1:] + EDGES[:-1]) / 2
    style = {"fmt": "o", "color": "tab:red", "markersize": 4, "label": "bin by bin"}
    panel.errorbar(centres, correction.values, correction.errors, **style)
    panel.set(xlabel="x", ylabel="signal events", xlim=(0, 1), ylim=(0, None))
    panel.legend(frameon=False)
    figure.savefig(picture, dpi=130)


def main(run: Path, picture: Path | None) -> None:
    content = json.loads((Path(__file__).parent / "data.json").read_text(encoding="utf-8"))
    correction = bin_by_bin({name: np.array(value) for name, value in content.items()})
    truth, draws = merged(expected(TRUTH)), draws_of(run)
    print(table(truth, posterior(draws), correction))
    if picture is not None:
        draw(picture, truth, draws, correction)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python compare.py RUN_FOLDER [PICTURE]")
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else None)
