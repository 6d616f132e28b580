"""A small NumPy evaluator: one loop at a time, in the order of the definition.

It folds constants while a model is checked, and tests compare the generated module with it. It is written
for independence from that module, not for speed: sums are Python loops, integrals are adaptive quadrature.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from pdflang.ir import nodes
from pdflang.ir.nodes import Loop, Node


@cache
def resolve(dotted: str) -> Callable[..., Any]:
    """The object of a dotted name of the library's tables, such as `numpy.exp`."""
    module, _, name = dotted.rpartition(".")
    return getattr(import_module(module), name)


@dataclass(frozen=True, eq=False)
class _Held:
    """The state of one step of a recurrence: each is another, whatever its value."""

    value: Any


class Evaluator:
    """Evaluates nodes for given values of the declared names and lengths.

    `values` maps names to numbers or arrays; `definitions` maps names of derived values to their nodes.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        lengths: Mapping[str, int],
        definitions: Mapping[str, Node] | None = None,
    ) -> None:
        self._values = values
        self._lengths = lengths
        self._definitions = definitions or {}
        self._known: dict[tuple[Node, tuple[Any, ...]], Any] = {}

    def __call__(self, node: Node, loops: Mapping[Loop, Any] | None = None) -> Any:
        """The value of a node: a NumPy scalar, or an array over the node's axes."""
        positions = loops or {}
        key = (node, tuple((loop, positions[loop]) for loop in sorted(node.loops, key=lambda loop: loop.depth)))
        if key not in self._known:
            method = getattr(self, f"_{type(node).__name__}")
            self._known[key] = method(node, positions)
        return self._known[key]

    def _span(self, loop: Loop) -> range:
        assert loop.axis is not None
        return range(loop.axis.size.bind(self._lengths))

    def _Constant(self, node: nodes.Constant, loops: Mapping[Loop, Any]) -> Any:
        return node.value

    def _ArrayConstant(self, node: nodes.ArrayConstant, loops: Mapping[Loop, Any]) -> Any:
        return node.values.array()

    def _Reference(self, node: nodes.Reference, loops: Mapping[Loop, Any]) -> Any:
        if node.name in self._definitions:
            return self(self._definitions[node.name])
        if node.kind == "length":
            return self._lengths[node.name]
        return self._values[node.name]

    def _LoopIndex(self, node: nodes.LoopIndex, loops: Mapping[Loop, Any]) -> Any:
        return loops[node.loop]

    _Variable = _LoopIndex

    def _Apply(self, node: nodes.Apply, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np

        arguments = [self(argument, loops) for argument in node.arguments]
        if node.function.name == "power":
            arguments[0] = np.asarray(arguments[0], dtype=float)
        with np.errstate(all="ignore"):
            return resolve(node.function.numpy)(*arguments)

    def _Choose(self, node: nodes.Choose, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np

        condition = self(node.condition, loops)
        if np.ndim(condition) == 0:
            value = self(node.yes if condition else node.no, loops)
            return np.broadcast_to(value, [axis.size.bind(self._lengths) for axis in node.axes])
        return np.where(condition, self(node.yes, loops), self(node.no, loops))

    def _Element(self, node: nodes.Element, loops: Mapping[Loop, Any]) -> Any:
        positions = tuple(int(self(position, loops)) for position in node.positions)
        return self(node.base, loops)[positions]

    def _Array(self, node: nodes.Array, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np

        rows = [self(node.body, {**loops, node.loop: i}) for i in self._span(node.loop)]
        if rows:
            return np.array(rows)
        # Of nothing there are no steps, though their number is one less.
        return np.empty([max(0, axis.size.bind(self._lengths)) for axis in node.axes])

    def _Stack(self, node: nodes.Stack, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np

        return np.array([self(item, loops) for item in node.items])

    def _Sum(self, node: nodes.Sum, loops: Mapping[Loop, Any]) -> Any:
        return sum(self(node.body, {**loops, node.loop: i}) for i in self._span(node.loop))

    def _Integral(self, node: nodes.Integral, loops: Mapping[Loop, Any]) -> Any:
        from scipy.integrate import quad

        lower, upper = self(node.lower, loops), self(node.upper, loops)
        value, _ = quad(
            lambda x: float(self(node.body, {**loops, node.loop: x})), lower, upper, epsabs=0, epsrel=1e-11, limit=400
        )
        return value

    def _Root(self, node: nodes.Root, loops: Mapping[Loop, Any]) -> Any:
        from scipy.optimize import brentq

        def equation(x: float) -> float:
            return float(self(node.equation, {**loops, node.loop: x}))

        return brentq(equation, self(node.lower, loops), self(node.upper, loops), xtol=1e-14, rtol=1e-14)

    def _Scan(self, node: nodes.Scan, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np

        state, states = self(node.initial, loops), []
        for i in self._span(node.loop):
            state = self(node.body, {**loops, node.loop: i, node.state.loop: _Held(state)})
            states.append(state)
        shape = [axis.size.bind(self._lengths) for axis in node.axes]
        return np.array(states, dtype=float).reshape(shape)

    def _Ode(self, node: nodes.Ode, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np
        from scipy.integrate import solve_ivp

        first, times = np.asarray(self(node.initial, loops), float), np.asarray(self(node.times, loops), float)
        shape = (len(times), *first.shape)
        if not times.size:
            return np.empty(shape)

        def rate(t: float, y: Any) -> Any:
            here = {**loops, node.time.loop: t, node.state.loop: _Held(y.reshape(first.shape))}
            return np.ravel(np.asarray(self(node.body, here), float))

        ends = (float(self(node.start, loops)), float(times[-1]))
        method = "Radau" if node.stiff else "DOP853"
        found = solve_ivp(rate, ends, first.ravel(), method, times, rtol=1e-10, atol=1e-12)
        return found.y.T.reshape(shape) if found.success else np.full(shape, np.nan)

    def _State(self, node: nodes.State, loops: Mapping[Loop, Any]) -> Any:
        return loops[node.loop].value

    def _Whole(self, node: nodes.Whole, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np

        arguments = [self(argument, loops) for argument in node.arguments]
        if node.function.name == "concat":
            return np.concatenate([np.atleast_1d(argument) for argument in arguments])
        try:
            return resolve(node.function.numpy)(*arguments)
        except np.linalg.LinAlgError:
            # A matrix without a factor is told of where the data is prepared, with its place.
            return np.full([axis.size.bind(self._lengths) for axis in node.axes], np.nan)

    def _LogProbability(self, node: nodes.LogProbability, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np

        row = node.distribution
        value = np.asarray(self(node.value, loops), dtype=float)
        if not row.proper:
            return np.zeros(value.shape[: value.ndim - row.rank])
        arguments = [np.asarray(self(argument, loops), dtype=float) for argument in node.arguments]
        if row.rank:
            return self._of_vectors(row, value, arguments)
        with np.errstate(all="ignore"):
            frozen = resolve(row.reference)(*arguments)
            log_prob = frozen.logpmf(value) if row.discrete else frozen.logpdf(value)
            if node.bounds:
                bounds = [np.asarray(self(bound, loops), dtype=float) for bound in node.bounds]
                log_prob = log_prob - _log_mass(frozen, bounds)
        return log_prob

    def _Density(self, node: nodes.Density, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np

        return np.exp(self._LogProbability(node, loops))

    def _Mass(self, node: nodes.Mass, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np

        arguments = [np.asarray(self(argument, loops), dtype=float) for argument in node.arguments]
        frozen = resolve(node.distribution.reference)(*arguments)
        ends = [self(node.lower, loops), self(node.upper, loops)]
        if not node.bounds:
            return np.exp(_log_mass(frozen, ends))
        bounds = [float(self(bound, loops)) for bound in node.bounds]
        with np.errstate(all="ignore"):
            inside = _log_mass(frozen, [np.clip(end, bounds[0], bounds[1]) for end in ends])
            return np.exp(inside - _log_mass(frozen, bounds))

    def _of_vectors(self, row: Any, value: Any, arguments: list[Any]) -> Any:
        """One draw at a time: SciPy takes no plates of arguments."""
        import numpy as np

        plates = value.shape[:-1]
        ranks = [parameter.rank for parameter in row.parameters if parameter.required or not row.exactly_one]
        if row.name == "MvNormal":
            ranks = [1, 2]
        full = [
            np.broadcast_to(argument, (*plates, *argument.shape[argument.ndim - rank :]))
            for argument, rank in zip(arguments, ranks, strict=False)
        ]
        found = np.empty(plates)
        for place in np.ndindex(*plates):
            found[place] = resolve(row.reference)(*(argument[place] for argument in full)).logpdf(value[place])
        return found[()]

    def _MixtureLogProbability(self, node: nodes.MixtureLogProbability, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np

        weights = self(node.weights, loops)
        parts = [np.log(weights[..., k]) + self(part, loops) for k, part in enumerate(node.components)]
        return np.logaddexp.reduce(parts)


def _log_mass(frozen: Any, bounds: list[Any]) -> Any:
    """log P(lower < Y < upper) of a continuous distribution, from the side where the interval lies."""
    import numpy as np

    lower, upper = bounds
    if np.all(np.isinf(upper)):
        return frozen.logsf(lower)
    if np.all(np.isinf(lower)):
        return frozen.logcdf(upper)
    above = frozen.sf(lower) < 0.5
    with np.errstate(divide="ignore"):
        return np.log(np.where(above, frozen.sf(lower) - frozen.sf(upper), frozen.cdf(upper) - frozen.cdf(lower)))


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "negate": operator.neg, "power": lambda base, exponent: float(base) ** exponent,
    "less": operator.lt, "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
    "equal": operator.eq, "not_equal": operator.ne, "and": operator.and_, "or": operator.or_, "not": operator.not_,
}  # fmt: skip


def fold(node: Node) -> Any:
    """The value of a constant node. Arithmetic on numbers does without NumPy, whose import takes time."""
    value = _of_numbers(node)
    return Evaluator({}, {})(node) if value is None else value


def _of_numbers(node: Node) -> Any:
    """The result of an operator on written numbers; None for others, and where Python has no finite number."""
    if not isinstance(node, nodes.Apply) or node.function.name not in _ARITHMETIC:
        return None
    numbers = [argument.value for argument in node.arguments if isinstance(argument, nodes.Constant)]
    if len(numbers) < len(node.arguments):
        return None
    try:
        value = _ARITHMETIC[node.function.name](*numbers)
        return value if not isinstance(value, complex) and math.isfinite(value) else None
    except ArithmeticError:
        return None
