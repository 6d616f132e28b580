"""Models whose long lists of events are compressed, against the same models with a sum over all events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import pdflang
from pdflang.predictive import left_elsewhere, observed_arrays

RNG = np.random.default_rng(20)
X = np.clip(RNG.beta(1.5, 4, 12_000), 1e-3, 0.999)
SHAPE = """
param a ~ Normal(0.5, 0.3) in (-1, inf)
param b ~ Normal(3, 0.5) in (-1, inf)
pdf f(x) = x^a * (1 - x)^b
"""
SMEARED = """
nuisance s ~ LogNormal(log(0.05), 0.1)
detector tracker(y in (0, 1) | x) {
    efficiency 1 - 0.3*x
    smear y ~ Normal(x, s)
    background 0.01 * exp(-3*y)
}
"""
PLANE = """
index run = early, late
param a ~ Normal(0.5, 0.2) in (-1, inf)
param b ~ Normal(3, 0.3) in (-1, inf)
nuisance sx[run] ~ LogNormal(log(0.1), 0.1)
theory rate(x in (0, 1), y in (0, 1), r in run) = 1e5 * x^a * (1 - x)^b * y^a * (1 - y)^2
detector tracker(u in (0, 1), y, r in run | x, y, r) {
    smear u ~ Normal(x, sx[r])
    background 10 * exp(-2*u)
}
data ev = table("ev.csv")
observe ev ~ PoissonProcess(rate |> tracker)
"""


@dataclass
class Case:
    text: str
    data: dict[str, Any]
    truth: dict[str, Any] = field(default_factory=lambda: {"a": 0.5, "b": 3.0})


def beside(x: np.ndarray) -> np.ndarray:
    """Places as a detector with a resolution of 0.05 measures them."""
    y = x + 0.05 * RNG.normal(size=len(x))
    return y[(y > 0) & (y < 1)]


def in_a_plane(count: int) -> dict[str, np.ndarray]:
    u = np.clip(RNG.beta(1.5, 4, count) + 0.1 * RNG.normal(size=count), 0.001, 0.999)
    return {"u": u, "y": RNG.beta(1.5, 3, count), "r": np.array(["early", "late"])[RNG.integers(0, 2, count)]}


SIGNS = np.where(RNG.random(len(X)) < 0.2, -1.0, 1.0) * RNG.exponential(size=len(X))
OF_TABLE = 'data ev = table("ev.csv")\n'
CASES = {
    "proxy": Case(f"{SHAPE}data ev[N]\nobserve ev ~ PoissonProcess(1e5 * f)", {"ev": X}),
    "iid": Case(f"{SHAPE}data ev[N]\nobserve ev ~ Iid(f)", {"ev": X}),
    "smeared": Case(
        f"{SHAPE}{SMEARED}data ev[N]\nobserve ev ~ PoissonProcess(1e5 * f |> tracker)",
        {"ev": beside(X)}, {"a": 0.5, "b": 3.0, "s": 0.05},
    ),
    "weights": Case(
        f"{SHAPE}{OF_TABLE}observe ev ~ PoissonProcess(1e5 * f, weights = ev.w)", {"ev": {"x": X, "w": SIGNS}}
    ),
    "weighted iid": Case(f"{SHAPE}{OF_TABLE}observe ev ~ Iid(f, weights = ev.w)", {"ev": {"x": X, "w": SIGNS}}),
    "plane with an index": Case(PLANE, {"ev": in_a_plane(12_000)}, {"a": 0.5, "b": 3.0, "sx": np.array([0.1, 0.1])}),
}  # fmt: skip


def near(truth: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Parameters as close to the truth as a posterior of so many events is."""
    moved = lambda v: np.asarray(v) * (1 + 0.01 * RNG.normal(size=np.shape(v)))  # noqa: E731
    return [{name: moved(value) for name, value in truth.items()} for _ in range(count)]


