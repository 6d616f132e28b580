"""The bootstrap against least squares, the sandwich and the sum of squared weights; seeds, threads, Ctrl-C."""

from __future__ import annotations

import signal

import numpy as np
import pytest

import pdflang

X, Y, SIGMA = np.arange(5.0), np.array([0.1, 1.2, 1.9, 3.3, 3.6]), 0.5
LINE = """
    param a ~ Flat()
    param b ~ Flat()
    data x[N]
    data y[N]
    observe y ~ Normal(a + b*x, 0.5)
    output at_two = a + 2*b
"""
WEIGHTED = """
    data hits = table("hits.csv")
    param c ~ Flat() in (0, inf)
    theory rate(x in (0, 1)) = c
    observe hits ~ PoissonProcess(rate, weights = hits.w)
"""
EXPONENTIAL = """
    data t[N]
    param tau ~ Flat() in (0, inf)
    theory shape(t in (0, inf)) = exp(-t/tau)
    observe t ~ Iid(shape)
"""
COUNTED = """
    data x[N]
    data n: int = 20
    param c ~ Flat() in (0, inf)
    theory rate(x in (0, 1)) = 2*c*x
    observe x ~ PoissonProcess(rate)
    observe n ~ Poisson(c)
"""


def line() -> pdflang.embedding.Model:
    return pdflang.loads(LINE, data={"x": X, "y": Y})


def test_a_normal_model_has_the_covariance_of_least_squares() -> None:
    """Four standard errors of a mean, of a standard deviation and of a correlation."""
    model, replicas = line(), 400
    fit = model.map()
    found = model.bootstrap(fit, replicas=replicas, seed=3)
    assert (found.replicas, found.failures, found.interrupted) == (replicas, {}, False)
    assert fit.covariance is not None
    sds = np.sqrt(np.diag(fit.covariance))
    rows = {row.name: row for row in found.rows()}
    for name, sd in zip("ab", sds, strict=True):
        row = rows[name]
        assert row.estimate == pytest.approx(float(fit.params[name]))
        assert row.bias == pytest.approx(0.0, abs=4 * sd / np.sqrt(replicas))
        assert row.sd == pytest.approx(sd, rel=4 / np.sqrt(2 * replicas))
        assert [row.p2_5, row.p16, row.p84, row.p97_5] == pytest.approx(
            row.estimate + sd * np.array([-1.96, -0.994, 0.994, 1.96]), abs=0.5 * sd
        )
    correlation = np.corrcoef(found.arrays["a"], found.arrays["b"])[0, 1]
    assert correlation == pytest.approx(fit.covariance[0, 1] / np.prod(sds), abs=4 / np.sqrt(replicas))
    assert found.arrays["at_two"] == pytest.approx(found.arrays["a"] + 2 * found.arrays["b"])


def test_weighted_events_have_the_sandwich(tmp_path) -> None:
    """The rate is the sum of weights; of a Poisson number of them its variance is the sum of their squares."""
    random = np.random.default_rng(4)
    x, w = random.random(150), random.normal(1.0, 0.7, 150)
    model = pdflang.loads(WEIGHTED, data={"hits": {"x": x, "w": w}})
    fit = model.map()
    found = model.bootstrap(fit, replicas=400, by="resampling")
    (row,) = found.rows()
    assert row.estimate == pytest.approx(w.sum(), rel=1e-6)
    assert float(fit.standard_errors["c"]) == pytest.approx(np.sqrt(np.sum(w**2)), rel=1e-6)
    assert row.sd == pytest.approx(np.sqrt(np.sum(w**2)), rel=4 / np.sqrt(2 * 400))
    assert row.mean == pytest.approx(w.sum(), abs=4 * row.sd / np.sqrt(400))
    with pytest.raises(pdflang.PdflangError, match="E614"):
        model.bootstrap(fit)


def test_a_sample_is_resampled_with_its_size() -> None:
    """The mean life is the mean: its variance in resamples is that of the sample over n, whatever the model says."""
    random = np.random.default_rng(5)
    t = random.gamma(4.0, 0.5, 100)
    model = pdflang.loads(EXPONENTIAL, data={"t": t})
    fit = model.map()
    resampled = model.bootstrap(fit, replicas=400, by="resampling").rows()[0]
    simulated = model.bootstrap(fit, replicas=400).rows()[0]
    assert resampled.estimate == pytest.approx(t.mean(), rel=1e-6)
    assert resampled.sd == pytest.approx(t.std() / 10, rel=4 / np.sqrt(800))
    assert simulated.sd == pytest.approx(t.mean() / 10, rel=5 / np.sqrt(800))
    assert resampled.sd < 0.7 * simulated.sd


