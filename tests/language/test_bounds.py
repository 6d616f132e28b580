"""Supports whose ends follow parameters and data: densities, coordinates, draws, and what is proved of them."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats

import pdflang
from pdflang.diagnostics import PdflangError, SourceFile
from pdflang.driver import check
from pdflang.passes.prior import prior_draws

TEXT = """data y[N]
data top
param beta ~ Flat() in (0, 1 - alpha)
param alpha ~ Uniform(0, 1)
param low[3] ~ Normal(0, 1)
param high[i in 3] ~ Normal(0, 2) in (low[i], inf)
param t ~ Normal(0, 1) in (low[0], top + exp(low[0]))
param u[3] ~ Uniform(low, high)
param g ~ Gamma(2, 1) in (alpha - 0.5, inf)
param s ~ Normal(0, 1) in (-inf, min(low))
observe y ~ Normal(beta + t + sum(u) + g*s, alpha) in (-10 - alpha, inf)"""

DATA = {"y": np.array([0.1, 0.5]), "top": 4.0}
PARAMS: dict[str, Any] = {
    "alpha": 0.6, "beta": 0.3, "low": np.array([-0.5, 0.2, 0.1]), "high": np.array([0.7, 0.4, 2.0]), "t": 1.1,
    "u": np.array([0.6, 0.3, 1.0]), "g": 0.9, "s": -0.7,
}  # fmt: skip


def truncated(frozen: Any, y: Any, low: Any = -np.inf, high: Any = np.inf) -> Any:
    return np.sum(frozen.logpdf(y) - np.log(frozen.cdf(high) - frozen.cdf(low)))


def expected(p: dict[str, Any], d: dict[str, Any]) -> float:
    total = np.sum(stats.norm.logpdf(p["low"])) + truncated(stats.norm(0, 2), p["high"], p["low"])
    total += truncated(stats.norm(), p["t"], p["low"][0], d["top"] + np.exp(p["low"][0]))
    total -= np.sum(np.log(p["high"] - p["low"]))
    total += truncated(stats.gamma(2), p["g"], p["alpha"] - 0.5) + truncated(stats.norm(), p["s"], high=min(p["low"]))
    mean = p["beta"] + p["t"] + np.sum(p["u"]) + p["g"] * p["s"]
    return total + truncated(stats.norm(mean, p["alpha"]), d["y"], -10 - p["alpha"])


@pytest.fixture(scope="module")
def model() -> Any:
    return pdflang.loads(TEXT, data=DATA)


def test_the_density_is_normalised_between_the_bounds(model: Any) -> None:
    assert float(model.log_density(PARAMS)) == pytest.approx(expected(PARAMS, DATA), rel=1e-12)
    other = {**DATA, "top": 5.0}
    assert float(model.rebind(other).log_density(PARAMS)) == pytest.approx(expected(PARAMS, other), rel=1e-12)


OUTSIDE = [
    ("beta", 0.5), ("t", -0.6), ("t", 6.0), ("g", 0.05), ("s", 0.0),
    ("high", np.array([0.7, 0.1, 2.0])), ("u", np.array([0.8, 0.3, 1.0])),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), OUTSIDE)
def test_the_density_vanishes_outside(model: Any, name: str, value: Any) -> None:
    assert float(model.log_density({**PARAMS, name: value})) == -np.inf


def test_coordinates_go_both_ways_and_have_the_jacobian_of_automatic_differentiation(model: Any) -> None:
    z = model.unconstrain(PARAMS)
    again = model.constrain(z)
    for name, value in PARAMS.items():
        np.testing.assert_allclose(again[name], value, rtol=1e-12)
    names = list(model.program.parameters)

    def flat(z: Any) -> Any:
        found = model.constrain(z)
        return jax.numpy.concatenate([jax.numpy.ravel(found[name]) for name in names])

    for place in (z, np.linspace(-1.5, 2, model.dimension)):
        _, log_det = np.linalg.slogdet(jax.jacfwd(flat)(place))
        log_density = float(model.log_density(model.constrain(place)))
        assert float(model.log_density_unconstrained(place)) == pytest.approx(log_density + log_det, rel=1e-10)
        gradient = jax.grad(model.log_density_unconstrained)(place)
        for i in range(model.dimension):
            step = 1e-5 * np.eye(model.dimension)[i]
            ahead, behind = (float(model.log_density_unconstrained(place + sign * step)) for sign in (1, -1))
            assert float(gradient[i]) == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-6)


def test_draws_of_the_prior_lie_between_the_bounds_and_have_its_moments() -> None:
    text = "param a ~ Uniform(0, 1)\nparam b ~ Normal(0, 1) in (a, a + 1)\nparam c[2] ~ Uniform(0, b)\noutput d = b"
    model = pdflang.loads(text)
    compiled = [model.draw_prior(seed) for seed in range(400)]
    for draws in (compiled, prior_draws(model.bound, 400)):
        a, b, c = (np.array([np.asarray(draw[name]) for draw in draws]) for name in "abc")
        assert np.all((a < b) & (b < a + 1)) and np.all((c > 0) & (c < b[:, None]))
        # Probability integral transforms of each draw, given those before it, are uniform.
        share = (stats.norm.cdf(b) - stats.norm.cdf(a)) / (stats.norm.cdf(a + 1) - stats.norm.cdf(a))
        for uniform in (a, share, (c / b[:, None]).ravel()):
            assert stats.kstest(uniform, "uniform").pvalue > 1e-3


def test_sampling_an_ordered_pair_gives_its_expectations() -> None:
    """Flat on a < b in the unit square: E a = 1/3, E b = 2/3, and the corner is no trouble."""
    text = "param a ~ Flat() in (0, b)\nparam b ~ Flat() in (0, 1)\ndata y\nobserve y ~ Normal(0*a, 1)"
    posterior = pdflang.loads(text, data={"y": 0.0}).sample(seed=3)["posterior"]
    for name, mean in (("a", 1 / 3), ("b", 2 / 3)):
        draws = posterior[name].to_numpy()
        assert draws.mean() == pytest.approx(mean, abs=5 * np.sqrt(1 / 18 / 1500))
    assert float((posterior["a"] < posterior["b"]).mean()) == 1


def codes(text: str) -> list[str]:
    try:
        return [lint.code for lint in check(SourceFile("<text>", text)).lints if lint.code != "L404"]
    except PdflangError as failure:
        return [diagnostic.code for diagnostic in failure.diagnostics]


_READ = """param a ~ Normal(0, 1)
param b ~ Normal(0, 1)
param s ~ HalfNormal(1)
param v[2]: ordered ~ Normal(0, 1)
let next = a + 1
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("param a ~ Uniform(0, 1)\nparam b ~ Uniform(0, 1 - a)\noutput x = log(1 - b)", []),
        ("param a ~ Uniform(0, 1)\nparam b ~ Normal(0, 1) in (a - 2, a)", []),
        ("param a ~ Uniform(0, 1)\nparam b ~ Normal(0, 1) in (-a, a)", []),
        ("param a ~ Normal(0, 1)\nparam b ~ Normal(0, 1)\nparam c ~ Normal(0, 1) in (a, b)", ["E401"]),
        ("param a ~ Normal(0, 1) in (2, 3)\nparam b ~ Beta(1, 1) in (a, 5)", ["E406"]),
        ("param a ~ Normal(0, 1) in (b, inf)\nparam b ~ Normal(0, 1) in (-inf, a)", ["E203"]),
        ("param a ~ Normal(0, 1) in (a, inf)", ["E203"]),
        ("param a ~ Normal(0, 1) in (A, inf)\nsolve A where A*2 == a", ["E203"]),
        # No counterexample is taken from where b cannot be.
        ("param a ~ Uniform(0, 1)\nparam b ~ Uniform(0, 1 - a)\nparam c ~ Normal(0, 1.01 - a - b)", ["L401"]),
        ("param a ~ Uniform(0, 1)\nparam b ~ Uniform(0, 1 - a)\nparam c ~ Normal(0, 0.9 - a - b)", ["E401"]),
        # The ends of a Uniform as the bounds of a truncation: what both read is taken out of their difference.
        *(
            (f"{_READ}param c ~ {kind.format(ends)}\noutput d = s*b*c", found)
            for kind in ("Uniform({})", "Normal(0, 1) in ({})")
            for ends, found in [
                ("a, a + 1", []), ("a - s, a", []), ("exp(a), 1 + exp(a)", []), ("a*b, a*b + s", []), ("a, next", []),
                ("v[0], v[0] + 1", []), ("a, a - 1", ["E401"]), ("a, a", ["E401"]), ("next, a", ["E401"]),
                ("a, b", ["E401"]), ("a, 2*a", ["E401"]), ("v[0], v[1]", ["L401"]), ("v[1], v[0]", ["E401"]),
            ]
        ),
        ("param a[3] ~ Normal(0, 1)\nparam b[3] ~ Uniform(a, a + 1)", []),
        ("param a[3] ~ Normal(0, 1)\nparam b[i in 3] ~ Uniform(a[i], a[i] - 1)", ["E401"]),
        ("const e = [1, 2, 4]\nparam a[i in 2] ~ Uniform(e[i], e[i + 1])", []),
        ("const e = [1, 2, 4]\nparam a[i in 2] ~ Uniform(e[i + 1], e[i])", ["E401"]),
        ("param a ~ Uniform(2, 1)", ["E406"]),
        ("param w ~ Beta(1, 1)\nparam a ~ Mixture([w, 1 - w], [Normal(0, 1) in (w, inf), Normal(0, 1)])", ["E308"]),
    ],
)
def test_what_is_proved_and_refuted_of_bounds(text: str, found: list[str]) -> None:
    assert codes(text) == found


