"""What each construct of the language means: log-densities against NumPy and SciPy, and data drawn from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from scipy import integrate, special, stats

import pdflang
from pdflang import driver
from pdflang.diagnostics import SourceFile
from pdflang.passes.prior import prior_draws

Values = dict[str, Any]
RANDOM = np.random.default_rng(11)


@dataclass(frozen=True)
class Case:
    """A model text, its data and parameters, and its log-density written by hand."""

    name: str
    text: str
    data: Values
    parameters: Values
    expected: Callable[[Values, Values], Any]
    sizes: dict[str, int] = field(default_factory=dict)


def normal(x: Any, mu: Any = 0.0, sigma: Any = 1.0) -> Any:
    return np.sum(stats.norm.logpdf(x, mu, sigma))


def poisson(n: Any, rate: Any) -> Any:
    return np.sum(stats.poisson.logpmf(n, rate))


def mixture(weights: Any, *parts: Any) -> Any:
    return np.sum(special.logsumexp(np.stack(parts, axis=-1) + np.log(weights), axis=-1))


def chosen_elements(p: Values, d: Values) -> Any:
    a, b = p["a"], p["b"]
    mean = a[[0, 2, 3]] ** 2 + np.add.outer(b[[0, 2]], a[2:]).sum() + 7 * b[0]
    return normal(a) + normal(b) + normal(d["y"], mean)


def mixed_priors(p: Values, d: Values) -> Any:
    w, m, t = p["w"], p["m"], p["t"]
    halves = mixture([w, 1 - w], stats.halfnorm.logpdf(m), stats.norm.logpdf(m, 5, 0.5))
    of_t = mixture([0.3, 0.7], stats.gamma.logpdf(t, 2), stats.lognorm.logpdf(t, 1))
    return stats.beta.logpdf(w, 2, 2) + halves + of_t + normal(d["y"], m * t[0])


def autoregression(p: Values, d: Values) -> Any:
    return normal(p["a"]) + stats.halfnorm.logpdf(p["s"]) + normal(d["y"][1:], p["a"] * d["y"][:-1], p["s"])


def autoregressive_table(p: Values, d: Values) -> Any:
    return normal(p["a"]) + normal(d["y"][:, 1:], p["a"][:, None] * d["y"][:, :-1])


def vector_autoregression(p: Values, d: Values) -> Any:
    steps = d["y"][1:] - d["y"][:-1] @ p["A"].T
    return normal(p["A"]) + stats.multivariate_normal.logpdf(steps, [0, 0], [[1, 0.2], [0.2, 2]]).sum()


def mixture_by_group(p: Values, d: Values) -> Any:
    groups = np.array([{"a": 0, "b": 1}[label] for label in d["g"]])
    w = p["w"][groups]
    parts = stats.norm.logpdf(d["y"], p["m"][groups]), stats.cauchy.logpdf(d["y"], 0, 2)
    prior = normal(p["m"]) + stats.beta.logpdf(p["w"], 2, 2).sum()
    return prior + mixture(np.stack([w, 1 - w], axis=-1), *parts)


def simplex_mixture(p: Values, d: Values) -> Any:
    prior = stats.dirichlet.logpdf(p["w"], [1, 1, 2]) + normal(p["m"], 0, 3) + np.log(6)
    return prior + mixture(p["w"], *(stats.norm.logpdf(d["y"], p["m"][k], k + 1) for k in range(3)))


def autoregressive_mixture(p: Values, d: Values) -> Any:
    parts = stats.norm.logpdf(d["y"][1:], p["a"] * d["y"][:-1]), stats.norm.logpdf(d["y"][1:], 0, 2)
    return normal(p["a"]) + stats.beta.logpdf(p["w"], 2, 2) + mixture([p["w"], 1 - p["w"]], *parts)


def correlated(p: Values, d: Values) -> Any:
    gaps = (d["x"][:, None] - d["x"]) ** 2
    kernel = np.exp(-gaps / p["l"]) + p["s"] * np.eye(3)
    prior = stats.lognorm.logpdf([p["l"], p["s"]], 1).sum()
    return prior + stats.multivariate_normal.logpdf(d["y"], np.zeros(3), kernel)


def plates_of_vectors(p: Values, d: Values) -> Any:
    prior = normal(p["mu"])
    prior += sum(stats.multivariate_normal.logpdf(p["w"][i], p["mu"][i], [[1, 0.5], [0.5, 1]]) for i in range(2))
    return prior + normal(d["y"], p["w"][:, 0] - p["w"][:, 1])


def plate_of_two(p: Values, d: Values) -> Any:
    prior = normal(p["mu"]) + stats.halfnorm.logpdf(p["s"]).sum() + normal(p["a"], p["mu"][:, None], p["s"])
    return prior + normal(d["y"], p["a"].T)


def ragged(p: Values, d: Values) -> Any:
    return normal(p["mu"]) + normal(p["theta"], p["mu"]) + normal(d["y"], p["theta"][d["g"]])


def hierarchy(p: Values, d: Values) -> Any:
    prior = normal(p["top"]) + normal(p["mid"], p["top"]) + normal(p["low"], p["mid"][d["group"]])
    return prior + normal(d["y"], p["low"])


def family(p: Values, d: Values) -> Any:
    edges = np.linspace(0, 1, 6)
    shape = [integrate.quad(lambda x: x**0.5 * (1 - x) ** 3, a, b)[0] for a, b in pairwise(edges)]
    prior = stats.lognorm.logpdf(p["c"], 1).sum()
    return prior + poisson(d["n"], p["c"][:, None] * np.array(shape) * 100)


def folded(p: Values, d: Values) -> Any:
    edges = np.linspace(0, 1, 5)
    bins = np.diff(edges**2 / 2 - 2 * edges**3 / 3 + edges**4 / 4) * p["c"]
    return stats.lognorm.logpdf(p["c"], 1) + poisson(d["n"], 100 * d["R"] @ bins)


def moments_of(p: Values, d: Values) -> Any:
    expected = [special.beta(p["a"] + 1 + k, 2) for k in range(4)]
    return stats.uniform.logpdf(p["a"], 0, 2) + normal(d["y"], expected)


def values_at(p: Values, d: Values) -> Any:
    return normal(p["a"]) + normal(d["y"], p["a"] * np.array([0.1, 0.5]) ** 2)


def interpolated(p: Values, d: Values) -> Any:
    return normal(p["c"]) + normal(d["y"], np.interp(d["x"], [0, 1, 2, 3], p["c"]))


def iid_events(p: Values, d: Values) -> Any:
    log_shape = p["a"] * np.log(d["x"]) + np.log1p(-d["x"]) - np.log(special.beta(p["a"] + 1, 2))
    return stats.uniform.logpdf(p["a"], 0, 2) + log_shape.sum()


def poisson_events(p: Values, d: Values) -> Any:
    rate = 30 * d["x"] ** p["a"] * (1 - d["x"])
    return stats.uniform.logpdf(p["a"], 0, 2) + np.log(rate).sum() - 30 * special.beta(p["a"] + 1, 2)


def stepped_events(p: Values, d: Values) -> Any:
    rate = np.where(d["x"] < 0.5, 10, p["b"])
    return stats.lognorm.logpdf(p["b"], 1) + np.log(rate).sum() - 5 - p["b"] / 2


def nested(p: Values, d: Values) -> Any:
    means = p["m"][:, None] * d["x"] + np.arange(2)[:, None]
    return normal(p["m"]) + normal(d["y"], means)


def products(p: Values, d: Values) -> Any:
    return normal(p["A"]) + normal(d["y"], p["A"] @ d["X"].T)


def whole_arrays(p: Values, d: Values) -> Any:
    means = [np.linalg.solve(d["B"][i], np.cumsum(p["v"])) + d["B"][i].T @ p["v"] for i in range(2)]
    return normal(p["v"]) + normal(d["y"], np.array(means))


def slices(p: Values, d: Values) -> Any:
    a = p["a"]
    return normal(a) + normal(d["y"], a[:3] + a[3:] + a[1:4] + a[2:-1] + a[-1])


def conditions(p: Values, d: Values) -> Any:
    g = d["g"]
    return normal(p["a"]) + normal(d["y"], p["a"] * (g == 1) + 2 * ((g > 0) & (g < 3)) + np.sum(g == 2))


def chained(p: Values, d: Values) -> Any:
    return normal(p["a"]) + normal(d["y"], 2 * d["x"]) + normal(d["x"], p["a"])


def counts(p: Values, d: Values) -> Any:
    prior = stats.beta.logpdf(p["p"], 1, 1)
    return prior + stats.binom.logpmf(d["k"], d["n"], p["p"]).sum() + stats.bernoulli.logpmf(d["b"], p["p"]).sum()


CASES = [
    Case(
        "an autoregression",
        """data y[T]
        param a ~ Normal(0, 1)
        param s ~ HalfNormal(1)
        observe y[t in 1:T] ~ Normal(a*y[t - 1], s)""",
        {"y": RANDOM.normal(size=7)},
        {"a": 0.7, "s": 1.3},
        autoregression,
    ),
    Case(
        "autoregressions in a table",
        """index S = a, b
        data y[S, T]
        param a[S] ~ Normal(0, 1)
        observe y[s in S, t in 1:T] ~ Normal(a[s]*y[s, t - 1], 1)""",
        {"y": RANDOM.normal(size=(2, 5))},
        {"a": np.array([0.7, -0.4])},
        autoregressive_table,
    ),
    Case(
        "an autoregression of vectors",
        """data y[T, 2]
        param A[2, 2] ~ Normal(0, 1)
        observe y[t in 1:T, 2] ~ MvNormal(A @ y[t - 1], cov = [[1, 0.2], [0.2, 2]])""",
        {"y": RANDOM.normal(size=(4, 2))},
        {"A": np.array([[0.5, 0.1], [0.0, -0.3]])},
        vector_autoregression,
    ),
    Case(
        "a mixture by groups with labels",
        """index group = a, b
        data y[N]
        data g[N]: group
        param m[group] ~ Normal(0, 1)
        param w[group] ~ Beta(2, 2)
        observe y[n in N] ~ Mixture([w[g[n]], 1 - w[g[n]]], [Normal(m[g[n]], 1), Cauchy(0, 2)])""",
        {"y": RANDOM.normal(size=4), "g": ["a", "b", "b", "a"]},
        {"m": np.array([0.5, -1.0]), "w": np.array([0.3, 0.8])},
        mixture_by_group,
    ),
    Case(
        "arrays of the elements for which a condition holds",
        """index f = u, d, s
        const grid = [1, 2, 3, 4]
        param a[4] ~ Normal(0, 1)
        param b[f] ~ Normal(0, 1)
        let squares = a[i]^2 for i in 4 where i != 1
        let sums = b[k] + a[i] for k in f where k != f.d for i in range(4) where i > 1
        let line = x*b.u for x in grid where x > 2.5
        data y[3]
        observe y ~ Normal(squares + sum(sums) + sum(line), 1)""",
        {"y": RANDOM.normal(size=3)},
        {"a": np.array([0.1, 0.2, 0.3, 0.4]), "b": np.array([1.0, 2.0, 3.0])},
        chosen_elements,
    ),
    Case(
        "priors that are mixtures, with truncated components",
        """param w ~ Beta(2, 2)
        param m ~ Mixture([w, 1 - w], [Normal(0, 1) in (0, inf), Normal(5, 0.5)])
        param t[2] ~ Mixture([0.3, 0.7], [Gamma(2, 1), LogNormal(0, 1)])
        data y
        observe y ~ Normal(m*t[0], 1)""",
        {"y": 4.0},
        {"w": 0.3, "m": 0.7, "t": np.array([1.0, 2.0])},
        mixed_priors,
    ),
    Case(
        "a mixture with weights of a simplex and ordered means",
        """data y[N]
        param w[3] ~ Dirichlet([1, 1, 2])
        param m[3]: ordered ~ Normal(0, 3)
        observe y ~ Mixture(w, [Normal(m[0], 1), Normal(m[1], 2), Normal(m[2], 3)])""",
        {"y": RANDOM.normal(size=4)},
        {"w": np.array([0.2, 0.5, 0.3]), "m": np.array([-1.0, 0.4, 2.0])},
        simplex_mixture,
    ),
    Case(
        "a mixture whose entries read earlier ones",
        """data y[T]
        param a ~ Normal(0, 1)
        param w ~ Beta(2, 2)
        observe y[t in 1:T] ~ Mixture([w, 1 - w], [Normal(a*y[t - 1], 1), Normal(0, 2)])""",
        {"y": RANDOM.normal(size=6)},
        {"a": 0.7, "w": 0.3},
        autoregressive_mixture,
    ),
    Case(
        "a normal vector with a covariance of parameters",
        """data x[N]
        data y[N]
        param l ~ LogNormal(0, 1)
        param s ~ LogNormal(0, 1)
        let covariance[i in N, j in N] = exp(-(x[i] - x[j])^2/l) + (if i == j then s else 0)
        let zero[i in N] = 0
        observe y ~ MvNormal(zero, cov = covariance)""",
        {"x": np.array([1.0, 2.0, 4.0]), "y": RANDOM.normal(size=3)},
        {"l": 1.7, "s": 0.4},
        correlated,
    ),
    Case(
        "a plate of vectors",
        """index g = a, b
        param mu[g, 2] ~ Normal(0, 1)
        param w[i in g, 2] ~ MvNormal(mu[i], cov = [[1, 0.5], [0.5, 1]])
        data y[g]
        observe y[i in g] ~ Normal(w[i, 0] - w[i, 1], 1)""",
        {"y": RANDOM.normal(size=2)},
        {"mu": RANDOM.normal(size=(2, 2)), "w": RANDOM.normal(size=(2, 2))},
        plates_of_vectors,
    ),
    Case(
        "a plate of two axes",
        """index S = a, b
        index T = 3
        param mu[S] ~ Normal(0, 1)
        param s[T] ~ HalfNormal(1)
        param a[i in S, j in T] ~ Normal(mu[i], s[j])
        data y[T, S]
        observe y[j in T, i in S] ~ Normal(a[i, j], 1)""",
        {"y": RANDOM.normal(size=(3, 2))},
        {"mu": np.array([0.3, -1.0]), "s": np.array([0.5, 1.0, 2.0]), "a": RANDOM.normal(size=(2, 3))},
        plate_of_two,
    ),
    Case(
        "ragged groups of an index that data binds",
        """index group
        data y[hit]
        data g[hit]: group
        param mu ~ Normal(0, 1)
        param theta[group] ~ Normal(mu, 1)
        observe y ~ Normal(theta[g], 1)""",
        {"y": RANDOM.normal(size=4), "g": np.array([0, 1, 2, 1])},
        {"mu": 0.5, "theta": RANDOM.normal(size=3)},
        ragged,
    ),
    Case(
        "a hierarchy",
        """index part = 4
        index whole = 2
        data group[part]: whole
        param top ~ Normal(0, 1)
        param mid[whole] ~ Normal(top, 1)
        param low[part] ~ Normal(mid[group], 1)
        data y[part]
        observe y ~ Normal(low, 1)""",
        {"y": RANDOM.normal(size=4), "group": np.array([0, 1, 1, 0])},
        {"top": 0.2, "mid": np.array([1.0, -1.0]), "low": RANDOM.normal(size=4)},
        hierarchy,
    ),
    Case(
        "a family of densities",
        """index flavour = u, d
        const edges = linspace(0, 1, 6)
        param c[flavour] ~ LogNormal(0, 1)
        pdf q[f in flavour](x) = c[f] * x^0.5 * (1 - x)^3
        data n[flavour, 5]: int
        observe n ~ Poisson((100*q[f] |> bins(edges)) for f in flavour)""",
        {"n": np.array([[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]])},
        {"c": np.array([0.8, 1.4])},
        family,
    ),
    Case(
        "bins and a response",
        """const edges = linspace(0, 1, 5)
        param c ~ LogNormal(0, 1)
        pdf f(x) = c*x*(1 - x)^2
        data R[3, 4]
        data n[3]: int
        observe n ~ Poisson(100*(f |> bins(edges) |> fold(R)))""",
        {"R": RANDOM.uniform(size=(3, 4)), "n": np.array([1, 2, 3])},
        {"c": 1.3},
        folded,
    ),
    Case(
        "moments",
        """param a ~ Uniform(0, 2)
        pdf f(x) = x^a*(1 - x)
        data y[4]
        observe y ~ Normal(f |> moments(4), 1)""",
        {"y": RANDOM.normal(size=4)},
        {"a": 0.7},
        moments_of,
    ),
    Case(
        "values at points",
        """param a ~ Normal(0, 1)
        pdf f(x) = a*x^2
        data y[2]
        observe y ~ Normal(f |> at([0.1, 0.5]), 1)""",
        {"y": RANDOM.normal(size=2)},
        {"a": 0.7},
        values_at,
    ),
    Case(
        "interpolation",
        """param c[4] ~ Normal(0, 1)
        data x[N]
        data y[N]
        observe y[i in N] ~ Normal(interp(x[i], [0, 1, 2, 3], c), 1)""",
        {"x": np.array([0.5, 1.2, 2.9]), "y": RANDOM.normal(size=3)},
        {"c": RANDOM.normal(size=4)},
        interpolated,
    ),
    Case(
        "independent events",
        """param a ~ Uniform(0, 2)
        pdf f(x) = x^a*(1 - x)
        data x[event]
        observe x ~ Iid(f)""",
        {"x": np.array([0.1, 0.3, 0.8])},
        {"a": 0.7},
        iid_events,
        {"x": 10},
    ),
    Case(
        "independent events of a normalised shape",
        """param a ~ Uniform(0, 2)
        pdf f(x) = x^a*(1 - x)
        data x[event]
        observe x ~ Iid(normalised(f))""",
        {"x": np.array([0.1, 0.3, 0.8])},
        {"a": 0.7},
        iid_events,
    ),
    Case(
        "a Poisson process",
        """param a ~ Uniform(0, 2)
        pdf f(x) = x^a*(1 - x)
        data x[event]
        observe x ~ PoissonProcess(30*f)""",
        {"x": np.array([0.1, 0.3, 0.8])},
        {"a": 0.7},
        poisson_events,
    ),
    Case(
        "a comprehension of two binders",
        """index S = a, b
        param m[S] ~ Normal(0, 1)
        data x[N]
        data y[S, N]
        let mean = m[i]*x[j] + i for i in S for j in N
        observe y ~ Normal(mean, 1)""",
        {"x": np.array([1.0, 2.0, 3.0]), "y": RANDOM.normal(size=(2, 3))},
        {"m": np.array([0.4, -0.6])},
        nested,
    ),
    Case(
        "a matrix product for each label",
        """index S = a, b
        param A[S, 3] ~ Normal(0, 1)
        data X[N, 3]
        data y[S, N]
        observe y ~ Normal((X @ A[s] for s in S), 1)""",
        {"X": RANDOM.normal(size=(4, 3)), "y": RANDOM.normal(size=(2, 4))},
        {"A": RANDOM.normal(size=(2, 3))},
        products,
    ),
    Case(
        "functions of whole arrays for each label",
        """index S = a, b
        param v[2] ~ Normal(0, 1)
        data B[S, 2, 2]
        data y[S, 2]
        observe y ~ Normal((linear_solve(B[s], cumsum(v)) + transpose(B[s]) @ v for s in S), 1)""",
        {"B": np.eye(2) + 0.1 * RANDOM.normal(size=(2, 2, 2)), "y": RANDOM.normal(size=(2, 2))},
        {"v": np.array([0.4, -0.6])},
        whole_arrays,
    ),
    Case(
        "slices from both ends",
        """param a[6] ~ Normal(0, 1)
        data y[3]
        observe y ~ Normal(a[:3] + a[3:] + a[1:4] + a[2:-1] + a[-1], 1)""",
        {"y": RANDOM.normal(size=3)},
        {"a": RANDOM.normal(size=6)},
        slices,
    ),
    Case(
        "conditions in arithmetic",
        """data g[N]: int
        data y[N]
        param a ~ Normal(0, 1)
        observe y ~ Normal(a*(g == 1) + 2*(g > 0 and g < 3) + sum(g == 2), 1)""",
        {"g": np.array([1, 2, 5]), "y": RANDOM.normal(size=3)},
        {"a": 0.8},
        conditions,
    ),
    Case(
        "an observation that reads another through a derived value",
        """data x[N]
        data y[N]
        param a ~ Normal(0, 1)
        let twice = 2*x
        observe y ~ Normal(twice, 1)
        observe x ~ Normal(a, 1)""",
        {"x": RANDOM.normal(size=3), "y": RANDOM.normal(size=3)},
        {"a": 0.8},
        chained,
    ),
    Case(
        "counts",
        """data k[N]: int
        data n[N]: int
        data b[N]: int
        param p ~ Beta(1, 1)
        observe k ~ Binomial(n, p)
        observe b ~ Bernoulli(p)""",
        {"k": np.array([1, 2]), "n": np.array([3, 4]), "b": np.array([0, 1])},
        {"p": 0.3},
        counts,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_construct_has_its_density_and_draws_data_that_it_can_read(case: Case) -> None:
    model = pdflang.loads(case.text, data=case.data)
    value = float(model.log_density(case.parameters))
    assert value == pytest.approx(case.expected(case.parameters, case.data), rel=1e-9, abs=1e-9)
    gradient = jax.grad(model.log_density_unconstrained)(model.unconstrain(case.parameters))
    assert np.all(np.isfinite(gradient))

    drawn = {k: np.asarray(v) for k, v in model.simulate(5, case.parameters, sizes=case.sizes).items()}
    assert drawn.keys() == model.program.observations.keys()
    again = model.rebind({**case.data, **drawn})
    expected = case.expected(case.parameters, {**case.data, **drawn})
    assert float(again.log_density(case.parameters)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_events_of_a_rate_with_a_step() -> None:
    text = """param b ~ LogNormal(0, 1)
    theory low(x in (0, 1)) = if x < 0.5 then 10 else b
    data x[event]
    observe x ~ PoissonProcess(low)"""
    data, parameters = {"x": np.array([0.1, 0.3, 0.8])}, {"b": 6.0}
    model = pdflang.loads(text, data=data)
    assert float(model.log_density(parameters)) == pytest.approx(stepped_events(parameters, data), abs=1e-9)


def test_simulated_data_follow_each_other() -> None:
    """With next to no noise a simulated datum is what it was expected to be, given the simulated others."""
    text = """data x[N]
    data y[T]
    param a ~ Normal(0, 1)
    let twice = 2*x
    let before[t in T] = if t > 0 then y[t - 1] else 0
    observe y[t in T] ~ Normal(before[t] + a + twice[0], 1e-9)
    observe x ~ Normal(a, 1)"""
    model = pdflang.loads(text, data={"x": np.zeros(2), "y": np.zeros(4)})
    drawn = model.simulate(1, {"a": 5.0})
    step = 5 + 2 * float(drawn["x"][0])
    np.testing.assert_allclose(drawn["y"], step * np.arange(1, 5), rtol=1e-6)
    assert abs(float(drawn["x"][0]) - 5) < 6


def test_a_simulated_mixture_has_the_shares_of_its_weights() -> None:
    text = """data y[N]
    param w ~ Beta(2, 2)
    observe y ~ Mixture([w, 1 - w], [Normal(-10, 1), Normal(10, 1)])"""
    model = pdflang.loads(text, data={"y": np.zeros(4000)})
    below = float(np.mean(np.asarray(model.simulate(2, {"w": 0.3})["y"]) < 0))
    assert abs(below - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 4000)


def test_a_datum_that_is_no_number_is_not_drawn() -> None:
    text = """param r ~ Uniform(-2, 2)
    data y[2]
    observe y ~ MvNormal([0, 0], cov = [[1, r], [r, 1]])"""
    model = pdflang.loads(text, data={"y": [0.0, 0.0]})
    assert np.isfinite(model.simulate(1, {"r": 0.5})["y"]).all()
    with pytest.raises(pdflang.PdflangError, match=r"`y` cannot be drawn: .* at r = 1\.5"):
        model.simulate(1, {"r": 1.5})


def test_ordered_parameters_are_drawn_in_order() -> None:
    text = """param m[3]: ordered ~ Normal(0, 2)
    param w[3] ~ Dirichlet([1, 2, 3])
    data y
    observe y ~ Normal(sum(m*w), 1)"""
    model = pdflang.loads(text, data={"y": 0.0})
    drawn = model.draw_prior(jax.random.key(4))
    assert np.all(np.diff(drawn["m"]) > 0)
    assert float(np.sum(drawn["w"])) == pytest.approx(1)


def test_draws_of_a_prior_that_is_a_mixture() -> None:
    """In the generated module, and in NumPy; the parameter is positive as its truncated component is."""
    text = """param m ~ Mixture([0.3, 0.7], [Normal(0, 1) in (0, inf), Normal(50, 2)])
    data y = 1.0
    observe y ~ Normal(m, 1)"""
    model = pdflang.loads(text)
    keys = jax.random.split(jax.random.key(3), 4000)
    with jax.enable_x64(True):
        drawn = np.asarray(jax.vmap(lambda key: model.functions.draw_parameters(key, model.arrays)["m"])(keys))
    for found in (drawn, np.array([draw["m"] for draw in prior_draws(model.bound, 4000)])):
        low = found[found < 20]
        assert abs(len(low) / len(found) - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 4000)
        assert stats.kstest(low, stats.halfnorm.cdf).pvalue > 1e-4
        assert stats.kstest(found[found > 20], stats.norm(50, 2).cdf).pvalue > 1e-4


# --- draws of priors that follow some of their binders -------------------------------------------------------------

FOLLOWING = {
    "the outer of two": ("[i in 3, j in 3] ~ Normal(mu[i], 1e-6)", lambda mu: np.repeat(mu[:, None], 3, 1)),
    "the inner of two": ("[i in 3, j in 3] ~ Normal(mu[j], 1e-6)", lambda mu: np.repeat(mu[None], 3, 0)),
    "each of two": ("[i in 3, j in 2] ~ Normal(mu[i] + j, 1e-6)", lambda mu: mu[:, None] + np.arange(2)),
    "before a plain axis": ("[i in 3, 3] ~ Normal(mu[i], 1e-6)", lambda mu: np.repeat(mu[:, None], 3, 1)),
    "before a vector": (
        "[i in 3, 4, 2] ~ MvNormal([mu[i], 0], cov = [[1e-12, 0], [0, 1e-12]])",
        lambda mu: np.broadcast_to(np.stack([mu, 0 * mu], -1)[:, None], (3, 4, 2)),
    ),
}


@pytest.mark.parametrize("name", FOLLOWING)
def test_draws_of_a_prior_that_follows_binders(name: str) -> None:
    """In the generated module, and in NumPy, where draws of the prior say how fine integrals are to be."""
    declared, expected = FOLLOWING[name]
    text = f"param mu[3] ~ Normal(0, 10)\nparam a{declared}\ndata y = 1.0\nobserve y ~ Normal(sum(a), 1)\n"
    bound = driver.bind(driver.check(SourceFile("<model>", text, Path.cwd())), {})
    for draw in prior_draws(bound, 3):
        np.testing.assert_allclose(draw["a"], expected(draw["mu"]), atol=1e-4)
    model = pdflang.loads(text)
    with jax.enable_x64(True):
        draw = model.functions.draw_parameters(jax.random.key(1), model.arrays)
    np.testing.assert_allclose(draw["a"], expected(np.asarray(draw["mu"])), atol=1e-4)
