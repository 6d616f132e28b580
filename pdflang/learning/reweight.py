"""A classifier of simulated and observed events, whose odds are weights: p(x | observed)/p(x | simulated).

Trained with as much weight of either side its logit is the logarithm of the ratio (Cranmer, Pavez and Louppe 2015,
arXiv:1506.02169; of simulations and data Rogozhnikov 2016, arXiv:1608.05806, and Andreassen et al. 2020,
arXiv:1911.09107). Events count by their weights, which may have signs. On the events of the validation loss the logit
is made right by a factor and a constant (Platt 1999), and weights have mean 1 over simulated events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference.platform import double_precision
from pdflang.learning.columns import Column, cells_of, count_cells
from pdflang.learning.correcting import Network, kept_scales, made_network, of_batch, sided_arrays, sided_scales
from pdflang.learning.layout import Part
from pdflang.learning.networks import in_double, still_at_first
from pdflang.learning.options import ReweightOptions
from pdflang.learning.scaling import Scales
from pdflang.learning.sides import SIDES, Sides
from pdflang.results.two_samples import effective_count

_AT_ONCE = 4096
"""Events that the network sees at once, where there are many."""


def prepared(parts: Sequence[Part], sample: Sides, options: ReweightOptions) -> tuple[Scales, Any]:
    """The scales that events ask for, and what the loss reads of each group."""
    scales = sided_scales(parts, sample)
    return scales, sided_arrays(parts, scales, sample)


def network(key: Any, parts: Sequence[Part], scales: Scales, dimension: int, options: ReweightOptions) -> Network:
    """A network before training, by which all weights are 1."""

    def one(own: Any, columns: tuple[Column, ...]) -> eqx.nn.MLP:
        cells = count_cells(columns)
        return still_at_first(eqx.nn.MLP(cells, "scalar", options.width, options.depth, jax.nn.silu, key=own))

    return made_network(key, parts, scales, one)


def loss(network: Network, scales: Mapping[str, Any], batch: Any, key: Any, options: ReweightOptions) -> jax.Array:
    """The weighted cross-entropy of both sides, log 2 where nothing tells them apart."""
    total = jnp.zeros(())
    for name, own in network.observations.items():
        simulated, observed = (of_batch(batch, name, side) for side in SIDES)
        total += jnp.mean(simulated[1] * jax.nn.softplus(jax.vmap(own.function)(simulated[0]))) / 2
        total += jnp.mean(observed[1] * jax.nn.softplus(-jax.vmap(own.function)(observed[0]))) / 2
    return total


def finished(network: Network, parts: Sequence[Part], scales: Scales, sample: Sides) -> Scales:
    """The scales with what makes logits the logarithms of weights of mean 1, and what these leave of events."""
    found = kept_scales(parts, scales, sample)
    wide = in_double(network)
    for part in parts:
        held, whole = (
            [(_logits(wide, part, scales, rows), weights) for rows, weights in sides]
            for sides in ([sample.of(part.name, side, only) for side in SIDES] for only in (True, False))
        )
        factor, constant = calibrated(*held)
        # No event counts more than any that was seen.
        low, high = min(logits.min() for logits, _ in whole), max(logits.max() for logits, _ in whole)
        logits, weights = whole[0]
        with np.errstate(over="ignore", invalid="ignore"):
            corrected = weights * np.exp(factor * logits + constant)
        _require_mean(part, corrected)
        constant -= np.log(corrected.mean())
        found[f"{part.name} odds"] = np.array([factor, constant, low, high])
        left = [effective_count(corrected), effective_count(weights)]
        found[f"{part.name} effective"] = np.array(left) / len(weights)
    return found


def calibrated(
    simulated: tuple[np.ndarray, np.ndarray], observed: tuple[np.ndarray, np.ndarray]
) -> tuple[float, float]:
    """The factor, which is not negative, and the constant by which logits are right for events of both sides.

    Each is given as logits (n,) and weights (n,). With few events they stay near 1 and 0, their prior being of width 1.
    """
    count = len(observed[0])

    def cross_entropy(numbers: np.ndarray) -> float:
        factor, constant = numbers
        first = np.average(np.logaddexp(0, factor * simulated[0] + constant), weights=simulated[1])
        second = np.average(np.logaddexp(0, -factor * observed[0] - constant), weights=observed[1])
        return float(count * (first + second) + ((factor - 1) ** 2 + constant**2) / 2)

    found = minimize(cross_entropy, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0, None), (None, None)])
    return float(found.x[0]), float(found.x[1])


def _require_mean(part: Part, weights: np.ndarray) -> None:
    """PdflangError (E661) where there are no weights of mean 1, as signs of events may have it."""
    if not (np.isfinite(weights).all() and weights.sum() > 0):
        raise PdflangError(
            Diagnostic(
                "E661", f"the weights that were learned of events of `{part.name}` have no mean above 0",
                remedy="where the weights of all events nearby add up to less than 0, they have no ratio of densities: "
                "leave such a region out",
            )
        )  # fmt: skip


def log_weights(network: Network, part: Part, scales: Mapping[str, Any], rows: Any) -> jax.Array:
    """log p(x | observed)/p(x | simulated) of rows (n, width) as they are in the data: (n,)."""
    own = network.observations[part.name]
    cells, _ = cells_of(own.columns, rows)
    logits = jax.lax.map(own.function, cells, batch_size=min(_AT_ONCE, max(1, len(cells))))
    factor, constant, low, high = scales[f"{part.name} odds"]
    return factor * jnp.clip(logits, low, high) + constant


def remarks(parts: Sequence[Part], scales: Scales) -> list[str]:
    """What is to be told of a training."""
    shares = {part.name: scales[f"{part.name} effective"] for part in parts}
    return [
        f"{name}: weights leave {100 * after / before:.0f} % of the simulated events"
        for name, (after, before) in shares.items()
    ]


def _logits(network: Network, part: Part, scales: Scales, rows: np.ndarray) -> np.ndarray:
    still = {**scales, f"{part.name} odds": np.array([1.0, 0.0, -np.inf, np.inf])}
    with double_precision():
        return np.asarray(log_weights(network, part, still, rows))
