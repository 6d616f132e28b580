"""Distribution functions of priors and their inverses against SciPy's."""

import numpy as np
import pytest

from pdflang.components.distributions import DISTRIBUTIONS
from pdflang.ir.evaluate import resolve
from pdflang.passes.quantiles import QUANTILES

ARGUMENTS = {"mu": 0.7, "sigma": 1.3, "nu": 2.5, "shape": 1.7, "rate": 0.4, "scale": 2.2, "lower": -1.5, "upper": 4.0}
ARGUMENTS |= {"a": 0.6, "b": 2.4}
SHARES = np.array([1e-12, 1e-3, 0.1, 0.37, 0.5, 0.8, 0.999])
ROWS = {row.name: row for row in DISTRIBUTIONS if row.kind == "plain" and row.proper and not (row.rank or row.discrete)}


def test_every_prior_of_one_number_has_them():
    assert set(ROWS) == set(QUANTILES)


@pytest.mark.parametrize("name", QUANTILES)
def test_as_scipy_has_them(name):
    arguments = [ARGUMENTS[parameter.name] for parameter in ROWS[name].parameters]
    frozen = resolve(ROWS[name].reference)(*arguments)
    share, number = QUANTILES[name]
    numbers = number(SHARES, *arguments)
    np.testing.assert_allclose(numbers, frozen.ppf(SHARES), 1e-9, 1e-12)
    np.testing.assert_allclose(share(numbers, *arguments), SHARES, 1e-9, 1e-15)
    ends = np.array([-np.inf, -50.0, 60.0, np.inf])
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(share(ends, *arguments), frozen.cdf(ends), 1e-9, 1e-12)


@pytest.mark.parametrize("name", QUANTILES)
def test_arguments_broadcast(name):
    arguments = [np.full((3, 1), ARGUMENTS[parameter.name]) for parameter in ROWS[name].parameters]
    assert QUANTILES[name].number(SHARES, *arguments).shape == (3, len(SHARES))
