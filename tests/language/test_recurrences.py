"""`scan`: states against loops written in Python, gradients against finite differences, and what is refused."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats

import pdflang
from pdflang.diagnostics import PdflangError, SourceFile
from pdflang.driver import check
from pdflang.ir.evaluate import Evaluator
from pdflang.semantics.ranges import range_of

RANDOM = np.random.default_rng(5)

GARCH = """data y[T]
data first
param mu ~ Normal(0, 5)
param a0 ~ HalfNormal(2)
param a1 ~ Uniform(0, 1)
param b1 ~ Uniform(0, 1)
func spread(sigma, residual) = sqrt(a0 + a1*residual^2 + b1*sigma^2)
let sigma = concat([first], scan(spread, first, y[0:T - 1] - mu))
observe y[t in T] ~ Normal(mu, sigma[t])"""


def spreads(y: Any, p: dict[str, Any], first: float) -> Any:
    sigma = [first]
    for value in y[:-1]:
        sigma.append(np.sqrt(p["a0"] + p["a1"] * (value - p["mu"]) ** 2 + p["b1"] * sigma[-1] ** 2))
    return np.array(sigma)


def test_garch_has_the_density_of_its_definition_and_simulates_by_it() -> None:
    y, first = RANDOM.normal(size=7), 0.8
    p = {"mu": 0.3, "a0": 0.5, "a1": 0.4, "b1": 0.3}
    model = pdflang.loads(GARCH, data={"y": y, "first": first})
    prior = stats.norm.logpdf(0.3, 0, 5) + stats.halfnorm.logpdf(0.5, scale=2)
    expected = prior + stats.norm.logpdf(y, 0.3, spreads(y, p, first)).sum()
    assert float(model.log_density(p)) == pytest.approx(expected, rel=1e-12)
    assert not model.program.lints
    # The standardised entries of simulated data are independent standard normal numbers.
    drawn = np.array([model.simulate(seed, p)["y"] for seed in range(150)])
    standard = (drawn - 0.3) / np.array([spreads(row, p, first) for row in drawn])
    assert stats.kstest(standard.ravel(), stats.norm.cdf).pvalue > 1e-3
    assert abs(np.corrcoef(standard[:, 3:].ravel(), standard[:, 2:-1].ravel())[0, 1]) < 4 / np.sqrt(600)


def test_the_gradient_is_that_of_finite_differences() -> None:
    model = pdflang.loads(GARCH, data={"y": RANDOM.normal(size=7), "first": 0.8})
    point = model.unconstrain({"mu": 0.3, "a0": 0.5, "a1": 0.4, "b1": 0.3})
    gradient = jax.grad(model.log_density_unconstrained)(point)
    for i, step in enumerate(1e-6 * np.eye(4)):
        ahead, behind = (float(model.log_density_unconstrained(point + sign * step)) for sign in (1, -1))
        assert float(gradient[i]) == pytest.approx((ahead - behind) / 2e-6, rel=1e-6)


DATA = {"e": RANDOM.normal(size=(6,)), "m": RANDOM.normal(size=(6, 2)), "g": RANDOM.normal(size=(3, 6))}


def steps(step: Any, state: Any, *inputs: Any) -> Any:
    states = []
    for row in zip(*inputs, strict=True):
        state = step(state, *row)
        states.append(state)
    return np.array(states)


A, B = 0.7, np.array([0.5, -0.3])
CASES: dict[str, tuple[str, Any]] = {
    "of numbers": (
        "func step(s, e) = a*s + e\noutput x = scan(step, 0, e)",
        lambda: steps(lambda s, e: A * s + e, 0, DATA["e"]),
    ),
    "of one that is named": (
        "func step(s, x, e) = a*s*x + e\noutput x = scan(step, initial = a, e = e, x = range(6))",
        lambda: steps(lambda s, x, e: A * s * x + e, A, np.arange(6), DATA["e"]),
    ),
    "of vectors": (
        "func step(s, v) = b*s + [s[1], a]*v\noutput x = scan(step, [1, 2], m)",
        lambda: steps(lambda s, v: B * s + np.array([s[1], A]) * v, np.array([1, 2]), DATA["m"]),
    ),
    "of a lag of two": (
        "func step(s, e) = [s[1], b[0]*s[0] + b[1]*s[1] + e]\nlet s = scan(step, [0, 0], e)\noutput x = s[:, 1]",
        lambda: steps(lambda s, e: np.array([s[1], B @ s + e]), np.zeros(2), DATA["e"])[:, 1],
    ),
    "of a matrix": (
        "func step(s, v) = a*s + (v[i]*v[j] for i in 2 for j in 2)\n"
        "output x = scan(step, (0*i*j for i in 2 for j in 2), m)",
        lambda: steps(lambda s, v: A * s + np.outer(v, v), np.zeros((2, 2)), DATA["m"]),
    ),
    "side by side": (
        "func step(s, e) = a*s + e\noutput x = scan(step, b[0]*i, g[i]) for i in 3",
        lambda: np.array([steps(lambda s, e: A * s + e, B[0] * i, DATA["g"][i]) for i in range(3)]),
    ),
    "of vectors side by side": (
        "func step(s, e) = b*s + e\noutput x = scan(step, [i, a], g[i]) for i in 3",
        lambda: np.array([steps(lambda s, e: B * s + e, np.array([i, A]), DATA["g"][i]) for i in range(3)]),
    ),
    "in a step": (
        "func inner(s, r) = s*r + 1\n"
        "func step(s, e) = a*s + sum(scan(inner, e, [s, 0.5, a]))\noutput x = scan(step, 0.1, e)",
        lambda: steps(
            lambda s, e: A * s + steps(lambda t, r: t * r + 1, e, [s, 0.5, A]).sum(), 0.1, DATA["e"]
        ),
    ),
    "with a sum and a condition": (
        "func step(s, e) = if e > 0 then s + sum(s*b[k] for k in 2) else a\noutput x = scan(step, 1, e)",
        lambda: steps(lambda s, e: s + s * B.sum() if e > 0 else A, 1, DATA["e"]),
    ),
    "that does not follow its state": (
        "func step(s, e) = a*e\noutput x = scan(step, 1, e)",
        lambda: A * DATA["e"],
    ),
    "of data alone": (
        "func step(s, e) = 0.5*s + e\noutput x = a*scan(step, 1, e)",
        lambda: A * steps(lambda s, e: 0.5 * s + e, 1, DATA["e"]),
    ),
    "of constants": (
        "func step(s, i) = s*i\nconst c = scan(step, 1, range(1, 6))\noutput x = a*c",
        lambda: A * np.array([1, 2, 6, 24, 120]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_states_are_those_of_a_loop(name: str) -> None:
    text, expected = CASES[name]
    data = "data e[T]\ndata m[T, 2]\ndata g[3, T]\nparam a ~ Normal(0, 1)\nparam b[2] ~ Normal(0, 1)\n"
    model = pdflang.loads(data + text, data=DATA)
    found = model.derived({"a": A, "b": B})["x"]
    np.testing.assert_allclose(found, expected(), rtol=1e-13)
    program = model.program
    independent = Evaluator({**DATA, "a": A, "b": B}, {"T": 6}, program.definition_nodes)
    np.testing.assert_allclose(independent(program.outputs["x"].node), expected(), rtol=1e-13)


@pytest.mark.parametrize(
    ("step", "proved"),
    [
        ("a*s + e^2", "(0, inf)"),
        ("a*s + e^2 + 0.1", "(0.1, inf)"),
        ("a*s", "(0, 1]"),
        ("a*s*(1 - s)*0.5", "(0, 0.5]"),
        ("e^2*s", "[0, inf)"),
        ("s/(1 + s)", "(0, 1]"),
        ("s - e^2", "(-inf, inf)"),
    ],
)
def test_signs_are_proved_by_induction(step: str, proved: str) -> None:
    text = f"data e[T]\nparam a ~ Uniform(0, 1)\nfunc step(s, e) = {step}\noutput x = scan(step, 0.5, e)"
    program = check(SourceFile("<text>", text), given=["e"])
    assert str(range_of(program.outputs["x"].node)) == proved


REFUSED = {
    "nothing given": ("let x = scan()", "E303"),
    "a number as its step": ("let x = scan(1, 0, e)", "E301"),
    "a step without input": ("func f(s) = s\nlet x = scan(f, 0, e)", "E303"),
    "no input": ("func f(s, e) = s\nlet x = scan(f, 0)", "E303"),
    "an input of another name": ("func f(s, error) = s\nlet x = scan(f, 0, eror = e)", "E303"),
    "a number as an input": ("func f(s, e) = s\nlet x = scan(f, 0, 3)", "E304"),
    "inputs of two lengths": ("func f(s, e, g) = s\nlet x = scan(f, 0, e, range(7))", None),
    "inputs over two axes": ("data h[U]\nfunc f(s, e, g) = s\nlet x = scan(f, 0, e, h)", "E302"),
    "a state that grows": ("func f(s, e) = [s, e]\nlet x = scan(f, 0, e)", "E302"),
    "a state that is a function": ("func f(s, e) = (x*s for x in (0, 1))\nlet x = scan(f, 0, e)", "E301"),
    "an entry that reads itself": (
        "func f(s, e) = s + e^2\nlet v = scan(f, 1, e)\nobserve e[t in T] ~ Normal(0, v[t])", "E203",
    ),
    "an entry that reads itself through a sum": ("observe e[t in 1:T] ~ Normal(e[t - 1] + cumsum(e)[t], 1)", "E203"),
    "an entry that reads later ones": ("observe e[t in T - 1] ~ Normal(e[t + 1], 1)", "E203"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(name: str) -> None:
    text, code = REFUSED[name]
    source = SourceFile("<text>", "data e[T]\nparam a ~ Normal(0, 1)\n" + text)
    if code is None:
        # Lengths that data bind are compared when it is there.
        with pytest.raises(PdflangError, match="E302"):
            pdflang.loads(source.text + "\noutput y = x", data={"e": np.zeros(6)})
        return
    with pytest.raises(PdflangError) as refused:
        check(source, given=["e"])
    assert refused.value.diagnostics[0].code == code


def test_near_names_of_inputs_are_suggested() -> None:
    text = "data e[T]\nfunc f(s, error) = s\noutput x = scan(f, 0, eror = e)"
    with pytest.raises(PdflangError, match="did you mean `error`"):
        check(SourceFile("<text>", text), given=["e"])


def test_branches_that_are_not_taken_have_no_derivative() -> None:
    """√s at s = 0, and the logarithm of a negative parameter, are read in no branch that is taken."""
    text = """data e[T]
    data g[T]
    param a ~ Normal(0, 1)
    func step(s, e) = if s > 0 then sqrt(s) + e else a + e
    func other(s, e) = s + log(a)*e
    let x = scan(step, 0*a, e)
    let y = if a > 0 then sum(scan(other, 0, g)) else a
    observe e[t in 1:T] ~ Normal(x[t - 1] + y, 1)"""
    model = pdflang.loads(text, data={"e": np.array([-0.4, 0.3, 0.2]), "g": np.ones(3)})

    def density(a: float) -> float:
        return float(model.log_density({"a": a}))

    for a in (0.7, -0.5):
        slope = float(jax.grad(lambda a: model.log_density({"a": a}))(jax.numpy.asarray(a)))
        assert slope == pytest.approx((density(a + 1e-6) - density(a - 1e-6)) / 2e-6, rel=1e-6)


def test_a_recurrence_in_an_integrand() -> None:
    """∫ Σ_t s_t(x) dx with s_t = x s_{t-1} + 1 from 0: s_t = 1 + x + … + x^{t-1}."""
    text = "param a ~ Normal(0, 1)\nfunc f(s, x) = s*x + 1\n"
    text += "output x = integral(sum(scan(f, 0, (x for i in 4))) for x in (0, 1))"
    found = pdflang.loads(text).derived({"a": 0.0})["x"]
    assert float(found) == pytest.approx(4 + 3 / 2 + 2 / 3 + 1 / 4, rel=1e-12)
