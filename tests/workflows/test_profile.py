"""Profiles against closed forms and SciPy: parabolas, ellipses, Poisson means, several maxima, bounds."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from scipy import optimize, stats

import pdflang
from pdflang.inference.ascent import Evaluation
from pdflang.inference.profiles import Quantity, Section, curve_of
from pdflang.inference.workers import StopRequest

LEVELS = (1.0, stats.chi2.ppf(0.95, 1))
X, Y, SIGMA = np.array([0.0, 1, 2, 3, 4]), np.array([0.1, 1.2, 1.9, 3.3, 3.6]), 0.5
LINE = """
    param a ~ Flat()
    param b ~ Flat()
    data x[N]
    data y[N]
    observe y ~ Normal(a + b*x, 0.5)
"""
DECAY = """
    param rate ~ LogNormal(0, 1)
    param height[2] ~ Normal(5, 5)
    data t[N]
    data y[N]
    observe y ~ Normal(height[0]*exp(-rate*t) + height[1], 0.3)
"""
TWO_BRANCHES = """
    param a ~ Flat() in (-6, 6)
    param b ~ Uniform(-4, 4)
    data y = 0
    observe y ~ Normal(0, 1)
    factor modes = log(exp(-8*(b - 2)^2 - 0.5*(a - 1)^2) + 2*exp(-8*(b + 2)^2 - 0.5*(a + 1)^2))
