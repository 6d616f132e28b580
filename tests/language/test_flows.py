"""`ode`: states against SciPy and closed forms, derivatives against finite differences, and what is refused."""

from __future__ import annotations

import sys
from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

import pdflang
from pdflang.diagnostics import PdflangError, SourceFile
from pdflang.driver import check
from pdflang.ir.evaluate import Evaluator

pytest.importorskip("diffrax")

TIMES = np.linspace(0.5, 20, 12)
PARAMS: dict[str, Any] = {"a": 0.55, "b": 0.028, "c": 0.84, "d": 0.026, "first": np.array([30.0, 4.0])}

LOTKA_VOLTERRA = """data t[N]
data seen[N, 2]
param a ~ LogNormal(log(0.5), 0.5)
param b ~ LogNormal(log(0.03), 0.5)
param c ~ LogNormal(log(0.8), 0.5)
param d ~ LogNormal(log(0.03), 0.5)
param first[2] ~ LogNormal(log(10), 1)
func rate(t, y) = [a*y[0] - b*y[0]*y[1], -c*y[1] + d*y[0]*y[1]]
let y = ode(rate, first, t)
observe seen ~ LogNormal(log(y), 0.25)
output states = y"""


def lotka_volterra(p: dict[str, Any]) -> Any:
    def rate(t: float, y: Any) -> Any:
        return [p["a"] * y[0] - p["b"] * y[0] * y[1], -p["c"] * y[1] + p["d"] * y[0] * y[1]]

    return solve_ivp(rate, (0, 20), p["first"], "DOP853", TIMES, rtol=1e-12, atol=1e-12).y.T


SEEN = lotka_volterra(PARAMS) * np.exp(0.25 * np.random.default_rng(2).normal(size=(12, 2)))


@pytest.fixture(scope="module")
def model() -> Any:
    return pdflang.loads(LOTKA_VOLTERRA, data={"t": TIMES, "seen": SEEN})


def test_lotka_and_volterra_are_scipys(model: Any) -> None:
    expected = lotka_volterra(PARAMS)
    np.testing.assert_allclose(model.derived(PARAMS)["states"], expected, rtol=1e-8)
    log_likelihood = stats.lognorm.logpdf(SEEN, 0.25, scale=expected)
    np.testing.assert_allclose(model.log_likelihood(PARAMS)["seen"], log_likelihood, atol=1e-7)
    program = model.program
    independent = Evaluator({**PARAMS, "t": TIMES}, {"N": 12}, program.definition_nodes)
    np.testing.assert_allclose(independent(program.outputs["states"].node), expected, rtol=1e-8)
    assert not program.lints


def test_derivatives_are_those_of_finite_differences(model: Any) -> None:
    z = np.asarray(model.unconstrain(PARAMS))
    gradient = jax.jit(jax.grad(model.log_density_unconstrained))
    hessian = np.asarray(jax.hessian(model.log_density_unconstrained)(z))
    found = np.asarray(gradient(z))
    for i, step in enumerate(1e-4 * np.eye(len(z))):
        # Richardson's extrapolation of central differences.
        def slope(of: Any, step: Any = step) -> Any:
            near, far = ((np.asarray(of(z + k * step)) - np.asarray(of(z - k * step))) / (2e-4 * k) for k in (1, 2))
            return (4 * near - far) / 3

        assert found[i] == pytest.approx(float(slope(model.log_density_unconstrained)), rel=1e-5, abs=1e-4)
        np.testing.assert_allclose(hessian[i], slope(gradient), rtol=1e-4, atol=1e-2)


def test_the_density_vanishes_where_there_is_no_solution(model: Any) -> None:
    assert float(model.log_density({**PARAMS, "a": 1e6})) == -np.inf


