"""Chains in processes of their own: the draws of threads; one that ends costs what was not saved of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import NORMAL, command, environment

import pdflang
from pdflang.diagnostics import PdflangError

APART = ("--workers", "processes")
SLOW = """
param mu[40] ~ Normal(0, 5)
data y[40]
observe y ~ StudentT(3, mu, 1)
"""


@pytest.mark.parametrize("method", ["auto", pytest.param("random-walk", marks=pytest.mark.slow)])
def test_draws_are_those_of_threads(run, model, tmp_path: Path, method: str) -> None:
    arguments = ("sample", model(NORMAL), "--method", method, "--chains", "2", "--warmup", "100", "--draws", "400")
    run(*arguments, "--out", "threads.run", code={0, 3})
    run(*arguments, *APART, "--out", "processes.run", code={0, 3})
    said = json.loads((tmp_path / "processes.run/provenance.json").read_text())
    assert said["options"]["workers"] == "processes"
    assert (tmp_path / "threads.run/draws.nc").read_bytes() == (tmp_path / "processes.run/draws.nc").read_bytes()


@pytest.mark.slow
def test_chains_go_on_until_they_agree_and_further(run, model, tmp_path: Path) -> None:
    arguments = ("sample", model(NORMAL), "--method", "nuts", "--chains", "2")
    for name, how in (("threads.run", ()), ("processes.run", APART)):
        run(*arguments, *how, "--out", name)
        run("sample", "model.pdfm", "--more", "100", "--out", name)
    assert (tmp_path / "threads.run/draws.nc").read_bytes() == (tmp_path / "processes.run/draws.nc").read_bytes()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes as Linux lists them")
@pytest.mark.parametrize("hit", ["a chain", pytest.param("the run", marks=pytest.mark.slow)])
def test_what_is_killed_goes_on(run, model, tmp_path: Path, hit: str) -> None:
    np.save(tmp_path / "y.npy", np.random.default_rng(1).normal(1, 2, 40))
    arguments = ("sample", model(SLOW), "-d", "y=y.npy", "--method", "nuts", "--chains", "2", "--draws", "4000")
    run(*arguments, "--out", "whole.run")
    parent = subprocess.Popen(
        command(*arguments, *APART, "--save-every", "0", "--out", "cut.run"), cwd=tmp_path, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("cut.run/checkpoint/*/state.npz")) and time.monotonic() < deadline:
        time.sleep(0.01)
    chains = children_of(parent.pid)
    assert len(chains) == 2
    os.kill(chains[1] if hit == "a chain" else parent.pid, signal.SIGKILL)
    _, stderr = parent.communicate(timeout=300)
    if hit == "a chain":
        assert parent.returncode == 1 and "error[E628]" in stderr and "was killed" in stderr, stderr
    while any(Path(f"/proc/{chain}").exists() for chain in chains) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(Path(f"/proc/{chain}").exists() for chain in chains)
    run("sample", "model.pdfm", "-d", "y=y.npy", "--resume", "--out", "cut.run")
    assert (tmp_path / "whole.run/draws.nc").read_bytes() == (tmp_path / "cut.run/draws.nc").read_bytes()


def children_of(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return sorted(found)


def test_a_start_that_is_not_finite_is_told(run, model) -> None:
    text = "data x[1] = [-50]\ndata y[1] = [1]\nparam a ~ LogNormal(0, 1)\nobserve y ~ Normal(log(a + x), 1)"
    arguments = ("sample", model(text), "--method", "nuts", "--chains", "1")
    threads, processes = (run(*arguments, *how, code=1).stderr for how in ((), APART))
    assert "E601" in processes and processes == threads


def test_what_only_this_process_has_stays_here() -> None:
    pdflang.register("bent", lambda x: x, ["x"], kind="function")
    try:
        model = pdflang.loads("param a ~ Normal(0, 1)\ndata y[1] = [1]\nobserve y ~ Normal(bent(a), 1)")
        with pytest.raises(PdflangError, match="other processes cannot have") as failure:
            model.sample(method="slice", workers="processes", chains=1, warmup=20, draws=10)
        assert failure.value.diagnostics[0].code == "E626"
    finally:
        pdflang.unregister("bent")
