"""In how few numbers outputs can be told: an autoencoder beside principal components.

A network that goes through few numbers and back finds curved surfaces, as many-dimensional as what outputs depend on,
where principal components need a dimension for each way that it bends (Hinton and Salakhutdinov 2006).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pdflang.inference import Monitor
from pdflang.inference.workers import StopRequest
from pdflang.learning.options import ReduceOptions
from pdflang.learning.training import train
from pdflang.results.reduction import Loss

_BESIDE = 0.2
"""The share of draws that losses are told for, and that nothing is learned from."""

_CONSTANT = 1e-12
"""Spreads below this share of the size are those of outputs that do not change."""

_ROUNDING = 1e-7
"""Components below this share of the largest are not seen by 32-bit networks."""


class _Bent(eqx.Module):
    """A linear map that keeps the first numbers, and a network beside it that says nothing at first."""

    straight: jax.Array
    beside: eqx.nn.MLP

    def __init__(self, key: Any, inner: int, outer: int, options: ReduceOptions) -> None:
        self.straight = jnp.eye(outer, inner)
        network = eqx.nn.MLP(inner, outer, options.width, options.depth, jax.nn.silu, key=key)
        still = eqx.tree_at(lambda layer: (layer.weight, layer.bias), network.layers[-1], replace_fn=jnp.zeros_like)
        self.beside = eqx.tree_at(lambda mlp: mlp.layers[-1], network, still)

    def __call__(self, values: jax.Array) -> jax.Array:
        return self.straight @ values + self.beside(values)


class Autoencoder(eqx.Module):
    """From outputs to latent numbers and back; at first by principal components, which it bends."""

    encoder: _Bent
    decoder: _Bent

    def __init__(self, key: Any, width: int, latent: int, options: ReduceOptions) -> None:
        first, second = jax.random.split(key)
        self.encoder, self.decoder = _Bent(first, width, latent, options), _Bent(second, latent, width, options)

    def __call__(self, values: jax.Array) -> jax.Array:
        return self.decoder(self.encoder(values))


@dataclass(frozen=True)
class _Values:
    """Outputs by their principal components, each in units of its `spread` (k,): what a network sees best.

    `learned` (draws, k) are for the network, `beside` for the losses; of these `left_out` is the variance that lies in
    no component, `total` that of all.
    """

    learned: np.ndarray
    beside: np.ndarray
    spread: np.ndarray
    left_out: float
    total: float

    def lost(self, rest: np.ndarray) -> float:
        """The share of variance that is lost where `rest` (draws, k) is what is left of the components."""
        return float(self.left_out + np.mean(np.sum((rest * self.spread) ** 2, axis=1))) / self.total


def losses(
    values: np.ndarray, latents: tuple[int, ...], options: ReduceOptions, monitor: Monitor, stop: StopRequest
) -> tuple[Loss, ...]:
    """Of outputs (draws, numbers), for each number of latents; fewer where a stop was requested."""
    seen = _components(values, options)
    found = []
    for latent in latents:
        network = _trained(seen, latent, options, monitor, stop)
        if network is None:
            break
        linear = np.where(np.arange(len(seen.spread)) < latent, 0.0, seen.beside)
        rest = seen.beside - np.asarray(jax.vmap(network)(jnp.asarray(seen.beside, jnp.float32)))
        found.append(Loss(latent, seen.lost(linear), seen.lost(rest)))
    return tuple(found)


def _components(values: np.ndarray, options: ReduceOptions) -> _Values:
    spread = values.std(axis=0)
    varies = spread > _CONSTANT * (np.abs(values).max(axis=0) + 1e-300)
    standard = (values[:, varies] - values[:, varies].mean(axis=0)) / spread[varies]
    held = max(1, round(_BESIDE * len(values)))
    learned, beside = standard[held:], standard[:held]
    _, sizes, rows = np.linalg.svd(learned, full_matrices=False)
    count = min(options.components, int(np.sum(sizes > _ROUNDING * sizes[0])))
    spread = sizes[:count] / np.sqrt(len(learned))
    narrow, seen = beside @ rows[:count].T, learned @ rows[:count].T
    total = float(np.mean(np.sum(beside**2, axis=1)))
    return _Values(seen / spread, narrow / spread, spread, total - float(np.mean(np.sum(narrow**2, axis=1))), total)


def _trained(
    seen: _Values, latent: int, options: ReduceOptions, monitor: Monitor, stop: StopRequest
) -> Autoencoder | None:
    key = jax.random.fold_in(jax.random.key(options.seed or 0), latent)
    with jax.enable_x64(False):
        network = Autoencoder(key, seen.learned.shape[1], latent, options)
    arrays = np.asarray(seen.learned, np.float32)
    scales = {"share": seen.spread**2 / seen.total}
    found = train(network, _loss, scales, arrays, options, key, monitor, stop)
    return None if found.interrupted else found.network


def _loss(network: Autoencoder, scales: Mapping[str, Any], batch: Any, key: Any, options: ReduceOptions) -> jax.Array:
    """The share of variance that is lost."""
    return jnp.mean((jax.vmap(network)(batch) - batch) ** 2 @ scales["share"])
