"""Functions that compute in 64 bits whatever the program around them has set, also where that program traces them.

JAX differentiates, batches and lowers what a program traces under the settings of that program: in one of 32 bits,
numbers inside of a model would lose half their digits, or not fit those beside them. So a model is a single operation
to such a program. What follows from it, a derivative or many points at once, is made of the function itself, with 64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

_Call = Callable[..., Sequence[Any]]


def precise(function: Callable[..., Any]) -> Callable[..., Any]:
    """A pure function of trees of arrays, to a tree of arrays, for jit, grad and vmap in a program of any bits.

    What is real comes to the function in 64 bits. That is done inside of the operation: between two operations JAX has
    to do with numbers of 64 bits itself, which in a program of 32 it sometimes cannot, as with derivatives of
    derivatives.
    """

    def wide(*arguments: Any) -> Any:
        return function(*jax.tree.map(_in_64_bits, arguments))

    operations: dict[Any, _Operation] = {}

    def call(*arguments: Any) -> Any:
        # With 64 bits set, what JAX makes of the function is right.
        if jax.config.jax_enable_x64:
            return wide(*arguments)
        leaves, structure = jax.tree.flatten(arguments)
        if structure not in operations:
            operations[structure] = _Operation.of_trees(wide, structure)
        return operations[structure].tree(*leaves)

    return call


class _Operation:
    """A function of arrays, to a list of arrays, as one operation of JAX.

    Others follow from it. They are kept with it, so that each is made and compiled once.
    """

    def __init__(self, call: _Call) -> None:
        self.call = call
        self._structure: Any = None
        self._others: dict[Any, _Operation] = {}

    @classmethod
    def of_trees(cls, function: Callable[..., Any], structure: Any) -> _Operation:
        """A function of trees of this structure, by their leaves."""

        def call(*leaves: Any) -> Sequence[Any]:
            found, operation._structure = jax.tree.flatten(function(*jax.tree.unflatten(structure, leaves)))
            return found

        operation = cls(call)
        return operation

    def tree(self, *leaves: Any) -> Any:
        """The result of a function of trees, as a tree; its structure is known when the function has been called."""
        found = self(*leaves)
        return jax.tree.unflatten(self._structure, found)

    def __call__(self, *operands: Any) -> list[Any]:
        """The results, of whatever the program traces."""
        with jax.enable_x64(True):
            return _PRIMITIVE.bind(*operands, operation=self)

    def compute(self, *operands: Any) -> list[Any]:
        """The results, of numbers, or of what traces the inside of the operation."""
        with jax.enable_x64(True):
            return list(self.call(*operands))

    def slope(self, moving: tuple[int, ...]) -> _Operation:
        """Of all operands, then of directions of those that are `moving`: how the real results change along them."""

        def call(*operands: Any) -> Sequence[Any]:
            points, directions = operands[: -len(moving)], operands[-len(moving) :]
            starts = tuple(points[i] for i in moving)
            along = _like(directions, starts)
            _, changes = jax.jvp(lambda *moved: self.call(*_put(points, moving, moved)), starts, along)
            return [change for change in changes if change.dtype != jax.dtypes.float0]

        return self._other(("slope", moving), call)

    def mapped(self, axes: tuple[int | None, ...]) -> _Operation:
        """Of operands that are many along their `axes`: so are the results, along their first ones."""
        return self._other(("mapped", axes), jax.vmap(self.call, in_axes=axes))

    def transposed(self, linear: tuple[int, ...], avals: tuple[ShapedArray, ...], known: int) -> _Operation:
        """Of the `known` operands, then of weights of the results: the gradient, in the others, of the weighted sum.

        The results are linear in the others, so that it is the same at any of them.
        """

        def call(*operands: Any) -> Sequence[Any]:
            points = list(operands[:known])
            for position in linear:
                points.insert(position, None)
            zeros = [jnp.zeros(aval.shape, aval.dtype) for aval in avals]
            results, gradient = jax.vjp(lambda *moved: tuple(self.call(*_put(points, linear, moved))), *zeros)
            return gradient(_like(operands[known:], results))

        return self._other(("transposed", linear, avals), call)

    def _other(self, key: Any, call: _Call) -> _Operation:
        if key not in self._others:
            self._others[key] = _Operation(jax.jit(call))
        return self._others[key]


def _in_64_bits(value: Any) -> Any:
    dtype = getattr(value, "dtype", None)
    is_narrow = dtype is not None and jnp.issubdtype(dtype, jnp.floating) and dtype != np.float64
    return jnp.asarray(value, np.float64) if is_narrow else value


def _like(values: Sequence[Any], others: Sequence[Any]) -> tuple[Any, ...]:
    """Values in the types of others: JAX makes zeros for 64 bits in the type that the program around has for them."""
    return tuple(jnp.asarray(value, other.dtype) for value, other in zip(values, others, strict=True))


def _put(values: Sequence[Any], positions: Sequence[int], others: Sequence[Any]) -> list[Any]:
    """The values, with others at some positions."""
    found = list(values)
    for position, other in zip(positions, others, strict=True):
        found[position] = other
    return found


# --- the rules of JAX for the operation ---------------------------------------------------------------------

_PRIMITIVE = Primitive("pdflang")
_PRIMITIVE.multiple_results = True


@_PRIMITIVE.def_impl
def _result(*operands: Any, operation: _Operation) -> list[Any]:
    return operation.compute(*operands)


@_PRIMITIVE.def_abstract_eval
def _shapes(*avals: Any, operation: _Operation) -> list[ShapedArray]:
    shapes = jax.eval_shape(operation.compute, *(jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals))
    with jax.enable_x64(True):
        return [ShapedArray(shape.shape, shape.dtype) for shape in shapes]


def _derivative(points: Any, directions: Any, *, operation: _Operation) -> tuple[list[Any], list[Any]]:
    moving = tuple(i for i, direction in enumerate(directions) if not isinstance(direction, ad.Zero))
    results = operation(*points)
    changes = iter(operation.slope(moving)(*points, *(directions[i] for i in moving)))
    return results, [
        next(changes) if jnp.issubdtype(result.dtype, jnp.floating) else ad.Zero(jax.typeof(result).to_tangent_aval())
        for result in results
    ]


def _gradient(weights: Any, *operands: Any, operation: _Operation) -> list[Any]:
    linear = tuple(i for i, operand in enumerate(operands) if ad.is_undefined_primal(operand))
    known = [operand for operand in operands if not ad.is_undefined_primal(operand)]
    given = [ad.instantiate_zeros(weight) for weight in weights]
    transposed = operation.transposed(linear, tuple(operands[i].aval for i in linear), len(known))
    return _put([None] * len(operands), linear, transposed(*known, *given))


def _many(operands: Any, axes: Any, *, operation: _Operation) -> tuple[list[Any], list[int]]:
    found = operation.mapped(tuple(axes))(*operands)
    return found, [0] * len(found)


def _lowered(context: Any, *operands: Any, operation: _Operation) -> Any:
    with jax.enable_x64(True):
        return mlir.lower_fun(operation.call)(context, *operands)


ad.primitive_jvps[_PRIMITIVE] = _derivative
ad.primitive_transposes[_PRIMITIVE] = _gradient
batching.primitive_batchers[_PRIMITIVE] = _many
mlir.register_lowering(_PRIMITIVE, _lowered)
