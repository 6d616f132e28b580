"""The operators of the language as rows: how each is written in a model and in the generated module."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Operator:
    """One operator. `template` is its Python form; `precedence` is Python's, higher binding tighter."""

    name: str
    symbol: str
    numpy: str
    template: str
    precedence: int


ADD = Operator("add", "+", "numpy.add", "{} + {}", 11)
SUBTRACT = Operator("subtract", "-", "numpy.subtract", "{} - {}", 11)
MULTIPLY = Operator("multiply", "*", "numpy.multiply", "{} * {}", 12)
DIVIDE = Operator("divide", "/", "numpy.true_divide", "{} / {}", 12)
NEGATE = Operator("negate", "-", "numpy.negative", "-{}", 13)
POWER = Operator("power", "^", "numpy.power", "{} ** {}", 14)
LESS = Operator("less", "<", "numpy.less", "{} < {}", 6)
LESS_EQUAL = Operator("less_equal", "<=", "numpy.less_equal", "{} <= {}", 6)
GREATER = Operator("greater", ">", "numpy.greater", "{} > {}", 6)
GREATER_EQUAL = Operator("greater_equal", ">=", "numpy.greater_equal", "{} >= {}", 6)
EQUAL = Operator("equal", "==", "numpy.equal", "{} == {}", 6)
NOT_EQUAL = Operator("not_equal", "!=", "numpy.not_equal", "{} != {}", 6)
AND = Operator("and", "and", "numpy.logical_and", "{} & {}", 9)
OR = Operator("or", "or", "numpy.logical_or", "{} | {}", 7)
NOT = Operator("not", "not", "numpy.logical_not", "~{}", 13)

COMPARISONS = (LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, EQUAL, NOT_EQUAL)
BINARY = {o.symbol: o for o in (ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, *COMPARISONS, AND, OR)}
