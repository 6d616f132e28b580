"""The distributions, with Stan's names and parametrisations in CamelCase.

Sources: Stan Functions Reference 2.35, "Distributions"; the densities agree with Johnson, Kotz and
Balakrishnan, "Continuous Univariate Distributions".
"""

from __future__ import annotations

from typing import Any

from pdflang.components.rows import BetweenParameters, Distribution, Parameter
from pdflang.ir.ranges import NONNEGATIVE, OPEN_UNIT, POSITIVE, REAL, UNIT, Range

_MU = Parameter("mu", "location")
_SIGMA = Parameter("sigma", "scale", POSITIVE)
_SHAPE = Parameter("shape", "shape", POSITIVE)
_SCALE = Parameter("scale", "scale", POSITIVE)
_RATE = Parameter("rate", "rate, the inverse of a scale", POSITIVE)
_OVER = Parameter(
    "over", "region, where it is narrower than the function's own", required=False, kind="interval"
)
_EVENT_WEIGHTS = Parameter("weights", "weights of the events, negative ones included", required=False)


def _row(
    name: str,
    parameters: tuple[Parameter, ...],
    support: Range | BetweenParameters,
    documentation: str,
    **properties: Any,
) -> Distribution:
    meaning = f"pdflang.backend.runtime.distributions.{name}"
    reference = f"pdflang.components.reference.{name}"
    return Distribution(
        name,
        parameters,
        support,
        documentation,
        **{"meaning": meaning, "reference": reference} | properties,
    )


_REAL_LINE = (
    _row(
        "Normal",
        (_MU, Parameter("sigma", "standard deviation", POSITIVE)),
        REAL,
        "exp(-((y - mu)/sigma)^2/2) / (sigma*sqrt(2*pi)).",
    ),
    _row(
        "StudentT",
        (Parameter("nu", "degrees of freedom", POSITIVE), _MU, _SIGMA),
        REAL,
        "(1 + z^2/nu)^(-(nu + 1)/2) / (sigma*sqrt(nu)*beta(nu/2, 1/2)), z = (y - mu)/sigma.",
    ),
    _row(
        "Cauchy",
        (_MU, Parameter("sigma", "half width at half maximum", POSITIVE)),
        REAL,
        "1 / (pi*sigma*(1 + ((y - mu)/sigma)^2)): a Breit-Wigner peak of width 2*sigma.",
    ),
    _row("Laplace", (_MU, _SIGMA), REAL, "exp(-|y - mu|/sigma) / (2*sigma).", kinks=("mu",)),
    _row(
        "Logistic",
        (_MU, _SIGMA),
        REAL,
        "exp(-z) / (sigma*(1 + exp(-z))^2), z = (y - mu)/sigma.",
    ),
    _row(
        "Flat",
        (),
        REAL,
        "1 everywhere. Improper: nothing can be drawn from it, and `in (lower, upper)` only cuts it.",
        proper=False,
        has_cdf=False,
        reference=None,
    ),
)

_HALF_LINE = (
    _row(
        "LogNormal",
        (Parameter("mu", "mean of log(y)"), Parameter("sigma", "standard deviation of log(y)", POSITIVE)),
        POSITIVE,
        "exp(-((log(y) - mu)/sigma)^2/2) / (y*sigma*sqrt(2*pi)).",
    ),
    _row(
        "HalfNormal",
        (_SIGMA,),
        NONNEGATIVE,
        "2*exp(-(y/sigma)^2/2) / (sigma*sqrt(2*pi)); sigma is the standard deviation of the whole Normal.",
    ),
    _row("HalfCauchy", (_SIGMA,), NONNEGATIVE, "2 / (pi*sigma*(1 + (y/sigma)^2))."),
    _row("Exponential", (_RATE,), NONNEGATIVE, "rate*exp(-rate*y)."),
    _row(
        "Gamma",
        (_SHAPE, _RATE),
        POSITIVE,
        "rate^shape * y^(shape - 1) * exp(-rate*y) / gamma(shape); the mean is shape/rate.",
    ),
    _row(
        "InverseGamma",
        (_SHAPE, _SCALE),
        POSITIVE,
        "scale^shape * y^(-shape - 1) * exp(-scale/y) / gamma(shape): 1/y is Gamma(shape, scale).",
    ),
    _row(
        "Weibull",
        (_SHAPE, _SCALE),
        POSITIVE,
        "shape/scale * (y/scale)^(shape - 1) * exp(-(y/scale)^shape).",
    ),
)

