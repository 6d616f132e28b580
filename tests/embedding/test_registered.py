"""Simulators and functions of the embedding program stand in detectors, theories and observations."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import jax
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


_FAILURES = {
    "an exception": (lambda generator, x, s: 1 / 0, "failed: ZeroDivisionError: division by zero"),
    "a scalar": (lambda generator, x, s: 0.5, r"returned an array of shape \(\) for arguments of shape \(\d+,\)"),
    "a shape": (lambda generator, x, s: np.zeros(3), r"returned an array of shape \(3,\) for arguments of shape"),
    "a text": (lambda generator, x, s: "half", "returned no array of numbers, but str: 'half'"),
    "nothing": (lambda generator, x, s: None, "returned no array of numbers, but NoneType: None"),
    "NaN": (lambda generator, x, s: np.where(x > 0.5, np.nan, x), r"returned NaN for \d+ of \d+ events, such as"),
    "an exit code": (
        pdflang.command([sys.executable, "-c", "raise SystemExit('no beam')"]),
        "failed: RuntimeError: `.* -c raise .*` ended with 1: no beam",
    ),
    "no file": (pdflang.command([sys.executable, "-c", "pass", "{output}"]), "wrote no file .*output.npy"),
    "no program": (pdflang.command(["./shower"]), "failed: FileNotFoundError: .*'./shower'"),
}


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("name", _FAILURES)
def test_a_simulator_that_fails_is_told_with_the_line_that_draws_from_it(name: str) -> None:
    call, said = _FAILURES[name]
    pdflang.register("Leak", call, ["x", "strength"])
    model = pdflang.loads(_CALORIMETER)
    for attempt in (lambda: model.simulate(1, {"c": 4000.0}), lambda: model.predict(draws=8, seed=1)):
        with pytest.raises(pdflang.PdflangError, match=f"the simulator `Leak`, which was registered, .*{said}") as told:
            attempt()
        (diagnostic,) = told.value.diagnostics
        assert diagnostic.code == "E615" and diagnostic.span.text == "draw y ~ Leak(x, 20)"


@pytest.mark.usefixtures("registered")
def test_a_simulator_that_fails_once_fails_once() -> None:
    calls: list[int] = []

    def moody(generator: np.random.Generator, x: np.ndarray, strength: np.ndarray) -> np.ndarray:
        calls.append(len(x))
        if len(calls) == 1:
            raise ValueError("boom")
        return x

    pdflang.register("Leak", moody, ["x", "strength"])
    # With 4·10⁵ events there are many calls: none comes after the one that failed.
    model = pdflang.loads(_CALORIMETER)
    with pytest.raises(pdflang.PdflangError, match="ValueError: boom"):
        model.simulate(1, {"c": 400_000.0})
    assert len(calls) == 1
    assert len(model.simulate(1, {"c": 4000.0})["hits"]) > 1500


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("traceable", [True, False])
def test_a_function_that_fails_is_told_wherever_it_is_called(traceable: bool) -> None:
    def broken(x: object, a: object) -> object:
        raise ValueError("boom")

    pdflang.register("falling", broken, ["x", "a"], kind="function", traceable=traceable, values=(0, float("inf")))
    text = "data n: int = 3\nparam a ~ Normal(1, 0.5)\nobserve n ~ Poisson({})\noutput z = falling(1, {})"
    said = "the function `falling`, which was registered, failed: ValueError: boom"
    with pytest.raises(pdflang.PdflangError, match=said):
        pdflang.loads(text.format("exp(a)", "2"))
    model = pdflang.loads(text.format("falling(1, a)", "a"))
    for attempt in (model.log_density, model.log_likelihood, model.derived, lambda params: model.simulate(1, params)):
        with pytest.raises(pdflang.PdflangError, match=said) as told:
            attempt({"a": 1.0})
        assert told.value.diagnostics[0].span.text in ("falling(1, a)", "observe n ~ Poisson(falling(1, a))")


@pytest.mark.usefixtures("registered")
def test_a_function_that_fails_in_a_program_of_the_user_is_not_silent() -> None:
    pdflang.register("falling", lambda x, a: 1 / 0, ["x", "a"], kind="function", values=(0, float("inf")))
    model = pdflang.loads("data n: int = 3\nparam a ~ Normal(1, 0.5)\nobserve n ~ Poisson(falling(1, a))")
    with pytest.raises(Exception, match="the function `falling`, which was registered, failed"):
        jax.block_until_ready(jax.jit(lambda a: model.log_density({"a": a}))(1.0))


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("call", [lambda generator, x: x, lambda generator, x, s, t: x, lambda generator, x, *, s: x])
def test_a_signature_that_cannot_take_the_arguments_is_refused(call: object) -> None:
    with pytest.raises(TypeError, match=r"would be called as Leak\(generator, x, strength\), but takes \(generator"):
        pdflang.register("Leak", call, ["x", "strength"])
    with pytest.raises(TypeError, match=r"would be called as falling\(x\)"):
        pdflang.register("falling", lambda: 1.0, ["x"], kind="function")
    # Neither took its name.
    pdflang.register("Leak", _leak, ["x", "strength"])
    pdflang.register("falling", np.exp, ["x"], kind="function")


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
