"""Rules in place of many points: exact for polynomials, positive, and with nodes where points are."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from pdflang.passes.compression.condensation import LARGEST, condense
from pdflang.passes.compression.gauss import gauss_rule
from pdflang.passes.compression.polynomials import exponents, moments
from pdflang.passes.compression.recombination import recombine

RNG = np.random.default_rng(3)
SETS = {
    "uniform": RNG.uniform(-1, 2, 30_000),
    "two lonely": np.concatenate([RNG.normal(size=20_000), [-27.6, 27.6]]),
    "heavy tails": RNG.standard_t(2, 20_000),
    "few distinct": RNG.integers(0, 50, 20_000) / 7,
    "a spike": np.concatenate([np.full(9_999, 0.25), RNG.normal(size=9_999)]),
    "sorted": np.sort(RNG.exponential(size=20_000)),
}
WEIGHTS = RNG.exponential(size=30_000)


def chebyshev(x: np.ndarray, degree: int, within: np.ndarray) -> np.ndarray:
    """T_degree on the range of other points."""
    low, high = within.min(), within.max()
    return np.cos(degree * np.arccos(np.clip((2 * x - low - high) / (high - low), -1, 1)))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("count", [1, 2, 16, 48, 128])
def test_gauss_rules_are_exact_up_to_their_degree(name, count):
    points = SETS[name]
    weights = WEIGHTS[: len(points)]
    nodes, node_weights = gauss_rule(*condense(points, weights), count)
    assert np.all(node_weights >= 0) and nodes.min() >= points.min() and nodes.max() <= points.max()
    for degree in {0, 1, count, 2 * count - 2, 2 * count - 1}:
        exact = np.sum(weights * chebyshev(points, degree, points))
        assert np.sum(node_weights * chebyshev(nodes, degree, points)) == pytest.approx(
            exact, rel=0, abs=1e-12 * weights.sum()
        ), degree


def test_a_gauss_rule_is_not_exact_beyond_its_degree():
    points, weights = SETS["uniform"], np.ones(30_000)
    nodes, node_weights = gauss_rule(*condense(points, weights), 8)
    wrong = np.sum(node_weights * chebyshev(nodes, 16, points)) - np.sum(chebyshev(points, 16, points))
    assert abs(wrong) > 1e-3 * weights.sum()


def test_the_gauss_rule_of_few_points_against_many_digits():
    points, weights = np.array([0.0, 0.1, 0.35, 0.7, 0.71, 1.0]), np.array([1.0, 2.0, 0.5, 1e-6, 3.0, 0.25])
    nodes, node_weights = gauss_rule(points, weights, 3)
    with mpmath.workdps(40):
        x, w = [mpmath.mpf(float(p)) for p in points], [mpmath.mpf(float(v)) for v in weights]
        moment = [sum(v * p**k for v, p in zip(w, x, strict=True)) for k in range(6)]
        hankel = mpmath.matrix([[moment[i + j] for j in range(3)] for i in range(3)])
        low = mpmath.lu_solve(hankel, -mpmath.matrix(moment[3:6]))
        companion = mpmath.matrix([[0, 0, -low[0]], [1, 0, -low[1]], [0, 1, -low[2]]])
        roots = sorted(mpmath.re(root) for root in mpmath.eig(companion, left=False, right=False))
        vandermonde = mpmath.matrix([[root**k for root in roots] for k in range(3)])
        expected = mpmath.lu_solve(vandermonde, mpmath.matrix(moment[:3]))
    np.testing.assert_allclose(nodes, [float(root) for root in roots], rtol=1e-12)
    np.testing.assert_allclose(node_weights, [float(v) for v in expected], rtol=1e-11)


def test_many_rules_at_once_are_the_rules_one_by_one():
    points, weights = RNG.normal(size=(7, 100)), RNG.exponential(size=(7, 100))
    weights[2, 1:] = 0
    together = gauss_rule(points, weights, 5)
    for k in range(7):
        alone = gauss_rule(points[k], weights[k], 5)
        for degree in range(10):
            sums = [np.sum(v * z**degree) for z, v in ((together[0][k], together[1][k]), alone)]
            assert sums[0] == pytest.approx(sums[1], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("points", [[0.3], [0.3] * 5000, [0.3, 0.3, 0.5], [1e-300, 1.0], [0.1, 0.1 + 1e-16]], ids=str)
def test_fewer_distinct_points_than_nodes(points):
    array = np.array(points)
    nodes, weights = gauss_rule(*condense(array, np.ones(len(array))), 16)
    nodes, weights = nodes[weights > 0], weights[weights > 0]
    assert weights.sum() == pytest.approx(len(points), rel=1e-14)
    for function in (np.sin, np.exp, np.sqrt):
        assert np.sum(weights * function(nodes)) == pytest.approx(np.sum(function(array)), rel=1e-13)


@pytest.mark.parametrize("name", SETS)
def test_condensed_points_are_few_and_exact(name):
    points = SETS[name]
    weights = WEIGHTS[: len(points)]
    few, masses = condense(points, weights)
    assert len(few) <= LARGEST < len(points)
    assert np.all(masses > 0) and few.min() >= points.min() and few.max() <= points.max()
    for degree in (0, 1, 31, 95, 255):
        exact = np.sum(weights * chebyshev(points, degree, points))
        assert abs(np.sum(masses * chebyshev(few, degree, points)) - exact) < 1e-12 * weights.sum(), degree


def test_chunks_condensed_one_after_another_are_the_whole():
    points = np.sort(SETS["uniform"])
    parts = [condense(chunk, np.ones(len(chunk))) for chunk in np.split(points, 3)]
    few, masses = condense(*(np.concatenate(values) for values in zip(*parts, strict=True)))
    for degree in (1, 31, 95):
        exact = np.sum(chebyshev(points, degree, points))
        assert abs(np.sum(masses * chebyshev(few, degree, points)) - exact) < 1e-12 * len(points)


@pytest.mark.parametrize(
    ("variables", "degree", "power"), [(2, 1, 1), (2, 9, 1), (2, 14, 1), (3, 5, 1), (2, 25, 0.5), (3, 12, 0.5)]
)
def test_recombined_points_carry_all_moments(variables, degree, power):
    points = np.tanh(RNG.normal(size=(7_001, variables)))
    points[:, 1] *= np.abs(points[:, 0])
    weights = RNG.exponential(size=len(points))
    kept, few = recombine(points, weights, exponents(variables, degree, power))
    assert len(kept) == len(set(kept)) <= len(exponents(variables, degree, power))
    assert np.all(few > 0)
    for powers in np.ndindex(*(degree + 1,) * variables):
        if sum(p**power for p in powers) <= degree**power + 1e-9:
            values = np.prod([chebyshev(points[:, k], p, np.array([-1, 1])) for k, p in enumerate(powers)], axis=0)
            assert abs(few @ values[kept] - weights @ values) < 1e-12 * weights.sum(), powers


@pytest.mark.parametrize("kind", ["line", "one place", "few", "grid"])
def test_recombination_of_degenerate_points(kind):
    points = {
        "line": np.repeat(np.linspace(-1, 1, 3000)[:, None], 2, axis=1),
        "one place": np.zeros((3000, 2)),
        "few": np.array([[0.0, 0.5], [1.0, -1.0]]),
        "grid": np.stack(np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 700)), axis=-1).reshape(-1, 2),
    }[kind]
    polynomials = exponents(2, 10)
    kept, few = recombine(points, np.ones(len(points)), polynomials)
    assert len(kept) <= len(polynomials) == 66
    exact = moments(points, np.ones(len(points)), polynomials)
    np.testing.assert_allclose(moments(points[kept], few, polynomials), exact, rtol=0, atol=1e-12 * len(points))


def test_moments_in_groups_are_those_of_each_group():
    points, weights = RNG.uniform(-1, 1, (1001, 3)), RNG.exponential(size=1001)
    polynomials = exponents(3, 4)
    grouped = moments(points, weights, polynomials, size=90)
    assert grouped.shape == (12, 35)
    for k in range(12):
        part = slice(90 * k, 90 * (k + 1))
        np.testing.assert_allclose(grouped[k], moments(points[part], weights[part], polynomials)[0], rtol=0, atol=1e-12)
