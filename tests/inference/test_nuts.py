"""The sampler against closed forms, and what it promises beside the draws."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import known_targets as known
import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy import stats

from pdflang.inference import Draws, NoFiniteStart, NutsOptions, Progressed, Target, nuts
from pdflang.inference.workers import StopRequest

QUICK = NutsOptions(chains=2, warmup=300, draws=300)


def largest_rhat(draws: Draws) -> float:
    columns = np.moveaxis(draws.z, 2, 0)
    return max(float(array_stats.rhat(column, chain_axis=0, draw_axis=1)) for column in columns)


def assert_mean_is(draws: np.ndarray, expected: float) -> None:
    """Within four standard errors, for draws (chain, draw)."""
    error = float(array_stats.mcse(draws, chain_axis=0, draw_axis=1))
    assert abs(draws.mean() - expected) < 4 * error


@pytest.mark.parametrize("metric", ["dense", "diagonal"])
def test_correlated_gaussian(metric: str) -> None:
    covariance = np.array([[1.0, 1.8], [1.8, 4.0]])
    draws = nuts.sample(known.gaussian(covariance, np.array([3.0, -5.0])), NutsOptions(metric=metric))
    assert largest_rhat(draws) < 1.01
    assert_mean_is(draws.z[..., 0], 3.0)
    assert_mean_is(draws.z[..., 1], -5.0)
    assert np.allclose(np.cov(draws.z.reshape(-1, 2).T), covariance, rtol=0.15)


def test_scales_from_1e_minus_5_to_1e3() -> None:
    covariance = known.badly_scaled_covariance(20)
    draws = nuts.sample(known.gaussian(covariance))
    assert largest_rhat(draws) < 1.01
    sd = np.sqrt(np.diag(covariance))
    assert np.allclose(draws.z.std(axis=(0, 1)) / sd, 1.0, atol=0.1)
    assert not draws.statistics["diverging"].any()


def test_beta_binomial_has_its_conjugate_posterior() -> None:
    draws = nuts.sample(known.beta_binomial(successes=3, trials=10, a=1.0, b=1.0))
    p = 1.0 / (1.0 + np.exp(-draws.z[..., 0]))
    exact = stats.beta(4, 8)
    assert_mean_is(p, exact.mean())
    assert_mean_is(p**2, exact.var() + exact.mean() ** 2)


def test_regression_with_raw_predictors_has_its_closed_form() -> None:
    target, x, y = known.kidiq()
    draws = nuts.sample(target)
    assert largest_rhat(draws) < 1.01
    coefficients, residual = np.linalg.lstsq(x, y, rcond=None)[:2]
    degrees = len(y) - x.shape[1] - 1
    # With flat priors on the coefficients and on σ, these are Student's t with n − p − 1 degrees of freedom.
    spread = residual[0] / degrees * np.linalg.inv(x.T @ x) * degrees / (degrees - 2)
    for i, coefficient in enumerate(coefficients):
        assert_mean_is(draws.z[..., i], coefficient)
        assert draws.z[..., i].std() == pytest.approx(np.sqrt(spread[i, i]), rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        known.earnings,
        known.diamonds,
        known.autoregression,
        known.gaussian_process,
        known.mixture,
        lambda: known.eight_schools(centred=False),
    ],
)
def test_reference_models_converge_by_default_options(make: object) -> None:
    assert callable(make)
    draws = nuts.sample(make())
    assert largest_rhat(draws) < 1.01
    assert draws.statistics["diverging"].mean() < 0.005


def test_a_funnel_starts_from_its_prior_and_moves() -> None:
    draws = nuts.sample(known.eight_schools(centred=True), QUICK)
    log_tau = draws.z[..., 1]
    assert log_tau.std() > 0.4
    assert log_tau.max() > 1.0


def test_statistics_and_counts() -> None:
    draws = nuts.sample(known.gaussian(np.eye(2)), QUICK)
    assert draws.z.shape == (2, 300, 2)
    assert set(draws.statistics) == {
        "lp",
        "diverging",
        "energy",
        "acceptance_rate",
        "tree_depth",
        "n_steps",
        "n_gradients",
        "step_size",
    }
    assert all(values.shape == (2, 300) for values in draws.statistics.values())
    assert np.allclose(draws.statistics["lp"], -0.5 * np.sum(draws.z**2, axis=2))
    assert np.all(draws.statistics["n_steps"] < 2.0 ** draws.statistics["tree_depth"])
    assert np.all(draws.warmup_gradients > 300)
    assert np.all(draws.statistics["energy"] >= -draws.statistics["lp"])
    assert np.ptp(draws.statistics["step_size"], axis=1) == pytest.approx(0.0)
    assert draws.metric.shape == (2, 2, 2)
    assert not draws.interrupted


def test_draws_depend_on_the_seed_and_not_on_threads() -> None:
    target = known.gaussian(np.eye(3))
    one = nuts.sample(target, NutsOptions(chains=3, warmup=100, draws=50, threads=1))
    three = nuts.sample(target, NutsOptions(chains=3, warmup=100, draws=50, threads=3))
    other = nuts.sample(target, NutsOptions(chains=3, warmup=100, draws=50, seed=1))
    assert one.z.tobytes() == three.z.tobytes()
    assert all(one.statistics[k].tobytes() == three.statistics[k].tobytes() for k in one.statistics)
    assert one.z.tobytes() != other.z.tobytes()
    assert not np.array_equal(one.z[0], one.z[1])


def test_fewer_draws_are_the_first_of_more() -> None:
    target = known.gaussian(np.eye(3))
    few = nuts.sample(target, NutsOptions(chains=1, warmup=100, draws=7))
    many = nuts.sample(target, NutsOptions(chains=1, warmup=100, draws=300))
    assert few.z.tobytes() == many.z[:, :7].tobytes()


class Judge:
    """Finds so many draws enough; remembers what it was asked."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.asked: list[int] = []

    def __call__(self, draws: Draws) -> bool:
        self.asked.append(draws.z.shape[1])
        return draws.z.shape[1] >= self.length


