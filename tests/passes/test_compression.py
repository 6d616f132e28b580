"""Compressed events against sums over all of them: densities of the field, weights, categories, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from pdflang.passes.compression import Category, Chart, Compression, Coordinate, Measure, Refusal, compress
from pdflang.passes.compression.rules import Family

LOGIT = Coordinate(0.0, 1.0)
LINE = Chart((LOGIT,))


def proxy(draws: int, seed: int = 1):
    """log sigma_p = log(4 u + d) at draws that are wider than the priors of the example."""
    rng = np.random.default_rng(seed)
    c = rng.lognormal([0.7, 0.0], 0.5, (draws, 2))
    a = np.maximum(rng.normal(0.5, 0.5, (draws, 2)), -0.99)
    b = np.maximum(rng.normal([3, 4], 1.0, (draws, 2)), -0.99)

    def log_rate(points):
        log_x, log_rest = np.log(points[:, 0]), np.log1p(-points[:, 0])
        u, d = (
            c[:, k, None] * np.exp(a[:, k, None] * log_x + b[:, k, None] * log_rest) for k in (0, 1)
        )  # fmt: skip
        return np.log(4 * u + d)

    return log_rate


def proxy_events(count: int, seed: int = 2) -> np.ndarray:
    """Events of sigma_p at the truth of the example between 0.001 and 0.999."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(count) < 0.93, rng.beta(1.5, 4, count), rng.beta(1.6, 5, count))
    return np.clip(x, 1e-3, 0.999)


def change(events: Measure, nodes: Measure, log_rate) -> float:
    """The largest change of the log-likelihood, by direct sums."""
    values = [log_rate(part.points) @ part.weights for part in (events, nodes)]
    return float(np.abs(values[1] - values[0]).max())


@pytest.mark.parametrize(("order", "largest"), [(32, 7e-5), (48, 8e-9)])
def test_nodes_for_a_hundred_thousand_events_of_the_proxy(order, largest):
    events = Measure.of_events(proxy_events(100_000))
    nodes = Family(events, LINE).rule(order)
    assert len(nodes) == order
    assert np.all(nodes.weights > 0)
    assert change(events, nodes, proxy(50)) < largest


def test_the_smallest_sufficient_rule_is_taken_and_its_error_is_true():
    events, log_rate = Measure.of_events(proxy_events(20_000)), proxy(30)
    done = compress(events, LINE, log_rate)
    assert isinstance(done, Compression)
    assert done.error < 1e-3
    assert done.error == pytest.approx(change(events, done.nodes, log_rate), rel=1e-3)
    coarser = Family(events, LINE).rule(done.order - 8)
    assert change(events, coarser, log_rate) > 1e-3
    assert done.errors(proxy(30, seed=5)).shape == (30,)


def test_a_finer_tolerance_takes_more_nodes():
    events, log_rate = Measure.of_events(proxy_events(20_000)), proxy(30)
    coarse, fine = (compress(events, LINE, log_rate, tolerance) for tolerance in (1.0, 1e-7))
    assert isinstance(coarse, Compression) and isinstance(fine, Compression)
    assert len(coarse.nodes) < len(fine.nodes)


def test_many_events_are_compared_with_points_that_stand_for_all_of_them():
    events, log_rate = Measure.of_events(proxy_events(300_000)), proxy(5)
    done = compress(events, LINE, log_rate)
    assert isinstance(done, Compression)
    assert len(done.reference) < 10_000
    assert change(events, done.reference, log_rate) < 1e-7
    assert done.error == pytest.approx(change(events, done.nodes, log_rate), abs=1e-7)


def test_events_at_the_very_ends():
    x = np.concatenate([proxy_events(20_000), [1e-12, 1 - 1e-12, 1e-12, 5e-13]])
    events, log_rate = Measure.of_events(x), proxy(20)
    done = compress(events, LINE, log_rate)
    assert isinstance(done, Compression)
    assert change(events, done.nodes, log_rate) < 1e-3
    assert x.min() <= done.nodes.points.min() and done.nodes.points.max() <= x.max()


