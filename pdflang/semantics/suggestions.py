"""What somebody may have meant who wrote a name that nothing has."""

from __future__ import annotations

from typing import Literal

from pdflang.components import library
from pdflang.diagnostics import closest_names
from pdflang.semantics.builtins import BUILTINS
from pdflang.semantics.scope import Scope

Kind = Literal["value", "distribution", "operator", "owner"]


def suggestions(name: str, scope: Scope, kind: Kind, count: int = 3) -> list[str]:
    """Near names, those of the kind that is due first; a distribution is never suggested for a number."""
    own = [*scope.bindings, *scope.module.names()]
    distributions = [n for n in library.names() if hasattr(library[n], "meaning")]
    operators = [n for n, builtin in BUILTINS.items() if builtin.kind == "an operator of the library"]
    others = [n for n in (*BUILTINS, *library.names()) if n not in operators and n not in distributions]
    ranked = {
        "distribution": [*_like(name, distributions), *closest_names(name, own, 1)],
        "owner": closest_names(name, own, 2),
        "operator": [near for group in (operators, own, others) for near in closest_names(name, group, 2)],
        "value": [near for group in (own, others, operators) for near in closest_names(name, group, 2)],
    }[kind]
    found = list(dict.fromkeys(ranked))
    return found[:count]


def _like(name: str, distributions: list[str]) -> list[str]:
    """Distributions whose CamelCase name `name` spells in any other case: half_normal, halfNormal, normal."""
    folded = name.replace("_", "").casefold()
    same = [candidate for candidate in distributions if candidate.casefold() == folded]
    camel = name.title().replace("_", "")
    return same or closest_names(name, distributions, 2) or closest_names(camel, distributions, 2)


HINTS = {
    "logspace": "geomspace(start, stop, count) takes the end points themselves",
    "arange": "range(n) counts whole numbers; linspace(start, stop, count) takes the end points",
    "ln": "the natural logarithm is `log`",
    "pow": "powers are written x^a",
    "gaussian": "the normal distribution is `Normal(mu, sigma)`, with a standard deviation",
    "gauss": "the normal distribution is `Normal(mu, sigma)`, with a standard deviation",
    "multinormal": "the normal distribution of a vector is `MvNormal(mu, cov = …)`",
    "multi_normal": "the normal distribution of a vector is `MvNormal(mu, cov = …)`",
    "neg_binomial_2": "it is `NegativeBinomial(mu, phi)` here",
    "inv_gamma": "it is `InverseGamma(shape, scale)` here",
    "breitwigner": "a Breit-Wigner peak is `Cauchy(mu, sigma)`",
    "lgamma": "write `log_gamma`",
    "np": "functions of the library are used by their own names: exp(x)",
    "jnp": "functions of the library are used by their own names: exp(x)",
    "accumulate": "a recurrence is `scan(step, initial, inputs)`",
    "odeint": "it is `ode(rate, initial, times)` here, with func rate(t, y) = …",
    "solve_ivp": "it is `ode(rate, initial, times)` here, with func rate(t, y) = …",
    "ode_rk45": "it is `ode(rate, initial, times)` here, with func rate(t, y) = …",
    "ode_bdf": "it is `ode(rate, initial, times, stiff = true)` here, with func rate(t, y) = …",
    "gp_exp_quad_cov": "it is `squared_exponential` of the module std.gp: use std.gp: squared_exponential",
    "convolve": "it is a function of the module std.convolution: use std.convolution: convolve",
    "plus": "it is a function of the module std.convolution: use std.convolution: plus",
    "size": "the length of an array is `len(v)`",
    "diag": "add_diag(matrix, values) adds to the diagonal of a matrix",
    "eye": "add_diag(matrix, values) adds to the diagonal of a matrix",
    "True": "write `true`",
    "False": "write `false`",
    "none": "leave it out",
}
