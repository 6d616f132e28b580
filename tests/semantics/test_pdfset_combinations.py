"""Linear combinations of pdfsets, isospin partners and antiparticles, flavour by flavour."""

from __future__ import annotations

import numpy as np
import pytest

import pdflang

MODEL = """
    param a ~ Normal(0.8, 0.1) in (0, inf)
    factor f = -a^2
    pdfset proton(x) at Q = 1.65 {
        g = 2*(1 - x)^5, u = 5*x^a*(1 - x)^3, ubar = 0.3*(1 - x)^7, d = 3*x^a*(1 - x)^4, dbar = 0.4*(1 - x)^6,
        s = 0.2*(1 - x)^8
    }
"""
X = np.array([0.1, 0.3])
U, UBAR, D, DBAR = 5 * X**0.8 * (1 - X) ** 3, 0.3 * (1 - X) ** 7, 3 * X**0.8 * (1 - X) ** 4, 0.4 * (1 - X) ** 6
G, S = 2 * (1 - X) ** 5, 0.2 * (1 - X) ** 8


def values(definition: str, *flavours: str) -> list[np.ndarray]:
    outputs = "".join(f"\n    output out_{f} = made.{f}(x) for x in [0.1, 0.3]" for f in flavours)
    found = pdflang.loads(f"{MODEL}    pdfset made = {definition}{outputs}\n").derived({"a": 0.8})
    return [np.asarray(found[f"out_{f}"]) for f in flavours]


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("isospin(proton)", {"u": D, "d": U, "ubar": DBAR, "dbar": UBAR, "s": S, "g": G}),
        ("anti(proton)", {"u": UBAR, "ubar": U, "d": DBAR, "sbar": S, "g": G}),
        ("0.5*(proton + isospin(proton))", {"u": (U + D) / 2, "d": (U + D) / 2, "g": G}),
        ("(proton - anti(proton))/2", {"u": (U - UBAR) / 2, "s": S / 2, "sbar": -S / 2, "g": 0 * G}),
        ("-a*proton", {"u": -0.8 * U, "g": -0.8 * G}),
        ("proton", {"u": U}),
        ("(82*proton + 125*isospin(proton))/207", {"u": (82 * U + 125 * D) / 207}),
    ],
)
def test_flavour_by_flavour(definition: str, expected: dict[str, np.ndarray]) -> None:
    for found, wanted in zip(values(definition, *expected), expected.values(), strict=True):
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("proton*proton", "`*` does not take a pdfset and a pdfset"),
        ("proton + 1", "`+` does not take a pdfset and a whole number"),
        ("2/proton", "`/` does not take a whole number and a pdfset"),
        ("proton^2", "does not take a pdfset"),
        ("isospin(a)", "isospin takes a pdfset, but this is a number"),
        ("proton at Q = 2", "this pdfset is at 1.65 GeV, not at 2 GeV"),
        ('lhapdf("set")', "has densities at all scales"),
        ('proton + lhapdf("set")', "does not take a pdfset and an LHAPDF set without a scale"),
    ],
)
def test_what_is_no_combination(definition: str, said: str) -> None:
    with pytest.raises(pdflang.PdflangError) as caught:
        pdflang.loads(f"{MODEL}    pdfset made = {definition}\n    output out = made.u(0.1)\n")
    assert said in " ".join(str(caught.value).split())


def test_pdfsets_at_different_scales_are_not_added() -> None:
    other = "    pdfset other(y) at Q = 2 { g = 1 - y }\n    pdfset sum = proton + other\n"
    with pytest.raises(pdflang.PdflangError, match=r"one pdfset is at 1\.65 GeV, the other at 2 GeV"):
        pdflang.loads(MODEL + other)


def test_variables_may_have_other_names() -> None:
    other = "    pdfset other(y) at Q = 1.65 { g = 1 - y, c = y }\n    pdfset sum = proton + other\n"
    found = pdflang.loads(MODEL + other + "    output g = sum.g(0.1)\n    output c = sum.c(0.1)\n").derived({"a": 0.8})
    assert float(found["g"]) == pytest.approx(2 * 0.9**5 + 0.9) and float(found["c"]) == pytest.approx(0.1)
