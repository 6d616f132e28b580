"""Normalising flows of splines, given a condition or not, made in whatever precision JAX is set to."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import paramax
from flowjax.bijections import Affine, Chain, RationalQuadraticSpline
from flowjax.distributions import Normal
from flowjax.flows import coupling_flow

_INTERVAL = 6
"""Where splines bend, in standard deviations; beyond, a flow is linear."""


def spline_flow(key: Any, dimension: int, condition: int | None, layers: int, width: int, knots: int) -> Any:
    """A coupling flow (Durkan et al. 2019, arXiv:1906.04032) that at first changes nothing: a standard normal."""
    scale = paramax.Parameterize(jnp.exp, jnp.zeros(()))
    affine = eqx.tree_at(lambda affine: affine.scale, Affine(), replace=scale)
    flow = coupling_flow(
        key,
        base_dist=Normal(jnp.zeros(dimension)),
        transformer=Chain([affine, RationalQuadraticSpline(knots=knots, interval=_INTERVAL)]),
        cond_dim=condition,
        flow_layers=layers,
        nn_width=width,
        nn_depth=2,
        nn_activation=jax.nn.silu,
    )
    # The base has no parameters of its own: what it could learn the last layer does.
    flow = eqx.tree_at(lambda flow: flow.base_dist, flow, replace_fn=paramax.non_trainable)
    return jax.tree_util.tree_map_with_path(_still, flow)


def _still(path: Any, leaf: Any) -> Any:
    """The leaf of a flow; zeros for the last layer of a conditioner, whose output is what a layer changes."""
    names = jax.tree_util.keystr(path)
    return jnp.zeros_like(leaf) if ".conditioner.layers[2]." in names and eqx.is_inexact_array(leaf) else leaf


def log_prob(flow: Any, x: jax.Array, condition: jax.Array | None) -> jax.Array:
    """The log-density of a flow at x (d,)."""
    return paramax.unwrap(flow).log_prob(x, condition)


def samples(flow: Any, key: Any, condition: jax.Array | None, count: int) -> jax.Array:
    """Draws (count, d) of a flow."""
    return paramax.unwrap(flow).sample(key, (count,), condition)


