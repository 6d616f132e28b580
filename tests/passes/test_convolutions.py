"""Smeared rates against a fine quadrature: kernels, powers at the ends, widths, chains, several variables."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import jax
import numpy as np
import pytest
from graded import integral, rule
from scipy import special, stats

import pdflang
from pdflang.embedding import Model

TOLERANCE = 1e-8
S = 0.05
POINTS = np.array([0.003, 0.05, 0.37, 0.5, 0.93])
EDGES = np.linspace(0, 1, 5)
PARAMETERS = "param a ~ Normal(0, 1) in (-0.99, 5)\nparam b ~ Normal(0, 1) in (-0.99, 5)\n"
RATE = "pdf f(x) = x^a * (1 - x)^b\n"
AT = "at([0.003, 0.05, 0.37, 0.5, 0.93])"
BINS = "bins([0, 0.25, 0.5, 0.75, 1])"

Kernel = Callable[[Any], Any]


class _Cut:
    """A distribution between bounds, as SciPy's frozen ones are."""

    def __init__(self, base: Any, low: float, high: float) -> None:
        self._base, self._low, self._high = base, low, high
        self._mass = base.cdf(high) - base.cdf(low)

    def pdf(self, y: float) -> Any:
        return np.where((y >= self._low) & (y <= self._high), self._base.pdf(y) / self._mass, 0.0)

    def cdf(self, y: float) -> Any:
        return (self._base.cdf(np.clip(y, self._low, self._high)) - self._base.cdf(self._low)) / self._mass


class _Mixed:
    def __init__(self, *parts: tuple[float, Any]) -> None:
        self._parts = parts

    def pdf(self, y: float) -> Any:
        return sum(weight * part.pdf(y) for weight, part in self._parts)

    def cdf(self, y: float) -> Any:
        return sum(weight * part.cdf(y) for weight, part in self._parts)


KERNELS: dict[str, tuple[str, Kernel]] = {
    "Normal": ("Normal(x, s)", lambda x: stats.norm(x, S)),
    "resolution like a root": ("Normal(x, s*sqrt(x) + 0.01)", lambda x: stats.norm(x, S * np.sqrt(x) + 0.01)),
    "shifted": ("Normal(x + 0.1*x*(1 - x), s)", lambda x: stats.norm(x + 0.1 * x * (1 - x), S)),
    "of a square": ("Normal(x^2, s)", lambda x: stats.norm(x**2, S)),
    "StudentT": ("StudentT(4, x, s)", lambda x: stats.t(4, x, S)),
    "Cauchy": ("Cauchy(x, s)", lambda x: stats.cauchy(x, S)),
    "Logistic": ("Logistic(x, s)", lambda x: stats.logistic(x, S)),
    "Laplace": ("Laplace(x, s)", lambda x: stats.laplace(x, S)),
    "Uniform": ("Uniform(x - s, x + 1)", lambda x: stats.uniform(x - S, 1 + S)),
    "LogNormal": ("LogNormal(log(x), s)", lambda x: stats.lognorm(S, scale=x)),
    "truncated": ("Normal(x, s) in (0, 1)", lambda x: _Cut(stats.norm(x, S), 0, 1)),
    "truncated inside": ("Normal(x, s) in (0.2, 0.8)", lambda x: _Cut(stats.norm(x, S), 0.2, 0.8)),
    "Gamma": ("Gamma(4/s, 4/(s*x))", lambda x: stats.gamma(4 / S, scale=S * x / 4)),
    "Beta": ("Beta(x/s, (1 - x)/s)", lambda x: stats.beta(x / S, (1 - x) / S)),
    "Exponential": ("Exponential(1/(s + x))", lambda x: stats.expon(scale=S + x)),
    "Mixture": (
        "Mixture([0.8, 0.2], [Normal(x, s), Normal(x, 4*s)])",
        lambda x: _Mixed((0.8, stats.norm(x, S)), (0.2, stats.norm(x, 4 * S))),
    ),
}


@lru_cache(maxsize=2)
def _kernels(fixed: bool) -> Model:
    resolution = f"const s = {S}\n" if fixed else f"param s ~ LogNormal(log({S}), 0.2)\n"
    detectors = "".join(
        f"detector d{i}(y in (0, 1) | x) {{\n efficiency 0.9*(1 - 0.3*x)\n smear y ~ {kernel}\n"
        f" background 0.1*exp(-3*y)\n}}\noutput p{i} = f |> d{i} |> {AT}\noutput r{i} = f |> d{i} |> {BINS}\n"
        for i, (kernel, _) in enumerate(KERNELS.values())
    )
    return pdflang.loads(PARAMETERS + resolution + RATE + detectors)


