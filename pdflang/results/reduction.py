"""In how few numbers what a model has to say can be told: what `reduce` finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pdflang.results.tables import aligned, csv_text

_SHOWN = 20
"""Directions and latent numbers that are printed."""

_LEAST_SHARE = 0.05
"""Of a direction that a parameter must have to be named with it."""

_HALF = 1.0
"""Information that halves the variance of the prior."""


@dataclass(frozen=True)
class Loss:
    """With so many `latent` numbers: the share of the variance of outputs that is lost by principal components, and by
    an autoencoder. The variance is that over draws that neither has seen, in units of the spread of each output.
    """

    latent: int
    linear: float
    network: float


@dataclass(frozen=True, eq=False)
class Reduction:
    """What data determine of parameters, and in how many numbers outputs can be told.

    `spectra` (places, n) are the eigenvalues of the Fisher information at draws of the prior, in units of its standard
    deviations, the largest first; `information` (n,) those of their mean, whose `directions` are columns (n, n) by
    unconstrained `coordinates`: the active subspace (Constantine 2015). `losses` are those of the `outputs`, of which
    there are so many `numbers`; none where the model has none.
    """

    coordinates: tuple[str, ...]
    spectra: np.ndarray
    information: np.ndarray
    directions: np.ndarray
    seed: int
    outputs: tuple[str, ...] = ()
    numbers: int = 0
    losses: tuple[Loss, ...] = ()

    @property
    def effective(self) -> float:
        """How many numbers data determine, Σ λ/(1 + λ), the mean over draws of the prior."""
        return float(np.mean(np.sum(self.spectra / (1 + self.spectra), axis=1)))

    @property
    def determined(self) -> int:
        """The directions whose variance falls to half of the prior's, or less, at most draws."""
        return int(np.sum(np.median(self.spectra, axis=0) >= _HALF))


def to_text(found: Reduction) -> str:
    """Two tables."""
    return "\n".join([*_spectrum(found), *_losses(found)]) + "\n"


def _spectrum(found: Reduction) -> Iterator[str]:
    places, count = found.spectra.shape
    yield (
        f"What data determine of {count} parameters: Fisher information in units of the prior, at {places} draws of it "
        "and in their mean"
    )
    rows = [("", "at the median draw", "68 %", "variance left", "mean", "direction")]
    low, middle, high = np.quantile(found.spectra, (0.16, 0.5, 0.84), axis=0)
    for i in range(min(count, _SHOWN)):
        span = f"{low[i]:.2g} to {high[i]:.2g}"
        left = f"{1 / (1 + middle[i]):.2g}"
        rows.append((str(i + 1), f"{middle[i]:.3g}", span, left, f"{found.information[i]:.3g}", _direction(found, i)))
    yield from aligned(rows, (0, 5))
    if count > _SHOWN:
        yield f"{_SHOWN} of {count} shown; all are in reduction.json"
    yield (
        f"{found.effective:.1f} numbers are determined; in {found.determined} directions at most half of the prior's "
        "variance is left."
    )


def _direction(found: Reduction, number: int) -> str:
    column = found.directions[:, number]
    order = [int(i) for i in np.argsort(-np.abs(column)) if column[i] ** 2 >= _LEAST_SHARE]
    if not order:
        return "all of them"
    sign = np.sign(column[order[0]])
    terms = [f"{'+' if sign * column[i] > 0 else '-'} {abs(column[i]):.2f} {found.coordinates[i]}" for i in order]
    return " ".join(terms).removeprefix("+ ")


def _losses(found: Reduction) -> Iterator[str]:
    if not found.losses:
        return
    yield ""
    yield (
        f"In how many numbers {', '.join(found.outputs)} can be told, over the prior: the share of the variance of "
        f"their {found.numbers} numbers that is lost"
    )
    rows = [("latent", "principal components", "autoencoder")]
    rows += [(str(loss.latent), f"{loss.linear:.2g}", f"{loss.network:.2g}") for loss in found.losses]
    yield from aligned(rows)


def to_record(found: Reduction) -> dict[str, Any]:
    """As plain data."""
    return {
        **{name: value for name, value in vars(found).items() if name != "losses"},
        "effective": found.effective,
        "determined": found.determined,
        "losses": [asdict(loss) for loss in found.losses],
    }


def to_csv(found: Reduction) -> str:
    """A row for each number of latents."""
    rows = [(loss.latent, loss.linear, loss.network) for loss in found.losses]
    return csv_text(("latent", "linear", "network"), rows)
