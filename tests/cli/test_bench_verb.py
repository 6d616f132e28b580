"""`pdflang bench`: what it prints and leaves, and how a bench that was cut short goes on."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import NORMAL, command, environment

SMALL = ("--budget", "5", "--reference-draws", "1000", "--cores", "1")
FILES = {
    "bench.csv", "bench.json", "bench.png", "bench.svg", "diagnostics.json", "draws", "model.pdfm", "provenance.json",
    "runs.jsonl", "summary.txt",
}  # fmt: skip
IMPROPER = NORMAL.replace("Normal(0, 5)", "Flat()")


def runs(folder: Path) -> list[str]:
    return (folder / "runs.jsonl").read_text(encoding="utf-8").splitlines()


def started(tmp_path: Path, lines: int, *arguments: str) -> subprocess.Popen[str]:
    """A bench in the background in `cut.run`, in which so many runs are finished."""
    process = subprocess.Popen(
        command("bench", *arguments, "--out", "cut.run"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        if (tmp_path / "cut.run" / "runs.jsonl").is_file() and len(runs(tmp_path / "cut.run")) >= lines:
            break
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()
    return process


def test_what_it_prints_and_leaves(run, model, tmp_path):
    arguments = ("--methods", "hmc,smc,laplace", "--option", "hmc.length=1.5", "--report", *SMALL)
    done = run("bench", model(IMPROPER), *arguments)
    assert "note: smc cannot run: `smc` starts from draws of the prior" in done.stderr
    assert "note: there will be a long run of auto as the reference, then hmc, laplace, each on 1 core" in done.stderr
    assert "1 min at most" in done.stderr or "60 s at most" in done.stderr
    assert "`hmc` is the best here" in done.stdout and "smc: `smc` starts from" in done.stdout
    folder = tmp_path / "model.run"
    assert {path.name for path in folder.iterdir()} == FILES | {"report.html"}
    record = json.loads((folder / "bench.json").read_text())
    assert record["best"] == "hmc" and record["methods"][-1]["name"] == "smc"
    with (folder / "bench.csv").open() as file:
        assert [row["name"] for row in csv.DictReader(file)] == [row["name"] for row in record["methods"]]
    origin = json.loads((folder / "provenance.json").read_text())
    assert origin["options"]["methods"]["hmc"]["length"] == 1.5 and not origin["interrupted"]
    assert {"runs.jsonl", "bench.csv", "draws/0.npz"} <= set(origin["files"])
    page = (folder / "report.html").read_text()
    assert "data:image/svg+xml" in page and "is the best here" in page
    before = (folder / "runs.jsonl").read_bytes()
    again = run("bench", "model.pdfm", "--resume", "--methods", "hmc,laplace,nuts", "--json")
    found = json.loads(again.stdout)
    assert (folder / "runs.jsonl").read_bytes().startswith(before) and len(runs(folder)) == 4
    assert {row["name"] for row in found["methods"]} == {"hmc", "laplace", "nuts"} and found["budget"] == 5
    other = run("bench", "model.pdfm", "--resume", "--budget", "6", code=1)
    assert "there, `budget` was 5.0, not 6.0" in other.stderr


def test_a_bench_that_was_killed_goes_on(run, model, tmp_path):
    """Nothing hears a kill; what was finished is not made again, and the process of the method in hand ends, too."""
    name = model(NORMAL)
    process = started(tmp_path, 1, name, "--methods", "hmc,nuts", *SMALL)
    before = runs(tmp_path / "cut.run")
    threads = Path(f"/proc/{process.pid}/task").glob("*/children")
    ours = [int(pid) for children in threads for pid in children.read_text().split()]
    assert ours or sys.platform != "linux"
    process.kill()
    process.communicate()
    with (tmp_path / "cut.run" / "runs.jsonl").open("a") as file:
        file.write('{"task": 2, "name": "nu')
    done = run("bench", name, "--resume", "--out", "cut.run")
    assert runs(tmp_path / "cut.run")[: len(before)] == before and len(runs(tmp_path / "cut.run")) == 3
    assert "reference on" not in done.stderr and "`hmc` " in done.stdout
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in ours) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in ours)


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished(run, model, tmp_path):
    process = started(tmp_path, 2, model(NORMAL), "--methods", "hmc,nuts,laplace", *SMALL)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in stderr
    assert "--resume --out cut.run` goes on" in stderr and "Not all methods have run" in stdout
    assert json.loads((tmp_path / "cut.run" / "provenance.json").read_text())["interrupted"]
    done = run("bench", "model.pdfm", "--resume", "--out", "cut.run", "--json")
    assert {row["name"] for row in json.loads(done.stdout)["methods"]} == {"hmc", "nuts", "laplace"}


@pytest.mark.slow
def test_a_reference_that_fails_recommends_nothing(run, model):
    """The density of a centred hierarchy has no maximum."""
    text = """
    param mu ~ Normal(0, 5)
    param tau ~ HalfCauchy(5)
    param theta[4] ~ Normal(mu, tau)
    data y[4] = [28, 8, -3, 7]
    observe y ~ Normal(theta, 15)
    """
    done = run("bench", model(text), "--methods", "smc", "--reference", "laplace", *SMALL, code=3)
    assert "Reference: laplace, which is none: E626" in done.stdout and "No method is recommended" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--methods", "nuts,hcm"), 2, "did you mean `hmc`?"),
        (("--methods", ","), 2, "none of the methods"),
        (("--methods", "nuts", "--option", "nuts"), 2, "write --option METHOD.NAME=VALUE"),
        (("--methods", "nuts", "--option", "nuts.chains=0"), 2, "at least 1"),
        (("--methods", "nuts", "--option", "nuts.chains=four"), 2, "a whole number"),
        (("--cores", "1,two"), 2, "--cores 1,4"),
        (("--cores", "100000"), 2, "cores for this"),
        (("--budget", "0"), 2, "above 0"),
        (("--reference", "auot"), 2, "did you mean `auto`?"),
        (("--truth", "absent.json"), 2, "name a JSON file"),
        (("--truth", "model.pdfm"), 2, "name a JSON file"),
        (("--resume",), 1, "there is no run of `model.pdfm` here"),
        (("--resume", "--overwrite"), 2, "begins anew"),
    ],
)
def test_mistakes(in_process, model, arguments, code, said):
    assert said in in_process("bench", model(NORMAL), *arguments, code=code).output


def test_a_folder_of_something_else(in_process, model, tmp_path):
    (tmp_path / "other.run").mkdir()
    (tmp_path / "other.run" / "provenance.json").write_text('{"method": "nuts"}')
    said = in_process("bench", model(NORMAL), "--resume", "--out", "other.run", code=1).output
    assert "is no bench" in said


def test_a_crash_of_the_parent_leaves_no_files(model, tmp_path):
    """Those of the method in hand lie in a folder that its process takes away."""
    name, place = model(NORMAL), tmp_path / "temporary"
    place.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "pdflang", "bench", name, "--methods", "hmc", *SMALL], cwd=tmp_path,
        env=environment(TMPDIR=str(place)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(place.glob("pdflang-bench-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while list(place.glob("pdflang-bench-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(place.glob("pdflang-bench-*"))