@lru_cache(maxsize=8)
def _seen(fixed: bool, a: float, b: float) -> dict[str, Any]:
    return _kernels(fixed).derived({"a": a, "b": b} | ({} if fixed else {"s": S}))


@pytest.mark.parametrize("fixed", [True, False], ids=["fixed", "with parameters"])
@pytest.mark.parametrize("name", KERNELS)
def test_kernels(name: str, fixed: bool) -> None:
    """The rate at points, and counts in bins: efficiency, lost mass and a background included."""
    number, kernel = list(KERNELS).index(name), KERNELS[name][1]
    for a, b in ((-0.7, 0.3), (0.5, 3.0)):
        x, w = rule(a, b, [*POINTS, *EDGES, *(POINTS + S), *(EDGES + S)])
        weight, spread = w * 0.9 * (1 - 0.3 * x), kernel(x)
        rates = [np.sum(weight * spread.pdf(y)) + 0.1 * np.exp(-3 * y) for y in POINTS]
        counts = [
            np.sum(weight * (spread.cdf(high) - spread.cdf(low))) + 0.1 / 3 * (np.exp(-3 * low) - np.exp(-3 * high))
            for low, high in pairwise(EDGES)
        ]
        found = _seen(fixed, a, b)
        np.testing.assert_allclose(found[f"p{number}"], rates, rtol=TOLERANCE, err_msg=f"rate at {a}, {b}")
        np.testing.assert_allclose(found[f"r{number}"], counts, rtol=TOLERANCE, err_msg=f"counts at {a}, {b}")


def test_fixed_kernels_are_matrices_that_are_known_before_sampling() -> None:
    source = _kernels(True).functions.generated.source
    prepared, _, rest = source.partition("\ndef log_prior")
    assert "density(Normal" in prepared.replace("_2", "").replace("known_kernels.", "")
    assert "log_prob(" not in rest.partition("def derived")[2].partition("\ndef ")[0]


WIDTHS = (0.003, 0.01, 0.03, 0.1, 0.3)
POWERS = [(a, b) for a in (-0.95, -0.5, 0.3, 2.0) for b in (-0.95, -0.5, 0.3, 2.0)]


@lru_cache(maxsize=2)
def _widths(fixed: bool) -> Model:
    text = PARAMETERS + RATE
    for i, width in enumerate(WIDTHS):
        text += f"const s{i} = {width}\n" if fixed else f"param s{i} ~ LogNormal(log({width}), 0.2)\n"
        text += f"detector d{i}(y in (0, 1) | x) {{ smear y ~ Normal(x, s{i}) }}\n"
        text += f"output p{i} = f |> d{i} |> at([0.0001, 0.01, 0.5, 0.99])\noutput r{i} = f |> d{i} |> {BINS}\n"
    return pdflang.loads(text)


@pytest.mark.parametrize("fixed", [True, False], ids=["fixed", "with parameters"])
def test_powers_at_the_ends_and_resolutions(fixed: bool) -> None:
    model = _widths(fixed)
    resolutions = {} if fixed else {f"s{i}": width for i, width in enumerate(WIDTHS)}
    for a, b in POWERS:
        found = model.derived({"a": a, "b": b, **resolutions})
        x, w = rule(a, b)
        for i, s in enumerate(WIDTHS):
            rates = [np.sum(w * stats.norm.pdf(y, x, s)) for y in (0.0001, 0.01, 0.5, 0.99)]
            counts = [np.sum(w * _mass(low, high, x, s)) for low, high in pairwise(EDGES)]
            np.testing.assert_allclose(found[f"p{i}"], rates, rtol=TOLERANCE, err_msg=f"{a}, {b}, {s}")
            np.testing.assert_allclose(found[f"r{i}"], counts, rtol=TOLERANCE, err_msg=f"{a}, {b}, {s}")


def _mass(low: float, high: float, x: Any, s: float) -> Any:
    return special.ndtr((high - x) / s) - special.ndtr((low - x) / s)