CASES = {
    "decay from a later start": (
        "func rate(t, y) = -k*y\noutput x = ode(rate, 2, [1.5, 3, 7], start = 1)",
        lambda: 2 * np.exp(-0.7 * (np.array([1.5, 3, 7]) - 1)),
    ),
    "a state at the start itself": (
        "func rate(t, y) = -k*y\noutput x = ode(rate, k, [0, 1])", lambda: 0.7 * np.exp(-0.7 * np.array([0, 1])),
    ),
    "a force that follows time and data": (
        "data w\nfunc rate(t, y) = [y[1], -w^2*y[0] + k]\noutput x = ode(rate, [1, 0], [1, 2])[:, 0]",
        lambda: 0.7 / 4 + (1 - 0.7 / 4) * np.cos(2 * np.array([1, 2])),
    ),
    "a force that is interpolated": (
        "const at = [0, 1, 4]\nconst f = [0, 1, 1]\nfunc rate(t, y) = k*interp(t, at, f)\n"
        "output x = ode(rate, 0, [1, 3])",
        lambda: 0.7 * np.array([0.5, 2.5]),
    ),
    "an array of states": (
        "data s[M]\nfunc rate(t, y) = -k*s*y\noutput x = ode(rate, s, [1, 2])",
        lambda: np.array([1.0, 2, 3]) * np.exp(-0.7 * np.outer([1, 2], [1, 2, 3])),
    ),
    "stiff": (
        "func rate(t, y) = -1e4*(y - cos(t)) - k*sin(t)/k\noutput x = ode(rate, 1, [1, 5], stiff = true)",
        lambda: np.cos([1, 5]),
    ),
    "of data alone": (
        "data w\nfunc rate(t, y) = -w*y\noutput x = k*ode(rate, 1, [1, 2])",
        lambda: 0.7 * np.exp(-2 * np.array([1, 2])),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_solutions_are_closed_forms(name: str) -> None:
    text, expected = CASES[name]
    data = {key: value for key, value in {"w": 2.0, "s": np.array([1.0, 2, 3])}.items() if f"data {key}" in text}
    found = pdflang.loads("param k ~ HalfNormal(1)\n" + text, data=data).derived({"k": 0.7})["x"]
    np.testing.assert_allclose(found, expected(), rtol=1e-8, atol=1e-9)


_RATE = "data t[N]\nparam k ~ HalfNormal(1)\nfunc rate(t, y) = -k*y\n"
REFUSED = {
    "a rate without time": ("func f(y) = -y\nlet x = ode(f, 1, t)", "E301"),
    "a number as its rate": ("let x = ode(k, 1, t)", "E301"),
    "no times": ("let x = ode(rate, 1)", "E303"),
    "one time": ("let x = ode(rate, 1, 3)", "E304"),
    "times that fall": ("let x = ode(rate, 1, [2, 1])", "E408"),
    "no time": ("let x = ode(rate, 1, 0 for i in 0)", "E408"),
    "times before the start": ("let x = ode(rate, 1, [2, 3], start = 2.5)", "E408"),
    "times that read parameters": ("let x = ode(rate, 1, [k])", "E403"),
    "a rate of another shape": ("let x = ode(rate, [1, 2], t) + ode(f, 1, t)\nfunc f(t, y) = [y, y]", "E302"),
    "stiff as a number": ("let x = ode(rate, 1, t, stiff = 2)", "E301"),
    "one for each of a set": ("let x[i in 3] = ode(rate, i, [1, 2])[0]", "E308"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(name: str) -> None:
    text, code = REFUSED[name]
    with pytest.raises(PdflangError) as refused:
        check(SourceFile("<text>", _RATE + text), given=["t"])
    assert refused.value.diagnostics[0].code == code


@pytest.mark.parametrize("name", ["solve_ivp", "odeint", "ode_rk45"])
def test_names_from_elsewhere_lead_here(name: str) -> None:
    with pytest.raises(PdflangError, match=r"`ode\(rate, initial, times\)`"):
        check(SourceFile("<text>", _RATE + f"let x = {name}(rate, 1, t)"), given=["t"])


def test_times_of_data_are_looked_at_when_they_are_bound() -> None:
    text = _RATE + "output x = ode(rate, 1, t)"
    for times, said in (([2.0, 1.0], "must increase"), ([-1.0, 1.0], "lies 1 before its start")):
        with pytest.raises(PdflangError, match=said):
            pdflang.loads(text, data={"t": np.array(times)})


def test_without_the_solver_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    # What Python itself does for a module that is not there.
    monkeypatch.setitem(sys.modules, "diffrax", None)
    with pytest.raises(PdflangError, match=r"pip install \"pdflang\[ode\]\"") as refused:
        check(SourceFile("<text>", _RATE + "output x = ode(rate, 1, t)"), given=["t"])
    assert refused.value.diagnostics[0].code == "E308"


def test_no_times_are_no_states() -> None:
    text = "param k ~ Normal(1, 0.1)\nfunc rate(t, y) = -k*y\ndata t[N]\ndata y[N]\n"
    model = pdflang.loads(text + "observe y ~ Normal(ode(rate, 1, t), 0.1)", data={"t": [], "y": []})
    assert model.log_density({"k": 1.0}) == pytest.approx(stats.norm(1, 0.1).logpdf(1))


@pytest.mark.parametrize("stated", ["output x = k*sum(ode(rate, 1, t))", "param h[N] ~ Normal(k, ode(rate, 1, t))"])
def test_no_times_are_no_states_before_anything_is_compiled_either(stated: str) -> None:
    text = f"data t[N]\nparam k ~ HalfNormal(1)\nfunc rate(s, y) = -y\n{stated}"
    model = pdflang.loads(text, data={"t": []})
    at = {name: np.ones(np.shape(value)) for name, value in model.draw_prior(1).items()}
    assert float(model.log_density(at)) == pytest.approx(stats.halfnorm.logpdf(1))
    assert float(sum(model.derived(at).values())) == 0


def test_the_first_of_no_times_is_told() -> None:
    with pytest.raises(PdflangError, match="0 lies beyond the end of an axis of N"):
        pdflang.loads(_RATE + "output x = sum(ode(rate, 1, t, start = t[0]))", data={"t": []})
