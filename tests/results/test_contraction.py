"""What data taught: conjugate closed forms, priors without a variance, and what is said of both."""

from __future__ import annotations

import numpy as np
import pytest

import pdflang
from pdflang.results import diagnostics, summarise
from pdflang.results.contraction import moments_of

MODEL = """
    data y[N]
    param mu ~ Normal(1, 2)
    param idle ~ LogNormal(0, 0.4)
    param far ~ Normal(0, 1)
    param wide ~ HalfCauchy(1)
    param flat ~ Flat()
    param above ~ Normal(flat, 1)
    param steps[2] ~ Normal(0, 1)
    nuisance shift ~ Normal(0, 1)
    data z = 8
    data k = 3
    data w[2]
    observe y ~ Normal(mu, 1)
    observe z ~ Normal(far, 0.5)
    observe k ~ Normal(above, 1)
    observe w ~ Normal(steps + 0*shift, [1, 100])
    factor spread = -wide
"""


@pytest.fixture(scope="module")
def tree():
    data = {"y": [2.0, 3.0, 4.0], "w": [0.5, 0.5]}
    return pdflang.loads(MODEL, data=data).sample(method="nuts", chains=4, warmup=300, draws=1000, seed=2)


def test_conjugate_priors_contract_as_they_must(tree) -> None:
    """1 − v/V: of three data of variance 1 under 4, of one of 1/4 under 1, of one of 1 and of 10⁴ under 1."""
    rows = {row.name: row for row in summarise(tree)}
    expected = {"mu": 12 / 13, "far": 0.8, "steps[0]": 0.5, "steps[1]": 0.0, "idle": 0.0, "shift": 0.0}
    for name, value in expected.items():
        variable, _, index = name.partition("[")
        error = np.atleast_1d(tree["posterior"][variable].attrs["contraction_error"])[int(index[:-1] or 0)]
        assert rows[name].contraction == pytest.approx(value, abs=4 * error), name
        assert error < 0.1
    assert np.isnan([rows[name].contraction for name in ("wide", "flat", "above")]).all()


def test_the_prior_is_in_the_attributes(tree) -> None:
    attributes = tree["posterior"]["mu"].attrs
    assert attributes["prior_mean"] == pytest.approx(1.0, abs=4 * 2 / np.sqrt(2000))
    assert attributes["prior_sd"] == pytest.approx(2.0, rel=4 / np.sqrt(4000))
    assert np.shape(tree["posterior"]["steps"].attrs["contraction"]) == (2,)
    assert "contraction" not in tree["posterior"]["flat"].attrs


def test_what_is_said(tree) -> None:
    untaught, moved = diagnostics.taught(tree)
    # A nuisance is known before, and need not be taught.
    assert set(untaught.names) == {"idle"}  # of `steps`, one entry alone
    assert untaught.severity == moved.severity == "note"
    # The mean is 8·4/5.
    assert moved.names == ("far",)
    assert "6.4" in moved.sentence or "6.3" in moved.sentence or "6.5" in moved.sentence


def test_a_file_keeps_it(tree, tmp_path) -> None:
    from pdflang.results import RunFolder, open_run

    with RunFolder(tmp_path) as folder:
        folder.write_draws(tree)
        again = open_run(tmp_path)
    assert [row.contraction for row in summarise(again)] == pytest.approx(
        [row.contraction for row in summarise(tree)], nan_ok=True
    )


def test_moments_of_known_draws() -> None:
    random = np.random.default_rng(1)
    found = moments_of(random.normal(3, 2, (2000, 1)))
    assert found.mean[0] == pytest.approx(3, abs=0.2) and found.sd[0] == pytest.approx(2, rel=0.07)
    assert found.kurtosis[0] == pytest.approx(2.0, abs=0.6)
    assert np.isnan(moments_of(random.standard_cauchy((2000, 1))).sd[0])
    assert np.isnan(moments_of(np.full((2000, 1), 3.0)).sd[0])
