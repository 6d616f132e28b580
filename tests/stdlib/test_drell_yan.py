"""`std.drell_yan` against its closed form, differentially and for all rapidities."""

import numpy as np
import pytest
from scipy.integrate import quad

import pdflang

MODEL = """
    use std.drell_yan as dy
    param a ~ Normal(0.7, 0.1) in (0, 2)
    pdfset proton(x) at Q = 20 {
        g = 2*x^(-0.2)*(1 - x)^5, u = 5*x^a*(1 - x)^3, ubar = 0.3*x^(-0.1)*(1 - x)^7, d = 3*x^0.8*(1 - x)^4,
        dbar = 0.4*x^(-0.1)*(1 - x)^6, s = 0.2*(1 - x)^8, sbar = 0.1*(1 - x)^9, c = 0.05*(1 - x)^9
    }
    data M[N]
    data y[N]
    output pp[i in N] = dy.lo(proton, proton, M[i], y[i], 38.8, 1/137)
    output ppbar[i in N] = dy.lo(proton, anti(proton), M[i], y[i], 38.8, 1/137)
    output all = integral(dy.lo(proton, proton, 8, r, 38.8, 1/137) for r in (-log(38.8/8), log(38.8/8)))
"""


def densities(x, a):
    return {
        "u": 5 * x**a * (1 - x) ** 3, "ubar": 0.3 * x**-0.1 * (1 - x) ** 7, "d": 3 * x**0.8 * (1 - x) ** 4,
        "dbar": 0.4 * x**-0.1 * (1 - x) ** 6, "s": 0.2 * (1 - x) ** 8, "sbar": 0.1 * (1 - x) ** 9,
        "c": 0.05 * (1 - x) ** 9, "cbar": 0.0,
    }  # fmt: skip


def by_hand(mass, rapidity, a, other_is_anti=False):
    one, two = (densities(mass / 38.8 * np.exp(sign * rapidity), a) for sign in (1, -1))
    if other_is_anti:
        two = {q.removesuffix("bar") if q.endswith("bar") else f"{q}bar": value for q, value in two.items()}
    charges = {"u": 4 / 9, "d": 1 / 9, "s": 1 / 9, "c": 4 / 9}
    total = sum(e * (one[q] * two[f"{q}bar"] + one[f"{q}bar"] * two[q]) for q, e in charges.items())
    return 4 * np.pi / 137**2 / (9 * mass**4) * 3.893793721e8 * total


def test_cross_section():
    mass, rapidity = np.array([5.0, 8.0, 12.0, 20.0, 20.0]), np.array([0.0, 0.7, -1.1, 0.3, 1.0])
    found = pdflang.loads(MODEL, data={"M": mass, "y": rapidity}).derived({"a": 0.6})
    wanted = [by_hand(m, y, 0.6) for m, y in zip(mass[:-1], rapidity[:-1], strict=True)]
    assert np.asarray(found["pp"]) == pytest.approx([*wanted, 0.0], rel=1e-12)  # the last has no energy for it
    of_anti = [by_hand(m, y, 0.6, other_is_anti=True) for m, y in zip(mass[:-1], rapidity[:-1], strict=True)]
    assert np.asarray(found["ppbar"]) == pytest.approx([*of_anti, 0.0], rel=1e-12)
    end = np.log(38.8 / 8)
    whole = quad(lambda y: by_hand(8.0, y, 0.6), -end, end, epsrel=1e-12)[0]
    assert float(found["all"]) == pytest.approx(whole, rel=1e-8)


def test_the_rapidity_of_what_collides_with_itself_is_symmetric():
    model = pdflang.loads(MODEL, data={"M": [6.0, 6.0], "y": [0.8, -0.8]})
    forward, backward = np.asarray(model.derived({"a": 0.9})["pp"])
    assert forward == pytest.approx(backward, rel=1e-12)
