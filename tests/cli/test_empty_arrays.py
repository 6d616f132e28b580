"""Arrays without an entry, as those of an index whose data came to nothing, through every verb."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODEL = """
data n[K]
param a[K] ~ Normal(0, 1)
param c ~ Normal(0, 1)
observe n ~ Normal(a + c, 1)
output b[k in K] = a[k]*c
"""
FAST = ("--chains", "2", "--warmup", "100", "--draws", "100")


@pytest.fixture
def empty(in_process: Callable[..., Any], model: Callable[..., str], tmp_path: Path) -> Callable[..., str]:
    """A verb of the model with data of no entry; what it says."""
    model(MODEL)
    (tmp_path / "none.json").write_text('{"n": []}')

    def call(verb: str, *arguments: str, code: int = 0) -> str:
        return str(in_process(verb, "model.pdfm", *arguments, "--data", "none.json", code=code).output)

    return call


@pytest.mark.parametrize("method", ["hmc", "nuts", "laplace", "smc"])
def test_a_posterior(empty: Callable[..., str], method: str) -> None:
    kept = ("--particles", "200") if method == "smc" else FAST if method in ("hmc", "nuts") else ()
    text = empty("sample", "--method", method, *kept)
    assert "\nc " in text and "a[" not in text


def test_a_report_and_what_follows_a_run(empty: Callable[..., str], in_process: Callable[..., Any]) -> None:
    empty("sample", *FAST, "--report", "--log-likelihood", "--information", "--out", "first.run")
    assert "There are no data" in empty("predict", "--run", "first.run", "--report")
    empty("sample", *FAST, "--seed", "1", "--out", "second.run")
    assert "\nc " in in_process("compare", "first.run", "second.run").output


def test_a_maximum(empty: Callable[..., str]) -> None:
    assert "\nc " in empty("map", "--minos", "--bootstrap", "5", "--report", "--out", "fit.run")
    assert "\nc " in empty("profile", "c")


def test_checks_and_simulations(empty: Callable[..., str], tmp_path: Path) -> None:
    assert "n: 0 values" in empty("simulate", "--out", "drawn.run")
    assert json.loads((tmp_path / "drawn.run" / "data.json").read_text())["n"] == []
    assert "There are no data" in empty("predict")
    assert "2 parameters" in empty("check", "--pedantic")
    assert "20 fits of 19 draws" in empty("calibrate", "--fits", "20", "--draws", "19", "--warmup", "20")
