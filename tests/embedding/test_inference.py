"""Sampling, maximising and rebinding from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import pdflang
from pdflang import PdflangError
from pdflang.model import _room

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

EVENTS = """
data x = table("x.csv").x
param a ~ Normal(1, 0.5) in (0, inf)
param b ~ Normal(1, 0.5) in (0, inf)
theory rate(x in (0, 1)) = 100*(a*x + b)
observe x ~ PoissonProcess(rate)
output total = 50*a + 100*b
"""
FAST = {"chains": 2, "warmup": 100, "draws": 100}


def events(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.01, 0.99, count)


@pytest.fixture(scope="module")
def schools() -> pdflang.Model:
    y, sigma = [28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]
    return pdflang.load(EXAMPLES / "eight_schools" / "model.pdfm", data={"y": y, "sigma": sigma})


@pytest.fixture(scope="module")
def tree(schools):
    return schools.sample(method="nuts", chains=2, warmup=300, draws=300, seed=1, log_likelihood=True)


def test_the_tree_has_the_schema_of_arviz(schools, tree) -> None:
    import arviz_base

    assert list(tree["posterior"].data_vars)[:3] == ["mu", "tau", "z"]
    assert tree["posterior"]["z"].dims == ("chain", "draw", "school")
    assert {"lp", "diverging", "energy", "acceptance_rate", "tree_depth"} <= set(tree["sample_stats"].data_vars)
    assert tree["observed_data"]["y"].dims == ("school",)
    assert tree["log_likelihood"]["y"].shape == (2, 300, 8)
    assert arviz_base.extract(tree).sizes["sample"] == 600
    point = {name: tree["posterior"][name].values[0, 0] for name in ("mu", "tau", "z")}
    assert np.allclose(schools.log_likelihood(point)["y"], tree["log_likelihood"]["y"].values[0, 0], rtol=1e-12)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto:UserWarning")
def test_functions_of_arviz_take_it(tree) -> None:
    import arviz_stats

    loo = arviz_stats.loo(tree)
    assert loo.n_data_points == 8 and -40 < loo.elpd < -25
    assert arviz_stats.rhat(tree)["mu"] < 1.05
    assert "ess_bulk" in arviz_stats.summary(tree).columns


def test_a_seed_decides(schools, tree) -> None:
    again = schools.sample(method="nuts", chains=2, warmup=300, draws=300, seed=1)
    assert np.array_equal(again["posterior"]["mu"], tree["posterior"]["mu"])
    assert "log_likelihood" not in again.children


def test_the_maximum(schools) -> None:
    model = pdflang.loads(
        "param mu ~ Normal(0, 5)\nparam t ~ Normal(0, 1) in (0, inf)\ndata y[N]\ndata z\n"
        "observe y ~ Normal(mu, 1)\nobserve z ~ Normal(t, 1)",
        data={"y": [1.0, 2.0, 3.0], "z": -4.0},
    )
    fit = model.map(starts=2)
    assert list(fit.params) == ["mu", "t"]
    assert fit.params["mu"] == pytest.approx(6 / (3 + 1 / 25))
    assert fit.standard_errors["mu"] == pytest.approx((3 + 1 / 25) ** -0.5)
    assert fit.at_bound == ("t",) and np.isnan(fit.standard_errors["t"]) and not fit.converged
    assert isinstance(fit.chi2, float)
    assert repr(fit).startswith("<Fit: at bound, log-density")


@pytest.mark.parametrize("method", ["sample", "map"])
def test_options_that_there_are_not(schools, method: str) -> None:
    for options in ({"seeds": 1}, {"seed": -1}):
        with pytest.raises(PdflangError) as error:
            getattr(schools, method)(**options)
        assert error.value.diagnostics[0].code == "E620"


@pytest.mark.parametrize("method", ["sample", "map"])
def test_a_density_that_is_nowhere_finite_is_traced_to_its_line(method: str) -> None:
    text = "param mu ~ Normal(0, 1)\ndata y[2] = [1, 2]\nobserve y ~ Normal(log(mu - 1000), 1)\n"
    with pytest.raises(PdflangError) as error:
        getattr(pdflang.loads(text), method)()
    assert error.value.diagnostics[0].code == "E601"


def test_a_model_without_parameters_has_nothing_to_infer() -> None:
    model = pdflang.loads("data y = 1\nobserve y ~ Normal(0, 1)")
    assert float(model.log_density({})) == pytest.approx(-1.4189385332046727)
    for method in (model.sample, model.map):
        with pytest.raises(PdflangError) as error:
            method()
        assert error.value.diagnostics[0].code == "E608"


def test_data_by_wrong_names() -> None:
    with pytest.raises(PdflangError, match="no data is given for `y`"):
        pdflang.loads("data y\nparam mu ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)", data={"yy": 1})
    model = pdflang.loads("data y = 1\nparam mu ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)", data={"yy": 1})
    assert model.notes == ("no `data` is called `yy`; what is given for it is ignored",)


def used(model: pdflang.Model) -> tuple[float, int]:
    """Everything that rebinding is for; a density, and how many events have a likelihood."""
    model.map(starts=2)
    tree = model.sample(**FAST, log_likelihood=True)
    params = {"a": 1.0, "b": 1.0}
    jax.block_until_ready([model.constrain(model.unconstrain(params)), model.derived(params)])
    return float(model.log_density(params)), tree["log_likelihood"]["x"].shape[-1]


@pytest.mark.parametrize("counts", [(300, 350), pytest.param((300, 1), marks=pytest.mark.slow)])
def test_rebinding_compiles_nothing(compiled: list[str], counts: tuple[int, int]) -> None:
    first, second = counts
    assert second <= _room(first)
    model = pdflang.loads(EVENTS, data={"x": events(first)})
    used(model)
    compiled.clear()
    x = events(second, seed=1)
    found, length = used(model.rebind({"x": x}))
    assert compiled == []
    assert length == second
    assert found == pytest.approx(used(pdflang.loads(EVENTS, data={"x": x}))[0], rel=1e-12)


def test_room_for_more_events_than_there_are(compiled: list[str]) -> None:
    model = pdflang.loads(EVENTS, data={"x": events(100)}, room={"x": 1000})
    used(model)
    compiled.clear()
    assert used(model.rebind({"x": events(1000)}))[1] == 1000
    assert compiled == []


def test_rebinding_to_other_shapes_is_right(schools) -> None:
    model = pdflang.loads("data y[N]\nparam mu ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)", data={"y": [1.0]})
    assert model.rebind({"y": np.ones(5)}).log_likelihood({"mu": 0.0})["y"].shape == (5,)
    assert model.log_likelihood({"mu": 0.0})["y"].shape == (1,)
    with pytest.raises(PdflangError, match="no data is given for `y`"):
        model.rebind({})


def test_importing_pdflang_imports_neither_jax_nor_numpy() -> None:
    program = "import sys, pdflang\nassert not {'jax', 'numpy', 'click'} & set(sys.modules)\npdflang.PdflangError"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=600, cwd=EXAMPLES.parent)


NARROW = """
param at ~ Uniform(0.2, 0.8)
param width ~ Uniform(1e-4, 1e-2)
data y = 3
observe y ~ Normal(integral(width/((x - at)^2 + width^2) for x in (0, 1)), 0.05)
"""


def test_an_integral_that_is_not_accurate_is_told_everywhere() -> None:
    model = pdflang.loads(NARROW)
    (note,) = model.notes
    assert note.startswith("the integrals of `y` are not accurate") and "(<model>, line 5): look for" in note
    (certificate,) = model.map(starts=1).certificates
    assert certificate.name == "y" and certificate.is_of_density and not certificate.holds
    tree = model.sample(method="laplace", draws=50)
    assert tree.attrs["is_accurate"] == 0 and "(`y`, <model>, line 5)" in tree.attrs["accuracy"]


def test_integrals_that_are_accurate_are_told_in_attributes_and_not_in_notes() -> None:
    model = pdflang.loads(NARROW.replace("(1e-4, 1e-2)", "(0.2, 0.5)"))
    assert model.notes == ()
    assert [certificate.holds for certificate in model.map(starts=1).certificates] == [True]
    assert model.sample(method="laplace", draws=50).attrs["is_accurate"] == 1


def test_what_is_exact_has_nothing_to_tell() -> None:
    model = pdflang.loads("param a ~ Normal(0, 1)\ndata y = 3\nobserve y ~ Normal(a, 1)")
    assert model.notes == () and model.map().certificates == ()
    assert "accuracy" not in model.sample(method="laplace", draws=50).attrs
