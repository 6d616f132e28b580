"""Methods beside each other, each in a real process: against a posterior in closed form, failures, budgets, ends."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import numpy as np
import pytest

import pdflang
from pdflang.diagnostics import PdflangError
from pdflang.elsewhere import packed, unpacked
from pdflang.inference import METHODS
from pdflang.inference.workers import StopRequest
from pdflang.workflows import BenchOptions, apart
from pdflang.workflows.apart import Job, run_apart
from pdflang.workflows.bench_plan import planned

ROOT = Path(__file__).resolve().parents[2]
Y = np.array([0.5, 1.5, 1.0, 2.0])
NORMAL = """
    param mu ~ Normal(0, 2)
    data y[N]
    observe y ~ Normal(mu, 1)
"""
IMPROPER = "param mu ~ Flat()\ndata y[N]\nobserve y ~ Normal(mu, 1)"
CENTRED = """
    param mu ~ Normal(0, 5)
    param tau ~ HalfCauchy(5)
    param theta[8] ~ Normal(mu, tau)
    data y[8] = [28, 8, -3, 7, -1, 1, 18, 12]
    observe y ~ Normal(theta, 12)
"""
SMALL = {"budget": 5.0, "reference_draws": 1000, "cores": [1]}


@pytest.fixture(scope="module")
def model() -> pdflang.Model:
    return pdflang.loads(NORMAL, data={"y": Y})


@pytest.fixture(scope="module")
def found(model):
    return model.bench(methods=["hmc", "laplace", "nested"], **SMALL)


def test_a_normal_posterior(found):
    """Precision 1/4 + 4: every method is right, and the fastest of the exact ones is the best."""
    assert [found[name].verdict for name in ("hmc", "laplace", "nested")] == ["agrees"] * 3
    assert found.best.name == max(("hmc", "nested"), key=lambda name: found[name].ess_per_second)
    row = found["hmc"]
    assert row.ess > 400 and row.rhat < 1.01 and row.seconds < 5 and row.gradients > row.draws * row.chains
    assert 50 * 2**20 < row.memory < 8 * 2**30
    exact = -0.5 * (Y @ Y - Y.sum() ** 2 / 4.25) - 2 * math.log(2 * math.pi) - 0.5 * math.log(1 + 4 * 4)
    for name in ("laplace", "nested"):
        value, error = found[name].log_evidence
        assert value == pytest.approx(exact, abs=5 * error + 1e-6)
    assert found["nested"].gradients == 0 and found["nested"].evaluations > 1000


def test_a_posterior_that_is_known(model):
    """Its mean is Σy/4.25; where another is said, every method is off."""
    right = model.bench(methods=["hmc"], truth={"mu": (Y.sum() / 4.25, 1 / math.sqrt(4.25))}, **SMALL)
    assert right["hmc"].verdict == "agrees" and right["hmc"].distance is None and right.best.name == "hmc"
    wrong = model.bench(methods=["hmc"], truth={"mu": {"mean": Y.mean(), "sd": 1 / math.sqrt(4.25)}}, **SMALL)
    shift = (Y.sum() / 4.25 - Y.mean()) * math.sqrt(4.25)
    assert wrong["hmc"].verdict == "differs" and wrong["hmc"].means.shift == pytest.approx(shift, abs=0.1)


def test_same_seed_same_draws(model, found):
    tree = model.sample(method="hmc", seed=0)
    assert float(tree["posterior"]["mu"].std(ddof=1)) == pytest.approx(1 / math.sqrt(4.25), rel=0.1)
    assert tree["posterior"].sizes["draw"] == found["hmc"].draws
    again = model.bench(methods=["hmc"], **SMALL)["hmc"]
    assert (again.ess, again.means, again.widths) == (found["hmc"].ess, found["hmc"].means, found["hmc"].widths)


@pytest.mark.slow
def test_a_method_that_fails_costs_its_row(tmp_path):
    """The density of a centred hierarchy has no maximum that the Laplace approximation could stand at."""
    told: list[str] = []
    model = pdflang.loads(CENTRED)
    found = model.bench(
        methods={"laplace": {}, "smc": {"particles": 200}}, folder=tmp_path / "bench", tell=told.append, **SMALL
    )
    assert found["laplace"].why.startswith("E626: ") and "\n" not in found["laplace"].why
    assert found["smc"].ess > 0 and any("E626" in text for text in told)
    kept = (tmp_path / "bench" / "runs.jsonl").read_bytes()
    told.clear()
    methods = {"laplace": {}, "smc": {"particles": 200}}
    model.bench(methods=methods, folder=str(tmp_path / "bench"), tell=told.append, **SMALL)
    assert not told and (tmp_path / "bench" / "runs.jsonl").read_bytes() == kept
    methods["smc"]["particles"] = 100
    model.bench(methods=methods, folder=tmp_path / "bench", tell=told.append, **SMALL)
    assert len(told) == 1 and told[0].startswith("smc")


def test_what_cannot_run_is_refused_before_anything_runs():
    program = pdflang.loads(IMPROPER, data={"y": Y}).program
    plan = planned(program, BenchOptions(reference="smc"), ["nuts", "smc", "nested"])
    assert [one.name for one in plan.running] == ["nuts"] and "improper" in plan.contestants[1].refused
    assert plan.reference.method == "auto"
    with pytest.raises(PdflangError, match="none of the methods can run"):
        planned(program, BenchOptions(), ["smc", "nested"])


def test_all_methods_that_take_the_density_run_by_default(model):
    plan = planned(model.program, BenchOptions(), cores=[1])
    assert [one.name for one in plan.contestants] == [name for name, row in METHODS.items() if not row.simulates]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"methods": ["nutz"]}, "did you mean `nuts`"),
        ({"methods": ["hmc"], "given": {"hmc": {"lenght": 1.0}}}, "did you mean `length`"),
        ({"methods": ["hmc"], "given": {"hmc": {"length": -1.0}}}, "above 0"),
        ({"methods": ["hmc"], "given": {"nuts": {}}}, "add it to the methods: hmc, nuts"),
        ({"reference": "long"}, "no method `long`"),
        ({"budget": 0.0}, "above 0"),
        ({"cores": [0]}, "cores"),
        ({"cores": []}, "none"),
        ({"methods": []}, "none of the methods"),
        ({"buget": 1.0}, "did you mean `budget`"),
        ({"truth": {"nu": (0, 1)}}, "its entries: mu"),
        ({"truth": {"mu": (0, 0)}}, "no mean and standard deviation"),
        ({"truth": {"mu": "wide"}}, "no mean and standard deviation"),
        ({"truth": {}}, "no parameter"),
    ],
)
def test_mistakes_are_told_before_anything_runs(model, options, said):
    with pytest.raises(PdflangError, match="E620") as caught:
        model.bench(**options)
    assert said in str(caught.value)


def test_the_budget_ends_a_method(model):
    """What grows is measured by the draws that there are; what does not has none."""
    stop = StopRequest()
    chains = run_apart(model, Job("nuts", {"draws": 10_000_000, "chains": 2, "seed": 0}, 1, 0.5), stop)
    assert chains.record["interrupted"] and chains.record["draws"] >= 100 and chains.draws
    long = run_apart(model, Job("nested", {"live": 20_000, "seed": 0}, 1, 0.2), stop)
    assert long.record["failure"] == "not finished within the budget of 0.2 s" and long.draws is None


def test_processes_that_end_badly(model, tmp_path, monkeypatch):
    (tmp_path / "ends_badly.py").write_text("import os, sys\nos.kill(os.getpid(), int(os.environ['ENDS_BY']))\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(apart, "_PROGRAM", "ends_badly")
    for signal, said in ((9, "memory was used up"), (11, "SIGSEGV")):
        monkeypatch.setenv("ENDS_BY", str(signal))
        assert said in run_apart(model, Job("hmc", {}, 1, 1.0), StopRequest()).record["failure"]


def test_a_stop_ends_the_process(model):
    stop = StopRequest()
    stop.request()
    begin = time.monotonic()
    assert run_apart(model, Job("hmc", {}, 1, 60.0), stop) is None
    assert time.monotonic() - begin < 30


def test_nothing_is_imported_from_where_we_are(model, tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit(7)\n")
    monkeypatch.chdir(tmp_path)
    done = run_apart(model, Job("laplace", {"draws": 100}, 1, 5.0), StopRequest())
    assert "failure" not in done.record


@pytest.mark.parametrize("name", ["events_2d/model", "weinberg/combination", "dis/model"])
def test_another_process_has_the_same_density(name):
    """Events, several files, tables of theory and measured data sets."""
    model = pdflang.load(ROOT / "examples" / f"{name}.pdfm")
    again = unpacked(pdflang.Model, packed(model))
    assert again.source == model.source
    z = np.random.default_rng(1).normal(size=model.dimension)
    densities = [float(one.target().log_density(z, one.target().arrays)) for one in (model, again)]
    assert densities[0] == densities[1]


def test_what_another_process_cannot_have():
    pdflang.register("doubled", lambda x: 2 * x, ["x"], kind="function", traceable=True)
    try:
        model = pdflang.loads("param m ~ Normal(0, 1)\ndata y = 1\nobserve y ~ Normal(doubled(m), 1)")
        with pytest.raises(PdflangError, match="`doubled` was registered in this process"):
            model.bench(methods=["hmc"])
    finally:
        pdflang.unregister("doubled")


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_cores(model, tmp_path):
    found = model.bench(methods=["hmc", "vi"], cores=[1, 2], budget=5.0, reference_draws=1000)
    assert set(found["hmc"].scaling) == {1, 2} and not found["vi"].scaling and found["hmc"].cores == 2


def test_data_that_were_given_are_those_of_the_process(tmp_path):
    """A table read from a file that is gone, by a model in another folder."""
    folder = tmp_path / "a folder's $ame"
    folder.mkdir()
    (folder / "y.csv").write_text("y\n0.5\n1.5\n")
    text = 'param mu ~ Normal(0, 2)\ndata y[N] = table("y.csv").y\nobserve y ~ Normal(mu, 1)\n'
    (folder / "m [1].pdfm").write_text(text)
    model = pdflang.load(folder / "m [1].pdfm")
    (folder / "y.csv").unlink()
    found = model.bench(methods=["hmc"], folder=tmp_path / "out {}", **SMALL)
    assert found["hmc"].verdict == "agrees" and (tmp_path / "out {}" / "bench.svg").is_file()
