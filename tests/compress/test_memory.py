"""The memory of a process that reads, compresses and samples millions of events grows by little with each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pdflang.results import open_run

ROOT = Path(__file__).resolve().parents[2]
_RATE = "c * x^a * (1 - x)^b"
_PRIORS = "param c ~ LogNormal(16, 1)\nparam a ~ Normal(0.5, 0.5) in (-1, inf)\nparam b ~ Normal(3, 1) in (-1, inf)\n"
MODELS = {
    1: f"theory f(x in (0, 1)) = {_RATE}",
    2: f"theory f(x in (0, 1), y in (0, 1)) = {_RATE} * y * (1 - y)^2",
}
FEW, MANY = 500_000, 4_000_000
_SEVERAL_COPIES = 5
"""So many times its columns may a run hold at once."""


def _peak(folder: Path, variables: int, events: int) -> int:
    """The peak of the resident memory of `pdflang sample`, in bytes, with caches that are empty."""
    generator = np.random.default_rng(1)
    columns = [generator.beta(1.5, 4, events), generator.beta(2, 3, events)][:variables]
    names = ",".join("xy"[:variables])
    np.savetxt(folder / "hits.csv", np.stack(columns, axis=1), fmt="%.9g", delimiter=",", header=names, comments="")
    text = f'data hits = table("hits.csv")\n{_PRIORS}{MODELS[variables]}\nobserve hits ~ PoissonProcess(f)\n'
    (folder / "model.pdfm").write_text(text, encoding="utf-8")
    run = folder / f"{events}.run"
    command = [sys.executable, "-m", "pdflang", "sample", "model.pdfm", "--seed", "1", "--out", str(run)]
    caches = {name: str(folder / f"{events} {name}") for name in ("PDFLANG_CACHE", "XDG_CACHE_HOME")}
    environment = {**os.environ, **caches, "PYTHONPATH": str(ROOT)}
    with (folder / "said").open("w+", encoding="utf-8") as said:
        child = subprocess.Popen(
            [*command, "--warmup", "200", "--draws", "100"], cwd=folder, env=environment, stdout=said, stderr=said
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        assert f"nodes stand for the {events} events of `hits`" in said.read()
    tree = open_run(run)
    assert "observed_data" not in tree.children and str(events) in tree.attrs["hits_events"]
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.slow
@pytest.mark.parametrize("variables", MODELS)
def test_the_memory_of_a_run_grows_by_a_few_copies_of_its_columns(variables: int, tmp_path: Path) -> None:
    growth = (_peak(tmp_path, variables, MANY) - _peak(tmp_path, variables, FEW)) / (MANY - FEW)
    assert growth < 8 * variables * _SEVERAL_COPIES
