"""Partons, and the combinations of them that evolve by themselves.

With q± = q ± q̄ and the quarks in the order u, d, s, c, b, t: S = Σ q⁺ and V = Σ q⁻; T3, T8, T15, T24, T35
are the sum of q⁺ over the first 1, 2, 3, 4, 5 quarks minus that number times the next one, and V3 … V35 the
same of q⁻ (NNPDF, Eur. Phys. J. C 82 (2022) 428, arXiv:2109.02653).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from pdflang.ir.program import PARTONS

if TYPE_CHECKING:
    import numpy as np

FLAVOURS = tuple(PARTONS)
"""Names of the partons by their PDG numbers, from −6 to 6 with the gluon at 0."""

ENTRIES = ("g", "d", "dbar", "u", "ubar", "s", "sbar", "c", "cbar", "b", "bbar", "t", "tbar", "photon")
"""What a pdfset by flavour may have."""

EVOLUTION_BASIS = ("S", "g", "V", "V3", "V8", "V15", "T3", "T8", "T15")
"""The combinations that evolve by themselves with four flavours, in the order that our FK tables have."""

BASES = ((*EVOLUTION_BASIS, "T24", "V24", "T35", "V35", "photon"), (*FLAVOURS, "photon"))
"""What the densities may be called that a table acts on: combinations, or partons."""

QUARKS = ("u", "d", "s", "c", "b", "t")
_LADDER = {"3": 1, "8": 2, "15": 3, "24": 4, "35": 5}

TRIPLETS = tuple(f"T{number}" for number in _LADDER)
VALENCES = tuple(f"V{number}" for number in _LADDER)

SINGLETS = {"Sigma": "S", "Σ": "S", "S": "S"}
"""What the sum of quarks and antiquarks is called."""

MIXTURES: Mapping[str, Mapping[str, float]] = {"uv": {"u": 1.0, "ubar": -1.0}, "dv": {"d": 1.0, "dbar": -1.0}}
"""Valence densities: combinations of no basis."""


def rank_of(flavour: str) -> int:
    """The number of a quark, or of its antiquark, in the order u, d, s, c, b, t from 1; 0 for what is no quark."""
    name = flavour.removesuffix("bar")
    return QUARKS.index(name) + 1 if name in QUARKS else 0


def heaviest_quark(basis: Sequence[str]) -> str:
    """The last quark in that order on which some element of a basis acts apart from the others; "" where none does.

    S and V alone have all quarks, however many there are.
    """
    ranks = [rank_of(element) or _LADDER.get(element[1:], -1) + 1 for element in basis]
    heaviest = max(ranks, default=0)
    return QUARKS[heaviest - 1] if heaviest else ""


def evolution_rotation(
    basis: Sequence[str] = EVOLUTION_BASIS, flavours: Sequence[str] = FLAVOURS
) -> np.ndarray:
    """The matrix (basis, flavours) that takes densities by flavour to densities of the basis.

    `basis` may hold S, g, V and T3, V3 … T35, V35, and partons themselves; KeyError for another name.
    """
    import numpy as np

    return np.array([[_coefficient(element, flavour) for flavour in flavours] for element in basis])


def partons_in(combination: str) -> dict[str, float] | None:
    """The partons that a combination is made of, with their coefficients; None for a name that is none."""
    if combination in MIXTURES:
        return dict(MIXTURES[combination])
    element = SINGLETS.get(combination, combination)
    if element not in ("S", "V", *TRIPLETS, *VALENCES):
        return None
    coefficients = {flavour: _coefficient(element, flavour) for flavour in FLAVOURS}
    return {flavour: value for flavour, value in coefficients.items() if value}


def quark_of_ladder(quark: str, kind: Literal["T", "V"], flavours: int) -> dict[str, float]:
    """q⁺ of one of the first `flavours` quarks from S and the T, or q⁻ from V and the V3 …; other quarks are zero.

    Coefficients by the names of the basis: rows of the rotation are orthogonal, and its inverse their transpose over
    their squares.
    """
    singlet, ladder = ("V", VALENCES) if kind == "V" else ("S", TRIPLETS)
    found = {singlet: 1.0 / flavours}
    for element in ladder[: flavours - 1]:
        before = _LADDER[element[1:]]
        coefficient = _coefficient(element, quark) / (before * (before + 1))
        if coefficient:
            found[element] = coefficient
    return found


def _coefficient(element: str, flavour: str) -> float:
    if element in (*FLAVOURS, "photon") or flavour in ("g", "photon"):
        return float(element == flavour)
    quark, is_antiquark = flavour.removesuffix("bar"), flavour.endswith("bar")
    is_valence = element.startswith("V")
    sign = -1.0 if is_valence and is_antiquark else 1.0
    if element in ("S", "V"):
        return sign
    before = _LADDER[element[1:]]
    position = QUARKS.index(quark)
    return sign * (1.0 if position < before else -before if position == before else 0.0)
