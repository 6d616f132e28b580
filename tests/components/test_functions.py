"""Every function: JAX against its reference, and what its row says about domain, image and slope."""

import math
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pdflang.components import Function, library

FUNCTIONS = [row for row in library if isinstance(row, Function)]
POINTS = 300


def arguments(row):
    """Random points of each argument's domain, and points close to its ends."""
    generator = np.random.default_rng(7)
    columns = []
    for name, domain in zip(row.parameters, row.domain, strict=True):
        lower, upper = max(domain.lower, -12.0), min(domain.upper, 12.0)
        column = generator.uniform(lower, upper, POINTS)
        closed = [end for end in (domain.lower, domain.upper) if end in domain and math.isfinite(end)]
        column[: len(closed)] = closed
        column[2:4] = np.clip([1e-5, 1 - 1e-5], lower, upper)
        columns.append(np.floor(column) if name in row.integer_parameters else column)
    return columns


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_jax_agrees_with_the_reference(row):
    columns = arguments(row)
    value = pkgutil.resolve_name(row.jax)(*columns)
    expected = pkgutil.resolve_name(row.numpy)(*columns)
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-13)
    assert (
        jnp.issubdtype(value.dtype, jnp.integer) == row.integer == np.issubdtype(expected.dtype, np.integer)
    )


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_values_lie_in_the_image_and_rise_or_fall_as_the_row_says(row):
    columns = [np.sort(column) for column in arguments(row)]
    value = pkgutil.resolve_name(row.numpy)(*columns)
    slack = 1e-15 * np.abs(value)
    assert np.all((value >= row.image.lower - slack) & (value <= row.image.upper + slack))
    if len(row.parameters) == 1:
        steps = np.diff(value)
        assert row.monotone == (1 if np.all(steps >= 0) else -1 if np.all(steps <= 0) else 0)
    else:
        assert row.monotone == 0


@pytest.mark.parametrize("row", [row for row in FUNCTIONS if not row.integer], ids=lambda row: row.name)
def test_derivatives_agree_with_differences(row):
    function = pkgutil.resolve_name(row.jax)
    columns = [column[10:40] for column in arguments(row)]
    for index, name in enumerate(row.parameters):
        if name in row.integer_parameters:
            continue

        def difference(h, index=index):
            up, down = ([c + sign * h * (i == index) for i, c in enumerate(columns)] for sign in (1, -1))
            return (function(*up) - function(*down)) / (2 * h)

        slope = jax.vmap(jax.grad(function, index))(*columns)
        fine, coarse = difference(1e-5), difference(2e-5)
        scale = 1 + np.abs(fine) + np.abs(function(*columns))
        smooth = np.abs(fine - coarse) < 1e-7 * scale  # away from kinks and poles
        assert np.mean(smooth) > 0.3
        assert np.all(np.abs(slope - fine)[smooth] < 1e-6 * scale[smooth])
