"""Parameters on both scales, many at once, and the density of the prior that simulations are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.inference.platform import double_precision

if TYPE_CHECKING:
    from pdflang.functions import Functions
    from pdflang.model import CompiledModel


def constrained(model: CompiledModel, z: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters (n, …) by name of unconstrained vectors (n, dimension)."""
    with double_precision():
        found = _maps(model.functions)[0](np.asarray(z, float), model.arrays)
    return {name: np.asarray(found[name]) for name in model.program.parameters}


def unconstrained(model: CompiledModel, params: Mapping[str, Any]) -> np.ndarray:
    """Unconstrained vectors (n, dimension) of parameters (n, …) by name."""
    with double_precision():
        return np.asarray(_maps(model.functions)[1](dict(params), model.arrays))


def jacobians(model: CompiledModel, z: np.ndarray) -> np.ndarray:
    """∂ parameters / ∂ z, (n, entries, dimension), at unconstrained vectors (n, dimension)."""
    with double_precision():
        return np.asarray(_slopes(model.functions.module.constrain, tuple(model.program.parameters))(z, model.arrays))


@lru_cache(maxsize=32)
def _slopes(constrain: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    import jax
    import jax.numpy as jnp

    def flat(z: Any, arrays: Any) -> Any:
        params = constrain(z, arrays)[0]
        return jnp.concatenate([jnp.ravel(params[name]) for name in names])

    return jax.jit(jax.vmap(jax.jacfwd(flat), in_axes=(0, None)))


def _maps(functions: Functions) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return _compiled(functions.module.constrain, functions.module.unconstrain)


@lru_cache(maxsize=32)
def _compiled(
    constrain: Callable[..., Any], unconstrain: Callable[..., Any]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    import jax

    to = jax.jit(jax.vmap(lambda z, arrays: constrain(z, arrays)[0], in_axes=(0, None)))
    back = jax.jit(jax.vmap(unconstrain, in_axes=(0, None)))
    return to, back


def log_prior(functions: Functions, z: Any, arrays: Any) -> Any:
    """The log-density of unconstrained parameters (dimension,) that the prior and all factors give, not normalised."""
    from pdflang.backend.runtime.density import total

    module = functions.module
    params, log_det = module.constrain(z, arrays)
    factors = module.log_factors(params, arrays) if hasattr(module, "log_factors") else {}
    return total(module.log_prior(params, arrays), factors) + log_det


def log_jacobian(functions: Functions, z: Any, arrays: Any) -> Any:
    """log |∂ parameters / ∂ z| of unconstrained parameters (dimension,)."""
    return functions.module.constrain(z, arrays)[1]
