"""The rotation to the evolution basis, against the definitions written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pdflang.components.flavours import EVOLUTION_BASIS, FLAVOURS, evolution_rotation

# All flavours distinct, so that no two definitions can agree by accident.
TBAR, BBAR, CBAR, SBAR, UBAR, DBAR, G, D, U, S, C, B, T = (
    0.011, 0.023, 0.041, 0.083, 0.167, 0.331, 0.659, 1.319, 2.633, 5.261, 10.529, 21.059, 42.113,
)  # fmt: skip
DENSITIES = np.array([TBAR, BBAR, CBAR, SBAR, UBAR, DBAR, G, D, U, S, C, B, T])


def test_four_flavours() -> None:
    assert EVOLUTION_BASIS == ("S", "g", "V", "V3", "V8", "V15", "T3", "T8", "T15")
    by_hand = [
        U + UBAR + D + DBAR + S + SBAR + C + CBAR + B + BBAR + T + TBAR,
        G,
        U - UBAR + D - DBAR + S - SBAR + C - CBAR + B - BBAR + T - TBAR,
        (U - UBAR) - (D - DBAR),
        (U - UBAR) + (D - DBAR) - 2 * (S - SBAR),
        (U - UBAR) + (D - DBAR) + (S - SBAR) - 3 * (C - CBAR),
        (U + UBAR) - (D + DBAR),
        (U + UBAR) + (D + DBAR) - 2 * (S + SBAR),
        (U + UBAR) + (D + DBAR) + (S + SBAR) - 3 * (C + CBAR),
    ]
    np.testing.assert_allclose(evolution_rotation() @ DENSITIES, by_hand, rtol=1e-14)


def test_five_and_six_flavours() -> None:
    light = U + UBAR + D + DBAR + S + SBAR + C + CBAR
    valence = U - UBAR + D - DBAR + S - SBAR + C - CBAR
    by_hand = [
        light - 4 * (B + BBAR),
        light + B + BBAR - 5 * (T + TBAR),
        valence - 4 * (B - BBAR),
        valence + B - BBAR - 5 * (T - TBAR),
    ]
    rotation = evolution_rotation(("T24", "T35", "V24", "V35"))
    np.testing.assert_allclose(rotation @ DENSITIES, by_hand, rtol=1e-13)


def test_all_of_it_is_invertible() -> None:
    everything = (*EVOLUTION_BASIS, "T24", "T35", "V24", "V35")
    assert abs(np.linalg.det(evolution_rotation(everything))) > 1


def test_flavours_in_another_order() -> None:
    assert evolution_rotation(("T3", "g"), ("g", "dbar", "u")).tolist() == [[0, -1, 1], [1, 0, 0]]
    assert len(FLAVOURS) == 13 and FLAVOURS.index("g") == 6


def test_an_unknown_name() -> None:
    with pytest.raises(KeyError):
        evolution_rotation(("T4",))
