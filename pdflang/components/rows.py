"""The shapes of rows: what a function, a constant or a distribution says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pdflang.ir.ranges import REAL, Range


@dataclass(frozen=True)
class Constant:
    """A number with a reserved name."""

    name: str
    value: float
    documentation: str


@dataclass(frozen=True)
class Function:
    """An elementwise function of numbers.

    `numpy` and `jax` are the dotted names of its two meanings: the reference, which also folds constants, and
    what generated code calls. `domain` has one range for each parameter, `image` holds all values. `monotone`
    is +1 or -1 where a function of one argument never falls or never rises, else 0. `integer`: the result is
    an int; `integer_parameters` are the arguments that must be whole numbers. `has_gradient` is False where the
    meaning is opaque to JAX; `is_known`: it may be evaluated to check a model, before anything runs.
    """

    name: str
    parameters: tuple[str, ...]
    numpy: str
    jax: str
    domain: tuple[Range, ...]
    image: Range
    documentation: str
    monotone: Literal[-1, 0, 1] = 0
    integer: bool = False
    integer_parameters: tuple[str, ...] = ()
    has_gradient: bool = True
    is_known: bool = True


@dataclass(frozen=True)
class Parameter:
    """An argument of a distribution.

    `range` holds its allowed values, `rank` its own axes (0 a number, 1 a vector, 2 a matrix); plates may add
    more in front. `kind` is what it takes: a number, or what only special distributions do.
    """

    name: str
    documentation: str
    range: Range = REAL
    rank: Literal[0, 1, 2] = 0
    integer: bool = False
    required: bool = True
    kind: Literal["number", "function", "distributions", "interval"] = "number"


@dataclass(frozen=True)
class BetweenParameters:
    """A support whose ends are numbers or the values of the named parameters, both ends included."""

    lower: float | str
    upper: float | str


@dataclass(frozen=True)
class Distribution:
    """A distribution and how it is called.

    `support` is that of each element of a draw; `rank` the number of axes that one draw owns; `simplex`: the
    elements of a draw add up to 1. `proper` is False where the density has no integral. `has_cdf`: its
    meaning has `log_cdf` and `log_sf`, so that it can be truncated. `exactly_one` lists optional parameters
    of which one must be given. `kind` is "plain", or names a distribution that the compiler itself gives its
    meaning.
    `meaning` is the dotted name of the class in the runtime, `reference` that of a function of the same
    parameters that returns a frozen SciPy distribution, for tests. `kinks` names the parameters at whose values the
    density is not smooth in y, beside 0. `has_density` is False for a simulator: its
    meaning has `sample` alone.
    """

    name: str
    parameters: tuple[Parameter, ...]
    support: Range | BetweenParameters
    documentation: str
    meaning: str | None
    reference: str | None
    discrete: bool = False
    rank: Literal[0, 1] = 0
    simplex: bool = False
    proper: bool = True
    has_cdf: bool = True
    has_density: bool = True
    kinks: tuple[str, ...] = ()
    exactly_one: tuple[str, ...] = ()
    kind: Literal["plain", "mixture", "process", "iid"] = "plain"

    @property
    def signature(self) -> str:
        """The call as the documentation writes it, such as `Normal(mu, sigma)`."""
        optional = "".join(f", {p.name} =" for p in self.parameters if not p.required)
        required = ", ".join(p.name for p in self.parameters if p.required)
        return f"{self.name}({required}{optional})"
