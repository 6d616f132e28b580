"""What is said of draws of the prior before there are data, against SciPy and against the compiled model."""

from __future__ import annotations

import re

import jax
import numpy as np
import pytest
from scipy import stats

import pdflang
from pdflang import driver
from pdflang.components import library
from pdflang.diagnostics import SourceFile
from pdflang.ir.evaluate import resolve
from pdflang.passes.chances import _SAMPLERS, Chances, Unknown

ARGUMENTS = {
    "Normal": (0.5, 2), "LogNormal": (0.2, 0.5), "HalfNormal": (1.5,), "StudentT": (4, 1, 2), "Cauchy": (1, 2),
    "HalfCauchy": (2,), "Laplace": (1, 2), "Logistic": (1, 2), "Exponential": (3,), "Gamma": (2, 3),
    "InverseGamma": (3, 2), "Weibull": (2, 3), "Beta": (2, 3), "Uniform": (-1, 3),
}  # fmt: skip


def chances(text: str, count: int = 4000) -> Chances:
    return Chances(driver.check(SourceFile("model.pdfm", text)), count)


def test_every_sampler_has_a_case() -> None:
    assert set(ARGUMENTS) == set(_SAMPLERS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_draws_are_those_of_the_distribution(name: str) -> None:
    said = ", ".join(map(str, ARGUMENTS[name]))
    frozen = resolve(library[name].reference)(*ARGUMENTS[name])
    lower, upper = float(frozen.ppf(0.3)), float(frozen.ppf(0.9))
    found = chances(f"param a ~ {name}({said})\nparam b[2] ~ {name}({said}) in ({lower!r}, {upper!r})")
    assert stats.kstest(found.drawn("a"), frozen.cdf).pvalue > 1e-3
    inside = found.drawn("b")
    assert inside.shape == (2, 4000)
    for row in inside:
        assert stats.kstest(row, lambda x: (frozen.cdf(x) - 0.3) / 0.6).pvalue > 1e-3


def test_draws_follow_parameters_before_them() -> None:
    found = chances("param a ~ Normal(3, 0.5)\nparam b ~ Normal(2*a, 0.1)\nparam c ~ Uniform(a, a + 1)")
    away = found.drawn("b") - 2 * found.drawn("a")
    assert stats.kstest(away, stats.norm(0, 0.1).cdf).pvalue > 1e-3
    assert stats.kstest(found.drawn("c") - found.drawn("a"), stats.uniform.cdf).pvalue > 1e-3


def test_what_needs_data_is_not_known() -> None:
    found = chances("data y\nparam a ~ Normal(y, 1)\nparam b ~ Flat()\nparam c[N] ~ Normal(0, 1)\ndata z[N]")
    for name in "abc":
        with pytest.raises(Unknown):
            found.drawn(name)


PDFSET = """
    param c[3] ~ Normal(0, 0.5)
    param a ~ Normal(0.7, 0.1) in (0.1, inf)
    param d ~ Normal(0, 1)
    pdfset p(x) at Q = 2 {
        Sigma = 3*x^(-0.2)*(1 - x)^4, g = 0.1, V = A_V*x^a*(1 - x)^3, V3 = A_3*x^0.6*(1 - x)^4,
        T3 = 0.3*x^0.5*(1 - x)^5*(1 + sum(c[i]*(2*x - 1)^i for i in range(3))),
        T8 = (if d > 1 then 2 else 1.2)*x^(-0.1)*(1 - x)^6
    }
    solve A_V where integral(p.uv(x)/x for x in (0, 1)) == 2
    solve A_3 where integral(p.dv(x)/x for x in (0, 1)) == 1
"""


def test_densities_at_all_draws_are_those_of_the_compiled_model() -> None:
    found = chances(PDFSET, 50)
    program = driver.check(SourceFile("model.pdfm", PDFSET))
    from pdflang.ir.program import MOMENTUM_FRACTION

    flavours = [name for name in program.pdfsets["p"].flavours if name != "g"]
    model = pdflang.loads(PDFSET + "\n".join(f"output {name}_ = p.{name}(0.2)" for name in flavours))
    draws = {name: np.moveaxis(found.drawn(name), -1, 0) for name in "cad"}
    derived = jax.vmap(model.derived)(draws)
    for name in flavours:
        density = program.pdfsets["p"].densities[name].node
        (values,) = found.values(density, loops={MOMENTUM_FRACTION.loop: 0.2})
        np.testing.assert_allclose(values, derived[f"{name}_"], rtol=1e-4, atol=1e-4)


SEA = "param d ~ Normal(0.5, 1){}\n{}pdfset p(x) at Q = 2 {{ g = -x, ubar = x^(-0.2)*(1 - x)^7*(1 + d*x), u = 1 }}"


def lints(text: str) -> list[pdflang.diagnostics.Diagnostic]:
    return [lint for lint in driver.check(SourceFile("model.pdfm", text)).lints if lint.code == "L415"]


def test_the_share_of_draws_with_a_negative_sea() -> None:
    (remark,) = lints(SEA.format("", ""))
    found = re.search(r"`ubar` of `p` is negative at ([\d.]+)%", remark.message)
    assert found is not None
    expected = stats.norm(0.5, 1).cdf(-1 / 0.7)
    assert float(found[1]) / 100 == pytest.approx(expected, abs=3 * np.sqrt(expected / 256))
    assert "where d = -" in remark.notes[0] and "restrict `d`" in (remark.remedy or "")


def test_nothing_is_said_where_the_prior_keeps_it_positive_or_a_factor_may() -> None:
    assert lints(SEA.format(" in (-1, inf)", "")) == []
    assert lints(SEA.format("", "factor f = -d^2\n")) == []


def test_what_diverges_in_no_draw_is_not_told() -> None:
    text = "param a ~ Normal({}, 1)\noutput m = integral(x^a for x in (0, 1))"
    codes = [[lint.code for lint in driver.check(SourceFile("model.pdfm", text.format(m))).lints] for m in (1, 6)]
    assert ("L405" in codes[0], "L405" in codes[1]) == (True, False)
