"""NUTS of the parameters of interest, with nuisances integrated out by Laplace's approximation.

Source: Margossian, Vehtari, Simpson and Agrawal 2020 (arXiv:2004.12550); Rue, Martino & Chopin 2009. At each place of
the others nuisances w have a conditional mode ŵ, and ∫ p dw ≈ p(ŵ) √det(2π H⁻¹) with the curvature H there. Draws of
nuisances are of the normal at ŵ; weights tell how well it stands for the conditional posterior.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve, solve_triangular
from jax.scipy.stats import norm

from pdflang.inference.chains import sample_chains
from pdflang.inference.draws import Draws, NoFiniteStart, Remark, Unsuited, nothing_drawn
from pdflang.inference.importance import importance
from pdflang.inference.map import maximise
from pdflang.inference.modes import Mode, modes_of, told
from pdflang.inference.monitor import Monitor
from pdflang.inference.options import MapOptions, MarginalOptions, NutsOptions, chosen_seed
from pdflang.inference.platform import compiler_options, double_precision
from pdflang.inference.start import CURVED_DIMENSIONS
from pdflang.inference.surface import STARTS, log_densities, surface_of
from pdflang.inference.target import Target
from pdflang.inference.trajectories import NoUTurn
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.results.checkpoints import Checkpoints

_TOLERANCE, _STEPS = 1e-6, 200
"""Of climbs to the mode of the marginal."""

_NEWTON, _HALVINGS = 50, 20
_DECREMENT = 1e-12
"""Newton steps of an ascent in nuisances at most, and what the last one gains."""

_SLOPES = 3
"""Hessians that the gradient of a log-determinant is counted as."""


def sample(
    target: Target,
    options: MarginalOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws of all parameters. Gradients are those of the whole density, a Hessian in k nuisances counted as k.

    Raises `Unsuited` where there are no nuisances or nothing else, and `NoFiniteStart`.
    """
    options = options or MarginalOptions()
    seed = chosen_seed(options.seed)
    split = _split(target)
    settings = NutsOptions(
        options.chains, options.warmup, options.draws, seed=seed, target_acceptance=options.target_acceptance,
        threads=options.threads,
    )  # fmt: skip
    with interrupts(stop) as heard:
        somewhere = _possible(target, seed)
        marginal = _marginal(target, split, somewhere[split.outer], somewhere[split.inner])
        optima = maximise(marginal, MapOptions(options.starts, seed, _TOLERANCE, _STEPS, options.threads), stop=heard)
        modes = modes_of(optima)
        if heard.requested:
            return nothing_drawn(target.dimension, options.chains, seed, options, "marginal", optima.seconds)
        if modes:
            marginal = _marginal(target, split, modes[0].normal.mean, marginal.arrays["centre"]["inner"])
        drawn = sample_chains(
            "marginal", NoUTurn(settings.max_tree_depth), marginal, settings, monitor, heard, checkpoints=checkpoints,
            mode=modes[0].normal.mean if modes else None,
        )  # fmt: skip
    climbed = sum(optimum.steps for optimum in optima.every) * (1 + marginal.dimension)
    return _whole(target, marginal, split, drawn, options, climbed, modes)


class _Split(NamedTuple):
    """The numbers of the coordinates of nuisances (k,), and of all others (m,)."""

    inner: np.ndarray
    outer: np.ndarray


def _split(target: Target) -> _Split:
    inner = np.array(target.nuisances, int)
    outer = np.setdiff1d(np.arange(target.dimension), inner)
    if not len(inner) or not len(outer):
        what = "no nuisances to integrate out" if not len(inner) else "nothing but nuisances"
        raise Unsuited(f"the model has {what}", "declare them so, `nuisance s ~ Normal(0, 1)`, or sample with `nuts`")
    if len(inner) > CURVED_DIMENSIONS:
        raise Unsuited(
            f"`marginal` computes Hessians in nuisances, {CURVED_DIMENSIONS} of them at most", "sample with `nuts`"
        )
    return _Split(inner, outer)


