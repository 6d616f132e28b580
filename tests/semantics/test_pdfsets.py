"""Pdfsets by partons and by combinations of them: all flavours distinct, against formulas by hand."""

from __future__ import annotations

import numpy as np
import pytest

import pdflang
from pdflang.components.flavours import QUARKS, TRIPLETS, VALENCES, evolution_rotation, quark_of_ladder
from pdflang.ir import program as ir
from pdflang.partons.densities import declared_pdfset, densities_of

X = 0.3
PARTONS = {
    "g": 0.659, "u": 2.633, "ubar": 0.167, "d": 1.319, "dbar": 0.331, "s": 5.261, "sbar": 0.083, "c": 10.529,
    "cbar": 0.041,
}  # fmt: skip
"""What the densities are at X; elsewhere they follow powers of their own."""

U, D, S, C = (PARTONS[q] + PARTONS[f"{q}bar"] for q in "udsc")
U_, D_, S_, C_ = (PARTONS[q] - PARTONS[f"{q}bar"] for q in "udsc")
COMBINATIONS = {
    "Sigma": U + D + S + C, "V": U_ + D_ + S_ + C_, "V3": U_ - D_, "V8": U_ + D_ - 2 * S_,
    "V15": U_ + D_ + S_ - 3 * C_, "T3": U - D, "T8": U + D - 2 * S, "T15": U + D + S - 3 * C, "uv": U_, "dv": D_,
}  # fmt: skip


def entries(values: dict[str, float]) -> str:
    """Each density a power of x of its own, so that nothing is what it is because shapes are alike."""
    return ", ".join(f"{name} = {value!r}*(x/{X})^{0.1 * k + 0.5}" for k, (name, value) in enumerate(values.items()))


def read(written: dict[str, float], names: list[str], exchange: str = "") -> dict[str, float]:
    outputs = "\n".join(f"output {name}_ = q.{name}({X})" for name in names)
    text = f"param k ~ Normal(0, 1)\npdfset p(x) at Q = 2 {{ {entries(written)} }}\npdfset q = {exchange}(p)\n{outputs}"
    found = pdflang.loads(text).derived({"k": 0.0})
    return {name: float(found[f"{name}_"]) for name in names}


def test_combinations_of_partons() -> None:
    assert read(PARTONS, list(COMBINATIONS)) == pytest.approx(COMBINATIONS, rel=1e-13)


def test_partons_of_combinations() -> None:
    written = {name: value for name, value in COMBINATIONS.items() if name not in ("uv", "dv")}
    names = [*PARTONS, *COMBINATIONS]
    assert read({"g": PARTONS["g"], **written}, names) == pytest.approx({**PARTONS, **COMBINATIONS}, rel=1e-12)


def test_what_is_not_written_of_the_evolution_basis() -> None:
    """No charm without T15, and a quark like its antiquark without its V."""
    written = {"g": 0.6, "Sigma": 7.0, "T3": 1.0, "T8": 2.5, "V": 3.5, "V3": 1.5}
    found = read(written, ["u", "ubar", "d", "dbar", "s", "sbar", "V8", "V15", "T15", "T24"])
    light, strange = (2 * 7.0 + 2.5) / 3, (7.0 - 2.5) / 3
    up, down = (light + 1) / 2, (light - 1) / 2
    assert found == pytest.approx(
        {
            "u": (up + 2.5) / 2, "ubar": (up - 2.5) / 2, "d": (down + 1) / 2, "dbar": (down - 1) / 2,
            "s": strange / 2, "sbar": strange / 2, "V8": 3.5, "V15": 3.5, "T15": 7.0, "T24": 7.0,
        },
        rel=1e-13,
    )  # fmt: skip
    assert read({"Sigma": 6.0, "T3": 0.0, "T8": 0.0}, ["u", "dbar", "s", "V"]) == pytest.approx(
        {"u": 1.0, "dbar": 1.0, "s": 1.0, "V": 0.0}
    )


def test_exchanged_partons_are_those_of_the_combinations() -> None:
    written = {name: value for name, value in COMBINATIONS.items() if name not in ("uv", "dv")}
    signs = {"T3": -1, "V3": -1}
    found = read(written, list(written), "isospin")
    assert found == pytest.approx({name: signs.get(name, 1) * value for name, value in written.items()}, rel=1e-12)
    found = read(written, list(written), "anti")
    assert found == pytest.approx({n: -v if n[0] == "V" else v for n, v in written.items()}, rel=1e-12)