@pytest.mark.parametrize("name", CASES)
def test_the_density_is_that_of_all_events(name: str) -> None:
    case = CASES[name]
    model = pdflang.loads(case.text, data=case.data)
    exact = pdflang.loads(case.text, data=case.data, exact=True)
    found = model.compressions["ev"]
    assert found.nodes is not None and found.nodes * 4 < found.events, found
    assert not exact.compressions and "nodes stand for" in model.notes[0]
    posterior = near(case.truth, 4)
    for params in posterior:
        assert float(model.log_density(params)) == pytest.approx(float(exact.log_density(params)), abs=1e-3)
    assert all(certificate.holds for certificate in model.certify(posterior))
    if name != "plane with an index":  # far draws of several variables are allowed more
        for key in range(4):
            params = exact.draw_prior(key)
            assert float(model.log_density(params)) == pytest.approx(float(exact.log_density(params)), abs=1e-3)


def test_each_event_keeps_its_term() -> None:
    case = CASES["proxy"]
    model = pdflang.loads(case.text, data=case.data)
    terms = model.log_likelihood(case.truth)
    np.testing.assert_allclose(terms["ev"], np.log(1e5 * X**0.5 * (1 - X) ** 3), rtol=1e-12)
    assert model.exact is not model and model.exact.exact is model.exact


def test_a_jump_is_refused_with_its_line() -> None:
    text = f"{SHAPE}data ev[N]\ntheory cut(x in (0, 1)) =\n    f(x) * (if x < 0.3 then 1 else 1 + b)\n"
    model = pdflang.loads(f"{text}observe ev ~ PoissonProcess(1e5 * cut)", data={"ev": X})
    (note,) = model.notes
    assert "all 12000 events of `ev` are summed" in note and "kink" in note and "line 7" in note
    assert model.exact is model


def test_an_event_where_the_rate_is_singular_is_summed_with_all_others() -> None:
    model = pdflang.loads(CASES["proxy"].text, data={"ev": np.append(X, 0.0)})
    (note,) = model.notes
    assert "all 12001 events of `ev` are summed" in note
    assert float(model.log_density({"a": 0.5, "b": 3.0})) == -np.inf


def test_few_events_are_summed_without_a_word() -> None:
    model = pdflang.loads(CASES["proxy"].text, data={"ev": X[:4000]})
    assert model.notes == () and not model.compressions
    assert pdflang.loads(CASES["proxy"].text, data={"ev": X[:4001]}).compressions["ev"].nodes


def test_other_events_have_as_many_nodes() -> None:
    case = CASES["proxy"]
    model = pdflang.loads(case.text, data=case.data)
    for events in (X[:3000], np.concatenate([X, X[::2]])):
        again = model.rebind({"ev": events})
        assert again.functions.log_density is model.functions.log_density
        assert {n: np.shape(v) for n, v in again.arrays.items()} == {n: np.shape(v) for n, v in model.arrays.items()}
        exact = pdflang.loads(case.text, data={"ev": events}, exact=True)
        expected = float(exact.log_density(case.truth))
        assert float(again.log_density(case.truth)) == pytest.approx(expected, abs=1e-3)


def test_an_exact_model_stays_exact() -> None:
    case = CASES["proxy"]
    model = pdflang.loads(case.text, data=case.data, exact=True)
    assert not model.rebind({"ev": X[:9000]}).compressions


def test_results_do_not_repeat_long_lists_of_events() -> None:
    text = "data hits[N]\ndata w[N]\nparam c ~ LogNormal(9, 1)\npdf f(x)=c\nobserve hits ~ PoissonProcess(f, weights=w)"
    for count, kept in ((100_000, {"hits", "w"}), (100_001, set())):
        places = np.linspace(0.1, 0.9, count)
        model = pdflang.loads(text, data={"hits": places, "w": np.ones(count)})
        assert set(observed_arrays(model)) == kept
        said = left_elsewhere(model)
        assert set(said) == (set() if kept else {"hits_events"})
    assert "100001 events of hits are not repeated here" in said["hits_events"]
