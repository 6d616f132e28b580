"""Densities, distribution functions and draws that generated code calls.

Each distribution is a class of static functions that broadcast and can be differentiated: `log_prob(y,
*parameters)`, `log_cdf` and `log_sf` (the logarithm of the mass above y, accurate where it is tiny), and
`sample(key, shape, *parameters)` with a shape that the parameters broadcast to. A value outside the support
has log_prob -inf and derivative 0.
"""

from pdflang.backend.runtime.distributions.counting import Bernoulli, Binomial, NegativeBinomial, Poisson
from pdflang.backend.runtime.distributions.half_line import (
    Beta,
    Exponential,
    Gamma,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    LogNormal,
    Weibull,
)
from pdflang.backend.runtime.distributions.mixture import Mixture, mixture_log_prob, mixture_sample
from pdflang.backend.runtime.distributions.multivariate import (
    Dirichlet,
    MvNormal,
    scale_tril_of_covariance,
    scale_tril_of_precision,
)
from pdflang.backend.runtime.distributions.real_line import (
    Cauchy,
    Flat,
    Laplace,
    Logistic,
    Normal,
    StudentT,
    Uniform,
)
from pdflang.backend.runtime.distributions.truncation import (
    Truncated,
    log_mass,
    probability,
    truncated_log_prob,
    truncated_sample,
)

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Cauchy",
    "Dirichlet",
    "Exponential",
    "Flat",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "InverseGamma",
    "Laplace",
    "LogNormal",
    "Logistic",
    "Mixture",
    "MvNormal",
    "NegativeBinomial",
    "Normal",
    "Poisson",
    "StudentT",
    "Truncated",
    "Uniform",
    "Weibull",
    "log_mass",
    "mixture_log_prob",
    "mixture_sample",
    "probability",
    "scale_tril_of_covariance",
    "scale_tril_of_precision",
    "truncated_log_prob",
    "truncated_sample",
]