def test_weights_of_both_signs():
    rng, log_rate = np.random.default_rng(4), proxy(20)
    weights = np.where(rng.random(20_000) < 0.2, -1.0, 1.0) * rng.exponential(size=20_000)
    weights[:100] = 0
    events = Measure.of_events(proxy_events(20_000), weights)
    done = compress(events, LINE, log_rate)
    assert isinstance(done, Compression)
    assert change(events, done.nodes, log_rate) < 1e-3
    assert {-1.0, 1.0} == set(np.sign(done.nodes.weights))
    assert np.abs(done.nodes.weights).sum() == pytest.approx(np.abs(weights).sum(), rel=1e-12)


def test_each_category_by_itself():
    rng, log_rate = np.random.default_rng(5), proxy(10)
    x, run = proxy_events(30_000), rng.integers(0, 3, 30_000)
    x = np.where(run == 2, 0.3, x)
    events = Measure.of_events(np.stack([run, x], axis=1))

    def by_run(points):
        return (1 + points[:, 0]) * log_rate(points[:, 1:])

    done = compress(events, Chart((Category(), LOGIT)), by_run)
    assert isinstance(done, Compression)
    assert change(events, done.nodes, by_run) < 1e-3
    for value in range(3):
        here = done.nodes.points[:, 0] == value
        assert done.nodes.weights[here].sum() == pytest.approx(np.sum(run == value), rel=1e-12)


def beta_like(draws: int):
    """Mixtures of two products of powers in two variables, correlated therefore."""
    rng = np.random.default_rng(6)
    share, powers = rng.uniform(0.1, 0.9, draws), rng.normal([0.5, 3.0], [0.3, 0.7], (draws, 2, 2, 2))

    def log_rate(points):
        x, y = np.log(points), np.log1p(-points)
        logs = [
            sum(powers[:, k, v, :1] * x[:, v] + powers[:, k, v, 1:] * y[:, v] for v in (0, 1)) for k in (0, 1)
        ]  # fmt: skip
        return np.logaddexp(np.log(share)[:, None] + logs[0], np.log1p(-share)[:, None] + logs[1])

    return log_rate


@pytest.mark.parametrize("region", ["square", "y < x"])
def test_powers_in_two_variables(region):
    rng, log_rate = np.random.default_rng(7), beta_like(10)
    points = np.stack([rng.beta(1.5, 4, 10_000), rng.beta(1.6, 5, 10_000)], axis=1)
    if region == "y < x":
        points = points[points[:, 1] < points[:, 0]]
    events = Measure.of_events(points)
    done = compress(events, Chart((LOGIT, LOGIT)), log_rate, tolerance=0.1)
    assert isinstance(done, Compression)
    assert np.all(done.nodes.weights > 0)
    assert done.error == pytest.approx(change(events, done.nodes, log_rate), abs=1e-7) and done.error < 0.1
    assert set(map(tuple, done.nodes.points)) <= set(map(tuple, points))


def test_two_gaussians_in_three_variables():
    points = np.random.default_rng(8).normal(size=(10_000, 3))
    mean = np.array([[0.1, -0.2, 0.3], [0.0, 0.4, 0.0]])

    def log_rate(points):
        wide = -(points**2).sum(axis=1) / (2 * 3**2)
        return np.logaddexp(-((points - mean[:, None]) ** 2).sum(axis=-1) / (2 * 2.5**2), wide)

    events = Measure.of_events(points)
    done = compress(events, Chart((Coordinate(),) * 3), log_rate)
    assert isinstance(done, Compression)
    assert len(done.nodes) < 400
    assert change(events, done.nodes, log_rate) < 1e-3


