"""Whether a count of events is what a rate gives."""

from __future__ import annotations

from scipy import stats


def compatible(found: int, expected: float) -> bool:
    """Whether a Poisson distribution gives so few, or so many, more often than once in 10,000 times."""
    return bool(stats.poisson.cdf(found, expected) > 1e-4 and stats.poisson.sf(found - 1, expected) > 1e-4)
