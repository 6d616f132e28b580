"""Chains in the coordinates of a normalising flow that was fitted to draws: NUTS, and independent draws of the flow.

Sources: Hoffman et al. 2019 (arXiv:1903.03704) for NUTS of what a flow makes of the posterior; Albergo et al. 2021
(arXiv:2101.08176) and Gabrié, Rotskoff & Vanden-Eijnden 2022 (arXiv:2105.12603) for proposals of a flow between moves
within modes. Scouts go out from where draws of the prior climb to, a flow is fitted to their draws, and again to those
of chains that it has moved, whose shares of modes are right. Then it stays as it is, and the draws are exact.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from pdflang.inference.bridge import bridged
from pdflang.inference.chains import sample_chains
from pdflang.inference.draws import Draws, NoFiniteStart, Remark, Unsuited, nothing_drawn
from pdflang.inference.keeping import leaves_of, tree_like
from pdflang.inference.monitor import Monitor, QuietMonitor
from pdflang.inference.normal import Normal
from pdflang.inference.options import FlowNutsOptions, NutsOptions, chosen_seed
from pdflang.inference.options.base import SEEDS
from pdflang.inference.platform import compiler_options, double_precision
from pdflang.inference.populations import mean_evidence
from pdflang.inference.scouts import scouted
from pdflang.inference.surface import log_densities
from pdflang.inference.target import Target
from pdflang.inference.trajectories import Jumping
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.results.checkpoints import Checkpoint, Checkpoints, later

_MOVED, _MOVED_WARMUP, _MOVED_DRAWS = 8, 150, 200
"""Chains that the first flow moves, and that the second is fitted to."""

_EPOCHS, _PATIENCE, _BATCH, _RATE = 60, 10, 256, 5e-3

_PROPOSED = 1000
"""Draws of the flow, for each chain, that bridge to the evidence, and tell the share that is accepted."""

_ENOUGH = 0.05


class Settings(NutsOptions):
    """Of chains whose coordinates are those of the flow: only their step size adapts."""

    settling: ClassVar[int | None] = None


def sample(
    target: Target,
    options: FlowNutsOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws of chains, and the evidence of a proper prior. Needs flowjax. Raises `NoFiniteStart`, `Unsuited`."""
    options = options or FlowNutsOptions()
    monitor = monitor or QuietMonitor()
    seed = chosen_seed(options.seed)
    functions = _functions(target.log_density, target.dimension, options.layers, options.knots, options.width)
    before, fitting = 0, 0.0
    stages = ((_MOVED, _MOVED_WARMUP, _MOVED_DRAWS), (options.chains, options.warmup, options.draws))
    with interrupts(stop) as heard:
        drawn = scouted("flow-nuts", target, seed, options.threads, monitor, heard, checkpoints)
        z, kept = drawn.z.reshape(-1, target.dimension), checkpoints
        for number, (chains, warmup, draws) in enumerate(stages):
            if drawn.interrupted or heard.requested:
                return nothing_drawn(target.dimension, options.chains, seed, options, "flow-nuts", drawn.seconds)
            assert drawn.warmup_gradients is not None
            before += int(drawn.warmup_gradients.sum() + drawn.statistics["n_gradients"].sum())
            kept = later(kept, len(drawn.z))
            begin = time.perf_counter()
            within = _within(target, functions, z, options, seed, number, kept)
            fitting += time.perf_counter() - begin
            # The first of a stage is its flow. Streams of random numbers are those of a seed, so each has its own.
            kept, own = later(kept, 1), (seed + 1 + number) % SEEDS
            settings = Settings(chains, warmup, draws, seed=own, threads=options.threads)
            trajectory = Jumping(settings.max_tree_depth)
            try:
                drawn = sample_chains("flow-nuts", trajectory, within, settings, monitor, heard, checkpoints=kept)
            except NoFiniteStart:
                raise Unsuited("the density is not finite in the middle of its flow", "sample with `nuts`") from None
            with double_precision():
                z = np.asarray(functions.places(drawn.z.reshape(-1, target.dimension), within.arrays))
    return _drawn(target, within, options, seed, drawn, z, before, fitting)


