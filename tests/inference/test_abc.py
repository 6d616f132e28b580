"""`abc` on experiments whose posterior is known in closed form, and what it says where ε has not fallen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from scipy.stats import norm, truncnorm

from pdflang.diagnostics import PdflangError
from pdflang.inference import Draws
from pdflang.inference.abc import sample
from pdflang.inference.options import AbcOptions
from pdflang.inference.workers import StopRequest


@dataclass
class Line:
    """Statistics A z + noise of width 1 under z ~ N(0, 3²): a normal posterior. So many runs were stopped after."""

    matrix: np.ndarray
    observed: np.ndarray
    at_once: int = 4096
    power: int = 1
    noise: float = 1.0
    stop_after: int | None = None
    dimension: int = field(init=False)
    calls: int = 0

    def __post_init__(self) -> None:
        self.dimension = self.matrix.shape[1]

    def simulate(
        self, seed: int, count: int, z: np.ndarray | None, threads: int | None, stop: StopRequest
    ) -> tuple[np.ndarray, np.ndarray]:
        self.calls += 1
        if self.stop_after is not None and self.calls > self.stop_after:
            stop.request()
        if stop.requested:
            raise KeyboardInterrupt
        random = np.random.default_rng(seed)
        z = 3 * random.standard_normal((count, self.dimension)) if z is None else z
        return z, z**self.power @ self.matrix.T + self.noise * random.standard_normal((count, len(self.matrix)))

    def log_prior(self, z: np.ndarray) -> np.ndarray:
        found: np.ndarray = -np.sum(z**2, axis=1) / 18
        return found

    def exact(self, epsilon: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of the posterior, were the variance of the noise 1 + ε²."""
        weight = self.matrix.T / (1 + epsilon**2)
        covariance = np.linalg.inv(weight @ self.matrix + np.eye(self.dimension) / 9)
        return covariance @ weight @ self.observed, covariance


def two() -> Line:
    """Two parameters that are correlated by three statistics."""
    return Line(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.5]]), np.array([1.0, 3.0, 0.0]))


def assert_is_the_posterior(draws: Draws, line: Line, epsilon: float = 0.0) -> None:
    """Means to a fifth of a standard deviation, widths to a tenth."""
    mean, covariance = line.exact(epsilon)
    z, sd = draws.z.reshape(-1, line.dimension), np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((z.mean(axis=0) - mean) / sd, 0, atol=0.2)
    np.testing.assert_allclose(z.std(axis=0) / sd, 1, rtol=0.1)


def test_rejection_and_populations_come_to_the_posterior() -> None:
    for algorithm in ("rejection", "sequential"):
        assert_is_the_posterior(sample(two(), AbcOptions(simulations=60_000, algorithm=algorithm)), two())


@pytest.mark.parametrize("algorithm", ["rejection", "sequential"])
def test_without_the_regression_widths_follow_epsilon(algorithm: str) -> None:
    """Draws are those of noise √(1 + ε²) times as wide, and come to the posterior with more simulations."""
    one, epsilons = Line(np.eye(1), np.array([2.0])), []
    for simulations in (4_000, 20_000, 100_000):
        options = AbcOptions(simulations=simulations, algorithm=algorithm, adjustment="none")
        draws = sample(one, options)
        epsilons.append(draws.details["epsilon"])
        assert_is_the_posterior(draws, one, epsilons[-1])
    assert epsilons[0] > 1.5 * epsilons[1] and epsilons[2] < 0.25


def test_populations_come_nearer_than_rejection_by_the_same_simulations() -> None:
    by = {a: sample(two(), AbcOptions(simulations=30_000, algorithm=a)) for a in ("rejection", "sequential")}
    assert by["sequential"].details["epsilon"] < 0.75 * by["rejection"].details["epsilon"]


def test_many_statistics_are_compared_by_what_they_predict() -> None:
    random = np.random.default_rng(1)
    line = Line(0.5 * random.standard_normal((30, 2)), 0.3 * random.standard_normal(30))
    epsilon = {}
    for summaries in ("all", "semi-automatic"):
        draws = sample(line, AbcOptions(simulations=30_000, summaries=summaries))
        epsilon[summaries] = draws.details["epsilon"]
    assert_is_the_posterior(draws, line)
    assert epsilon["semi-automatic"] < 0.5 * epsilon["all"]


