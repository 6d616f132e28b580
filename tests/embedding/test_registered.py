"""Simulators and functions of the embedding program stand in detectors, theories and observations."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import pdflang
from pdflang.registry import DuplicateName
from pdflang.semantics.capabilities import capabilities

_CALORIMETER = """
data hits = [0.5]
param c ~ LogNormal(7, 0.1)
pdf f(x) = c * (1 - x)
detector calorimeter(y in (0, 1) | x) { draw y ~ Leak(x, 20) }
observe hits ~ PoissonProcess(f |> calorimeter)
"""
_RATE = """
data n[2]: int = [30, 12]
param c ~ LogNormal(3, 1)
theory rate(x in (0, 1)) = c * falling(x)
observe n ~ Poisson(rate |> bins([0, 0.5, 1]))
"""


@pytest.fixture
def registered() -> Iterator[None]:
    """Whatever a test registers is taken back."""
    yield
    from pdflang.components.handles import HANDLES

    for name in list(HANDLES):
        pdflang.unregister(name)


def _leak(generator: np.random.Generator, x: np.ndarray, strength: np.ndarray) -> np.ndarray:
    return x * generator.beta(strength, 2.0)


@pytest.mark.usefixtures("registered")
def test_an_opaque_simulator_is_a_kernel() -> None:
    pdflang.register("Leak", _leak, ["x", "strength"])
    model = pdflang.loads(_CALORIMETER)
    first, again, other = (model.simulate(key, {"c": 4000.0})["hits"] for key in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(np.sort(first)[:50], np.sort(other)[:50])
    generator = np.random.default_rng(0)
    x = 1 - np.sqrt(1 - generator.uniform(size=100_000))
    expected = x * generator.beta(20, 2, x.shape)
    assert stats.ks_2samp(np.asarray(first), expected).pvalue > 1e-3
    with pytest.raises(pdflang.PdflangError, match="no density"):
        model.log_density({"c": 4000.0})


@pytest.mark.usefixtures("registered")
def test_a_command_is_a_simulator(tmp_path: Path) -> None:
    script = tmp_path / "shower.py"
    script.write_text(
        "import sys, numpy as np\n"
        "given = np.load(sys.argv[1])\n"
        "generator = np.random.default_rng(int(given['seed']))\n"
        "np.save(sys.argv[2], given['argument0'] * generator.beta(given['argument1'], 2.0))\n"
    )
    pdflang.register("Leak", pdflang.command([sys.executable, script, "{input}", "{output}"]), ["x", "strength"])
    hits = np.asarray(pdflang.loads(_CALORIMETER).simulate(3, {"c": 4000.0})["hits"])
    assert abs(hits.mean() / ((1 / 3) * (20 / 22)) - 1) < 0.06


@pytest.mark.usefixtures("registered")
def test_a_function_without_a_gradient_has_a_density() -> None:
    pdflang.register("falling", lambda x: (1 - x) ** 3, ["x"], kind="function", values=(0, float("inf")))
    model = pdflang.loads(_RATE)
    expected = 100.0 * np.array([(1 - 0.5**4) / 4, 0.5**4 / 4])
    found = model.log_likelihood({"c": 100.0})["n"]
    np.testing.assert_allclose(found, stats.poisson(expected).logpmf([30, 12]), rtol=1e-10)
    model.sample(chains=1, warmup=50, draws=20)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("traceable", [True, False])
def test_a_gradient_follows_parameters_through_what_is_traceable(traceable: bool) -> None:
    call = (lambda x, a: jnp.exp(-a * x)) if traceable else (lambda x, a: np.exp(-a * x))
    pdflang.register("falling", call, ["x", "a"], kind="function", traceable=traceable, values=(0, float("inf")))
    model = pdflang.loads(_RATE.replace("falling(x)", "falling(x, a)") + "param a ~ Normal(1, 0.5)")
    (capability,) = capabilities(model.program)
    assert (capability.density, capability.gradient, capability.simulator) == (True, traceable, True)
    rate = 100.0 * (np.exp(-2 * np.array([0, 0.5])) - np.exp(-2 * np.array([0.5, 1]))) / 2
    found = model.log_likelihood({"c": 100.0, "a": 2.0})["n"]
    np.testing.assert_allclose(found, stats.poisson(rate).logpmf([30, 12]), rtol=1e-9)
    if traceable:
        assert model.map().converged
    else:
        with pytest.raises(pdflang.PdflangError, match="without a gradient") as caught:
            model.map()
        assert [d.code for d in caught.value.diagnostics] == ["E612"]


@pytest.mark.usefixtures("registered")
def test_a_simulator_may_be_the_observation() -> None:
    pdflang.register("Noisy", lambda generator, mean: generator.normal(mean, 2.0), ["mean"])
    model = pdflang.loads("data y[N] = [1, 2]\nparam mu ~ Normal(5, 0.1)\nobserve y ~ Noisy(mu)".replace("[N]", ""))
    drawn = np.stack([model.simulate(key, {"mu": 5.0})["y"] for key in range(60)])
    assert abs(drawn.mean() - 5) < 1 and 1.4 < drawn.std() < 2.6
    with pytest.raises(pdflang.PdflangError, match="simulator that was registered"):
        model.sample()


def test_a_model_names_nothing_that_was_not_registered() -> None:
    with pytest.raises(pdflang.PdflangError, match="nothing is called `Leak`"):
        pdflang.loads(_CALORIMETER)


@pytest.mark.usefixtures("registered")
def test_names_are_taken_once() -> None:
    pdflang.register("Leak", _leak, ["x", "strength"])
    with pytest.raises(DuplicateName):
        pdflang.register("Leak", _leak, ["x", "strength"])
    with pytest.raises(DuplicateName):
        pdflang.register("Normal", _leak, ["x", "strength"])