def _drawn(
    target: Target, within: Target, options: FlowNutsOptions, seed: int, drawn: Draws, z: np.ndarray, before: int,
    fitting: float,
) -> Draws:  # fmt: skip
    """The draws of the last chains, and what the flow says of them."""
    chains, length, dimension = drawn.z.shape
    if not length:
        return nothing_drawn(dimension, options.chains, seed, options, "flow-nuts", drawn.seconds)
    unit = Normal(np.zeros(dimension), np.eye(dimension))
    weights = drawn.statistics["lp"] - unit.log_density(drawn.z.reshape(-1, dimension)).reshape(chains, length)
    generator = np.random.default_rng(seed)
    # Of each chain its own, so that its evidence is independent of that of others.
    proposed = generator.standard_normal((chains * _PROPOSED, dimension))
    offered = (log_densities(within, proposed) - unit.log_density(proposed)).reshape(chains, _PROPOSED)
    log_z = np.array([bridged(own, other) for own, other in zip(weights, offered, strict=True)])
    here = generator.choice(weights.ravel(), size=offered.shape)
    accepted = float(np.mean(np.exp(np.minimum(0.0, offered - here))))
    assert drawn.warmup_gradients is not None
    return Draws(
        z.reshape(drawn.z.shape),
        {**drawn.statistics, "lp": log_densities(target, z).reshape(chains, length)},
        seed,
        options,
        "flow-nuts",
        warmup_gradients=drawn.warmup_gradients + -(-before // chains),
        evidence=None if target.log_prior is None else mean_evidence(log_z),
        remarks=_remarks(accepted),
        interrupted=drawn.interrupted,
        seconds={**drawn.seconds, "fit of the flow": fitting},
        details={"accepted_jumps": accepted},
    )


def _remarks(accepted: float) -> tuple[Remark, ...]:
    if accepted >= _ENOUGH:
        return ()
    return (
        Remark(
            f"only {accepted:.1%} of the proposals of the flow are accepted: where there are several modes, their "
            "shares are not well known",
            "sample with `nuts`; with `smc` or `tempering` where there are several modes",
            "warning",
        ),
    )


def _within(
    target: Target, functions: _Functions, z: np.ndarray, options: FlowNutsOptions, seed: int, number: int,
    checkpoints: Checkpoints | None,
) -> Target:  # fmt: skip
    """The posterior in the coordinates of the flow of draws z (m, n), which may be among the checkpoints."""
    normal = Normal.of(z)
    with double_precision():
        key = jax.random.fold_in(jax.random.key(np.uint32(seed)), number)
        saved = None if checkpoints is None else checkpoints.load(0)
        flow = None if saved is None else tree_like(functions.still, saved.state)
        if flow is None:
            flow = jax.tree.map(np.asarray, functions.fitted(key, normal.whitened(z)))
            if checkpoints is not None:
                checkpoints.save(0, Checkpoint("flow-nuts", leaves_of(flow)))
    arrays = {"data": target.arrays, "mean": normal.mean, "root": normal.root, "flow": flow}
    kind = f"in a flow of flowjax {version('flowjax')}: {options.layers}, {options.knots}"
    said = None if target.content is None else f"{target.content}\n{kind}"
    return Target(target.dimension, functions.log_density, _start, arrays, content=said)


def _start(key: Any, arrays: Any) -> Any:
    """A draw of the flow, in its coordinates."""
    return jax.random.normal(key, arrays["mean"].shape)


class _Functions(NamedTuple):
    """The leaves of a flow that changes nothing, and of one fitted to draws; of any leaves places and the density."""

    still: Any
    fitted: Callable[[Any, Any], Any]
    places: Callable[[Any, Any], Any]
    log_density: Callable[[Any, Any], Any]


@lru_cache(maxsize=32)
def _functions(
    log_density: Callable[[Any, Any], Any], dimension: int, layers: int, knots: int, width: int
) -> _Functions:
    import equinox as eqx
    import optax
    import paramax
    from flowjax.train import fit_to_data
    from flowjax.train.losses import MaximumLikelihoodLoss

    from pdflang.inference.flows import spline_flow

    with double_precision():
        # It changes nothing, whichever key its weights are of.
        still = spline_flow(jax.random.key(0), dimension, None, layers, width, knots)
        numbers, frame = eqx.partition(still, eqx.is_inexact_array)
    # The same for both fits, so that the second compiles nothing again.
    optimizer, loss = optax.adam(_RATE), MaximumLikelihoodLoss()

    def fitted(key: Any, points: Any) -> Any:
        flow, _ = fit_to_data(
            key, still, points, loss_fn=loss, optimizer=optimizer, max_epochs=_EPOCHS, max_patience=_PATIENCE,
            batch_size=_BATCH, show_progress=False,
        )  # fmt: skip
        return jax.tree.leaves(eqx.filter(flow, eqx.is_inexact_array))

    def flow_of(leaves: Any) -> Any:
        return paramax.unwrap(eqx.combine(jax.tree.unflatten(jax.tree.structure(numbers), leaves), frame))

    def place(v: Any, arrays: Any) -> tuple[Any, Any]:
        x, log_slope = flow_of(arrays["flow"]).bijection.transform_and_log_det(v)
        return arrays["mean"] + arrays["root"] @ x, log_slope + jnp.log(jnp.diagonal(arrays["root"])).sum()

    def within(v: Any, arrays: Any) -> Any:
        z, log_slope = place(v, arrays)
        return log_density(z, arrays["data"]) + log_slope

    def places(v: Any, arrays: Any) -> Any:
        return jax.lax.map(lambda one: place(one, arrays)[0], v)

    of_all = jax.jit(places, compiler_options=compiler_options())
    return _Functions(jax.tree.leaves(numbers), fitted, of_all, within)