A, SIGMA = -0.4, 0.07
Factor = Callable[[Any], Any]
SMEAR = "detector d(y in (0, 1) | x) { smear y ~ Normal(x, s) }\n"
WIDE = "detector d(y in (-2, 3) | x) { smear y ~ Normal(x, s) }\n"
AGAIN = "detector e(z in (0, 1) | y) { smear z ~ Normal(y, 0.03) }\n"
TRIGGER = "detector t(x | x) { efficiency 1 - exp(-5*x) }\n"
G = "pdf f(x) = x^a * (1 - x)\n"
HERE = np.array([0.05, 0.3, 0.95])
THERE = "at([0.05, 0.3, 0.95])"


def _normal(
    y: float, sigma: Any = SIGMA, factor: Factor = np.ones_like, powers: tuple[float, float] = (A, 1.0), at: Any = ()
) -> float:
    """∫ x^p (1 − x)^q factor(x) Normal(y | x, sigma(x)) dx, not smooth at some places."""
    width = sigma if callable(sigma) else lambda x: sigma
    return integral(lambda x: factor(x) * stats.norm.pdf(y, x, width(x)), *powers, at)


def _twice(z: float, second: float) -> float:
    x, w = rule(A, 1.0)
    y, v = np.polynomial.legendre.leggauss(300)
    y, v = (y + 1) / 2, v / 2
    return float(np.sum(v * stats.norm.pdf(z, y, second) * (w @ stats.norm.pdf(y, x[:, None], SIGMA))))


def _pass(x: Any) -> Any:
    return 1 - np.exp(-5 * x)


