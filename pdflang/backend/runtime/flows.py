"""Solutions of ordinary differential equations: by diffrax in JAX, by SciPy for what needs no derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree
from jax.typing import ArrayLike

_RELATIVE, _ABSOLUTE = 1e-10, 1e-12
_MOST_STEPS = 10_000


def flow(
    rate: Callable[..., Any],
    start: ArrayLike,
    initial: ArrayLike,
    times: ArrayLike,
    arguments: Sequence[ArrayLike],
    known: Sequence[ArrayLike],
    stiff: bool = False,
) -> Array:
    """The states y (times, *shape) of dy/dt = rate(t, y, *arguments, *known) with y(start) = initial.

    Steps of Dormand and Prince's method of order 8, or where the equation is `stiff` of an implicit one of order 5
    (Kvaerno 2004), are as long as a relative error of 1e-10 allows. NaN where a solution does not get that far.

    Derivatives in the initial state and in the arguments are those of the steps, carried along with the state (forward
    sensitivities), so that derivatives of derivatives can be taken too. Times and what is `known` have none.
    """
    differentiated = (jnp.asarray(initial, float), *(jnp.asarray(argument, float) for argument in arguments))
    if jnp.shape(times) == (0,):
        return jnp.zeros((0, *differentiated[0].shape))
    inputs, as_inputs = ravel_pytree(differentiated)
    solver = diffrax.Kvaerno5() if stiff else diffrax.Dopri8()

    def derivative(t: Any, y: Any, read: Any) -> Any:
        return jnp.asarray(rate(t, y, *read), float)

    def solve(inputs: Array, start: Array, times: Array, known: tuple[Array, ...]) -> Array:
        is_known = jnp.all(jnp.isfinite(inputs))
        first, *others = as_inputs(jnp.where(is_known, inputs, 1.0))
        times = _only_where(is_known, start, times)
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(derivative), solver, start, times[-1], None, first, (*others, *known),
            saveat=diffrax.SaveAt(ts=times), adjoint=diffrax.ForwardMode(), max_steps=_MOST_STEPS, throw=False,
            stepsize_controller=diffrax.PIDController(rtol=_RELATIVE, atol=_ABSOLUTE),
        )  # fmt: skip
        return jnp.where(is_known & (found.result == diffrax.RESULTS.successful), found.ys, jnp.nan)

    solution = jax.custom_jvp(solve)

    @solution.defjvp
    def _(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
        # The whole Jacobian, a matrix: what is linear in the tangent can then be transposed.
        inputs, start, times, known = primals
        is_found = jnp.all(jnp.isfinite(solve(jax.lax.stop_gradient(inputs), start, times, known)))

        def along(direction: Array) -> tuple[Array, Array]:
            until = _only_where(is_found, start, times)
            return jax.jvp(lambda varied: solve(varied, start, until, known), (inputs,), (direction,))

        states, jacobian = jax.vmap(along, out_axes=(None, -1))(jnp.eye(inputs.size))
        return jnp.where(is_found, states, jnp.nan), jacobian @ tangents[0]

    numbers = tuple(jnp.asarray(values) for values in known)
    return solution(inputs, jnp.asarray(start, float), jnp.asarray(times, float), numbers)


def _only_where(is_wanted: Array, start: Array, times: Array) -> Array:
    """The times; where there is no solution to look for, times so near the start that no time is lost on it."""
    return start + jnp.where(is_wanted, 1.0, 1e-9) * (times - start)


def known_flow(
    rate: Callable[..., Any],
    start: Any,
    initial: Any,
    times: Any,
    arguments: Sequence[Any],
    known: Sequence[Any],
    stiff: bool = False,
) -> Any:
    """The same in NumPy, by SciPy's methods of order 8, or of Radau where the equation is `stiff`."""
    from scipy.integrate import solve_ivp

    first, times = np.asarray(initial, float), np.asarray(times, float)

    def derivative(t: float, y: Any) -> Any:
        return np.ravel(rate(t, y.reshape(first.shape), *arguments, *known))

    shape = (len(times), *first.shape)
    if not times.size or times[-1] == start:
        return np.broadcast_to(first, shape)
    found = solve_ivp(
        derivative, (float(start), times[-1]), first.ravel(), t_eval=times, method="Radau" if stiff else "DOP853",
        rtol=_RELATIVE, atol=_ABSOLUTE,
    )  # fmt: skip
    return found.y.T.reshape(shape) if found.success else np.full(shape, np.nan)