@pytest.mark.parametrize("drawn", ["Uniform(low[i], high[i])", "Normal(0, 1) in (low[i], high[i])"])
def test_bounds_of_data_are_looked_at_when_they_are_bound(drawn: str) -> None:
    text = f"data low[N]\ndata high[N]\nparam a[i in N] ~ {drawn}"
    low = np.array([0.0, 1.0])
    assert float(pdflang.loads(text, data={"low": low, "high": low + 1}).log_density({"a": low + 0.5})) > -np.inf
    with pytest.raises(PdflangError, match="but row 2 of the data given is -1") as refused:
        pdflang.loads(text, data={"low": low, "high": low[::-1]})
    assert [diagnostic.code for diagnostic in refused.value.diagnostics] == ["E509"]


def test_the_order_of_declarations_does_not_matter() -> None:
    forward = "param a ~ Uniform(0, 1)\nparam b ~ Uniform(0, A)\nsolve A where A*2 == a\noutput x = a + b"
    backward = "\n".join(reversed(forward.splitlines()))
    at = {"a": 0.8, "b": 0.3}
    assert float(pdflang.loads(forward).log_density(at)) == pytest.approx(-np.log(0.4), rel=1e-12)
    assert float(pdflang.loads(backward).log_density(at)) == pytest.approx(-np.log(0.4), rel=1e-12)
    assert list(pdflang.loads(backward).program.parameters) == ["a", "b"]


@pytest.mark.slow
def test_a_model_of_moving_bounds_and_a_recurrence_is_calibrated() -> None:
    """Draws of the prior, data drawn at them and the posterior agree: supports and simulator have one meaning."""
    text = """data y[6]
    param a ~ Uniform(0, 10)
    param b ~ Uniform(a, 10)
    param c ~ Normal(3, 2) in (a - 2, b + 1)
    param phi ~ Uniform(0, 0.9)
    func step(s, e) = phi*s + e
    let s = concat([0], scan(step, 0, y[0:5]))
    observe y[t in 6] ~ Normal(s[t] + a + 0.5*b - c, 1)"""
    found = pdflang.loads(text, data={"y": np.zeros(6)}).calibrate(fits=100, seed=1)
    assert found.uniform and not found.failures
    for quantity in found.quantities:
        assert quantity.width.width == pytest.approx(1, abs=4 * quantity.width.width_error), quantity.name
        assert quantity.width.bias == pytest.approx(0, abs=4 * quantity.width.bias_error), quantity.name
