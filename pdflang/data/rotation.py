"""From parton flavours to the evolution basis.

With q± = q ± q̄ and the quarks in the order u, d, s, c, b, t: S = Σ q⁺ and V = Σ q⁻; T3, T8, T15, T24, T35
are the sum of q⁺ over the first 1, 2, 3, 4, 5 quarks minus that number times the next one, and V3 … V35 the
same of q⁻ (NNPDF, Eur. Phys. J. C 82 (2022) 428, arXiv:2109.02653).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pdflang.ir.program import PARTONS

if TYPE_CHECKING:
    import numpy as np

FLAVOURS = tuple(PARTONS)
"""Names of the partons by their PDG numbers, from −6 to 6 with the gluon at 0."""

EVOLUTION_BASIS = ("S", "g", "V", "V3", "V8", "V15", "T3", "T8", "T15")
"""The combinations that evolve by themselves with four flavours, in the order that our FK tables have."""

BASES = ((*EVOLUTION_BASIS, "T24", "V24", "T35", "V35", "photon"), (*FLAVOURS, "photon"))
"""What the densities may be called that a table acts on: combinations, or partons."""

_QUARKS = ("u", "d", "s", "c", "b", "t")
_LADDER = {"3": 1, "8": 2, "15": 3, "24": 4, "35": 5}


def evolution_rotation(
    basis: Sequence[str] = EVOLUTION_BASIS, flavours: Sequence[str] = FLAVOURS
) -> np.ndarray:
    """The matrix (basis, flavours) that takes densities by flavour to densities of the basis.

    `basis` may hold S, g, V and T3, V3 … T35, V35, and partons themselves; KeyError for another name.
    """
    import numpy as np

    return np.array([[_coefficient(element, flavour) for flavour in flavours] for element in basis])


def _coefficient(element: str, flavour: str) -> float:
    if element in (*FLAVOURS, "photon") or flavour in ("g", "photon"):
        return float(element == flavour)
    quark, is_antiquark = flavour.removesuffix("bar"), flavour.endswith("bar")
    is_valence = element.startswith("V")
    sign = -1.0 if is_valence and is_antiquark else 1.0
    if element in ("S", "V"):
        return sign
    before = _LADDER[element[1:]]
    position = _QUARKS.index(quark)
    return sign * (1.0 if position < before else -before if position == before else 0.0)