def _possible(target: Target, seed: int) -> np.ndarray:
    """The best of some draws of the prior, (n,). Raises `NoFiniteStart`."""
    draws = surface_of(target, False).starts(target.placed(), seed, 0, 0, STARTS)
    values = log_densities(target, draws)
    if not np.isfinite(values).any():
        raise NoFiniteStart(draws[-1])
    best: np.ndarray = draws[np.argmax(values)]
    return best


def _marginal(target: Target, split: _Split, u: np.ndarray, w: np.ndarray) -> Target:
    """The density of u (m,). Ascents of nuisances start from where their mode would be if it moved as it does at u."""
    functions = _functions_of(target, split)
    centre = {"outer": u, "inner": w, "slope": np.zeros((len(w), len(u)))}
    arrays = {"data": target.arrays, "centre": centre}
    with double_precision():
        place, slope = (np.asarray(part) for part in functions.moving(u, arrays))
    if np.isfinite(place).all() and np.isfinite(slope).all():
        arrays = {"data": target.arrays, "centre": {"outer": u, "inner": place, "slope": slope}}
    said = None if target.content is None else f"{target.content}\nmarginal of all but {split.inner.tolist()}"
    return Target(len(u), functions.log_density, functions.initial, arrays, content=said)


def _functions_of(target: Target, split: _Split) -> _Functions:
    return _functions(target.log_density, target.initial, tuple(split.inner), tuple(split.outer))


class _Peak(NamedTuple):
    """The conditional mode of nuisances (k,), the Cholesky factor of the curvature there, and Newton steps to it."""

    place: Any
    factor: Any
    steps: Any


class _Functions(NamedTuple):
    """Of u (m,) and arrays: the log-density, and the conditional mode with its derivatives; draws of u.

    Of many u and noise (count, k): nuisances, the log-density of their normals, and the steps to its middle.
    """

    log_density: Callable[[Any, Any], Any]
    nuisances: Callable[[Any, Any, Any], Any]
    moving: Callable[[Any, Any], tuple[Any, Any]]
    initial: Callable[[Any, Any], Any]


@lru_cache(maxsize=32)
def _functions(
    log_density: Callable[[Any, Any], Any], initial: Callable[[Any, Any], Any], inner: tuple[int, ...],
    outer: tuple[int, ...],
) -> _Functions:  # fmt: skip
    count, order = len(inner), np.argsort(np.concatenate([inner, outer]))

    def joint(w: Any, u: Any, arrays: Any) -> Any:
        return log_density(jnp.concatenate([w, u])[order], arrays["data"])

    slope, curvature = jax.grad(joint), jax.hessian(joint)

    def factor(w: Any, u: Any, arrays: Any) -> Any:
        return jnp.linalg.cholesky(-curvature(w, u, arrays))

    def peak(u: Any, arrays: Any) -> _Peak:
        centre = arrays["centre"]
        first = centre["inner"] + centre["slope"] @ (u - centre["outer"])

        def going(state: Any) -> Any:
            _, _, gain, steps = state
            return (gain > _DECREMENT) & (steps < _NEWTON)

        def step(state: Any) -> Any:
            w, value, _, steps = state
            gradient = slope(w, u, arrays)
            curved = -curvature(w, u, arrays)
            # Where the density is not concave the ascent follows the sizes of its curvatures.
            root = jnp.linalg.cholesky(curved)
            concave = jnp.all(jnp.isfinite(root))
            newton = cho_solve((jnp.where(concave, root, jnp.eye(count)), True), gradient)
            sizes, axes = jnp.linalg.eigh(jnp.where(jnp.isfinite(curved), curved, 0.0))
            other = axes @ ((axes.T @ gradient) / jnp.maximum(jnp.abs(sizes), 1e-6))
            move = jnp.where(concave, newton, other)
            gain = 0.5 * gradient @ move

            def too_far(tried: Any) -> Any:
                scale, reached = tried
                return ~(reached >= value - 1e-9 * (1 + jnp.abs(value))) & (scale > 0.5**_HALVINGS)

            def shorter(tried: Any) -> Any:
                scale = 0.5 * tried[0]
                return scale, joint(w + scale * move, u, arrays)

            scale, reached = jax.lax.while_loop(too_far, shorter, (1.0, joint(w + move, u, arrays)))
            return w + scale * move, reached, gain, steps + 1

        start = (first, joint(first, u, arrays), jnp.inf, 0)
        w, _, _, steps = jax.lax.while_loop(going, step, start)
        return _Peak(w, factor(w, u, arrays), steps)

    def following(u: Any, arrays: Any) -> Any:
        found = jax.lax.stop_gradient(peak(jax.lax.stop_gradient(u), arrays))
        # A Newton step from the mode stays there, and moves with u as the mode does: −H⁻¹ ∂²/∂w∂u (implicit functions).
        return found.place + cho_solve((found.factor, True), slope(found.place, u, arrays))

    def marginal(u: Any, arrays: Any) -> Any:
        w = following(u, arrays)
        root = factor(w, u, arrays)
        volume = 0.5 * count * jnp.log(2 * jnp.pi) - jnp.log(jnp.diagonal(root)).sum()
        return joint(w, u, arrays) + volume

    def nuisances(u: Any, noise: Any, arrays: Any) -> Any:
        found = peak(u, arrays)
        log_density = norm.logpdf(noise).sum() + jnp.log(jnp.diagonal(found.factor)).sum()
        return found.place + solve_triangular(found.factor, noise, lower=True, trans=1), log_density, found.steps

    def all_nuisances(u: Any, noise: Any, arrays: Any) -> Any:
        return jax.lax.map(lambda one: nuisances(one[0], one[1], arrays), (u, noise))

    return _Functions(
        marginal,
        jax.jit(all_nuisances, compiler_options=compiler_options()),
        jax.jit(lambda u, arrays: (following(u, arrays), jax.jacfwd(following)(u, arrays))),
        lambda key, arrays: initial(key, arrays["data"])[np.array(outer)],
    )


