"""Calibration of models with a posterior in closed form, right and wrong; what it does not depend on."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated_models import EVENTS, OVERFLOWS, QUICK, conjugate

import pdflang
from pdflang import PdflangError
from pdflang.components import Distribution, Parameter, library
from pdflang.ir.ranges import POSITIVE, REAL
from pdflang.results.calibration import to_text
from pdflang.workflows.ranked import Entry, rank


@pytest.fixture(scope="module")
def right() -> pdflang.Model:
    return conjugate()


def ranks(calibration) -> dict[str, list[int]]:
    return {quantity.name: quantity.ranks.tolist() for quantity in calibration.quantities}


def test_a_right_model_is_calibrated(right) -> None:
    found = right.calibrate(fits=60, **QUICK)
    assert found.uniform and found.fits == 60 and not found.failures and not found.interrupted
    assert [(q.name, q.role) for q in found.quantities] == [
        ("mu", "param"), ("twice", "output"), ("datum", "output"), ("log-density", "derived"),
    ]  # fmt: skip
    # What is monotonic in a parameter has its ranks.
    assert found["twice"].ranks.tolist() == found["mu"].ranks.tolist()
    assert found["mu"].width.width == pytest.approx(1, abs=4 * found["mu"].width.width_error)
    assert all(abs(c.found - c.expected) < 4 * c.error for c in found["mu"].coverage)
    assert found["mu"].ess > 99
    # What is the same in all draws is ranked at random.
    assert np.ptp(found["datum"].ranks) > 60


@pytest.mark.parametrize(("prior_mean", "sigma"), [(1.5, 1.0), (0.0, 1.3)])
def test_data_of_another_model_give_the_width_and_bias_that_they_should(right, prior_mean, sigma) -> None:
    """mu ~ N(b, 1) and three data of width s, where b = 0 and s = 1 are assumed.

    The posterior is N(3/4 ȳ, 1/4), so that (mu − 3/4 ȳ)/√(1/4) is normal with mean b/2 and variance
    4(1/16 + 9/16 s²/3).
    """
    found = right.calibrate(simulator=conjugate(prior_mean, 1, sigma), fits=150, **QUICK)["mu"].width
    assert found.bias == pytest.approx(-prior_mean / 2, abs=4 * found.bias_error)
    assert found.width == pytest.approx((1 / 4 + 3 / 4 * sigma**2) ** -0.5, abs=4 * found.width_error)


class TooNarrow:
    """A normal distribution whose density is that of a standard deviation 1.3 times too small."""

    discrete = False

    @staticmethod
    def log_prob(y, mu, sigma):
        return jax.scipy.stats.norm.logpdf(y, mu, sigma / 1.3)

    @staticmethod
    def sample(key, shape, mu, sigma):
        return mu + sigma * jax.random.normal(key, shape, dtype=jnp.float64)


def test_a_wrong_density_is_detected_and_said_in_words() -> None:
    row = Distribution(
        "TooNarrow", (Parameter("mu", "mean"), Parameter("sigma", "standard deviation", POSITIVE)), support=REAL,
        documentation="wrong on purpose", meaning="test_calibrate.TooNarrow", reference=None, has_cdf=False,
    )  # fmt: skip
    with library.registered(row):
        model = pdflang.loads(
            "param mu ~ Normal(0, 10)\ndata y[3] = [0, 0, 0]\nobserve y ~ TooNarrow(mu, 1)", data={}
        )
        found = model.calibrate(fits=200, **QUICK)
    assert not found.uniform
    assert found["mu"].width.width == pytest.approx(1 / 1.3, abs=4 * found["mu"].width.width_error)
    text = to_text(found)
    assert "the posterior of mu is about" in text and "% too narrow" in text
    assert "compare `log_prob` with `sample`" in text


def test_threads_and_the_number_of_fits_change_nothing(right) -> None:
    found = [ranks(right.calibrate(fits=f, threads=t, seed=3, **QUICK)) for f, t in ((12, 1), (12, 3), (5, 2))]
    assert found[0] == found[1]
    assert {name: values[:5] for name, values in found[0].items()} == found[2]
    assert found[0] != ranks(right.calibrate(fits=12, seed=4, **QUICK))


def test_a_folder_keeps_fits_and_goes_on(right, tmp_path) -> None:
    few = right.calibrate(fits=3, folder=tmp_path / "cal", **QUICK)
    assert (tmp_path / "cal" / "calibration.svg").is_file()
    more = right.calibrate(fits=5, folder=str(tmp_path / "cal"), **QUICK)
    assert more["mu"].ranks.tolist()[:3] == few["mu"].ranks.tolist()
    assert ranks(more) == ranks(right.calibrate(fits=5, **QUICK))
    with pytest.raises(PdflangError, match="there, `seed` was 0, not 1"):
        right.calibrate(fits=5, seed=1, folder=tmp_path / "cal", **QUICK)


def test_events_have_room_and_are_calibrated() -> None:
    model = pdflang.loads(EVENTS)
    found = model.calibrate(fits=40, **QUICK)
    assert found.fits == 40 and found.uniform
    assert found["a"].width.width == pytest.approx(1, abs=4 * found["a"].width.width_error)


def test_a_failed_fit_costs_one_fit() -> None:
    """exp(mu) is infinite or 0 for |mu| above some 710, in 8 of 100 draws of its prior."""
    model = pdflang.loads(OVERFLOWS)
    found = model.calibrate(fits=40, **QUICK)
    keys = [jax.random.split(jax.random.fold_in(jax.random.key(0), number))[0] for number in range(40)]
    beyond = [n for n, key in enumerate(keys) if abs(float(model.draw_prior(key)["mu"])) > 746]
    assert 0 < len(found.failures) < 15
    assert set(beyond) <= set(found.failures)
    assert found.fits == 40 - len(found.failures) == len(found["mu"].ranks)
    assert all(": " in message for message in found.failures.values())
    assert f"{len(found.failures)} of 40 fits failed" in to_text(found)


def test_where_every_fit_fails_that_is_said() -> None:
    found = pdflang.loads(OVERFLOWS.replace("Normal(0, 400)", "Normal(1e6, 1)")).calibrate(fits=4, **QUICK)
    assert (found.fits, len(found.failures), found.quantities) == (0, 4, ())
    assert not found.uniform
    assert "4 of 4 fits failed" in to_text(found)


def test_correlated_draws_are_told(right) -> None:
    found = right.calibrate(fits=5, warmup=100, thin=1)
    assert any("raise `--thin`" in finding.remedy and "log-density" in finding.names for finding in found.findings)


@pytest.mark.parametrize(("column", "place"), [([np.nan, 1.0], "at the true parameters"), ([1.0, np.nan], "in a draw")])
def test_what_is_not_a_number_is_named(column: list[float], place: str) -> None:
    with pytest.raises(ValueError, match=f"root is not a number {place}"):
        Entry("root", "root", "output", 0).of({"root": np.array(column)})


@pytest.mark.parametrize(("thin", "below"), [(1, 3), (3, 1)])
def test_the_rank_counts_the_draws_below_the_truth(thin: int, below: int) -> None:
    column = np.array([0.5, 0.1, 0.9, 0.2, 0.3, 0.8, 0.7])
    assert rank(column, thin, np.random.default_rng(0)).rank == below


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("param mu ~ Flat()\ndata y = 1.0\nobserve y ~ Normal(mu, 1)", "E607"),
        ("data y = 1.0\nobserve y ~ Normal(0, 1)", "E608"),
    ],
)
def test_models_that_cannot_be_calibrated_say_so(text: str, code: str) -> None:
    with pytest.raises(PdflangError) as caught:
        pdflang.loads(text).calibrate(fits=2)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code]


def test_options_are_checked(right) -> None:
    with pytest.raises(PdflangError, match="did you mean `fits`"):
        right.calibrate(fit=3)
    with pytest.raises(PdflangError, match="at least 19"):
        right.calibrate(draws=3)
