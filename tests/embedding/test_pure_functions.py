"""The functions of a model: pure, differentiable, in 64 bits within a host that has 32."""

from __future__ import annotations

import doctest
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pdflang
from pdflang import PdflangError

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

TEXT = """
index flavour = u, d
param z[flavour] ~ Normal(0, 1)
param mu ~ Normal(0, 5)
param a ~ HalfNormal(2)
data y[N]
let m = mu + z.u - z.d
observe y ~ Normal(m, a)
output twice = 2*mu
"""
Y = np.array([0.5, 1.25, 3.0])
PARAMS = {"z": np.array([0.125, -0.5]), "mu": 0.75, "a": 1.5}


@pytest.fixture(scope="module")
def model() -> pdflang.Model:
    return pdflang.loads(TEXT, data={"y": Y})


def log_density(z: np.ndarray, mu: float, a: float) -> float:
    from scipy import stats

    prior = stats.norm.logpdf(z).sum() + stats.norm.logpdf(mu, 0, 5) + stats.halfnorm.logpdf(a, 0, 2)
    return float(prior + stats.norm.logpdf(Y, mu + z[0] - z[1], a).sum())


def test_the_log_density_is_the_formula(model) -> None:
    found = model.log_density(PARAMS)
    assert found.dtype == jnp.float64 and found.shape == ()
    assert float(found) == pytest.approx(log_density(**PARAMS), rel=1e-14)


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray, lambda value: np.asarray(value).tolist()])
def test_inputs_of_numpy_jax_and_python(model, kind) -> None:
    given = {name: kind(value) for name, value in PARAMS.items()}
    assert float(model.log_density(given)) == pytest.approx(log_density(**PARAMS), rel=1e-14)


def test_jit_grad_and_vmap(model) -> None:
    gradient = jax.grad(model.log_density)(PARAMS)
    step = 1e-5
    slope = (log_density(PARAMS["z"], 0.75 + step, 1.5) - log_density(PARAMS["z"], 0.75 - step, 1.5)) / (2 * step)
    assert float(gradient["mu"]) == pytest.approx(slope, rel=1e-6)
    assert gradient["z"].shape == (2,)
    assert jax.jit(model.log_density)(PARAMS).dtype == jnp.float64
    many = {name: np.stack([np.asarray(value)] * 3) for name, value in PARAMS.items()}
    assert jax.vmap(model.log_density)(many).shape == (3,)
    gradients = jax.jit(jax.vmap(jax.grad(model.log_density)))(many)
    assert gradients["z"].shape == (3, 2)
    assert jax.vmap(model.log_likelihood)(many)["y"].shape == (3, 3)
    assert jax.vmap(model.constrain)(np.zeros((5, 4)))["z"].shape == (5, 2)


def test_in_a_function_of_the_host(model) -> None:
    @jax.jit
    def loss(mu):
        inside = model.log_density({**PARAMS, "mu": 2 * mu})
        assert inside.dtype == jnp.float64
        return inside.astype(jnp.float32) + mu

    value, slope = jax.value_and_grad(loss)(jnp.float32(0.375))
    assert value.dtype == jnp.float32
    assert float(value) == pytest.approx(log_density(**PARAMS) + 0.375, rel=1e-6)
    assert float(slope) == pytest.approx(2 * float(jax.grad(model.log_density)(PARAMS)["mu"]) + 1, rel=1e-5)


def test_in_a_host_of_64_bits(model) -> None:
    with jax.enable_x64(True):
        gradient = jax.grad(model.log_density)(PARAMS)
        assert gradient["mu"].dtype == jnp.float64
        hessian = jax.hessian(model.log_density_unconstrained)(model.unconstrain(PARAMS))
        assert hessian.shape == (4, 4) and np.allclose(hessian, hessian.T)


def test_gradients_of_matrices_keep_their_digits() -> None:
    model = pdflang.load(EXAMPLES / "dis" / "model.pdfm")
    with jax.enable_x64(True):
        point = model.unconstrain(model.constrain(np.full(model.dimension, 0.1)))
        precise = jax.grad(model.log_density_unconstrained)(point)
    single = np.asarray(point, dtype=np.float32)
    found = jax.jit(jax.grad(model.log_density_unconstrained))(single)
    with jax.enable_x64(True):
        precise = jax.grad(model.log_density_unconstrained)(single.astype(float))
    assert found.dtype == jnp.float32
    assert np.allclose(found, precise, rtol=1e-6, atol=1e-5)


def test_constrain_and_unconstrain_are_inverse(model) -> None:
    z = np.array([0.3, -0.2, 1.5, -0.7])
    params = model.constrain(z)
    assert list(params) == ["z", "mu", "a"]
    assert np.allclose(model.unconstrain(params), z, rtol=1e-14)
    assert float(params["a"]) > 0


def test_derived_values_predictions_and_chi2(model) -> None:
    assert float(model.derived(PARAMS)["twice"]) == 1.5
    np.testing.assert_allclose(model.predictions(PARAMS)["y"], np.full(len(Y), 1.375))
    assert float(jax.jit(model.chi2)(PARAMS)["y"]) == pytest.approx(((Y - 1.375) ** 2).sum() / 1.5**2)


def test_log_likelihood_is_pointwise(model) -> None:
    from scipy import stats

    assert np.allclose(model.log_likelihood(PARAMS)["y"], stats.norm.logpdf(Y, 1.375, 1.5), rtol=1e-14)