def _whole(
    target: Target, marginal: Target, split: _Split, drawn: Draws, options: MarginalOptions, climbed: int,
    modes: list[Mode],
) -> Draws:  # fmt: skip
    """Draws with nuisances, each from the normal at its conditional mode."""
    chains, length, _ = drawn.z.shape
    if not length:
        return nothing_drawn(target.dimension, chains, drawn.seed, options, "marginal", drawn.seconds)
    u, (inner, outer) = drawn.z.reshape(chains * length, -1), split
    noise = np.stack([
        np.random.default_rng((drawn.seed, chain)).standard_normal((length, len(inner))) for chain in range(chains)
    ]).reshape(-1, len(inner))  # fmt: skip
    functions = _functions_of(target, split)
    with double_precision():
        w, conditional, steps = (np.asarray(part) for part in functions.nuisances(u, noise, marginal.arrays))
    z = np.empty((len(u), target.dimension))
    z[:, outer], z[:, inner] = u, w
    lp = log_densities(target, z)
    judged = importance(lp, drawn.statistics["lp"].ravel() + conditional)
    each = (steps.reshape(chains, length) + _SLOPES) * (1 + len(inner))
    usual = int(np.median(each))
    statistics = {name: values for name, values in drawn.statistics.items() if name != "lp"}
    assert drawn.warmup_gradients is not None
    return Draws(
        z.reshape(chains, length, -1),
        {
            **statistics, "lp": lp.reshape(chains, length),
            "n_gradients": drawn.statistics["n_gradients"] * each,
        },
        drawn.seed,
        options,
        "marginal",
        warmup_gradients=(drawn.warmup_gradients + -(-climbed // chains)) * usual,
        pareto_k=judged.pareto_k,
        remarks=_remarks(modes),
        interrupted=drawn.interrupted,
        seconds=drawn.seconds,
    )  # fmt: skip


def _remarks(modes: list[Mode]) -> tuple[Remark, ...]:
    if len(modes) < 2:
        return ()
    return (Remark(f"{told(modes)}, and chains start in the largest", "sample with `smc`", "warning"),)
