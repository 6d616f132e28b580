"""The elementwise functions and the two reserved constants.

Rows give NumPy's or SciPy's name first (the reference), then what generated code calls. Special functions
follow the NIST Digital Library of Mathematical Functions (DLMF).
"""

from __future__ import annotations

import math
from typing import Any

from pdflang.components.rows import Constant, Function
from pdflang.ir.ranges import NONNEGATIVE, OPEN_UNIT, POSITIVE, REAL, UNIT, Range

CONSTANTS = (
    Constant("pi", math.pi, "The circumference of a circle over its diameter."),
    Constant("inf", math.inf, "Infinity, as the end of a range."),
)

_SIGNED_UNIT = Range(-1.0, 1.0)
_OPEN_SIGNED_UNIT = Range(-1.0, 1.0, True, True)
_AT_LEAST_ONE = Range(1.0)
_HALF_TURN = Range(-math.pi / 2, math.pi / 2)
# The trapezoidal rule behind bessel_j is right to rounding inside this range.
_BESSEL_ARGUMENTS = Range(-150.0, 150.0)


def _numpy(
    name: str, numpy: str, domain: Range, image: Range, documentation: str, **properties: Any
) -> Function:
    """A function of one argument that NumPy and jax.numpy have under the same name."""
    return Function(
        name, ("x",), f"numpy.{numpy}", f"jax.numpy.{numpy}", (domain,), image, documentation, **properties
    )


def _own(
    name: str,
    parameters: tuple[str, ...],
    domain: tuple[Range, ...],
    image: Range,
    documentation: str,
    **properties: Any,
) -> Function:
    """A function that the runtime and the reference module have under its own name."""
    return Function(
        name,
        parameters,
        f"pdflang.components.reference.{name}",
        f"pdflang.backend.runtime.special.{name}",
        domain,
        image,
        documentation,
        **properties,
    )


def _special(
    name: str,
    special: str,
    parameters: tuple[str, ...],
    domain: tuple[Range, ...],
    image: Range,
    documentation: str,
    **properties: Any,
) -> Function:
    """A function that scipy.special and jax.scipy.special have under the same name."""
    reference, meaning = f"scipy.special.{special}", f"jax.scipy.special.{special}"
    return Function(name, parameters, reference, meaning, domain, image, documentation, **properties)


_POWERS = (
    _numpy("exp", "exp", REAL, NONNEGATIVE, "The exponential e^x.", monotone=1),
    _numpy("expm1", "expm1", REAL, Range(-1.0), "e^x - 1, accurate for small x.", monotone=1),
    _numpy("log", "log", POSITIVE, REAL, "The natural logarithm.", monotone=1),
    _numpy(
        "log1p", "log1p", Range(-1.0, open_lower=True), REAL, "log(1 + x), accurate for small x.", monotone=1
    ),
    _numpy("log2", "log2", POSITIVE, REAL, "The logarithm to base 2.", monotone=1),
    _numpy("log10", "log10", POSITIVE, REAL, "The logarithm to base 10.", monotone=1),
    _numpy("sqrt", "sqrt", NONNEGATIVE, NONNEGATIVE, "The square root.", monotone=1),
    _numpy("cbrt", "cbrt", REAL, REAL, "The real cube root.", monotone=1),
    Function(
        "hypot",
        ("x", "y"),
        "numpy.hypot",
        "jax.numpy.hypot",
        (REAL, REAL),
        NONNEGATIVE,
        "sqrt(x^2 + y^2), without overflow.",
    ),
)

_TRIGONOMETRY = (
    _numpy("sin", "sin", REAL, _SIGNED_UNIT, "The sine of an angle in radians."),
    _numpy("cos", "cos", REAL, _SIGNED_UNIT, "The cosine of an angle in radians."),
    _numpy("tan", "tan", REAL, REAL, "The tangent of an angle in radians."),
    _numpy("asin", "arcsin", _SIGNED_UNIT, _HALF_TURN, "The angle in [-pi/2, pi/2] of a sine.", monotone=1),
    _numpy(
        "acos", "arccos", _SIGNED_UNIT, Range(0.0, math.pi), "The angle in [0, pi] of a cosine.", monotone=-1
    ),
    _numpy("atan", "arctan", REAL, _HALF_TURN, "The angle in (-pi/2, pi/2) of a tangent.", monotone=1),
    Function(
        "atan2",
        ("y", "x"),
        "numpy.arctan2",
        "jax.numpy.arctan2",
        (REAL, REAL),
        Range(-math.pi, math.pi),
        "The angle in [-pi, pi] of the point (x, y); the ordinate y comes first.",
    ),
    _numpy("sinh", "sinh", REAL, REAL, "The hyperbolic sine (e^x - e^-x)/2.", monotone=1),
    _numpy("cosh", "cosh", REAL, _AT_LEAST_ONE, "The hyperbolic cosine (e^x + e^-x)/2."),
    _numpy("tanh", "tanh", REAL, _SIGNED_UNIT, "The hyperbolic tangent sinh(x)/cosh(x).", monotone=1),
    _numpy("asinh", "arcsinh", REAL, REAL, "log(x + sqrt(x^2 + 1)).", monotone=1),
    _numpy("acosh", "arccosh", _AT_LEAST_ONE, NONNEGATIVE, "log(x + sqrt(x^2 - 1)).", monotone=1),
    _numpy("atanh", "arctanh", _OPEN_SIGNED_UNIT, REAL, "log((1 + x)/(1 - x))/2.", monotone=1),
)