_INTERVAL = (
    _row(
        "Beta",
        (
            Parameter("a", "power of y, plus one", POSITIVE),
            Parameter("b", "power of 1 - y, plus one", POSITIVE),
        ),
        OPEN_UNIT,
        "y^(a - 1) * (1 - y)^(b - 1) / beta(a, b).",
    ),
    _row(
        "Uniform",
        (Parameter("lower", "lower end"), Parameter("upper", "upper end, above the lower one")),
        BetweenParameters("lower", "upper"),
        "1/(upper - lower) between the ends, which belong to it.",
        kinks=("lower", "upper"),
    ),
)

_MULTIVARIATE = (
    _row(
        "MvNormal",
        (
            Parameter("mu", "mean", rank=1),
            Parameter("cov", "covariance, symmetric and positive definite", rank=2, required=False),
            Parameter("scale_tril", "lower triangle L with cov = L L'", rank=2, required=False),
            Parameter("precision", "inverse of the covariance", rank=2, required=False),
        ),
        REAL,
        "exp(-(y - mu)' cov^-1 (y - mu)/2) / sqrt(det(2*pi*cov)); takes cov, scale_tril or precision.",
        rank=1,
        has_cdf=False,
        exactly_one=("cov", "scale_tril", "precision"),
    ),
    _row(
        "Dirichlet",
        (Parameter("concentration", "one positive number for each element", POSITIVE, rank=1),),
        OPEN_UNIT,
        "gamma(sum(c)) * prod(y^(c - 1)/gamma(c)) on the simplex, c = concentration; "
        "a density in all elements but the last.",
        rank=1,
        simplex=True,
        has_cdf=False,
    ),
)

_COUNTING = (
    _row(
        "Bernoulli",
        (Parameter("p", "probability of 1", UNIT),),
        UNIT,
        "p for 1, 1 - p for 0.",
        discrete=True,
    ),
    _row(
        "Binomial",
        (
            Parameter("n", "number of trials", NONNEGATIVE, integer=True),
            Parameter("p", "probability of a success", UNIT),
        ),
        BetweenParameters(0.0, "n"),
        "choose(n, y) * p^y * (1 - p)^(n - y).",
        discrete=True,
    ),
    _row(
        "NegativeBinomial",
        (
            Parameter("mu", "mean", POSITIVE),
            Parameter("phi", "overdispersion, Poisson for large phi", POSITIVE),
        ),
        NONNEGATIVE,
        "choose(y + phi - 1, y) * (mu/(mu + phi))^y * (phi/(mu + phi))^phi; the variance is mu + mu^2/phi. "
        "This is Stan's neg_binomial_2.",
        discrete=True,
    ),
    _row(
        "Poisson",
        (Parameter("rate", "expected count", NONNEGATIVE),),
        NONNEGATIVE,
        "rate^y * exp(-rate) / y!.",
        discrete=True,
    ),
)

_SPECIAL = (
    _row(
        "Mixture",
        (
            Parameter("weights", "one for each component, adding up to 1", UNIT, rank=1),
            Parameter("components", "distributions", kind="distributions"),
        ),
        REAL,
        "sum(weights[k] * density of components[k]); its support is that of its components.",
        kind="mixture",
        meaning=None,
        reference=None,
        has_cdf=False,
    ),
    _row(
        "PoissonProcess",
        (
            Parameter("rate", "intensity of the events", NONNEGATIVE, kind="function"),
            _OVER,
            _EVENT_WEIGHTS,
        ),
        REAL,
        "Events with that intensity over its region: exp(-integral of rate) * prod(rate(y_i)), the extended "
        "unbinned likelihood.",
        kind="process",
        meaning=None,
        reference=None,
        has_cdf=False,
    ),
    _row(
        "Iid",
        (
            Parameter("shape", "unnormalised density of an event", NONNEGATIVE, kind="function"),
            _OVER,
            _EVENT_WEIGHTS,
        ),
        REAL,
        "A given number of events from the normalised shape: prod(shape(y_i)/integral of shape).",
        kind="iid",
        meaning=None,
        reference=None,
        has_cdf=False,
    ),
)

DISTRIBUTIONS = (*_REAL_LINE, *_HALF_LINE, *_INTERVAL, *_MULTIVARIATE, *_COUNTING, *_SPECIAL)
