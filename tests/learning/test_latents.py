"""Densities of events by proposals of what nobody sees of them, against the densities of models that have one."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

import pdflang
from pdflang import PdflangError

HEAD = """
data hits = table("hits.csv")
param n ~ LogNormal(5, 0.4)
param b ~ Normal(2, 0.7) in (0, inf)
theory rate(x in (0, 1)) = n * (b + 1) * (1 - x)^b
"""
TEXTS = {
    "one latent": f"{HEAD}"
    "detector blur(y in (-1, 2) | x) {{ {draw} y ~ Normal(x, 0.1) }}\n"
    "observe hits ~ PoissonProcess(rate |> blur)\n",
    "a label": f"index side = left, right\nconst weight = [0.3, 0.7]\n{HEAD}"
    "theory by_side(x in (0, 1), s in side) = weight[s] * rate(x)\n"
    "detector blur(y in (-1, 2), s | x, s) {{ {draw} y ~ Normal(x, 0.1) }}\n"
    "observe hits ~ PoissonProcess(by_side |> blur)\n",
    "two streams": f"{HEAD}"
    "theory other(x in (0, 1)) = 40\n"
    "detector blur(y in (-1, 2) | x) {{ {draw} y ~ Normal(x, 0.1) }}\n"
    "detector wide(y in (-1, 2) | x) {{ {draw} y ~ Normal(x, 0.3) }}\n"
    "observe hits ~ PoissonProcess((rate |> blur) + (other |> wide))\n",
    "a shape": f"{HEAD.replace('LogNormal(5, 0.4)', 'LogNormal(0, 0.1)')}"
    "detector blur(y in (-1, 2) | x) {{ {draw} y ~ Normal(x, 0.1) }}\n"
    "observe hits ~ Iid(rate |> blur)\n",
}
TRUTH = {"n": 180.0, "b": 2.4}
PLACES = [TRUTH, {"n": 200.0, "b": 2.4}, {"n": 165.0, "b": 2.1}, {"n": 150.0, "b": 2.8}]
SMALL: dict[str, Any] = {"simulations": 200, "events": 128, "width": 16, "epochs": 15, "seed": 1}
LEAK = HEAD + """
detector calorimeter(y in (-1, 2) | x) {
    efficiency 1 - 0.3*x
    draw leak ~ Beta(2, 20)
    draw k    ~ Poisson(3*x)
    draw y    ~ Normal(x * (1 - leak) - 0.05*k, 0.1)
}
observe hits ~ PoissonProcess(rate |> calorimeter)
"""


def data_of(text: str) -> dict[str, Any]:
    columns: dict[str, Any] = {"y": np.linspace(0.1, 0.6, 150)}
    if "side" in text:
        columns["s"] = np.array(["left", "right"] * 75)
    model = pdflang.loads(text, data={"hits": columns})
    found: dict[str, Any] = model.simulator().draw(1, seed=4, parameters=TRUTH).dataset(0)
    return found


@cache
def trained(name: str) -> tuple[Any, Any]:
    """A model with data, and what was learned of the same with a detector that is only run."""
    text = TEXTS[name]
    smeared, drawn = (text.format(draw=word) for word in ("smear", "draw"))
    data = data_of(smeared)
    return pdflang.loads(smeared, data=data), pdflang.loads(drawn, data=data).train(method="latents", **SMALL)


SLOW = ("two streams", "a shape")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in TEXTS])
def test_the_density_is_that_of_the_model(name: str) -> None:
    model, learned = trained(name)
    known = np.array([sum(np.sum(v) for v in model.log_likelihood(p).values()) for p in PLACES])
    found = np.array([float(learned.log_likelihood(p)) for p in PLACES])
    np.testing.assert_allclose(found - found[0], known - known[0], atol=0.5)


def test_the_posterior_is_the_exact_one() -> None:
    model, learned = trained("one latent")
    exact, tree = (one.sample(seed=2, draws=1000)["posterior"] for one in (model, learned))
    for parameter in TRUTH:
        mean, sd = float(exact[parameter].mean()), float(exact[parameter].std())
        assert abs(float(tree[parameter].mean()) - mean) < 0.2 * sd
        assert abs(np.log(float(tree[parameter].std()) / sd)) < 0.15


@pytest.mark.slow
def test_three_latent_numbers_and_losses_against_quadrature() -> None:
    data = data_of(LEAK)
    learned = pdflang.loads(LEAK, data=data).train(method="latents", **SMALL)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    x, leak, k = np.meshgrid((nodes + 1) / 2, (nodes + 1) / 2, np.arange(15), indexing="ij")
    share = np.outer(weights, weights)[..., None] / 4 * stats.beta(2, 20).pdf(leak) * (1 - 0.3 * x)
    share = share * stats.poisson(3 * x).pmf(k)
    measured = stats.norm(x * (1 - leak) - 0.05 * k, 0.1)

    def known(n: float, b: float) -> float:
        own = share * n * (b + 1) * (1 - x) ** b
        each = [np.log(np.sum(own * measured.pdf(y))) for y in data["hits"]["y"]]
        return float(np.sum(each) - np.sum(own * (measured.cdf(2) - measured.cdf(-1))))

    exact = np.array([known(**place) for place in PLACES])
    found = np.array([float(learned.log_likelihood(place)) for place in PLACES])
    np.testing.assert_allclose(found - found[0], exact - exact[0], atol=0.5)


@pytest.mark.slow
def test_more_proposals_take_the_bias_away() -> None:
    """With few proposals log of a mean is too low; what the training says of it is about what is seen."""
    text = TEXTS["one latent"].format(draw="draw")
    model = pdflang.loads(text, data=data_of(text))
    told, values = [], []
    for proposals in (4, 64):
        learned = model.train(method="latents", **SMALL | {"epochs": 2, "proposals": proposals})
        told.append(float(learned.learned.scales["hits worth"][1]))
        values.append(float(learned.log_likelihood(TRUTH)))
    assert told[1] < told[0] / 5
    assert 0.3 < (values[1] - values[0]) / (len(data_of(text)["hits"]["y"]) * (told[0] - told[1])) < 3


def test_a_folder_gives_the_same(tmp_path: Any) -> None:
    _, learned = trained("one latent")
    learned.save(tmp_path / "trained")
    again = pdflang.load_trained(tmp_path / "trained", data=data_of(TEXTS["one latent"].format(draw="smear")))
    assert again.log_likelihood(TRUTH) == learned.log_likelihood(TRUTH)


def test_what_it_has_not_is_told() -> None:
    _, learned = trained("one latent")
    with pytest.raises(PdflangError, match="density of single events"):
        learned.event_log_densities("hits", {"y": [0.1]}, TRUTH)