@pytest.mark.parametrize(
    ("coordinate", "x"),
    [
        (Coordinate(0.0), np.random.default_rng(9).gamma(2.0, 3.0, 10_000)),
        (Coordinate(None, 5.0), 5 - np.random.default_rng(9).gamma(2.0, 3.0, 10_000)),
        (Coordinate(-2.0, 3.0), np.random.default_rng(9).beta(2.0, 3.0, 10_000) * 5 - 2),
        (Coordinate(), np.random.default_rng(9).normal(5.0, 2.0, 10_000)),
    ],
    ids=["from below", "from above", "between", "line"],
)
def test_each_coordinate_takes_its_singular_points_away(coordinate, x):
    ends = [end for end in (coordinate.lower, coordinate.upper) if end is not None]

    def log_rate(points):
        powers = sum((0.7 * np.log(np.abs(points[:, 0] - end)) for end in ends), 0.01 * points[:, 0] ** 2)
        return np.logaddexp(powers, 1.0)[None]

    np.testing.assert_allclose(coordinate.inverse(coordinate.forward(x)), x, rtol=1e-13, atol=1e-14)
    events = Measure.of_events(x)
    done = compress(events, Chart((coordinate,)), log_rate)
    assert isinstance(done, Compression), done
    assert change(events, done.nodes, log_rate) < 1e-3


@pytest.mark.parametrize(
    ("reason", "chart", "log_rate"),
    [
        ("kink", LINE, lambda points: -np.abs(points[:, 0] - 0.3)[None]),
        ("kink", LINE, lambda points: np.where(points[:, 0] < 0.3, 0.0, 0.1)[None]),
        ("more nodes", LINE, lambda points: np.log(1e-3 + (points[:, 0] - 0.3) ** 2)[None]),
        ("zero or negative", LINE, lambda points: np.log(np.abs(points[:, 0] - 0.3) > 1e-4)[None]),
        ("zero or negative", LINE, lambda points: np.log(points[:, 0] * 0.0)[None]),
        ("singular", Chart((Coordinate(0.5, 1.0),)), lambda points: points[:, 0][None]),
    ],
    ids=["kink", "jump", "pole", "zero", "zero everywhere", "singular"],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_refusals_give_their_reason(reason, chart, log_rate):
    refused = compress(Measure.of_events(proxy_events(20_000)), chart, log_rate)
    assert isinstance(refused, Refusal)
    assert reason in refused.reason


@pytest.mark.parametrize("weights", [np.ones(50), np.zeros(20_000), np.ones(0)], ids=["50", "no weight", "none"])
def test_too_few_events_are_left_alone(weights):
    events = Measure.of_events(proxy_events(len(weights)), weights)
    refused = compress(events, LINE, proxy(3))
    assert isinstance(refused, Refusal)
    assert "too few" in refused.reason


def test_a_kink_in_two_variables_is_refused():
    points = np.random.default_rng(10).uniform(size=(3_000, 2))
    refused = compress(
        Measure.of_events(points),
        Chart((Coordinate(), Coordinate())),
        lambda points: -np.abs(points[:, 0] - points[:, 1])[None],
    )
    assert isinstance(refused, Refusal)
    assert "kink" in refused.reason


@pytest.mark.parametrize("pieces", [16, 64])
def test_a_rule_in_pieces_is_compared_with_the_events_themselves(pieces):
    """A kink between two pieces: points condensed across it are as wrong as the rule, and agree with it."""
    x, slopes = np.random.default_rng(1).beta(1.5, 4, 20_000), np.array([1.0, 3.0, 5.0])[:, None]

    def log_rate(points):
        return -slopes * np.abs(points[:, 0] - 0.3)

    events = Measure.of_events(x)
    done = compress(events, Chart((Coordinate(),), pieces=pieces), log_rate)
    if isinstance(done, Compression):
        assert change(events, done.nodes, log_rate) < 1e-3
    else:
        assert done.error is not None and done.error > 1e-3


def test_a_narrow_peak_is_compressed_in_pieces():
    rng = np.random.default_rng(11)
    x = np.concatenate([rng.uniform(0, 1, 15_000), rng.normal(0.3, 0.003, 5_000)])

    def log_rate(points):
        heights = np.array([1.0, 5.0, 20.0])[:, None]
        return np.log(1 + heights * np.exp(-(((points[:, 0] - 0.3) / 0.003) ** 2) / 2))

    events = Measure.of_events(x)
    assert isinstance(compress(events, Chart((Coordinate(),)), log_rate), Refusal)
    done = compress(events, Chart((Coordinate(),), pieces=64), log_rate)
    assert isinstance(done, Compression)
    assert change(events, done.nodes, log_rate) < 1e-3