@pytest.mark.parametrize("threads", [1, 3])
def test_chains_go_on_until_their_draws_are_enough(threads: int) -> None:
    target, judge = known.gaussian(np.eye(3)), Judge(1800)
    extended = nuts.sample(target, NutsOptions(chains=3, warmup=100, threads=threads), enough=judge)
    at_once = nuts.sample(target, NutsOptions(chains=3, warmup=100, draws=2000))
    assert judge.asked == [1000, 1500, 2000]
    assert extended.sufficient and not extended.interrupted
    assert extended.z.tobytes() == at_once.z.tobytes()
    assert at_once.sufficient is None


def test_chains_end_at_the_most_draws() -> None:
    judge = Judge(10_000)
    draws = nuts.sample(known.gaussian(np.eye(3)), NutsOptions(chains=2, warmup=100, max_draws=1200), enough=judge)
    assert judge.asked == [1000, 1200]
    assert draws.sufficient is False and not draws.interrupted
    assert nuts.sample(known.gaussian(np.eye(3)), NutsOptions(chains=1, warmup=50, max_draws=70)).z.shape[1] == 70


def test_a_given_number_of_draws_is_not_judged() -> None:
    judge = Judge(10_000)
    assert nuts.sample(known.gaussian(np.eye(3)), QUICK, enough=judge).z.shape[1] == 300
    assert not judge.asked


def test_a_stop_while_draws_are_judged_keeps_them_all() -> None:
    stop = StopRequest()

    def enough(draws: Draws) -> bool:
        stop.request()
        return False

    draws = nuts.sample(known.gaussian(np.eye(3)), NutsOptions(chains=2, warmup=100), stop=stop, enough=enough)
    assert draws.z.shape[1] == 1000
    assert draws.interrupted


