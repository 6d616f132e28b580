"""NUTS of the parameters of interest, with nuisances integrated out by Laplace's approximation.

Source: Margossian, Vehtari, Simpson and Agrawal 2020 (arXiv:2004.12550); Rue, Martino & Chopin 2009. At each place of
the others nuisances w have a conditional mode ŵ, and ∫ p dw ≈ p(ŵ) √det(2π H⁻¹) with the curvature H there. Draws of
nuisances are of the normal at ŵ; weights tell how well it stands for the conditional posterior. Chains are those of
NUTS on a target of fewer dimensions; all that is asked of their draws is asked of those with nuisances.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
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
from pdflang.inference.options import MapOptions, MarginalOptions, chosen_seed
from pdflang.inference.platform import compiler_options, double_precision
from pdflang.inference.start import CURVED_DIMENSIONS
from pdflang.inference.surface import STARTS, log_densities, surface_of
from pdflang.inference.target import Target
from pdflang.inference.trajectories import NoUTurn
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.results.checkpoints import Checkpoints

_TOLERANCE, _STEPS = 1e-6, 200
"""Of climbs to the mode of the marginal."""

_NEWTON, _HALVINGS, _FLATTEST = 50, 20, 1e-6
_DECREMENT = 1e-9
"""Newton steps of an ascent in nuisances at most, and what the last one gains: it ends much nearer than it began."""

_SLOPES = 3
"""Hessians that the gradient of a log-determinant is counted as."""

_BLOCK = 256
"""Draws that get their nuisances by one call."""

_STRANGE = "that the density with normal nuisances is not the posterior"
_ALAS = "sample with `nuts`, which needs no mode of nuisances"


def sample(
    target: Target,
    options: MarginalOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    enough: Callable[[Draws], bool] | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws of all parameters. Gradients are those of the whole density, a Hessian in k nuisances counted as k.

    Raises `Unsuited` where there are no nuisances or nothing else, or nuisances have no mode, and `NoFiniteStart`.
    """
    options = options or MarginalOptions()
    options = replace(options, seed=chosen_seed(options.seed))
    assert options.seed is not None
    split = _split(target)
    with interrupts(stop) as heard:
        somewhere = _possible(target, options.seed)
        marginal = _marginal(target, split, somewhere[split.outer], somewhere[split.inner])
        searches = MapOptions(options.starts, options.seed, _TOLERANCE, _STEPS, options.threads)
        try:
            optima = maximise(marginal, searches, stop=heard)
            modes = modes_of(optima)
            if heard.requested:
                seconds = optima.seconds
                return nothing_drawn(target.dimension, options.chains, options.seed, options, "marginal", seconds)
            if modes:
                marginal = _marginal(target, split, modes[0].normal.mean, marginal.arrays["centre"]["inner"])
            climbed = sum(optimum.steps for optimum in optima.every) * (1 + marginal.dimension)
            whole = partial(_whole, target, marginal, split, -(-climbed // options.chains), modes)
            judge = None if enough is None else lambda drawn: enough(whole(drawn))
            drawn = sample_chains(
                "marginal", NoUTurn(options.max_tree_depth), marginal, options, monitor, heard, judge, checkpoints,
                mode=modes[0].normal.mean if modes else None,
            )  # fmt: skip
        except NoFiniteStart as failure:
            # At `somewhere` the density itself is finite.
            raise Unsuited(
                "nuisances have no mode with a positive curvature, whatever the other parameters that were tried", _ALAS
            ) from failure
    return whole(drawn)


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
            f"`marginal` computes Hessians in nuisances, {CURVED_DIMENSIONS} of them at most", _ALAS
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
    """The conditional mode of nuisances (k,), a root of the curvature a last step before it, and steps to it."""

    place: Any
    root: Any
    steps: Any


class _Functions(NamedTuple):
    """Of u (m,) and arrays: the log-density, and the conditional mode with its derivatives; draws of u.

    Of many u and noise (count, k): nuisances, the log-density of their normals, and the steps to its middle.
    """

    log_density: Callable[[Any, Any], Any]
    nuisances: Callable[[Any, Any, Any], Any]
    moving: Callable[[Any, Any], tuple[Any, Any]]
    initial: Callable[[Any, Any], Any]


@jax.custom_jvp
def _half_log_det(matrix: Any) -> Any:
    """½ log det of a symmetric matrix; not a number where it is not positive."""
    return jnp.log(jnp.diagonal(jnp.linalg.cholesky(matrix))).sum()


@_half_log_det.defjvp
def _its_change(primals: Any, tangents: Any) -> Any:
    """½ tr(A⁻¹ dA): the derivative of Cholesky's algorithm would take several times as long as the Hessian itself."""
    (matrix,), (change,) = primals, tangents
    root = jnp.linalg.cholesky(matrix)
    inverse = cho_solve((root, True), jnp.eye(len(matrix)))
    return jnp.log(jnp.diagonal(root)).sum(), 0.5 * (inverse * change).sum()


@lru_cache(maxsize=32)
def _functions(
    log_density: Callable[[Any, Any], Any], initial: Callable[[Any, Any], Any], inner: tuple[int, ...],
    outer: tuple[int, ...],
) -> _Functions:  # fmt: skip
    count, order = len(inner), np.argsort(np.concatenate([inner, outer]))

    def joint(w: Any, u: Any, arrays: Any) -> Any:
        return log_density(jnp.concatenate([w, u])[order], arrays["data"])

    slope, curvature = jax.grad(joint), jax.hessian(joint)

    def ascending(curved: Any, gradient: Any) -> tuple[Any, Any]:
        """A root of the curvature and Newton's step; where it is not positive, by the sizes of what it has."""
        root = jnp.linalg.cholesky(curved)

        def by_sizes() -> Any:
            sizes, axes = jnp.linalg.eigh(jnp.where(jnp.isfinite(curved), curved, 0.0))
            return axes @ ((axes.T @ gradient) / jnp.maximum(jnp.abs(sizes), _FLATTEST))

        # Eigenvalues cost many times what all else does.
        concave = jnp.all(jnp.isfinite(root))
        return root, jax.lax.cond(concave, lambda: cho_solve((root, True), gradient), by_sizes)

    def peak(u: Any, arrays: Any) -> _Peak:
        centre = arrays["centre"]

        def going(state: Any) -> Any:
            _, _, _, gain, steps = state
            return (gain > _DECREMENT) & (steps < _NEWTON)

        def step(state: Any) -> Any:
            w, value, _, _, steps = state
            gradient = slope(w, u, arrays)
            root, move = ascending(-curvature(w, u, arrays), gradient)

            def too_far(tried: Any) -> Any:
                scale, reached = tried
                return ~(reached >= value - 1e-9 * (1 + jnp.abs(value))) & (scale > 0.5**_HALVINGS)

            def shorter(tried: Any) -> Any:
                scale = 0.5 * tried[0]
                return scale, joint(w + scale * move, u, arrays)

            scale, reached = jax.lax.while_loop(too_far, shorter, (1.0, joint(w + move, u, arrays)))
            return w + scale * move, reached, root, 0.5 * gradient @ move, steps + 1

        # Far from the centre the mode may have moved quite otherwise, to where the density says so.
        moved = centre["inner"] + centre["slope"] @ (u - centre["outer"])
        values = joint(moved, u, arrays), joint(centre["inner"], u, arrays)
        there = values[0] > jnp.nan_to_num(values[1], nan=-jnp.inf)
        first = jnp.where(there, moved, centre["inner"]), jnp.where(there, *values)
        w, _, root, _, steps = jax.lax.while_loop(going, step, (*first, jnp.eye(count), jnp.inf, 0))
        return _Peak(w, root, steps)

    def following(u: Any, arrays: Any) -> Any:
        found = jax.lax.stop_gradient(peak(jax.lax.stop_gradient(u), arrays))
        # Two Newton steps at the mode stay there, and have the first and the second derivative of the function that
        # slope(w, u) = 0 implies: −H⁻¹ ∂²/∂w∂u, and so on.
        w = found.place
        for _ in range(2):
            w = w + cho_solve((found.root, True), slope(w, u, arrays))
        return w

    def marginal(u: Any, arrays: Any) -> Any:
        w = following(u, arrays)
        return joint(w, u, arrays) + 0.5 * count * jnp.log(2 * jnp.pi) - _half_log_det(-curvature(w, u, arrays))

    def nuisances(u: Any, noise: Any, arrays: Any) -> Any:
        found = peak(u, arrays)
        log_density = norm.logpdf(noise).sum() + jnp.log(jnp.diagonal(found.root)).sum()
        return found.place + solve_triangular(found.root, noise, lower=True, trans=1), log_density, found.steps

    def all_nuisances(u: Any, noise: Any, arrays: Any) -> Any:
        return jax.lax.map(lambda one: nuisances(one[0], one[1], arrays), (u, noise))

    return _Functions(
        marginal,
        jax.jit(all_nuisances, compiler_options=compiler_options()),
        jax.jit(lambda u, arrays: (following(u, arrays), jax.jacfwd(following)(u, arrays))),
        lambda key, arrays: initial(key, arrays["data"])[np.array(outer)],
    )


def _whole(
    target: Target, marginal: Target, split: _Split, climbed: int, modes: list[Mode], drawn: Draws
) -> Draws:
    """Draws with nuisances, each from the normal at its conditional mode."""
    chains, length, _ = drawn.z.shape
    if not length:
        return nothing_drawn(target.dimension, chains, drawn.seed, drawn.options, "marginal", drawn.seconds)
    u, (inner, outer) = drawn.z.reshape(chains * length, -1), split
    noise = np.stack([
        np.random.default_rng((drawn.seed, chain)).standard_normal((length, len(inner))) for chain in range(chains)
    ]).reshape(-1, len(inner))  # fmt: skip
    w, conditional, steps = _drawn(_functions_of(target, split), marginal, u, noise)
    z = np.empty((len(u), target.dimension))
    z[:, outer], z[:, inner] = u, w
    lp = log_densities(target, z)
    judged = importance(lp, drawn.statistics["lp"].ravel() + conditional)
    each = (steps.reshape(chains, length) + _SLOPES) * (1 + len(inner))
    statistics = {"lp": lp.reshape(chains, length), "n_gradients": drawn.statistics["n_gradients"] * each}
    assert drawn.warmup_gradients is not None
    return replace(
        drawn,
        z=z.reshape(chains, length, -1),
        statistics={**drawn.statistics, **statistics},
        warmup_gradients=(drawn.warmup_gradients + climbed) * int(np.median(each)),
        metric=None,
        pareto_k=judged.pareto_k,
        remarks=(*_remarks(modes), *judged.remarks(z, _STRANGE)),
    )


def _drawn(functions: _Functions, marginal: Target, u: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, ...]:
    """Nuisances of many u, in blocks of one size, so that none is compiled again for another number of draws."""
    count = -(-len(u) // _BLOCK) * _BLOCK
    places, noises = (np.resize(part, (count, part.shape[1])).reshape(-1, _BLOCK, part.shape[1]) for part in (u, noise))
    with double_precision():
        found = [functions.nuisances(*block, marginal.arrays) for block in zip(places, noises, strict=True)]
    return tuple(np.concatenate(column)[: len(u)] for column in zip(*found, strict=True))


def _remarks(modes: list[Mode]) -> tuple[Remark, ...]:
    if len(modes) < 2:
        return ()
    return (Remark(f"{told(modes)}, and chains start in the largest", "sample with `smc`", "warning"),)