def test_simulate_takes_keys_and_seeds(model) -> None:
    one, same = model.simulate(3, PARAMS)["y"], model.simulate(jax.random.key(3), PARAMS)["y"]
    assert np.array_equal(one, same) and one.shape == (3,) and one.dtype == jnp.float64
    assert not np.array_equal(one, model.simulate(4, PARAMS)["y"])
    assert model.simulate(np.int64(3))["y"].shape == (3,)
    assert list(model.draw_prior(3)) == ["z", "mu", "a"]
    many = jax.vmap(lambda key: model.simulate(key, PARAMS)["y"])(jax.random.split(jax.random.key(0), 5))
    assert many.shape == (5, 3)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({**PARAMS, "nu": 1.0}, "no parameter `nu`"),
        ({"z": PARAMS["z"], "mux": 1.0, "a": 1.0}, "did you mean `mu`?"),
        ({"mu": 1.0, "a": 1.0}, "no value is given for `z`"),
        ({**PARAMS, "mu": [1.0, 2.0]}, "`mu` is a number, but its value is an array of shape (2,)"),
        ({**PARAMS, "z": 1.0}, "`z` is an array of shape (2,), but its value is a number"),
        ({**PARAMS, "z": np.zeros((3, 2))}, "jax.vmap"),
        ({**PARAMS, "mu": "one"}, "`mu` is no number"),
        ([1.0, 2.0], "given by name"),
    ],
)
def test_parameters_that_do_not_fit(model, params, told: str) -> None:
    for function in (model.log_density, model.log_likelihood, model.unconstrain, lambda p: model.simulate(0, p)):
        with pytest.raises(PdflangError) as error:
            function(params)
        assert error.value.diagnostics[0].code == "E609"
        assert told in str(error.value).replace("\n        ", " ")


def test_draws_with_outputs_are_parameters(model) -> None:
    assert float(model.log_density({**PARAMS, "twice": 1.5})) == pytest.approx(log_density(**PARAMS))


def test_coordinates_that_do_not_fit(model) -> None:
    for function in (model.constrain, model.log_density_unconstrained):
        with pytest.raises(PdflangError, match=r"shape \(4,\), not an array of shape \(3,\)"):
            function(np.zeros(3))


def test_outside_of_the_support_the_density_is_zero(model) -> None:
    assert float(model.log_density({**PARAMS, "a": -1.0})) == -np.inf


@pytest.mark.parametrize(("text", "code"), [("data y\nparam mu ~ Flat()\nobserve y ~ Normal(mu, 1)", "E607")])
def test_improper_priors_cannot_be_drawn_from(text: str, code: str) -> None:
    model = pdflang.loads(text, data={"y": 1})
    with pytest.raises(PdflangError) as error:
        model.simulate(0)
    diagnostic = error.value.diagnostics[0]
    assert (diagnostic.code, diagnostic.span.source.position(diagnostic.span.start)[0]) == (code, 2)
    assert model.simulate(0, {"mu": 1.0})["y"].shape == ()


def test_sizes_are_for_iid_events() -> None:
    text = "data x[N]\nparam a ~ Normal(2, 1) in (0, inf)\npdf f(x) = x^a\nobserve x ~ Iid(f)"
    model = pdflang.loads(text, data={"x": [0.5, 0.25]})
    assert len(model.simulate(0, {"a": 2.0})["x"]) == 2
    assert len(model.simulate(0, {"a": 2.0}, sizes={"x": 7})["x"]) == 7
    for sizes in ({"y": 3}, {"x": -1}, {"x": 1.5}):
        with pytest.raises(PdflangError) as error:
            model.simulate(0, {"a": 2.0}, sizes=sizes)
        assert error.value.diagnostics[0].code == "E610"


def test_a_model_shows_itself(model) -> None:
    assert repr(model) == "<Model <model>: z, mu, a; observes y>"
    assert model.dimension == 4
    assert "def log_density" in model.source


def test_the_examples_of_the_docstrings() -> None:
    from pdflang import embedding

    results = doctest.testmod(embedding, report=False)
    assert results.attempted > 3 and results.failed == 0


@pytest.mark.parametrize("rate", ["PoissonProcess(rate)", "Iid(rate)"])
def test_events_cannot_be_traced(rate: str) -> None:
    model = pdflang.loads(
        f"data hits = [0.5]\nparam c ~ LogNormal(3, 0.1)\npdf rate(x) = c * (1 - x)\nobserve hits ~ {rate}"
    )
    params, keys = {"c": 20.0}, jax.random.split(jax.random.key(0), 3)
    attempts = [
        lambda: jax.vmap(lambda key: model.simulate(key, params)["hits"])(keys),
        lambda: jax.jit(lambda c: model.simulate(1, {"c": c})["hits"])(20.0),
        lambda: jax.jit(lambda: model.simulate(1)["hits"])(),
        lambda: jax.grad(lambda c: model.simulate(1, {"c": c})["hits"].sum())(20.0),
    ]
    for attempt in attempts:
        with pytest.raises(pdflang.PdflangError, match="once for each key") as caught:
            attempt()
        assert [d.code for d in caught.value.diagnostics] == ["E616"]
    assert all(len(model.simulate(key, params)["hits"]) for key in keys)
