"""What else a model says of events whose number is drawn: it follows them, or is refused with a word."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import pdflang
from pdflang import PdflangError

X = np.linspace(0.05, 0.95, 20)
LIST = """
    data x[N]
    data w[N]
    data y = 1
    data z
    param c ~ Normal(0, 1)
    theory rate(x in (0, 1)) = 20*exp(c*x)
    observe x ~ {process}(rate)
"""


def load(text: str, process: str = "PoissonProcess") -> pdflang.Model:
    return pdflang.loads(LIST.format(process=process) + text, data={"x": X, "w": X + 1, "z": 2.0})


@pytest.mark.parametrize(
    "mean", ["N*c", "sum(cos(x[i]) for i in N)", "sum(x[i]*w[i] for i in N)", "sum(cos(c*x[i]) for i in N)", "sum(x*w)"]
)
def test_other_data_that_follow_the_number_observed_are_refused(mean: str) -> None:
    model = load(f"observe z ~ Normal({mean}, 1)")
    assert np.isfinite(model.log_density({"c": 0.5}))
    with pytest.raises(PdflangError, match=r"E613.*`z` does not follow how many come out"):
        model.simulate(1, {"c": 0.5})


def test_other_data_may_read_the_events_that_came_out() -> None:
    drawn = load("observe z ~ Normal(mean(x), 1e-9)").simulate(1, {"c": 0.5})
    assert drawn["z"] == pytest.approx(np.mean(drawn["x"]), abs=1e-7) and len(drawn["x"]) != 20


def test_data_of_each_event_that_read_none_keep_their_number() -> None:
    """Such data cannot be written beside other events, but predicted."""
    drawn = load("observe w ~ Normal(c, 1)").simulate(1, {"c": 0.5})
    assert drawn["w"].shape == (20,)


def test_the_simulator_sees_no_room() -> None:
    """Sums over other data of the axis, in other data that read what was drawn, and behind a detector of no density."""
    model = load("observe y ~ Normal(c, 1e-9)\nobserve z ~ Normal(sum(cos(y*w[i]) for i in N), 1e-9)", "Iid")
    assert model.simulate(1, {"c": 1.0})["z"] == pytest.approx(np.cos(X + 1).sum(), abs=1e-6)
    shower = pdflang.loads(
        """
        data y[N]
        data w[N]
        param c ~ LogNormal(0, 1)
        theory rate(x in (0, 1)) = c*sum(exp(-(x - w[i])^2) for i in N)
        detector d(y in (0, 1) | x) {
            draw leak ~ Beta(2, 20)
            let y = x*(1 - leak)
        }
        observe y ~ Iid(rate |> d)
        """,
        data={"y": X, "w": np.full(20, 0.5)},
    )
    assert np.asarray(shower.simulate(1, {"c": 1.0}, sizes={"y": 7})["y"]).shape == (7,)


def test_without_events_nothing_else_has_one() -> None:
    text = """
        data x[N]
        data z[N]
        param c ~ Normal(0, 1)
        theory rate(x in (0, 1)) = exp(c*x)
        observe x ~ PoissonProcess(rate)
        observe z ~ Normal(c, 1)
        output each[i in N] = c*x[i]
    """
    model = pdflang.loads(text, data={"x": [], "z": []})
    expected = stats.norm.logpdf(0.3) - np.expm1(0.3) / 0.3
    assert model.log_density({"c": 0.3}) == pytest.approx(expected, rel=1e-12)
    assert model.log_likelihood({"c": 0.3})["z"].shape == model.derived({"c": 0.3})["each"].shape == (0,)


def test_a_rate_does_not_follow_the_number_observed() -> None:
    text = "data x[N]\nparam c ~ Normal(0, 1)\ntheory rate(x in (0, 1)) = N*exp(c*x)\nobserve x ~ {}(rate)"
    with pytest.raises(PdflangError, match=r"E203.*reads how many there are"):
        pdflang.loads(text.format("PoissonProcess"), data={"x": X})
    pdflang.loads(text.format("Iid"), data={"x": X})


def test_parameters_of_each_event_fix_their_number() -> None:
    model = load("param s[N] ~ Normal(0, 1)\nobserve w ~ Normal(s, 1)")
    with pytest.raises(PdflangError, match=r"E613.*`s` does not follow"):
        model.bootstrap(replicas=2, by="resampling")


def test_columns_that_are_not_drawn_do_not_follow() -> None:
    text = """
        data hits = table("hits.csv")
        param c ~ Normal(0, 1)
        theory rate(x in (0, 1)) = 20*exp(c*x)
        observe hits ~ PoissonProcess(rate)
        output o = c*sum(hits.q)
    """
    model = pdflang.loads(text, data={"hits": {"x": X, "q": X}})
    with pytest.raises(PdflangError, match=r"E613.*`hits.q` does not follow"):
        model.bootstrap(replicas=2)
    assert model.bootstrap(replicas=2, by="resampling").replicas == 2


def test_a_series_may_read_other_data_by_position() -> None:
    text = "data y[T]\ndata x[T]\nparam c ~ Normal(0, 1)\nobserve y[t in 1:T] ~ Normal(c*y[t - 1] + x[t], 1e-9)"
    drawn = pdflang.loads(text, data={"y": np.ones(4), "x": np.arange(4.0)}).simulate(1, {"c": 0.5})["y"]
    assert drawn == pytest.approx([1.0, 1.5, 2.75, 4.375], abs=1e-6)


def test_steps_back_are_not_negative() -> None:
    text = "data y[T]\ndata k: int\nparam c ~ Normal(0, 1)\nobserve y[t in 3:T] ~ Normal(c*y[t - 1 - k], 1)"
    pdflang.loads(text, data={"y": np.zeros(6), "k": 2})
    with pytest.raises(PdflangError, match=r"E203.*where k is negative"):
        pdflang.loads(text, data={"y": np.zeros(6), "k": -1})


def test_a_used_file_has_columns_of_its_own(tmp_path) -> None:
    part = 'data hits = table("hits.csv")\nparam c ~ Normal(0, 1)\ntheory rate(x in (0, 1)) = 20*exp(c*x)\n'
    (tmp_path / "part.pdfm").write_text(part + "observe hits ~ PoissonProcess(rate, weights = hits.w)")
    (tmp_path / "main.pdfm").write_text('use "part.pdfm" as p\noutput o = p.c')
    (tmp_path / "hits.csv").write_text("x,w\n0.1,1\n0.4,2\n0.9,1\n")
    model = pdflang.load(tmp_path / "main.pdfm")
    assert model.bootstrap(replicas=3, by="resampling").replicas == 3