@pytest.mark.parametrize("count", range(2, 7))
def test_the_inverse_of_the_rotation(count: int) -> None:
    partons = [name for quark in QUARKS[:count] for name in (quark, f"{quark}bar")]
    basis = ["S", *TRIPLETS[: count - 1], "V", *VALENCES[: count - 1]]
    inverse = np.zeros((len(partons), len(basis)))
    for row, parton in enumerate(partons):
        quark, sign = parton.removesuffix("bar"), -1 if parton.endswith("bar") else 1
        for kind, weight in (("T", 0.5), ("V", 0.5 * sign)):
            for name, value in quark_of_ladder(quark, kind, count).items():
                inverse[row, basis.index(name)] += weight * value
    np.testing.assert_allclose(inverse @ evolution_rotation(basis, partons), np.eye(2 * count), atol=1e-15)


SUM_RULES = """
    param a ~ Normal(0.7, 0.1) in (0.1, inf)
    pdfset p(x) at Q = 2 {
        Sigma = 3*x^(-0.2)*(1 - x)^4, g = A_g*x^(-a/10)*(1 - x)^5, V = A_V*x^a*(1 - x)^3, V3 = A_3*x^0.6*(1 - x)^4,
        V8 = A_8*x^0.7*(1 - x)^5, T3 = 0.3*x^0.5*(1 - x)^5, T8 = 1.2*x^(-0.1)*(1 - x)^6
    }
    solve A_V where integral(EQUATION_V for x in (0, 1)) == EQUALS_V
    solve A_3 where integral(EQUATION_3 for x in (0, 1)) == 1
    solve A_8 where integral(EQUATION_8 for x in (0, 1)) == EQUALS_8
    solve A_g where integral(p.Sigma(x) + p.g(x) for x in (0, 1)) == 1
    output A_3_ = A_3
    output A_8_ = A_8
    output momentum = integral(p.u(x) + p.ubar(x) + p.d(x) + p.dbar(x) + 2*p.s(x) + p.g(x) - (p.s(x) - p.sbar(x))
        for x in (0, 1))
"""


@pytest.mark.parametrize("by_flavour", [False, True])
def test_sum_rules_of_the_evolution_basis(by_flavour: bool) -> None:
    """Each by its own combination, or by flavour, where each equation has three constants in it."""
    from scipy.special import beta

    equations = (
        {"V": "p.uv(x)/x", "3": "p.dv(x)/x", "8": "(p.s(x) - p.sbar(x))/x"}
        if by_flavour
        else {"V": "p.V(x)/x", "3": "p.V3(x)/x", "8": "p.V8(x)/x"}
    )
    text = SUM_RULES.replace("EQUALS_V", "2" if by_flavour else "3").replace("EQUALS_8", "0" if by_flavour else "3")
    for name, equation in equations.items():
        text = text.replace(f"EQUATION_{name}", equation)
    model = pdflang.loads(text)
    assert "L405" not in {remark.code for remark in model.program.lints}  # no integral of Σ/x is left that diverges
    found = model.derived({"a": 0.8})
    assert found["A_V"] == pytest.approx(3 / beta(0.8, 4), rel=1e-12)
    assert found["A_3_"] == pytest.approx(1 / beta(0.6, 5), rel=1e-12)
    assert found["A_8_"] == pytest.approx(3 / beta(0.7, 6), rel=1e-12)
    assert found["momentum"] == pytest.approx(1, rel=1e-12)
    gluon = (1 - 3 * beta(0.8, 5)) / beta(1 - 0.08, 6)
    assert found["A_g"] == pytest.approx(gluon, rel=1e-12)


DOMAIN = "param k ~ Normal(0, 1)\npdfset p(x in (0.2, 1)) at Q = 2 { g = 1 - x, u = x - 0.1 + k/1e9 }\n"


def test_nothing_is_read_where_densities_are_not_defined() -> None:
    """Neither by the remark on negative quarks, nor by an evolution, nor by what is drawn or exported."""
    model = pdflang.loads(DOMAIN)
    assert "L415" not in {remark.code for remark in model.program.lints}
    with pytest.raises(pdflang.PdflangError, match=r"E402.*`p` has them on \(0.2, 1\)"):
        pdflang.loads(DOMAIN + "pdfset h = p |> evolve(Q = 10)\noutput o = h.g(0.5)")
    declared = declared_pdfset(model, "p")
    found = densities_of(model, declared, {"k": np.zeros(1)})(np.array([0.3, 1.0]))
    assert found[0, list(ir.PARTONS).index("g")] == pytest.approx([0.7, 0.0], abs=1e-12)
    with pytest.raises(pdflang.PdflangError, match=r"E646.*defined on \(0.2, 1\)"):
        densities_of(model, declared, {"k": np.zeros(1)})(np.array([0.1, 0.3]))


@pytest.mark.parametrize("scale", ["-2", "0", "1/0"])
def test_the_scale_is_positive(scale: str) -> None:
    with pytest.raises(pdflang.PdflangError, match=r"E401.*positive"):
        pdflang.loads(DOMAIN.replace("Q = 2", f"Q = {scale}"))
