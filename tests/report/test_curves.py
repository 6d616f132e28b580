"""Functions at draws, against their formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from runs import SPECTRUM

import pdflang
from pdflang.report.curves import Curve, computed_curves, stored_curves
from pdflang.report.functions import picture


@pytest.fixture(scope="module")
def model() -> pdflang.Model:
    return pdflang.loads(SPECTRUM)


def test_functions_are_what_the_model_says(model: pdflang.Model) -> None:
    a, b = np.array([20.0, 30.0, 25.0]), np.array([1.0, 0.5, 2.0])
    scale = np.array([[1.0, 2.0], [0.9, 1.1], [1.2, 0.8]])
    curves, reasons = computed_curves(model, {"a": a, "b": b, "scale": scale})
    assert [curve.name for curve in curves] == ["f(x)", "rate(x, early)", "rate(x, late)"]
    assert reasons == ["plane is not drawn: it is a function of 2 variables"]
    for curve, factor in zip(curves, (np.ones(3), 4 * scale[:, 0], 4 * scale[:, 1]), strict=True):
        assert curve.points is not None
        assert np.allclose(curve.points, (np.arange(100) + 0.5) / 100)
        expected = factor[:, None] * a[:, None] * (1 - curve.points) ** b[:, None]
        np.testing.assert_allclose(curve.values, expected, rtol=1e-12)


def test_a_region_that_follows_parameters_costs_its_function() -> None:
    model = pdflang.loads("""
        param mu ~ Normal(0, 1)
        data y[N] = [1.0]
        pdf u(x in (0, 2)) = mu*x
        pdf wide(x in (0, 1 + mu^2)) = x
        observe y ~ Normal(u(0.5) + wide(0.1), 1)
    """)
    curves, reasons = computed_curves(model, {"mu": np.array([2.0])})
    assert curves[0].name == "u(x)" and np.isclose(curves[0].values[0, -1], 2 * curves[0].points[-1])
    assert reasons == ["wide is not drawn: its region depends on parameters"]


def test_functions_of_files_that_are_used(tmp_path: Path) -> None:
    part = """
        index run = early, late
        const ceiling = 3
        param c ~ Normal(1, 1)
        pdf f(x in (0, 2)) = c*x
        pdf known(x) = 2*x
        theory rate(x in (1, 2), r in run) = f(x)*(1 + r)
        theory high(x in (0, ceiling)) = f(x)
    """
    (tmp_path / "part.pdfm").write_text(part, encoding="utf-8")
    text = 'use "part.pdfm" as p\ndata y[N] = [1.0]\nobserve y ~ Normal(p.rate(1.5, 1) + p.high(1) + p.known(1), 1)\n'
    model = pdflang.loads(text, folder=tmp_path)
    curves, reasons = computed_curves(model, {"p.c": np.array([2.0, 3.0])})
    # What no parameter moves is no part of the fit; a region in words of the used file cannot be said in this one.
    assert [curve.name for curve in curves] == ["p.f(x)", "p.rate(x, early)", "p.rate(x, late)"]
    assert len(reasons) == 1 and reasons[0].startswith("p.high is not drawn: ")
    np.testing.assert_allclose(curves[2].values, np.array([[2.0], [3.0]]) * 2 * curves[2].points)


def test_outputs_over_grids_and_labels() -> None:
    model = pdflang.loads("""
        index school = north, south
        data y[school] = [1.0, 2.0]
        param mu[school] ~ Normal(0, 1)
        observe y ~ Normal(mu, 1)
        output effect = 2*mu
        output both[s in school] = mu[s]*x for x in linspace(0, 1, 3)
        output sum = mu.north + mu.south
    """)
    tree = model.sample(chains=1, warmup=50, draws=20, seed=1)
    posterior = tree["posterior"].to_dataset()
    effect, north, south = stored_curves(posterior)
    assert (effect.labels, effect.points) == (("north", "south"), None)
    assert (north.name, south.name) == ("both[north]", "both[south]")
    assert south.points is not None and list(south.points) == [0, 0.5, 1]
    np.testing.assert_allclose(south.values, np.asarray(posterior["mu"])[0, :, 1:] * np.array([0, 0.5, 1]))
    np.testing.assert_allclose(effect.values, 2 * np.asarray(posterior["mu"])[0])


def test_entries_of_fits_stand_at_one_place_for_one_label() -> None:
    a = Curve("c", "c", "flavour", np.array([[1.0, 9.0]]), labels=("u", "d"))
    b = Curve("c", "c", "flavour", np.array([[9.0, 1.0, 5.0]]), labels=("d", "u", "s"))
    (axes,) = picture([a, b], ["a", "b"], "c").axes
    first, second = (dict(zip(np.floor(line.get_xdata()), line.get_ydata(), strict=True)) for line in axes.lines)
    assert first == {0: 1.0, 1: 9.0} and second == {0: 1.0, 1: 9.0, 2: 5.0}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["u", "d", "s"]