"""


def line() -> tuple[pdflang.embedding.Model, np.ndarray, np.ndarray]:
    """The model, its estimates and their covariance by least squares."""
    design = np.stack([np.ones_like(X), X], axis=1)
    covariance = SIGMA**2 * np.linalg.inv(design.T @ design)
    return pdflang.loads(LINE, data={"x": X, "y": Y}), np.linalg.lstsq(design, Y)[0], covariance


def ends(level) -> list[tuple[float, float]]:
    return [(interval.low, interval.high) for interval in level.intervals]


def test_a_linear_model_has_a_parabola() -> None:
    model, estimates, covariance = line()
    found = model.profile("b", points=15)
    sd = np.sqrt(covariance[1, 1])
    assert found.best == pytest.approx([estimates[1]], rel=1e-9)
    assert found.two_delta == pytest.approx(((found.values[0] - estimates[1]) / sd) ** 2, abs=1e-9)
    assert found.two_delta[[0, -1]] == pytest.approx(9.0)
    for level, expected in zip(found.levels, LEVELS, strict=True):
        assert level.two_delta == pytest.approx(expected)
        reach = sd * np.sqrt(expected)
        assert ends(level)[0] == pytest.approx((estimates[1] - reach, estimates[1] + reach), rel=1e-8)
    # Where b is held, a is where least squares has it.
    given = estimates[0] + covariance[0, 1] / covariance[1, 1] * (found.values[0] - estimates[1])
    assert found.arrays["a"] == pytest.approx(given, abs=1e-8)
    assert found.trusted and not found.interrupted


def test_a_linear_model_has_ellipses() -> None:
    model, estimates, covariance = line()
    found = model.profile("a", "b", points=11)
    assert found.two_delta.shape == (11, 11)
    grid = np.stack(np.meshgrid(*found.values, indexing="ij"), axis=-1) - estimates
    assert found.two_delta == pytest.approx(np.einsum("...i,ij,...j", grid, np.linalg.inv(covariance), grid), abs=1e-8)
    for level, probability in zip(found.levels, (stats.chi2.cdf(1, 1), 0.95), strict=True):
        assert level.two_delta == pytest.approx(stats.chi2.ppf(probability, 2))
        (contour,) = level.contours
        away = contour - estimates
        around = np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away)
        assert around == pytest.approx(level.two_delta, rel=5e-3)
        assert not level.reaches_edge and np.array_equal(contour[0], contour[-1])


@pytest.mark.parametrize("count", [1, 5, 40])
def test_a_poisson_mean(count: int) -> None:
    model = pdflang.loads("data n: int\nparam mu ~ Flat() in (0, inf)\nobserve n ~ Poisson(mu)", data={"n": count})

    def over(mu: float, level: float) -> float:
        return 2 * (mu - count - count * np.log(mu / count)) - level

    for level, expected in zip(model.profile("mu").levels, LEVELS, strict=True):
        low = optimize.brentq(over, 1e-9, count, args=(expected,), xtol=1e-14)
        high = optimize.brentq(over, count, 10 * count + 10, args=(expected,), xtol=1e-14)
        assert ends(level)[0] == pytest.approx((low, high), rel=1e-8)


def test_nothing_counted_leaves_the_lower_end_open() -> None:
    """With no event −2Δ is 2 mu, and the interval goes down to the bound."""
    found = pdflang.loads("data n: int = 0\nparam mu ~ Flat() in (0, inf)\nobserve n ~ Poisson(mu)").profile("mu")
    for level, expected in zip(found.levels, LEVELS, strict=True):
        (interval,) = level.intervals
        assert (interval.low, interval.low_closed, interval.high_closed) == (0.0, False, True)
        assert interval.high == pytest.approx(expected / 2, rel=1e-8)


def test_what_data_do_not_determine_is_open_on_both_sides() -> None:
    model = pdflang.loads("param a ~ Flat()\nparam b ~ Flat()\ndata y = 1\nobserve y ~ Normal(a + b, 1)")
    (interval,) = model.profile("a").levels[0].intervals
    assert (interval.low, interval.high) == (-np.inf, np.inf)
    assert not interval.low_closed and not interval.high_closed


def test_a_curved_model_is_what_scipy_finds() -> None:
    t = np.linspace(0, 3, 12)
    y = 6 * np.exp(-1.3 * t) + 2 + 0.3 * np.sin(9 * t)
    model = pdflang.loads(DECAY, data={"t": t, "y": y})

    def below(rate: float) -> float:
        """Minus twice the log-density with the heights where they are best, but for a constant."""
        # The heights enter linearly: least squares, with their priors as two more data.
        design = np.vstack([np.stack([np.exp(-rate * t), np.ones_like(t)], axis=1) / 0.3, np.eye(2) / 5])
        wanted = np.concatenate([y / 0.3, [1.0, 1.0]])
        rest = wanted - design @ np.linalg.lstsq(design, wanted)[0]
        return float(rest @ rest + np.log(rate) ** 2 + 2 * np.log(rate))

    best = optimize.minimize_scalar(below, bounds=(0.3, 4), method="bounded", options={"xatol": 1e-12})
    found = model.profile("rate", points=9)
    assert found.best[0] == pytest.approx(best.x, rel=1e-6)
    assert found.two_delta == pytest.approx([below(rate) - best.fun for rate in found.values[0]], abs=1e-6)
    for level, expected in zip(found.levels, LEVELS, strict=True):
        low = optimize.brentq(lambda rate, e=expected: below(rate) - best.fun - e, 0.1, best.x, xtol=1e-14)
        high = optimize.brentq(lambda rate, e=expected: below(rate) - best.fun - e, best.x, 9.0, xtol=1e-14)
        assert ends(level)[0] == pytest.approx((low, high), rel=1e-7)
    # An entry of an array is held by its name; the profile of what is linear given the rest is seen from there too.
    second = model.profile("height[1]", points=5)
    assert second.arrays["height"][:, 1] == pytest.approx(second.values[0])


def test_several_maxima_have_several_intervals() -> None:
    """(a² − 4)²/2 with the shift s, whose prior is a standard normal, where it is best."""
    model = pdflang.loads("data y = 4\nparam a ~ Flat()\nnuisance s ~ Normal(0, 1)\nobserve y ~ Normal(a^2 + s, 1)")
    for level, expected in zip(model.profile("a").levels, LEVELS, strict=True):
        low, high = np.sqrt(4 - np.sqrt(2 * expected)), np.sqrt(4 + np.sqrt(2 * expected))
        assert np.ravel(ends(level)) == pytest.approx([-high, -low, low, high], rel=1e-8)


def test_the_highest_branch_counts() -> None:
    """Two places of b, far from each other, each with a parabola in a: the profile is the upper of the two."""
    found = pdflang.loads(TWO_BRANCHES).profile("a", starts=12, points=30)
    a = found.values[0]
    logs = np.maximum(-0.5 * (a - 1) ** 2, np.log(2) - 0.5 * (a + 1) ** 2)
    assert found.best[0] == pytest.approx(-1.0, abs=1e-6)
    assert found.two_delta == pytest.approx(2 * (np.log(2) - logs), abs=1e-6)


def test_priors_of_nuisances_alone() -> None:
    """n ~ Poisson(s + b) with b known to be 3 ± 1/2: the prior of s does not count where that is asked for."""
    model = pdflang.loads(
        "data n: int = 9\nparam s ~ Exponential(1)\nnuisance b ~ Normal(3, 0.5) in (0, inf)\nobserve n ~ Poisson(s + b)"
    )
    free = model.profile("s", priors="nuisance")
    assert free.best[0] == pytest.approx(6.0, rel=1e-7)

    def below(s: float) -> float:
        found = optimize.minimize_scalar(
            lambda b: 2 * (s + b - 9 * np.log(s + b)) + ((b - 3) / 0.5) ** 2, bounds=(0.01, 9), method="bounded",
            options={"xatol": 1e-10},
        )  # fmt: skip
        return float(found.fun)

    low, high = ends(free.levels[0])[0]
    assert [below(low) - below(6.0), below(high) - below(6.0)] == pytest.approx([1.0, 1.0], abs=1e-6)
    assert model.profile("s").best[0] < 3.0


def test_threads_change_nothing() -> None:
    model, _, _ = line()
    one, two = (model.profile("a", "b", points=6, threads=threads) for threads in (1, 2))
    assert one.two_delta.tobytes() == two.two_delta.tobytes()


class Impatient(pdflang.inference.QuietMonitor):
    """Presses Ctrl-C when the profile begins."""

    def start(self, method: str, chains: int, total: int) -> None:
        if method == "profile":
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("names", [("a",), ("a", "b")])
def test_an_interrupt_keeps_the_maximum(names: tuple[str, ...]) -> None:
    model, estimates, _ = line()
    found = model.profile(*names, monitor=Impatient())
    assert found.interrupted
    assert found.best == pytest.approx(estimates[: len(names)], rel=1e-9)
    assert found.two_delta.size == 1


class Later(pdflang.inference.QuietMonitor):
    """Presses Ctrl-C when some points are finished."""

    def update(self, progressed: pdflang.inference.Progressed) -> None:
        if progressed.done > 20:
            signal.raise_signal(signal.SIGINT)


def test_an_interrupt_keeps_the_points_that_are_finished() -> None:
    model, estimates, covariance = line()
    found = model.profile("a", points=100_001, monitor=Later())
    finished = np.isfinite(found.two_delta)
    assert found.interrupted and 20 < finished.sum() < 100_000
    parabola = (found.values[0] - estimates[0]) ** 2 / covariance[0, 0]
    assert found.two_delta[finished] == pytest.approx(parabola[finished], abs=1e-8)
    assert np.isnan(found.arrays["b"][~finished]).all()
    assert all(one.low_closed and one.high_closed for level in found.levels for one in level.intervals)


def test_intervals_that_close_among_the_finished_points_are_known() -> None:
    """Of a unit normal in two coordinates: all points below the mode, and above it those up to 1.5."""
    stop = StopRequest()
    far_below = 0

    def evaluated(z: np.ndarray) -> Evaluation:
        nonlocal far_below
        far_below += z[0] < -2
        if far_below > 20 and z[0] > 1.5:
            stop.request()
        return Evaluation(z, -0.5 * z @ z, -z, np.eye(2))

    quantity = Quantity("a", 0, -np.inf, np.inf, float, float, lambda z: 1.0)
    section = Section(evaluated, 2, [quantity], 1e-12, 100)
    found = curve_of(section, [section.at(np.zeros(2))], (1.0, 3.84), 9.0, 201, 1, stop, lambda done: None)
    assert any(place is None for place in found.places)
    ((one,), two) = found.intervals
    assert (one.low, one.high) == pytest.approx((-1, 1), abs=1e-6) and one.low_closed and one.high_closed
    assert two == ()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("ratee",), "did you mean `rate`"),
        (("height",), "name one of its entries: height[0], height[1]"),
        (("order[1]",), "cannot be held alone"),
        (("rate", "rate"), "named twice"),
    ],
)
def test_what_cannot_be_profiled(names: tuple[str, ...], said: str) -> None:
    model = pdflang.loads(DECAY + "param order[2]: ordered ~ Normal(0, 1)\n", data={"t": [0.0], "y": [1.0]})
    with pytest.raises(pdflang.PdflangError, match="E641") as caught:
        model.profile(*names)
    assert said in str(caught.value)


def test_bounds_that_follow_others() -> None:
    """Of a and b in 0 < b < 1 - a with a + b known alone, both a and its share go to their bounds."""
    model = pdflang.loads(
        "param a ~ Uniform(0, 1)\nparam b ~ Uniform(0, 1 - a)\ndata y = 0.4\nfactor flat = log(1 - a)\n"
        "observe y ~ Normal(a + b, 0.1)"
    )
    found = model.profile("a")
    (interval,) = found.levels[1].intervals
    # b stands in for a down to 0, so that only a > y costs something.
    assert interval.low == pytest.approx(0.0, abs=1e-6)
    assert interval.high == pytest.approx(0.4 + 0.1 * 3.841459**0.5, abs=1e-3)
    with pytest.raises(pdflang.PdflangError, match="bounds that follow others"):
        model.profile("b")
