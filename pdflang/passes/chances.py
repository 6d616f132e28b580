"""How often something happens at draws of the prior, before there are data: with NumPy alone, all draws at once.

What reads data, and what is not elementwise, is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pdflang.components import arrays
from pdflang.ir import nodes
from pdflang.ir.evaluate import Evaluator
from pdflang.ir.nodes import Constant, Loop, Node, Phase
from pdflang.ir.program import Draws, Parameter, Program
from pdflang.semantics.estimate import double_exponential
from pdflang.semantics.lints import everything_read
from pdflang.semantics.supports import number_text

DRAWS = 4000
_MOST_EFFORT = 200_000
"""Operations on all draws: a second or so."""

_ROUNDS = 200
"""How often draws that a truncation leaves out are drawn again."""

_SAMPLERS: Mapping[str, Callable[..., Any]] = {
    "Normal": lambda random, n, mu, sigma: random.normal(mu, sigma, n),
    "LogNormal": lambda random, n, mu, sigma: random.lognormal(mu, sigma, n),
    "HalfNormal": lambda random, n, sigma: abs(random.normal(0, sigma, n)),
    "StudentT": lambda random, n, nu, mu, sigma: mu + sigma * random.standard_t(nu, n),
    "Cauchy": lambda random, n, mu, sigma: mu + sigma * random.standard_cauchy(n),
    "HalfCauchy": lambda random, n, sigma: abs(sigma * random.standard_cauchy(n)),
    "Laplace": lambda random, n, mu, sigma: random.laplace(mu, sigma, n),
    "Logistic": lambda random, n, mu, sigma: random.logistic(mu, sigma, n),
    "Exponential": lambda random, n, rate: random.exponential(1 / rate, n),
    "Gamma": lambda random, n, shape, rate: random.gamma(shape, 1 / rate, n),
    "InverseGamma": lambda random, n, shape, scale: scale / random.gamma(shape, 1, n),
    "Weibull": lambda random, n, shape, scale: scale * random.weibull(shape, n),
    "Beta": lambda random, n, a, b: random.beta(a, b, n),
    "Uniform": lambda random, n, lower, upper: random.uniform(lower, upper, n),
}


class Unknown(Exception):
    """What is asked for is not known without data, or not at all draws at once."""


class Chances:
    """Draws of the prior of a program, and what expressions are there; of arrays the last axis are the draws."""

    def __init__(self, program: Program, count: int = DRAWS, seed: int = 0) -> None:
        import numpy as np

        self.count = count
        self._program = program
        self._definitions = program.definition_nodes
        self._random = np.random.default_rng(seed)
        self._drawn: dict[str, Any] = {}
        self._evaluate = _AtAllDraws(self._drawn, {}, self._definitions)

    def parameters_of(self, *roots: Node) -> list[str]:
        """The parameters below expressions, in the order of the program."""
        read = {name for root in roots for name in everything_read(root, self._definitions)}
        return [name for name in self._program.parameters if name in read]

    def values(self, *roots: Node, loops: Mapping[Loop, Any] | None = None) -> list[Any]:
        """The values of expressions at all draws, arrays (count,). Raises `Unknown`."""
        import numpy as np

        for name in self.parameters_of(*roots):
            self.drawn(name)
        found = []
        for root in roots:
            with np.errstate(all="ignore"):
                try:
                    value = np.asarray(self._evaluate(root, loops))
                except (KeyError, ArithmeticError, ValueError, IndexError, TypeError) as failure:
                    raise Unknown from failure
            found.append(np.broadcast_to(value, (self.count,)))
        return found

    def told(self, names: Iterable[str], draw: int) -> str:
        """Parameters at a draw, as a message has them."""
        return ", ".join(f"{name} = {number_text(self.drawn(name)[..., draw])}" for name in names)

    def drawn(self, name: str) -> Any:
        """The draws of a parameter, (…, count). Raises `Unknown`."""
        if name not in self._drawn:
            self._drawn[name] = self._draw(self._program.parameters[name])
        return self._drawn[name]

    def _draw(self, parameter: Parameter) -> Any:
        import numpy as np

        prior = parameter.prior
        if prior.row.name not in _SAMPLERS or prior.components or not all(a.size.is_known for a in parameter.axes):
            raise Unknown
        shape = (*(axis.size.constant for axis in parameter.axes), self.count)
        arguments = [self._argument(argument) for argument in prior.arguments]
        bounds = [self._argument(bound) for bound in prior.bounds or ()]
        try:
            found = self._sampled(prior, shape, arguments)
            for _ in range(_ROUNDS):
                out = (found <= bounds[0]) | (found >= bounds[1]) if bounds else np.zeros(shape, bool)
                if not out.any():
                    break
                found = np.where(out, self._sampled(prior, shape, arguments), found)
            else:
                raise Unknown
        except ValueError as failure:
            raise Unknown from failure
        return np.sort(found, axis=0) if parameter.constraint == "ordered" else found

    def _sampled(self, prior: Draws, shape: tuple[int, ...], arguments: list[Any]) -> Any:
        return _SAMPLERS[prior.row.name](self._random, shape, *arguments)

    def _argument(self, node: Node) -> Any:
        """An argument of a prior, (…, 1) or (count,)."""
        import numpy as np

        if node.loops or node.phase == Phase.DATA:
            raise Unknown
        if node.phase == Phase.CONST:
            return np.asarray(Evaluator({}, {}, self._definitions)(node), float)[..., None]
        (value,) = self.values(node)
        return value


def percent(happens: Any) -> str:
    """The share of draws at which something happens, (count,) of truth values."""
    share = 100 * float(happens.mean())
    return f"{share:.0f}%" if share >= 10 else f"{share:.2g}%"


class _AtAllDraws(Evaluator):
    """Evaluates numbers, each of which is an array over draws; integrals are good to a few digits."""

    _effort = 0

    def _constant(self, node: Node, loops: Mapping[Loop, Any]) -> Any:
        if node.phase != Phase.CONST or node.loops:
            raise Unknown
        return Evaluator({}, {}, self._definitions)(node)

    _Array = _Stack = _Scan = _Ode = _Root = _State = _Earlier = _constant
    _LogProbability = _Density = _Mass = _MixtureLogProbability = _constant

    def _Apply(self, node: nodes.Apply, loops: Mapping[Loop, Any]) -> Any:
        self._effort += 1
        if not getattr(node.function, "is_known", True) or self._effort > _MOST_EFFORT:
            raise Unknown
        return self._constant(node, loops) if node.axes else super()._Apply(node, loops)

    def _Whole(self, node: nodes.Whole, loops: Mapping[Loop, Any]) -> Any:
        """Known arrays, and systems of equations: constants of `solve` that are found together."""
        import numpy as np

        matrix, right = node.arguments if node.function is arrays.LINEAR_SOLVE else (None, None)
        if not isinstance(matrix, nodes.Stack) or not isinstance(right, nodes.Stack):
            return self._constant(node, loops)
        rows = [row.items if isinstance(row, nodes.Stack) else () for row in matrix.items]
        numbers = [[self(item, loops) for item in row] for row in (*rows, right.items)]
        count = np.broadcast(*(number for row in numbers for number in row)).shape
        systems = np.array([[np.broadcast_to(number, count) for number in row] for row in numbers], float)
        by_draw = np.moveaxis(systems, (0, 1), (-2, -1))
        return np.moveaxis(np.linalg.solve(by_draw[..., :-1, :], by_draw[..., -1, :, None])[..., 0], -1, 0)

    def _Choose(self, node: nodes.Choose, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np

        return np.where(self(node.condition, loops), self(node.yes, loops), self(node.no, loops))

    def _Element(self, node: nodes.Element, loops: Mapping[Loop, Any]) -> Any:
        base, position = node.base, node.positions[0]
        if len(node.positions) == 1 and isinstance(base, nodes.Stack) and isinstance(position, Constant):
            return self(base.items[int(position.value)], loops)
        return super()._Element(node, loops)

    def _Integral(self, node: nodes.Integral, loops: Mapping[Loop, Any]) -> Any:
        import numpy as np

        lower, upper = self(node.lower, loops), self(node.upper, loops)
        total: Any = 0.0
        for x, weight in double_exponential():
            value = self(node.body, {**loops, node.loop: lower + (upper - lower) * x})
            total = total + weight * np.where(np.isfinite(value), value, 0.0)
        return (upper - lower) * total