@pytest.mark.parametrize("summaries", ["all", "semi-automatic"])
def test_both_modes_of_a_square(summaries: str) -> None:
    line = Line(np.eye(1), np.array([9.0]), power=2)
    draws = sample(line, AbcOptions(simulations=30_000, summaries=summaries, adjustment="none"))
    assert draws.details["epsilon"] < 0.3
    assert abs(np.mean(draws.z > 0) - 0.5) < 0.1
    grid = np.linspace(0, 6, 6001)
    share = np.exp(-((grid**2 - 9) ** 2) / 2 - grid**2 / 18)
    mean = np.average(grid, weights=share)
    sd = np.sqrt(np.average((grid - mean) ** 2, weights=share))
    assert abs(np.abs(draws.z).mean() - mean) < 0.2 * sd and np.abs(draws.z).std() == pytest.approx(sd, rel=0.1)


def test_a_simulator_without_noise_is_met_exactly() -> None:
    line = Line(np.eye(2), np.array([3.0, -4.0]), noise=0.0)
    draws = sample(line, AbcOptions(simulations=20_000))
    np.testing.assert_allclose(draws.z.reshape(-1, 2).mean(axis=0), line.observed, atol=0.01)


@dataclass
class Bounded(Line):
    """The same where the prior allows no z[0] below 2."""

    def simulate(
        self, seed: int, count: int, z: np.ndarray | None, threads: int | None, stop: StopRequest
    ) -> tuple[np.ndarray, np.ndarray]:
        if z is None:
            shares = np.random.default_rng((seed, 1)).uniform(norm.cdf(2 / 3), 1, (count, self.dimension))
            z = 3 * norm.ppf(shares)
        assert np.all(z[:, 0] >= 2)
        return super().simulate(seed, count, z, threads, stop)

    def log_prior(self, z: np.ndarray) -> np.ndarray:
        return np.where(z[:, 0] >= 2, super().log_prior(z), -np.inf)


def test_nothing_is_simulated_where_the_prior_is_zero() -> None:
    line = Bounded(np.eye(1), np.array([2.0]))
    draws = sample(line, AbcOptions(simulations=40_000, adjustment="none"))
    mean, covariance = line.exact()
    exact = truncnorm((2 - mean[0]) / covariance[0, 0] ** 0.5, np.inf, mean[0], covariance[0, 0] ** 0.5)
    assert draws.z.min() >= 2 and abs(draws.z.mean() - exact.mean()) < 0.2 * exact.std()
    assert draws.z.std() == pytest.approx(exact.std(), rel=0.1), draws.details


def test_a_seed_decides() -> None:
    options = AbcOptions(simulations=5_000)
    one, same, other = (sample(two(), replace(options, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.z, same.z)
    assert not np.array_equal(one.z, other.z)
    assert one.statistics["distance"].shape == one.z.shape[:2] == (4, 250)
    assert one.attributes["simulations"] == 5_000 and one.attributes["epsilon"] > 0


def test_an_interrupt_leaves_the_last_population() -> None:
    nothing = sample(replace(two(), stop_after=0), AbcOptions())
    assert nothing.interrupted and nothing.z.shape == (4, 0, 2)
    line = replace(two(), stop_after=10)
    some = sample(line, AbcOptions())
    assert some.interrupted and some.z.shape == (4, 250, 2) and some.details["populations"] >= 1


def test_what_is_said_of_epsilon() -> None:
    said = {}
    for adjustment, simulations in (("linear", 50_000), ("none", 50_000), ("none", 6_000), ("none", 2_000)):
        (remark,) = sample(two(), AbcOptions(simulations=simulations, adjustment=adjustment)).remarks
        said[adjustment, simulations] = remark.severity
        assert "--simulations" in remark.remedy and f"{simulations} simulations" in remark.sentence
    assert list(said.values()) == ["note", "note", "warning", "error"]


def test_there_are_more_simulations_than_draws() -> None:
    with pytest.raises(PdflangError, match="1500 simulations are too few for 4 chains of 250 draws"):
        AbcOptions(simulations=1500)
