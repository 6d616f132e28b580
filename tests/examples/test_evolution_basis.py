"""Densities in the evolution basis and the tables of `examples/dis`, which act on it: two rotations must cancel."""

from __future__ import annotations

import numpy as np
from as_a_user import EXAMPLES

import pdflang

FOLDER = EXAMPLES / "dis"
SHAPES = {
    "Sigma": (3.0, -0.2, 4), "g": (2.0, -0.3, 5), "V": (4.0, 0.7, 3), "V3": (1.5, 0.6, 4), "V8": (3.5, 0.8, 3.5),
    "V15": (2.5, 0.5, 6), "T3": (0.9, 0.4, 4.5), "T8": (2.2, 0.1, 3.2), "T15": (2.6, -0.1, 4.2),
}  # fmt: skip


def test_each_combination_is_the_one_that_the_table_means() -> None:
    """All nine distinct, and a tenth of one of them more each time."""
    entries = ", ".join(f"{n} = k_{n}*{c}*x^({a})*(1 - x)^{b}" for n, (c, a, b) in SHAPES.items())
    params = "\n".join(f"param k_{n} ~ LogNormal(0, 1)" for n in SHAPES)
    text = f"""
        data f2 = commondata("BCDMS_NC_NOTFIXED_P_EM-F2", variant = "legacy") where Q2 > 3.49 and W2 > 12.5
        {params}
        pdfset proton(x) at Q = 1.65 {{ {entries} }}
        theory F2 = fktable("bcdms_p_f2.npz", rows = f2)
        observe f2 ~ MvNormal(proton |> F2, cov = f2.covariance)
        output predicted = proton |> F2
        output place = [f2.x, f2.Q2, f2.y]
    """
    model = pdflang.loads(text, folder=FOLDER)
    with np.load(FOLDER / "bcdms_p_f2.npz") as table:
        fk, x, kinematics = table["fk"], table["xgrid"], table["kin"]
    names = ["Sigma", "g", "V", "V3", "V8", "V15", "T3", "T8", "T15"]
    place = np.asarray(model.derived(dict.fromkeys((f"k_{n}" for n in names), 1.0))["place"])
    rows = [np.argmin(abs(kinematics / point - 1).sum(axis=1)) for point in place.T]
    for raised in (None, *names):
        factors = {n: 1.1 if n == raised else 1.0 for n in names}
        densities = np.array([factors[n] * SHAPES[n][0] * x ** SHAPES[n][1] * (1 - x) ** SHAPES[n][2] for n in names])
        expected = np.einsum("dka,ka->d", fk[rows], densities)
        predicted = model.derived({f"k_{n}": v for n, v in factors.items()})["predicted"]
        np.testing.assert_allclose(predicted, expected, rtol=1e-11, err_msg=str(raised))
