"""One table over all distributions with a distribution function; the tests of the runtime read it.

`above` is the mass above y by mpmath, at any precision: the oracle in the far tails, where SciPy gives up.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mpmath import mp

from pdflang.components import library


@dataclass(frozen=True)
class Case:
    name: str
    parameters: tuple[float, ...]
    above: Callable[..., Any]

    @property
    def row(self) -> Any:
        return library[self.name]

    @property
    def meaning(self) -> Any:
        return pkgutil.resolve_name(self.row.meaning)

    @property
    def reference(self) -> Any:
        return pkgutil.resolve_name(self.row.reference)(*self.parameters)

    def __str__(self) -> str:
        return f"{self.name}{self.parameters}"


def _normal(z: Any) -> Any:
    return mp.erfc(z / mp.sqrt(2)) / 2


def _student(z: Any, nu: Any) -> Any:
    outer = mp.betainc(nu / 2, mp.mpf(1) / 2, 0, nu / (nu + z**2), regularized=True) / 2
    return outer if z > 0 else 1 - outer


def _laplace(z: Any) -> Any:
    return mp.exp(-z) / 2 if z > 0 else 1 - mp.exp(z) / 2


def _gamma_above(a: Any, x: Any) -> Any:
    return mp.gammainc(a, x, mp.inf, regularized=True)


def _gamma_below(a: Any, x: Any) -> Any:
    return mp.gammainc(a, 0, x, regularized=True)


def _beta_below(a: Any, b: Any, x: Any) -> Any:
    return mp.betainc(a, b, 0, x, regularized=True)


CONTINUOUS = [
    Case("Normal", (0.0, 1.0), lambda y, m, s: _normal((y - m) / s)),
    Case("Normal", (0.5, 2.5), lambda y, m, s: _normal((y - m) / s)),
    Case("StudentT", (3.0, 0.0, 1.0), lambda y, n, m, s: _student((y - m) / s, n)),
    Case("StudentT", (40.0, 0.5, 2.5), lambda y, n, m, s: _student((y - m) / s, n)),
    Case("Cauchy", (0.5, 2.5), lambda y, m, s: mp.atan2(1, (y - m) / s) / mp.pi),
    Case("Laplace", (0.5, 2.5), lambda y, m, s: _laplace((y - m) / s)),
    Case("Logistic", (0.5, 2.5), lambda y, m, s: 1 / (1 + mp.exp((y - m) / s))),
    Case("LogNormal", (0.3, 0.7), lambda y, m, s: _normal((mp.log(y) - m) / s)),
    Case("HalfNormal", (2.5,), lambda y, s: 2 * _normal(y / s)),
    Case("HalfCauchy", (2.5,), lambda y, s: 2 * mp.atan2(s, y) / mp.pi),
    Case("Exponential", (1.5,), lambda y, r: mp.exp(-r * y)),
    Case("Gamma", (0.4, 1.5), lambda y, a, r: _gamma_above(a, r * y)),
    Case("Gamma", (3.5, 1.5), lambda y, a, r: _gamma_above(a, r * y)),
    Case("Gamma", (200.0, 1.5), lambda y, a, r: _gamma_above(a, r * y)),
    Case("InverseGamma", (2.5, 1.5), lambda y, a, s: _gamma_below(a, s / y)),
    Case("Weibull", (1.7, 2.5), lambda y, a, s: mp.exp(-((y / s) ** a))),
    Case("Beta", (2.5, 0.7), lambda y, a, b: _beta_below(b, a, 1 - y)),
    Case("Beta", (60.0, 90.0), lambda y, a, b: _beta_below(b, a, 1 - y)),
    Case("Uniform", (-1.0, 3.0), lambda y, a, b: (b - max(a, min(b, y))) / (b - a)),
]

COUNTING = [
    Case("Bernoulli", (0.3,), lambda k, p: p),
    Case("Binomial", (12.0, 0.3), lambda k, n, p: _beta_below(k + 1, n - k, p)),
    Case("Binomial", (2000.0, 0.4), lambda k, n, p: _beta_below(k + 1, n - k, p)),
    Case("NegativeBinomial", (4.0, 2.5), lambda k, m, f: _beta_below(k + 1, f, m / (m + f))),
    Case("NegativeBinomial", (300.0, 40.0), lambda k, m, f: _beta_below(k + 1, f, m / (m + f))),
    Case("Poisson", (3.7,), lambda k, r: _gamma_below(k + 1, r)),
    Case("Poisson", (400.0,), lambda k, r: _gamma_below(k + 1, r)),
]

ALL = CONTINUOUS + COUNTING