ONE: dict[str, tuple[str, Callable[[], Any]]] = {
    "trigger, then tracker": (
        G + TRIGGER + SMEAR + f"output r = f |> t |> d |> {THERE}", lambda: [_normal(y, SIGMA, _pass) for y in HERE]
    ),
    "tracker, then trigger": (
        G + TRIGGER + SMEAR + f"output r = f |> d |> t |> {THERE}", lambda: [_pass(y) * _normal(y) for y in HERE]
    ),
    "two smears lose mass between": (
        G + SMEAR + AGAIN + f"output r = f |> d |> e |> {THERE}", lambda: [_twice(z, 0.03) for z in HERE]
    ),
    "two smears of a wide region add variances": (
        G + WIDE + AGAIN + f"output r = f |> d |> e |> {THERE}",
        lambda: [_normal(z, float(np.hypot(SIGMA, 0.03))) for z in HERE],
    ),
    "two smears of the whole line": (
        G + WIDE.replace("(-2, 3)", "(-inf, inf)") + AGAIN + f"output r = f |> d |> e |> {THERE}",
        lambda: [_normal(z, np.hypot(SIGMA, 0.03)) for z in HERE],
    ),
    "one detector twice": (
        G + SMEAR.replace("(x, s)", "(q, s)").replace("| x", "| q") + f"output r = f |> d |> d |> {THERE}",
        lambda: [_twice(z, SIGMA) for z in HERE],
    ),
    "a number before the detector scales the signal": (
        G + SMEAR.replace("}", "background 0.1*exp(-3*y) }") + f"output r = (10*f) |> d |> {THERE}",
        lambda: [10 * _normal(y) + 0.1 * np.exp(-3 * y) for y in HERE],
    ),
    "a number after the detector scales all": (
        G + SMEAR.replace("}", "background 0.1*exp(-3*y) }") + f"output r = 10*(f |> d) |> {THERE}",
        lambda: [10 * (_normal(y) + 0.1 * np.exp(-3 * y)) for y in HERE],
    ),
    "other units": (
        G + "detector d(y in (0, 100) | x) { smear y ~ Normal(100*x, 100*s) }\noutput r = f |> d |> at([5, 30, 95])",
        lambda: [_normal(y) / 100 for y in HERE],
    ),
    "a sum of densities with different powers": (
        "pdf u(x) = x^a * (1 - x)\npdf v(x) = x^0.3 * (1 - x)^2\ntheory f(x in (0, 1)) = 4*u(x) + v(x)\n"
        + SMEAR + f"output r = f |> d |> {THERE}",
        lambda: [4 * _normal(y) + _normal(y, powers=(0.3, 2.0)) for y in HERE],
    ),
    "a rate that begins near 0": (
        "theory f(x in (0.001, 0.999)) = x^a * (1 - x)\ndetector d(y in (0, 1) | x) { smear y ~ Normal(x, 3*s) }\n"
        f"output r = f |> d |> {THERE}",
        lambda: [_normal(y, 3 * SIGMA, lambda x: (x > 0.001) * (x < 0.999), at=[0.001, 0.999]) for y in HERE],
    ),
    "a half-line": (
        "theory f(x in (0, inf)) = x^a * exp(-x)\ndetector d(y in (0, 10) | x) { smear y ~ Normal(x, s) }\n"
        f"output r = f |> d |> {THERE}",
        lambda: [
            20**A * _normal(y / 20, SIGMA / 20, lambda t: np.exp(-20 * t), (A, 0.0)) for y in HERE
        ],
    ),
    "a jump of the rate at a parameter": (
        "theory f(x in (0, 1)) = if x < c then x^a else 0.5\n" + SMEAR + f"output r = f |> d |> {THERE}",
        lambda: [
            _normal(y, SIGMA, lambda x: x < 0.37, (A, 0.0), [0.37]) + 0.5 * _mass(0.37, 1, y, SIGMA) for y in HERE
        ],
    ),
    "a condition as efficiency": (
        G + SMEAR.replace("{", "{ efficiency x > 0.2") + f"output r = f |> d |> {THERE}",
        lambda: [_normal(y, SIGMA, lambda x: x > 0.2, at=[0.2]) for y in HERE],
    ),
    "a jump of the resolution": (
        G + "detector d(y in (0, 1) | x) { smear y ~ Normal(x, if x < 0.2 then s else 2*s) }\n"
        f"output r = f |> d |> {THERE}",
        lambda: [_normal(y, lambda x: np.where(x < 0.2, SIGMA, 2 * SIGMA), at=[0.2]) for y in HERE],
    ),
    "members of a family": (
        "index m = a, b\n" + G + "detector d[k in m](y in (0, 1) | x) { smear y ~ Normal(x, s*(1 + k)) }\n"
        f"output r[k in m] = f |> d[k] |> {THERE}\noutput q = f |> d.b |> {THERE}",
        lambda: [[_normal(y, (1 + k) * SIGMA) for y in HERE] for k in (0, 1)],
    ),
    "an index that is not observed": (
        "index m = a, b\ntheory f(x in (0, 1), k in m) = x^a * (1 - x) * (1 + k)\n"
        "detector d(y in (0, 1) | x, k) { smear y ~ Normal(x, s*(1 + k)) }\n"
        f"output r = f |> d |> {THERE}",
        lambda: [_normal(y) + 2 * _normal(y, 2 * SIGMA) for y in HERE],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_detectors_of_one_variable(name: str) -> None:
    text, expected = ONE[name]
    model = pdflang.loads(
        f"param a ~ Normal(0, 1) in (-0.9, 3)\nparam s ~ LogNormal(log({SIGMA}), 0.2)\n"
        f"param c ~ Uniform(0, 1)\n{text}\n"
    )
    found = model.derived({"a": A, "s": SIGMA, "c": 0.37})
    np.testing.assert_allclose(found["r"], expected(), rtol=TOLERANCE)
    if "q" in found:
        np.testing.assert_allclose(found["q"], found["r"][1], rtol=1e-12)


# --- several variables -----------------------------------------------------------------------------------------

RHO, SY = 0.6, 0.1
TWO = "theory f(x in (0, 1), y in (0, 1)) = x^a * (1 - x) * (1 + x*y)\n"
JOINT = (
    "detector d(u in (0, 1), v in (0, 1) | x, y) {\n"
    " smear (u, v) ~ MvNormal([x, y], cov = [[s^2, rho*s*0.1], [rho*s*0.1, 0.01]])\n}\n"
)


def _grids() -> tuple[Any, Any, Any, Any]:
    x, w = rule(A, 1.0)
    y, v = np.polynomial.legendre.leggauss(200)
    return x, w, (y + 1) / 2, v / 2


def _joint(u: float, v: float) -> float:
    x, w, y, weights = _grids()
    z, t = (u - x[:, None]) / SIGMA, (v - y) / SY
    q = (z**2 - 2 * RHO * z * t + t**2) / (1 - RHO**2)
    kernel = np.exp(-q / 2) / (2 * np.pi * SIGMA * SY * np.sqrt(1 - RHO**2))
    return float(w @ ((1 + x[:, None] * y) * kernel) @ weights)


def _joint_total() -> float:
    """∫∫ of the joint smear over the measured square: one variable after the other, the second given the first."""
    x, w, y, weights = _grids()
    x, w = (part[w > 1e-12] for part in (x, w))
    u, steps = np.polynomial.legendre.leggauss(120)
    width = SY * np.sqrt(1 - RHO**2)
    total = 0.0
    for place, step in zip((u + 1) / 2, steps / 2, strict=True):
        mean = y + RHO * SY / SIGMA * (place - x[:, None])
        inside = special.ndtr((1 - mean) / width) - special.ndtr(-mean / width)
        total += step * float((w * stats.norm.pdf(place, x, SIGMA)) @ ((1 + x[:, None] * y) * inside) @ weights)
    return total


def _product(u: Any, v: Any) -> float:
    x, w, y, weights = _grids()
    return float((w * u(x)) @ (1 + x[:, None] * y) @ (weights * v(y)))


SEVERAL: dict[str, tuple[str, Callable[[], Any]]] = {
    "one variable passes": (
        TWO + "detector d(u in (0, 1), y in (0, 1) | x, y) { smear u ~ Normal(x, s) }\nlet g = f |> d\n"
        "output r = [g(0.3, 0.7), integral(g)]",
        lambda: [
            integral(lambda x: (1 + 0.7 * x) * stats.norm.pdf(0.3, x, SIGMA), A, 1.0),
            integral(lambda x: (1 + 0.5 * x) * _mass(0, 1, x, SIGMA), A, 1.0),
        ],
    ),
    "a product": (
        TWO + "detector d(u in (0, 1), v in (0, 1) | x, y) { smear u ~ Normal(x, s) smear v ~ Normal(y, 0.1) }\n"
        "let g = f |> d\noutput r = [g(0.3, 0.7), integral(g)]",
        lambda: [
            _product(lambda x: stats.norm.pdf(0.3, x, SIGMA), lambda y: stats.norm.pdf(0.7, y, SY)),
            _product(lambda x: _mass(0, 1, x, SIGMA), lambda y: _mass(0, 1, y, SY)),
        ],
    ),
    "one measured variable in the kernel of the next": (
        TWO + "detector d(u in (0, 1), v in (0, 2) | x, y) {\n let q = y^2\n smear u ~ Normal(x, s)\n"
        " smear v ~ Normal(q + u, 0.1)\n}\nlet g = f |> d\noutput r = [g(0.3, 0.7)]",
        lambda: [_product(lambda x: stats.norm.pdf(0.3, x, SIGMA), lambda y: stats.norm.pdf(0.7, y**2 + 0.3, SY))],
    ),
    "jointly": (TWO + JOINT + "let g = f |> d\noutput r = [g(0.3, 0.7), g(0.02, 0.9)]",
                lambda: [_joint(0.3, 0.7), _joint(0.02, 0.9)]),
    "an index that is observed": (
        "index run = a, b\ntheory f(x in (0, 1), k in run) = x^a * (1 - x) * (1 + k)\n"
        "detector d(y in (0, 1), k in run | x, k) { smear y ~ Normal(x, s*(1 + k)) }\nlet g = f |> d\n"
        "output r = [g(0.3, 0), g(0.3, 1), integral(g)]",
        lambda: [
            _normal(0.3), 2 * _normal(0.3, 2 * SIGMA),
            integral(lambda x: _mass(0, 1, x, SIGMA) + 2 * _mass(0, 1, x, 2 * SIGMA), A, 1.0),
        ],
    ),
    "three": (
        "theory f(x in (0, 1), y in (0, 1), z in (0, 1)) = x^a * (1 - x) * (1 + x*y) * z\n"
        "detector d(u in (0, 1), v in (0, 1), w in (0, 1) | x, y, z) {\n"
        " smear u ~ Normal(x, s)\n smear v ~ Normal(y, 0.1)\n smear w ~ Normal(z, 0.2)\n}\nlet g = f |> d\n"
        "output r = [g(0.3, 0.7, 0.4), integral(g)]",
        lambda: [
            _product(lambda x: stats.norm.pdf(0.3, x, SIGMA), lambda y: stats.norm.pdf(0.7, y, SY))
            * integral(lambda z: z * stats.norm.pdf(0.4, z, 0.2)),
            _product(lambda x: _mass(0, 1, x, SIGMA), lambda y: _mass(0, 1, y, SY))
            * integral(lambda z: z * _mass(0, 1, z, 0.2)),
        ],
    ),
    "a triangle": (
        "detector d(u in (0, 1), v in (0, 1) | x, y) { smear u ~ Normal(x, s) smear v ~ Normal(y, 0.01) }\n"
        "let g = (x^a * (1 - x) for x in (0, 1) for y in (0, x)) |> d\noutput r = [g(0.3, 0.3)]",
        lambda: [integral(lambda x: stats.norm.pdf(0.3, x, SIGMA) * _mass(0, x, 0.3, 0.01), A, 1.0)],
    ),
}  # fmt: skip


def _several(text: str) -> Any:
    model = pdflang.loads(
        f"param a ~ Normal(0, 1) in (-0.9, 3)\nparam s ~ LogNormal(log({SIGMA}), 0.2)\n"
        f"param rho ~ Uniform(-0.9, 0.9)\n{text}\n"
    )
    return model.derived({"a": A, "s": SIGMA, "rho": RHO})["r"]


@pytest.mark.parametrize("name", SEVERAL)
def test_detectors_of_several_variables(name: str) -> None:
    text, expected = SEVERAL[name]
    np.testing.assert_allclose(_several(text), expected(), rtol=TOLERANCE)


@pytest.mark.slow
def test_total_of_a_joint_smear() -> None:
    """Four integrals, of which one is a probability in closed form."""
    np.testing.assert_allclose(_several(TWO + JOINT + "output r = integral(f |> d)"), _joint_total(), rtol=TOLERANCE)


# --- derivatives -----------------------------------------------------------------------------------------------

EVENTS = (
    "data e[N]\nparam a ~ Normal(0, 1) in (-0.9, 3)\nparam s ~ LogNormal(log(0.05), 0.2)\n"
    "param c ~ Uniform(0.2, 0.8)\nparam k ~ LogNormal(0, 1)\n"
    "theory f(x in (0, 1)) = k*(if x < c then x^a else 0.5)\n"
)
DIFFERENTIATED = {
    "Normal": EVENTS + "detector d(y in (0, 1) | x) { smear y ~ Normal(x, s*sqrt(x) + 0.01) background 0.1*k }\n",
    "Laplace": EVENTS + "detector d(y in (0, 1) | x) { smear y ~ Laplace(x, s) background 0.1*k }\n",
    "truncated": EVENTS + "detector d(y in (0, 1) | x) { efficiency 1 - 0.3*x smear y ~ Normal(x, s) in (0, 1) }\n",
}


def _density(name: str) -> tuple[Callable[..., Any], Any, Any]:
    events = np.array([0.02, 0.1, 0.33, 0.5, 0.93])
    model = pdflang.loads(DIFFERENTIATED[name] + "observe e ~ PoissonProcess(f |> d)\n", data={"e": events})
    z = np.asarray(model.unconstrain({"a": 0.3, "s": 0.06, "c": 0.45, "k": 3.0}))
    return model.target().log_density, z, model.arrays


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_gradients(name: str) -> None:
    density, z, arrays = _density(name)
    step = 1e-5
    with jax.enable_x64(True):
        slope = jax.jit(jax.value_and_grad(density))
        slopes = slope(z, arrays)[1]
        for i, direction in enumerate(step * np.eye(len(z))):
            difference = slope(z + direction, arrays)[0] - slope(z - direction, arrays)[0]
            assert float(slopes[i]) == pytest.approx(float(difference) / (2 * step), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name != "Laplace")) for name in DIFFERENTIATED]
)
def test_second_derivatives(name: str) -> None:
    """What `map` takes for standard errors, against differences of the gradient."""
    density, z, arrays = _density(name)
    step = 1e-5
    with jax.enable_x64(True):
        gradient, curvature = jax.jit(jax.grad(density)), jax.jit(jax.hessian(density))(z, arrays)
        for i, direction in enumerate(step * np.eye(len(z))):
            difference = gradient(z + direction, arrays) - gradient(z - direction, arrays)
            np.testing.assert_allclose(curvature[i], difference / (2 * step), rtol=1e-5, atol=1e-5)
