"""A run that was killed goes on, and a finished one gets more draws: the same bytes as of one run without a break."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from command_line import NORMAL, command, environment

HIERARCHY = """
param mu ~ Normal(0, 5)
param tau ~ LogNormal(0, 1)
param z[200] ~ Normal(0, 1)
let theta[i in 200] = mu + tau*z[i]
data y[200]
observe y ~ Normal(theta, 1)
output first = theta[1]
"""
BENT = """
param a ~ Normal(0, 1)
param b ~ Normal(0, 3)
data y[1]
observe y ~ Normal(b - a^2, 0.2)
"""
"""HMC draws first, then NUTS in its place."""


def started(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    """A process in `cut.run`, when it has saved something."""
    process = subprocess.Popen(
        command(*arguments), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 600
    while not list(tmp_path.glob("cut.run/checkpoint/*/state.npz")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return process


def killed(tmp_path: Path, *arguments: str, after: float, code: int) -> bool:
    """Whether the process had to be killed, which cannot be heard; it may have ended by itself before, with a code."""
    process = subprocess.Popen(
        command(*arguments), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        _, stderr = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    # The one before may have been killed when it had written everything.
    assert process.returncode == code or "is finished" in stderr, stderr
    return False


class LongRun(NamedTuple):
    """The arguments of a run, its exit code, and how long it took."""

    arguments: tuple[str, ...]
    code: int
    seconds: float


@pytest.fixture(params=[HIERARCHY, pytest.param(BENT, marks=pytest.mark.slow)], ids=["hierarchy", "bent"])
def long_run(run, model, tmp_path: Path, request: pytest.FixtureRequest) -> LongRun:
    """A run that takes some seconds, made without a break in `whole.run`. Some transitions of `bent` may diverge."""
    count = 200 if request.param == HIERARCHY else 1
    np.save(tmp_path / "y.npy", np.random.default_rng(0).normal(1, 1.5, count))
    short = ("--warmup", "300", "--draws", "9000", "--max-tree-depth", "8")
    arguments = ("sample", model(request.param), "-d", "y=y.npy", *short)
    began = time.monotonic()
    done = run(*arguments, "--out", "whole.run", code=0 if request.param == HIERARCHY else {0, 3})
    seconds = time.monotonic() - began
    assert json.loads((tmp_path / "whole.run/provenance.json").read_text())["drawn_by"] == "auto (nuts)"
    return LongRun(arguments, done.returncode, seconds)


def same_draws(tmp_path: Path, *names: str) -> bool:
    return len({(tmp_path / name / "draws.nc").read_bytes() for name in names}) == 1


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX has them")
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_kills_at_random_moments(run, tmp_path: Path, long_run: LongRun, seed: int) -> None:
    choose, kills = random.Random(seed), 0
    whole, code, seconds = long_run
    arguments = (*whole, "--save-every", "0", "--out", "cut.run")
    # The first is left alone until it has saved something: where there is nothing, there is no run to go on with.
    process = started(tmp_path, *arguments)
    process.kill()
    process.communicate()
    assert json.loads((tmp_path / "cut.run/provenance.json").read_text())["interrupted"]
    resume = (*arguments[:4], "--resume", "--save-every", "0", "--out", "cut.run")
    # Starting takes a good part of each; longer from time to time, so that the run gets to its end.
    for attempt in range(30):
        if not killed(tmp_path, *resume, after=seconds * (choose.uniform(0.2, 0.6) + attempt / 5), code=code):
            break
        kills += 1
    assert kills > 0
    assert same_draws(tmp_path, "whole.run", "cut.run")
    said = json.loads((tmp_path / "cut.run/provenance.json").read_text())
    assert not said["interrupted"] and said["options"]["max_tree_depth"] == 8


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in the way of POSIX")
@pytest.mark.slow
def test_an_interrupted_run_goes_on(run, tmp_path: Path, long_run: LongRun) -> None:
    arguments, code, _ = long_run
    process = started(tmp_path, *arguments, "--save-every", "0", "--out", "cut.run")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=600)
    assert process.returncode == 130 and "goes on" in stderr, stderr
    run(*arguments[:4], "--resume", "--out", "cut.run", code=code)
    assert same_draws(tmp_path, "whole.run", "cut.run")


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX has them")
def test_two_processes_do_not_write_to_one_folder(run, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    process = started(tmp_path, "sample", name, "--draws", "10000000", "--save-every", "0", "--out", "cut.run")
    said = run("sample", name, "--resume", "--out", "cut.run", code=1).stderr
    assert "another process is at work in `cut.run`" in said
    process.kill()
    process.communicate()
    run("sample", name, "--resume", "--draws", "200", "--out", "cut.run", code={0, 1, 3})
    assert not (tmp_path / "cut.run/.lock").exists()


def test_more_draws_are_those_of_a_longer_run(run, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    run("sample", name, "--draws", "300", "--out", "grown.run")
    run("sample", name, "--more", "150", "--out", "grown.run")
    run("sample", name, "--more", "50", "--out", "grown.run", "--threads", "1")
    run("sample", name, "--draws", "500", "--out", "at_once.run")
    assert same_draws(tmp_path, "grown.run", "at_once.run")
    assert "500 per chain" in json.loads((tmp_path / "grown.run/provenance.json").read_text())["draws"]


def test_the_newest_folder_of_the_model_is_meant(run, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    for _ in range(2):
        run("sample", name, "--draws", "100", "--warmup", "100", code={0, 3})
    shutil.copytree(tmp_path / "model.run", tmp_path / "model-x.run")
    done = run("sample", name, "--more", "10", code={0, 3})
    assert "110 draws with seed 0 in model-2.run" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--resume",), "is finished"),
        (("--more", "5", "--warmup", "50"), "`warmup` was 100, not 50"),
        (("--more", "5", "--seed", "1"), "`seed` was 0, not 1"),
        (("--more", "5", "--method", "nuts"), "the method was `auto`, not `nuts`"),
        (("--more", "5", "-d", "y=[1, 2]"), "the data `y` was another"),
        (("--more", "5", "--out", "other.run"), "not the folder of a finished run"),
    ],
)
def test_another_run_is_refused(run, model, arguments: tuple[str, ...], words: str) -> None:
    name = model("data y[2] = [1, 1.5]\nparam mu ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)\n")
    run("sample", name, "--draws", "50", "--warmup", "100", code={0, 3})
    assert words in run("sample", name, *arguments, code={1, 2}).stderr


SEVERAL = """
param a ~ Normal(0, 30)
param b[3] ~ Normal(a, 1)
data y[3] = [400, 410, 390]
observe y ~ Normal(b^2, 3)
"""
MEAN = """
param mu ~ Normal(0, 5)
data y[50]
observe y ~ Normal(mu, 1)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX has them")
@pytest.mark.parametrize(
    ("text", "options"),
    [
        pytest.param(SEVERAL, ("--method", "nested", "--live", "400"), id="nested", marks=pytest.mark.slow),
        pytest.param(SEVERAL, ("--method", "smc", "--particles", "4000"), id="smc"),
        pytest.param(
            MEAN, ("--method", "abc", "--simulations", "50000", "--epsilon", "0.01"), id="abc", marks=pytest.mark.slow
        ),
    ],
)
def test_methods_without_chains_go_on(run, model, tmp_path: Path, text: str, options: tuple[str, ...]) -> None:
    np.save(tmp_path / "y.npy", np.random.default_rng(0).normal(1, 1.5, 50))
    given = ("-d", "y=y.npy") if text == MEAN else ()
    arguments = ("sample", model(text), *given)
    run(*arguments, *options, "--out", "whole.run", code={0, 3})
    process = started(tmp_path, *arguments, *options, "--save-every", "0", "--out", "cut.run")
    process.kill()
    process.communicate()
    assert json.loads((tmp_path / "cut.run/provenance.json").read_text())["interrupted"]
    process = resumed(tmp_path, *arguments)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=600)
    assert process.returncode == 130 and "goes on" in stderr, stderr
    run(*arguments, "--resume", "--out", "cut.run", code={0, 3})
    assert same_draws(tmp_path, "whole.run", "cut.run")
    assert "`cut.run` is finished" in run(*arguments, "--resume", "--out", "cut.run", code=1).stderr