def test_what_is_no_list_of_events_is_simulated_beside_it() -> None:
    """Two Poisson numbers of mean c."""
    x = np.sqrt(np.linspace(0.01, 0.99, 30))
    found = pdflang.loads(COUNTED, data={"x": x}).bootstrap(replicas=300, by="resampling").rows()[0]
    assert found.estimate == pytest.approx(25.0, rel=1e-6)
    assert found.sd == pytest.approx(np.sqrt((30 + 25) / 4), rel=4 / np.sqrt(600))


def test_seeds_decide_and_threads_do_not() -> None:
    model = line()
    fit = model.map()
    one, two, other = (
        model.bootstrap(fit, replicas=12, threads=threads, seed=seed) for threads, seed in ((1, 0), (2, 0), (2, 1))
    )
    assert one.arrays["a"].tobytes() == two.arrays["a"].tobytes() != other.arrays["a"].tobytes()
    # More replicas begin with the same ones.
    more = model.bootstrap(fit, replicas=20)
    assert more.arrays["a"][:12].tobytes() == one.arrays["a"].tobytes()


class Impatient(pdflang.inference.QuietMonitor):
    """Presses Ctrl-C as soon as there are some fits."""

    def update(self, progressed: pdflang.inference.Progressed) -> None:
        if progressed.done > 2:
            signal.raise_signal(signal.SIGINT)


def test_an_interrupt_keeps_the_fits_that_are_finished() -> None:
    model = line()
    fit = model.map()
    # One thread: of two, the one that is ahead may end a later replica than the one that is stopped.
    found = model.bootstrap(fit, replicas=100_000, threads=1, monitor=Impatient())
    assert found.interrupted and 2 < found.replicas < 100_000
    whole = model.bootstrap(fit, replicas=3)
    assert found.arrays["a"][:3].tobytes() == whole.arrays["a"].tobytes()


def test_without_events_there_is_nothing_to_resample() -> None:
    with pytest.raises(pdflang.PdflangError, match="E642"):
        line().bootstrap(by="resampling")


MINE = """
    data x[N]
    data w[N]
    data scale[2] = [1, 1.5]
    let v[i in N] = w[i]*scale[1]
    param c ~ Flat() in (0, inf)
    theory rate(x in (0, 1)) = c
    observe x ~ PoissonProcess(rate, weights = v)
"""


def test_weights_that_are_computed_go_with_their_events() -> None:
    """The estimate is Σv, whose variance in resamples of a Poisson number is Σv²."""
    random = np.random.default_rng(4)
    x, w = random.uniform(size=60), random.exponential(size=60)
    found = pdflang.loads(MINE, data={"x": x, "w": w}).bootstrap(replicas=400, by="resampling")
    assert found.replicas == 400
    row = found.rows()[0]
    assert row.estimate == pytest.approx(1.5 * w.sum(), rel=1e-6)
    assert row.sd == pytest.approx(1.5 * np.sqrt((w**2).sum()), rel=4 / np.sqrt(800))


PAIRED = """
    data x[N]
    data z[N]
    param c ~ Flat() in (0, inf)
    param m ~ Flat()
    theory rate(x in (0, 1)) = c
    observe x ~ PoissonProcess(rate)
    observe z ~ Normal(m, 1)
"""


def test_what_was_measured_of_each_event_is_resampled_with_it() -> None:
    """A mean whose spread in resamples is that of the sample, not that of the model."""
    z = np.random.default_rng(5).normal(scale=3.0, size=80)
    model = pdflang.loads(PAIRED, data={"x": np.linspace(0.01, 0.99, 80), "z": z})
    found = model.bootstrap(replicas=100, by="resampling")
    assert found.replicas == 100
    assert found.rows()[1].sd == pytest.approx(z.std() / np.sqrt(80), rel=4 / np.sqrt(200))
    with pytest.raises(pdflang.PdflangError, match=r"E613.*`z` does not follow how many come out"):
        model.bootstrap(replicas=3)


FIXED = """
    data x[4] = [0.1, 0.2, 0.5, 0.7]
    data bins[4] = [1, 2, 3, 4]
    param c ~ Normal(0, 5)
    theory rate(x in (0, 1)) = exp(c)
    observe x ~ {process}(rate)
    observe bins ~ Normal(c, 1)
"""


def test_an_axis_of_fixed_length_has_no_room_for_other_numbers_of_events() -> None:
    model = pdflang.loads(FIXED.format(process="PoissonProcess"))
    for attempt in (model.bootstrap, lambda **options: model.bootstrap(by="resampling", **options)):
        with pytest.raises(pdflang.PdflangError, match=r"(?s)always has 4.*data x\[N\]"):
            attempt(replicas=3)
    # As many events as were observed fit; what is as long by chance is no part of them.
    found = pdflang.loads(FIXED.format(process="Iid")).bootstrap(replicas=6, by="resampling")
    assert found.replicas == 6 and np.unique(found.arrays["c"]).size == 6