def test_a_seed_that_is_not_given_is_recorded() -> None:
    target = known.gaussian(np.eye(2))
    drawn = nuts.sample(target, NutsOptions(chains=1, warmup=50, draws=5, seed=None))
    again = nuts.sample(target, NutsOptions(chains=1, warmup=50, draws=5, seed=drawn.seed))
    assert drawn.z.tobytes() == again.z.tobytes()


def test_other_data_of_the_same_shapes_compiles_nothing() -> None:
    traces = []

    def log_density(z: jax.Array, arrays: jax.Array) -> jax.Array:
        traces.append(z)
        return -0.5 * jnp.sum((z - arrays) ** 2)

    def initial(key: jax.Array, arrays: jax.Array) -> jax.Array:
        return jax.random.normal(key, (2,))

    first = nuts.sample(Target(2, log_density, initial, np.zeros(2)), QUICK)
    count = len(traces)
    options = NutsOptions(chains=3, warmup=250, draws=310, seed=5, target_acceptance=0.9)
    second = nuts.sample(Target(2, log_density, initial, np.full(2, 7.0)), options)
    assert count > 0
    assert len(traces) == count
    assert first.z.mean() == pytest.approx(0.0, abs=0.3)
    assert second.z.mean() == pytest.approx(7.0, abs=0.3)


def test_many_dimensions_start_at_the_prior_draw_with_a_metric_of_low_rank() -> None:
    target = known.gaussian(np.diag(np.linspace(0.5, 2.0, 250) ** 2))
    draws = nuts.sample(target, NutsOptions(chains=1, warmup=200, draws=100))
    assert draws.metric.shape == (1, 250)
    assert draws.z.std() == pytest.approx(np.sqrt(np.mean(np.linspace(0.5, 2.0, 250) ** 2)), rel=0.1)


def test_no_finite_start_hands_back_the_last_point() -> None:
    def log_density(z: jax.Array, arrays: float) -> jax.Array:
        return jnp.log(-(z[0] ** 2)) + arrays

    with pytest.raises(NoFiniteStart) as caught:
        nuts.sample(Target(1, log_density, lambda key, arrays: jax.random.normal(key, (1,)), 0.0), QUICK)
    assert caught.value.z.shape == (1,)
    assert np.isfinite(caught.value.z).all()


def test_starts_that_are_mostly_impossible_are_searched() -> None:
    def log_density(z: jax.Array, arrays: float) -> jax.Array:
        return jnp.where(z[0] > 1.0, -0.5 * z[0] ** 2, -jnp.inf) + arrays

    target = Target(1, log_density, lambda key, arrays: jax.random.normal(key, (1,)), 0.0)
    assert nuts.sample(target, QUICK).z.min() > 1.0


def test_the_monitor_hears_from_every_chain_and_the_end() -> None:
    heard: list[object] = []

    class Listener:
        def start(self, method: str, chains: int, total: int) -> None:
            heard.append((method, chains, total))

        def update(self, progressed: Progressed) -> None:
            heard.append(progressed)

        def finish(self) -> None:
            heard.append("finish")

    nuts.sample(known.gaussian(np.eye(2)), NutsOptions(chains=2, warmup=300), Listener(), enough=Judge(1500))
    assert heard[0] == ("nuts", 2, 1300)
    assert heard[-1] == "finish"
    last = [news for news in heard if isinstance(news, Progressed)][-2:]
    assert [(news.chain, news.phase, news.done, news.total) for news in last] == [
        (0, "sampling", 1800, 1800),
        (1, "sampling", 1800, 1800),
    ]
    assert all(news.step_size and news.step_size > 0 for news in last)


def test_errors_in_the_density_reach_the_caller() -> None:
    def log_density(z: jax.Array, arrays: float) -> jax.Array:
        raise ZeroDivisionError("in the density")

    with pytest.raises(ZeroDivisionError, match="in the density"):
        nuts.sample(Target(1, log_density, lambda key, arrays: jnp.zeros(1), 0.0), QUICK)
