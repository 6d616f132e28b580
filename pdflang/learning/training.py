"""The training loop: Adam with a falling learning rate, an average of the weights, the best network kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference import Monitor, Progressed
from pdflang.inference.platform import compiler_options
from pdflang.inference.workers import StopRequest
from pdflang.learning.options import TrainOptions

_AVERAGED = 0.99
"""Weights are averaged over some hundred steps: what is kept does not depend on the noise of the last."""

_LONGEST = 5.0
"""The norm that gradients are cut to."""


class Keeper(Protocol):
    """Keeps the state of a training, so that one that was cut short can go on."""

    def load(self) -> tuple[list[np.ndarray], list[dict[str, float]]] | None:
        """The leaves of the state and the history, as they were kept last."""

    def save(self, leaves: list[np.ndarray], history: list[dict[str, float]], last: bool) -> None:
        """Keep them; the `last` time in any case."""


@dataclass(frozen=True)
class Trained:
    """The network with the smallest validation loss, and the losses of each pass."""

    network: Any
    history: list[dict[str, float]]
    interrupted: bool


def train(
    network: Any, loss: Callable[..., Any], scales: Mapping[str, np.ndarray], arrays: Any, options: TrainOptions,
    key: Any, monitor: Monitor, stop: StopRequest, keeper: Keeper | None = None,
    told: Callable[[int, float], None] = lambda epoch, seconds: None, judged: Callable[..., Any] | None = None,
    judged_whole: bool = False,
) -> Trained:  # fmt: skip
    """Train a network on arrays (n, …), the first of which only the validation loss sees.

    `loss(network, scales, batch, key, options)` is averaged over a batch, and so is what networks are `judged` by where
    the loss does not tell how good they are; of all validation data at once where that is no average. The same for the
    same key, also where it goes on from what a `keeper` has. `told` hears how long each pass took. Error: E661 where a
    loss is not finite.
    """
    with jax.enable_x64(False):
        narrow = {name: np.asarray(value, np.float32) for name, value in scales.items()}
        count = len(jax.tree.leaves(arrays)[0])
        held = max(1, round(options.validation * count))
        validation = jax.tree.map(lambda a: jnp.asarray(a[:held]), arrays)
        learned = jax.tree.map(lambda a: jnp.asarray(a[held:]), arrays)
        batch = min(options.batch, count - held)
        weights, still = eqx.partition(network, eqx.is_inexact_array)
        at_once = held if judged_whole else min(held, batch)
        program = _program(loss, judged or loss, options, still, batch, (count - held) // batch, at_once)
        start = program.start(weights, narrow, validation)
        state, history = _restored(start, keeper)
        monitor.start("train", 1, options.epochs)
        try:
            while not (ended := has_ended(history, options)) and not stop.requested:
                epoch = len(history) + 1
                begin = time.perf_counter()
                state, losses = program.epoch(state, narrow, learned, validation, jax.random.fold_in(key, epoch))
                history.append({"epoch": epoch, "train": float(losses[0]), "validation": float(losses[1])})
                _require_finite(history[-1])
                least = min(entry["validation"] for entry in history)
                monitor.update(Progressed(0, f"validation loss {least:.4g}", epoch, options.epochs))
                told(epoch, time.perf_counter() - begin)
                if keeper is not None:
                    keeper.save([np.asarray(leaf) for leaf in jax.tree.leaves(state)], history, last=False)
        finally:
            monitor.finish()
        if keeper is not None:
            keeper.save([np.asarray(leaf) for leaf in jax.tree.leaves(state)], history, last=True)
        return Trained(eqx.combine(state["best"], still), history, not ended)


def has_ended(history: list[dict[str, float]], options: TrainOptions) -> bool:
    """Whether a training has made all its passes, or none of the last ones was of use."""
    if not history:
        return False
    best = min(history, key=lambda entry: entry["validation"])
    return len(history) >= options.epochs or len(history) - best["epoch"] >= options.patience


@dataclass(frozen=True)
class _Program:
    start: Callable[..., Any]
    epoch: Callable[..., Any]


def _program(
    loss: Callable[..., Any], judged: Callable[..., Any], options: TrainOptions, still: Any, batch: int, batches: int,
    at_once: int,
) -> _Program:  # fmt: skip
    """The compiled functions of a training."""
    rate = optax.cosine_decay_schedule(options.learning_rate, options.epochs * batches)
    # What is random in a loss is the same in each validation.
    always = jax.random.key(0)
    optimizer = optax.chain(optax.clip_by_global_norm(_LONGEST), optax.adam(rate, b1=options.momentum))

    def of_batch(function: Callable[..., Any], weights: Any, scales: Any, some: Any, key: Any) -> Any:
        return function(eqx.combine(weights, still), scales, some, key, options)

    def validated(weights: Any, scales: Any, validation: Any) -> Any:
        count = len(jax.tree.leaves(validation)[0])
        parts = jax.tree.map(lambda a: a[: count // at_once * at_once].reshape(-1, at_once, *a.shape[1:]), validation)
        return jnp.mean(jax.lax.map(lambda some: of_batch(judged, weights, scales, some, always), parts))

    def start(weights: Any, scales: Any, validation: Any) -> Any:
        least = validated(weights, scales, validation)
        return {
            "weights": weights,
            "average": weights,
            "optimizer": optimizer.init(weights),
            "best": weights,
            "least": least,
        }

    def epoch(state: Any, scales: Any, learned: Any, validation: Any, key: Any) -> Any:
        order_key, loss_key = jax.random.split(key)
        count = len(jax.tree.leaves(learned)[0])
        order = jax.random.permutation(order_key, count)[: batches * batch].reshape(batches, batch)

        def step(carried: Any, number: Any) -> Any:
            weights, average, optimised = carried
            some = jax.tree.map(lambda a: a[order[number]], learned)
            own = jax.random.fold_in(loss_key, number)
            value, gradient = jax.value_and_grad(partial(of_batch, loss))(weights, scales, some, own)
            change, optimised = optimizer.update(gradient, optimised, weights)
            weights = optax.apply_updates(weights, change)
            average = jax.tree.map(lambda a, w: _AVERAGED * a + (1 - _AVERAGED) * w, average, weights)
            return (weights, average, optimised), value

        before = state["weights"], state["average"], state["optimizer"]
        (weights, average, optimised), values = jax.lax.scan(step, before, jnp.arange(batches))
        found = validated(average, scales, validation)
        better = found < state["least"]
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), average, state["best"])
        after = {
            "weights": weights,
            "average": average,
            "optimizer": optimised,
            "best": best,
            "least": jnp.where(better, found, state["least"]),
        }
        return after, (values.mean(), found)

    well = compiler_options()
    return _Program(jax.jit(start, compiler_options=well), jax.jit(epoch, compiler_options=well))


def _restored(start: Any, keeper: Keeper | None) -> tuple[Any, list[dict[str, float]]]:
    """The state to begin with: one that was kept, if it is of such a network."""
    kept = keeper.load() if keeper is not None else None
    if kept is None:
        return start, []
    leaves, history = kept
    wanted = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(start)]
    if [(leaf.shape, leaf.dtype) for leaf in leaves] != wanted:
        return start, []
    return jax.tree.unflatten(jax.tree.structure(start), [jnp.asarray(leaf) for leaf in leaves]), history


def _require_finite(entry: Mapping[str, float]) -> None:
    """PdflangError (E661) where a loss is no number."""
    if not (np.isfinite(entry["train"]) and np.isfinite(entry["validation"])):
        raise PdflangError(
            Diagnostic(
                "E661", f"the loss is not finite in pass {entry['epoch']:.0f} of the training",
                remedy="lower `--learning-rate`; extreme simulations say that priors are too wide",
            )
        )  # fmt: skip