def resumed(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    """A process that goes on in `cut.run`, when it has saved something."""
    places = list(tmp_path.glob("cut.run/checkpoint/*/state.npz"))
    before = [place.stat().st_mtime_ns for place in places]
    process = subprocess.Popen(
        command(*arguments, "--resume", "--save-every", "0", "--out", "cut.run"), cwd=tmp_path, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while [place.stat().st_mtime_ns for place in places] == before:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return process


def test_draws_that_are_made_at_once_are_not_added_to(run, model) -> None:
    name = model(NORMAL)
    run("sample", name, "--method", "laplace", "--draws", "50", code={0, 3})
    assert "no run of `model.pdfm` here that could go on" in run("sample", name, "--more", "5", code=1).stderr
    done = run("sample", name, "--more", "5", "--out", "model.run", code=1)
    assert "one by `laplace`, whose draws are made at once" in done.stderr
    done = run("sample", name, "--resume", "--out", "model.run", code=1)
    assert "is finished" in done.stderr and "--more" not in done.stderr
    two_modes = model("param a ~ Normal(0, 30)\ndata y = 400\nobserve y ~ Normal(a^2, 1)\n", "modes.pdfm")
    run("sample", two_modes, "--chains", "2")
    done = run("sample", two_modes, "--more", "5", code=1)
    assert "one by `auto (jumps)`, whose draws are made at once" in done.stderr


def test_what_was_kept_is_kept_again(run, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    run("sample", name, "--draws", "50", "--log-likelihood", "--out", "a.run", code={0, 3})
    run("sample", name, "--more", "20", "--out", "a.run", code={0, 3})
    run("sample", name, "--draws", "70", "--log-likelihood", "--out", "b.run", code={0, 3})
    assert same_draws(tmp_path, "a.run", "b.run")


def test_a_run_whose_further_draws_were_killed_is_not_finished(run, model, tmp_path: Path) -> None:
    name = model(NORMAL)
    run("sample", name, "--draws", "50", "--out", "cut.run", code={0, 3})
    before = (tmp_path / "cut.run/checkpoint/chain-0/state.npz").stat().st_mtime_ns
    arguments = ("sample", name, "--more", "3000000", "--save-every", "0", "--out", "cut.run")
    process = subprocess.Popen(
        command(*arguments), cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while (tmp_path / "cut.run/checkpoint/chain-0/state.npz").stat().st_mtime_ns == before:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert json.loads((tmp_path / "cut.run/provenance.json").read_text())["interrupted"]
    # What is there counts, and not what was wanted.
    run("sample", name, "--more", "1", "--out", "cut.run", code={0, 3})
    said = json.loads((tmp_path / "cut.run/provenance.json").read_text())
    assert not said["interrupted"] and 50 < said["options"]["draws"] < 3_000_000


def test_damaged_files_are_as_none(run, model, tmp_path: Path) -> None:
    """A chain whose files were damaged begins again, and gives the same draws."""
    name = model(NORMAL)
    run("sample", name, "--draws", "100", "--out", "a.run", code={0, 3})
    run("sample", name, "--draws", "120", "--out", "b.run", code={0, 3})
    (tmp_path / "a.run/checkpoint/chain-1/state.npz").write_bytes(b"nonsense")
    shutil.rmtree(tmp_path / "a.run/checkpoint/chain-2")
    run("sample", name, "--more", "20", "--out", "a.run", code={0, 3})
    assert same_draws(tmp_path, "a.run", "b.run")
