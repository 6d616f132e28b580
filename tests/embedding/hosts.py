"""All that JAX makes of a model's functions in a program of 32 bits, beside the same in one of 64.

Run as a program, with the name of one of `MODELS`: it prints, for each composition of jit, grad and vmap, how far the
two are apart, as a share of the largest number, in a JSON object.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import pdflang

ENDPOINT = """
param a ~ Uniform(-0.9, 1)
param s ~ LogNormal(0, 1)
data n: int = 50
data y = 0.5
let rate = 100*integral(x^a*exp(-s*x) for x in (0, 1))
observe n ~ Poisson(rate)
observe y ~ Normal(s, 1)
output twice = 2*rate
"""
DETECTOR = """
param a ~ Uniform(-0.5, 1)
param c ~ LogNormal(3, 1)
data hits = [0.5, 0.25, 0.75]
data y = 0.5
pdf f(x) = c*x^a*(1 - x)
detector d(y in (0, 1) | x) { smear y ~ Normal(x, 0.1) }
observe hits ~ PoissonProcess(f |> d)
observe y ~ Normal(a, 1)
output half = c/2
"""
PLAIN = """
param z[2] ~ Normal(0, 1)
param mu ~ Gamma(2, 1)
data y[3] = [0.5, 1.25, 3]
data n[2]: int = [3, 1]
factor pull = -z[0]^2
observe y ~ Normal(mu + z[0] - z[1], 1.5)
observe n ~ Poisson(mu)
output total = mu + sum(z)
"""

# Numbers of few bits, which are the same in 32 and in 64.
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "endpoint": (ENDPOINT, {"a": -0.375, "s": 0.5}),
    "detector": (DETECTOR, {"a": -0.25, "c": 20.0}),
    "plain": (PLAIN, {"z": [0.125, -0.5], "mu": 0.75}),
}
Function = Callable[..., Any]


def of_parameters(model: pdflang.Model) -> Function:
    """All functions of parameters, or of unconstrained coordinates, in one."""

    def found(params: Any) -> dict[str, Any]:
        z = model.unconstrain(params)
        return {
            "unconstrain": z,
            "constrain": model.constrain(z),
            "log_density": model.log_density(params),
            "log_density_unconstrained": model.log_density_unconstrained(z),
            "log_likelihood": model.log_likelihood(params),
            "derived": model.derived(params),
            "predictions": model.predictions(params),
            "chi2": model.chi2(params),
        }

    return found


def of_keys(model: pdflang.Model, params: Any) -> Function:
    """All functions of keys; the events of a process are for numbers only."""
    has_events = any(observation.process for observation in model.program.observations.values())

    def found(key: Any) -> dict[str, Any]:
        drawn = {"draw_prior": model.draw_prior(key)}
        return drawn if has_events else {**drawn, "simulate": model.simulate(key, params), "all": model.simulate(key)}

    return found


def scalars(function: Function) -> Function:
    """A number for each name, in the precision of the program."""

    def found(argument: Any) -> Any:
        leaves = {name: jax.tree.leaves(value) for name, value in function(argument).items()}
        real = jnp.zeros(()).dtype
        return jnp.stack([sum(leaf.astype(real).sum() for leaf in leaves[name]) for name in sorted(leaves)])

    return found


def values(function: Function) -> dict[str, dict[str, Function]]:
    """Compositions without derivatives, by what they compute."""
    return {
        "value": {"plain": function, "jit": jax.jit(function)},
        "values": {
            "vmap": jax.vmap(function),
            "jit vmap": jax.jit(jax.vmap(function)),
            "vmap jit": jax.vmap(jax.jit(function)),
        },
    }


def slopes(function: Function) -> dict[str, dict[str, Function]]:
    """Compositions with derivatives, by what they compute."""

    def number(argument: Any) -> Any:
        return function(argument).sum()

    def of_many(argument: Any) -> Any:
        return jax.vmap(jax.jit(number))(argument).sum()

    return {
        "slope": {
            "grad": jax.grad(number),
            "grad jit": jax.grad(jax.jit(number)),
            "jit grad": jax.jit(jax.grad(number)),
        },
        "slopes": {
            "grad vmap jit": jax.grad(of_many),
            "jit grad vmap jit": jax.jit(jax.grad(of_many)),
            "vmap jit grad jit": jax.vmap(jax.jit(jax.grad(jax.jit(number)))),
        },
        "curvature": {
            "hessian jit": jax.hessian(jax.jit(number)),
            "jit jacrev jacrev": jax.jit(jax.jacrev(jax.jacrev(number))),
        },
        "jacobian": {"jacrev": jax.jacrev(function), "jacfwd jit": jax.jacfwd(jax.jit(function))},
    }


def distance(found: Any, expected: Any) -> float:
    """How far trees are apart, as a share of the largest number of each array."""
    shares = [0.0]
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        one, other = np.asarray(one, float), np.asarray(other, float)
        shares.append(float(np.abs(one - other).max(initial=0) / max(1.0, np.abs(other).max(initial=0))))
    return max(shares, key=lambda share: (np.isnan(share), share))


def both(compositions: Callable[[], dict[str, dict[str, Function]]], one: Any, many: Any) -> dict[str, float]:
    """How far each composition is from what it should be, which is computed with 64 bits, by functions made anew."""
    distances = {}
    for kind, alike in compositions().items():
        argument = many if kind.endswith("s") else one
        with jax.enable_x64(True):
            # The last one is compiled as a whole.
            expected = list(compositions()[kind].values())[-1](argument)
        for name, function in alike.items():
            distances[name] = distance(function(argument), expected)
    return distances


def main(name: str) -> None:
    text, numbers = MODELS[name]
    model = pdflang.loads(text)
    params = {key: np.asarray(value, np.float32) for key, value in numbers.items()}
    many = {key: np.stack([value, value * np.float32(0.5)]) for key, value in params.items()}
    key = jax.random.key(1)
    assert not jax.config.jax_enable_x64
    found = {
        "values": both(lambda: values(of_parameters(model)), params, many),
        "draws": both(lambda: values(of_keys(model, params)), key, jax.random.split(key, 2)),
        "slopes": both(lambda: slopes(scalars(of_parameters(model))), params, many),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    # JAX tells that its own matrices of ones, for Jacobians of what has 64 bits, have 32.
    warnings.filterwarnings("ignore", message="Explicitly requested dtype")
    main(sys.argv[1])
