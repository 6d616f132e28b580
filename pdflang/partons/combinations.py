"""Combinations of partons that one looks at, correlations between them, and luminosities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pdflang.evolution import PIDS
from pdflang.partons.ensembles import Partons, Values

QUARKS = tuple(pid for pid in PIDS if pid != 21)

_NODES = 96
"""Of the integral of a luminosity, in log x."""


@dataclass(frozen=True)
class Combination:
    """A linear combination of x·f: what each parton counts, by its PDG number."""

    name: str
    shares: Mapping[int, float]

    @property
    def label(self) -> str:
        """What is drawn or compared: x times the density."""
        return f"x({self.name})" if "+" in self.name else f"x·{self.name}"

    def of(self, values: Values) -> Values:
        """The combination (…, nx) of values (…, 13, nx)."""
        return values.of(self.of_all)

    def of_all(self, values: np.ndarray) -> np.ndarray:
        """The same (n, nx) of plain values (n, 13, nx)."""
        found: np.ndarray = np.einsum("p,npx->nx", [self.shares.get(pid, 0.0) for pid in PIDS], values)
        return found


COMBINATIONS = (
    Combination("g", {21: 1}),
    Combination("sea", {-1: 2, -2: 2, 3: 1, -3: 1, 4: 1, -4: 1, 5: 1, -5: 1}),
    Combination("uv", {2: 1, -2: -1}),
    Combination("dv", {1: 1, -1: -1}),
    Combination("ū", {-2: 1}),
    Combination("d̄", {-1: 1}),
    Combination("s + s̄", {3: 1, -3: 1}),
    Combination("c + c̄", {4: 1, -4: 1}),
    Combination("b + b̄", {5: 1, -5: 1}),
)
"""Gluon, sea, valence and the flavours of the sea. The sea is all that is neither gluon nor valence, up to bottom."""

CHANNELS = {
    "gg": "gluon and gluon",
    "qq̄": "the sum over quarks and antiquarks q of q and its antiparticle",
    "qg": "the sum of all quarks and antiquarks, and gluon",
    "qq": "the sum of all quarks and antiquarks, twice",
}


def there(values: Values) -> list[Combination]:
    """The combinations that do not vanish."""
    return [one for one in COMBINATIONS if np.nanmax(np.abs(one.of(values).central)) > 1e-12]


def correlations(values: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
    """The correlations (n, m) over members of columns (members, n) with others (members, m); NaN for constant ones."""
    first, second = (_standardised(v) for v in (values, values if others is None else others))
    with np.errstate(invalid="ignore"):
        found: np.ndarray = first.T @ second / len(values)
    return found


def _standardised(values: np.ndarray) -> np.ndarray:
    away = values - values.mean(axis=0)
    sd = away.std(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sd > 1e-13 * np.abs(values).max(axis=0), away / sd, np.nan)


def luminosities(partons: Partons, root_s: float, masses: np.ndarray) -> dict[str, Values]:
    """Luminosities (…, masses) of two such hadrons by channel, in GeV⁻², at masses M in GeV below √s.

    L(M) = 1/s ∫_τ^1 dx/x f_i(x, M) f_j(τ/x, M) with τ = M²/s, as in Mangano and Rojo, JHEP 08 (2012) 010
    (arXiv:1206.3557). Quarks and antiquarks are summed over as `CHANNELS` say. Errors: those of `prepare`.
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    partons.prepare([float(mass) for mass in masses])
    found: dict[str, list[Values]] = {channel: [] for channel in CHANNELS}
    for mass in masses:
        log_tau = 2 * np.log(mass / root_s)
        # Symmetric in log x: the values at τ/x are those at x in reverse.
        values = partons.at(np.exp((1 + nodes) / 2 * log_tau), float(mass))
        measure = weights / 2 * -log_tau / mass**2
        for channel in CHANNELS:
            found[channel].append(values.of(lambda v, c=channel, m=measure: _luminosity(v, c, m)))
    return {
        channel: Values(np.stack([v.members for v in of], axis=-1), np.stack([v.central for v in of], axis=-1))
        for channel, of in found.items()
    }


def _luminosity(values: np.ndarray, channel: str, measure: np.ndarray) -> np.ndarray:
    """∫ d log x F_i(x) F_j(τ/x)/M² of momentum densities F (n, 13, nodes)."""
    gluon, quarks = values[:, PIDS.index(21)], values[:, [PIDS.index(pid) for pid in QUARKS]]
    anti = values[:, [PIDS.index(-pid) for pid in QUARKS]]
    one, other = {
        "gg": (gluon[:, None], gluon[:, None]),
        "qq̄": (quarks, anti),
        "qg": (quarks.sum(axis=1, keepdims=True), gluon[:, None]),
        "qq": (quarks.sum(axis=1, keepdims=True), quarks.sum(axis=1, keepdims=True)),
    }[channel]
    found: np.ndarray = np.einsum("npx,npx,x->n", one, other[..., ::-1], measure)
    return found
