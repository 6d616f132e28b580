"""Sums of a gradient column by column: XLA adds all entries of a table one after another, and waits for each.

A gradient is full of sums over whole arrays, one for each parameter that scales one. Where nodes are rows, columns are
added up side by side: the gradient of a binned fit takes two thirds of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.extend as jex
import jax.numpy as jnp


def with_quick_sums(log_density: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The same function of z and arrays, whose gradient along z adds up by columns, and has no derivative itself."""
    quick = _rewritten(jax.value_and_grad(log_density))
    function = jax.custom_vjp(log_density)
    function.defvjp(lambda z, arrays: quick(z, arrays), lambda gradient, slope: (slope * gradient, None))
    return function


def _rewritten(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*arguments)
        results = _evaluated(closed.jaxpr, closed.consts, jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shape), results)

    return call


def _evaluated(jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    """What a program computes, but for sums over tables; inside of its loops and branches all is as it was."""
    values = dict(zip(jaxpr.constvars, consts, strict=True)) | dict(zip(jaxpr.invars, arguments, strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, jex.core.Literal) else values[atom]

    for step in jaxpr.eqns:
        operands = [read(atom) for atom in step.invars]
        if step.primitive.name == "jit":
            inner = step.params["jaxpr"]
            found = _evaluated(inner.jaxpr, inner.consts, operands)
        elif step.primitive.name == "reduce_sum" and len(step.params["axes"]) == operands[0].ndim > 1:
            found = [_sum_by_columns(operands[0])]
        else:
            found = step.primitive.bind(*operands, **step.primitive.get_bind_params(step.params))
            found = found if step.primitive.multiple_results else [found]
        values.update(zip(step.outvars, found, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _sum_by_columns(values: Any) -> Any:
    """The sum of all entries. XLA would join the two sums, were it not kept from it."""
    columns = jnp.sum(values, axis=tuple(range(values.ndim - 1)))
    return jnp.sum(jax.lax.optimization_barrier(columns))
