"""Events of two variables, smeared: the density against integrals by SciPy, the truth from the draws."""

import json

import jax
import numpy as np
import pytest
from as_a_user import EXAMPLES, pdflang, posterior
from scipy import special, stats

from pdflang import load

FOLDER = EXAMPLES / "events_2d"
TRUTH = {name: np.array(value, float) for name, value in json.loads((FOLDER / "truth.json").read_text("utf-8")).items()}
LUMI = np.array([10_000, 30_000])


def log_prior(p):
    exponents = {"p0": (0.5, 0.5), "p1": (3, 1), "p2": (0.5, 0.5), "p3": (3, 1), "p4": (0, 2)}
    terms = [stats.truncnorm.logpdf(p[name], (-1 - m) / s, np.inf, m, s) for name, (m, s) in exponents.items()]
    terms += list(stats.truncnorm.logpdf(p["lumi"], -50, np.inf, LUMI, 0.02 * LUMI))
    terms += list(stats.lognorm.logpdf(p["sx"], 0.2, scale=0.05) + stats.lognorm.logpdf(p["sy"], 0.2, scale=0.08))
    return sum(terms) + np.sum(stats.beta.logpdf(p["eff"], 90, 10) + stats.lognorm.logpdf(p["bkg"], 0.5, scale=20))


def smeared(a, b, kernel):
    """∫ x^(a + k) (1 - x)^b kernel(x) dx over (0, 1) for k = 0, 1, 2, by a Gauss-Jacobi rule."""
    node, weight = special.roots_jacobi(300, b, a)
    x = (1 + node) / 2
    values = kernel(x) * weight / 2 ** (a + b + 1)
    return np.stack([np.sum(values * x**k, axis=-1) for k in range(3)])


def log_likelihood(p, events):
    """Theory times efficiency is a sum of three products of a function of x and one of y."""
    couplings = np.array([1, p["p4"] - 0.3, -0.3 * p["p4"]])
    inside = lambda x, s: stats.norm.cdf(1, x, s) - stats.norm.cdf(0, x, s)  # noqa: E731
    total = 0.0
    for r, name in enumerate(("early", "late")):
        u, v = (events[column][events["r"] == name, None] for column in "uv")
        scale, sx, sy = p["lumi"][r] * p["eff"][r], p["sx"][r], p["sy"][r]
        of_u = smeared(p["p0"], p["p1"], lambda x, u=u, s=sx: stats.norm.pdf(u, x, s))
        of_v = smeared(p["p2"], p["p3"], lambda y, v=v, s=sy: stats.norm.pdf(v, y, s))
        rate = scale * couplings @ (of_u * of_v) + p["bkg"][r] * np.exp(-2 * u[:, 0])
        kept = smeared(p["p0"], p["p1"], lambda x, s=sx: inside(x, s)) * smeared(
            p["p2"], p["p3"], lambda y, s=sy: inside(y, s)
        )
        total += np.sum(np.log(rate)) - scale * couplings @ kept - p["bkg"][r] * (1 - np.exp(-2)) / 2
    return total


def test_density_and_gradient_are_those_of_scipy():
    model = load(FOLDER / "model.pdfm")
    events = np.genfromtxt(FOLDER / "events.csv", delimiter=",", dtype=None, names=True, encoding="utf-8")
    expected = lambda p: float(log_prior(p) + log_likelihood(p, events))  # noqa: E731
    assert float(model.log_density(TRUTH)) == pytest.approx(expected(TRUTH), abs=1e-5)

    step = {name: 1e-3 * np.abs(value) * (-1) ** i for i, (name, value) in enumerate(TRUTH.items())}
    ahead, behind = ({name: TRUTH[name] + sign * step[name] for name in TRUTH} for sign in (1, -1))
    gradient = jax.grad(model.log_density)(TRUTH)
    slope = sum(float(np.sum(np.asarray(gradient[name]) * step[name])) for name in TRUTH)
    assert slope == pytest.approx((expected(ahead) - expected(behind)) / 2, rel=1e-3)


@pytest.mark.slow
def test_draws_hold_the_truth(tmp_path):
    pdflang(tmp_path, "sample", FOLDER / "model.pdfm")
    draws, statistics = posterior(tmp_path / "model.run")
    assert not statistics["diverging"].any()
    for name, truth in TRUTH.items():
        pull = (draws[name].mean(("chain", "draw")) - truth) / draws[name].std(("chain", "draw"))
        assert np.all(np.abs(pull) < 3), name
    # The events say more about the exponents than the prior does.
    for name, prior in (("p0", 0.5), ("p1", 1), ("p2", 0.5), ("p3", 1)):
        assert float(draws[name].std()) < 0.4 * prior, name
