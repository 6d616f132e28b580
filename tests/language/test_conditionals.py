"""`if` contributes neither value nor gradient from the branch not taken."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pdflang

SINGULAR = [
    ("factor f = sum(if x > 0 then log(x) else 0)", lambda x: np.where(x > 0, 1 / x, 0)),
    ("factor f = sum(if x <= 0 then -x else sqrt(x))", lambda x: np.where(x > 0, 0.5 / np.sqrt(np.abs(x)), -1)),
    ("factor f = sum(if x[i] > 0 then log(x[i]) else 2*x[i] for i in 3)", lambda x: np.where(x > 0, 1 / x, 2)),
    ("let l = log(x)\nfactor f = sum(if x[i] > 0 then l[i] else 0 for i in 3)", lambda x: np.where(x > 0, 1 / x, 0)),
    ("func safe(v) = if v > 0 then v*log(v) else 0\nfactor f = sum(safe(x))",
     lambda x: np.where(x > 0, 1 + np.log(np.abs(x)), 0)),
    ("factor f = sum(log(x[i]) for i in 3 where x[i] > 0)", lambda x: np.where(x > 0, 1 / x, 0)),
    ("factor f = sum(if x > 0 then (if x > 1 then log(x - 1) else sqrt(1 - x)) else 0)",
     lambda x: np.where(x > 1, 1 / (x - 1), 0)),
    ("factor f = if x[2] < 0 then sum(log(x)) else x[1]", lambda x: np.array([0.0, 1.0, 0.0])),
]  # fmt: skip


@pytest.mark.parametrize(("text", "gradient"), SINGULAR, ids=[text for text, _ in SINGULAR])
def test_the_gradient_is_that_of_the_branch_taken(text: str, gradient: object) -> None:
    model = pdflang.loads(f"param x[3] ~ Normal(0, 1)\n{text}")
    at = np.array([-1.5, 0.0, 2.5])
    found = jax.grad(lambda x: model.log_density({"x": x}))(jnp.asarray(at))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found, -at + gradient(at), rtol=1e-12)  # type: ignore[operator]


@pytest.mark.parametrize("at", [-2.0, 0.0, 1.5])
def test_a_scalar_condition(at: float) -> None:
    model = pdflang.loads("param x ~ Normal(0, 1)\nfactor f = if x > 0 then log(x) else 0")
    value, slope = jax.value_and_grad(lambda x: model.log_density({"x": x}))(jnp.asarray(at))
    assert float(slope) == pytest.approx(-at + (1 / at if at > 0 else 0))
    assert float(value) == pytest.approx(-0.5 * at**2 - 0.5 * np.log(2 * np.pi) + (np.log(at) if at > 0 else 0))
    curvature = jax.hessian(lambda x: model.log_density({"x": x}))(jnp.asarray(at))
    assert float(curvature) == pytest.approx(-1 - (1 / at**2 if at > 0 else 0))


def test_branches_without_singularities_stay_as_they_are() -> None:
    model = pdflang.loads("param x ~ Normal(0, 1)\nfactor f = if x > 0 then 2*x else -3*x")
    assert "where_taken" not in model.source