_STEPS = (
    _numpy("abs", "abs", REAL, NONNEGATIVE, "The absolute value."),
    _own("sign", ("x",), (REAL,), _SIGNED_UNIT, "-1, 0 or 1.", monotone=1, integer=True),
    _own(
        "floor",
        ("x",),
        (REAL,),
        REAL,
        "The largest whole number that is not above x.",
        monotone=1,
        integer=True,
    ),
    _own(
        "ceil",
        ("x",),
        (REAL,),
        REAL,
        "The smallest whole number that is not below x.",
        monotone=1,
        integer=True,
    ),
    _own(
        "round",
        ("x",),
        (REAL,),
        REAL,
        "The nearest whole number; halves go to the even one.",
        monotone=1,
        integer=True,
    ),
    _own(
        "step", ("x",), (REAL,), UNIT, "Heaviside's step: 0 below 0, 1 from 0 on.", monotone=1, integer=True
    ),
    Function(
        "min",
        ("x", "y"),
        "numpy.minimum",
        "jax.numpy.minimum",
        (REAL, REAL),
        REAL,
        "The smaller of two numbers.",
    ),
    Function(
        "max",
        ("x", "y"),
        "numpy.maximum",
        "jax.numpy.maximum",
        (REAL, REAL),
        REAL,
        "The larger of two numbers.",
    ),
    Function(
        "clip",
        ("x", "lower", "upper"),
        "numpy.clip",
        "jax.numpy.clip",
        (REAL, REAL, REAL),
        REAL,
        "min(max(x, lower), upper): x, or the end beyond which it lies.",
    ),
    Function(
        "mod",
        ("x", "y"),
        "numpy.mod",
        "jax.numpy.mod",
        (REAL, REAL),
        REAL,
        "x - y*floor(x/y), with the sign of y as in Python.",
    ),
)

_PROBABILITY = (
    _special("logit", "logit", ("p",), (OPEN_UNIT,), REAL, "log(p/(1 - p)).", monotone=1),
    _special("expit", "expit", ("x",), (REAL,), UNIT, "1/(1 + e^-x), the inverse of logit.", monotone=1),
    _special(
        "erf", "erf", ("x",), (REAL,), _SIGNED_UNIT, "2/sqrt(pi) * integral of e^(-t^2), 0 to x.", monotone=1
    ),
    _special(
        "erfc", "erfc", ("x",), (REAL,), Range(0.0, 2.0), "1 - erf(x), accurate for large x.", monotone=-1
    ),
    _special("erfinv", "erfinv", ("x",), (_OPEN_SIGNED_UNIT,), REAL, "The y with erf(y) = x.", monotone=1),
    _special(
        "Phi", "ndtr", ("x",), (REAL,), UNIT, "The standard normal's distribution function.", monotone=1
    ),
    _own(
        "log_Phi",
        ("x",),
        (REAL,),
        Range(upper=0.0),
        "log(Phi(x)), finite far below 0.",
        monotone=1,
    ),
)

_GAMMA_FAMILY = (
    _special(
        "gamma",
        "gamma",
        ("x",),
        (REAL,),
        REAL,
        "The integral of t^(x - 1) e^-t over t > 0, continued to negative x that are not whole (DLMF 5.2.1).",
    ),
    _special("log_gamma", "gammaln", ("x",), (POSITIVE,), REAL, "log(gamma(x)) for x > 0."),
    _own("digamma", ("x",), (REAL,), REAL, "The derivative of log(gamma(x)) (DLMF 5.2.2)."),
    _own(
        "beta",
        ("a", "b"),
        (POSITIVE, POSITIVE),
        NONNEGATIVE,
        "gamma(a)*gamma(b)/gamma(a + b) (DLMF 5.12.1).",
    ),
    _own("log_beta", ("a", "b"), (POSITIVE, POSITIVE), REAL, "log(beta(a, b))."),
    _own(
        "choose",
        ("n", "k"),
        (NONNEGATIVE, NONNEGATIVE),
        NONNEGATIVE,
        "n!/(k! (n - k)!), the ways to take k of n; 0 where k > n.",
    ),
    _own(
        "log_choose",
        ("n", "k"),
        (NONNEGATIVE, NONNEGATIVE),
        REAL,
        "log(choose(n, k)), finite where choose overflows; -inf where k > n.",
    ),
)

_BESSEL = (
    _own(
        "bessel_j",
        ("n", "x"),
        (Range(0.0, 50.0), _BESSEL_ARGUMENTS),
        _SIGNED_UNIT,
        "J_n(x), the integral of cos(n t - x sin(t))/pi over (0, pi) for whole n (DLMF 10.9.2), |x| <= 150.",
        integer_parameters=("n",),
    ),
    _special("bessel_i0", "i0", ("x",), (REAL,), _AT_LEAST_ONE, "I_0(x) (DLMF 10.25.2)."),
    _special("bessel_i1", "i1", ("x",), (REAL,), REAL, "I_1(x) (DLMF 10.25.2).", monotone=1),
)

FUNCTIONS = (*_POWERS, *_TRIGONOMETRY, *_STEPS, *_PROBABILITY, *_GAMMA_FAMILY, *_BESSEL)
