"""`pdflang calibrate`: what it prints and leaves, and how a run that was cut short goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command_line import command, environment

MODEL = """\
param mu ~ Normal(0, 1)
data y[3] = [0, 0, 0]
observe y ~ Normal(mu, 1)
"""
ABSENT = "param mu ~ Normal(0, 1)\ndata y[N] = table(\"absent.csv\").y\nobserve y ~ Normal(mu, 1)\n"
QUICK = ("--warmup", "100", "--thin", "3")
FILES = {
    "fits.jsonl", "summary.txt", "calibration.json", "calibration.png", "calibration.svg", "model.pdfm",
    "provenance.json",
}  # fmt: skip


def fits(folder: Path) -> str:
    return (folder / "fits.jsonl").read_text(encoding="utf-8")


@pytest.fixture
def started(tmp_path: Path, model):
    """A run in the background of so many fits into `cut`, that has made some of them."""

    def start(count: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command("calibrate", model(MODEL), *QUICK, "--fits", str(count), "--out", "cut", "--threads", "2"),
            cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        journal, deadline = tmp_path / "cut" / "fits.jsonl", time.monotonic() + 600
        while (not journal.exists() or journal.stat().st_size < 500) and time.monotonic() < deadline:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        assert journal.exists() and journal.stat().st_size >= 500
        return process

    return start


def test_the_table_and_the_folder(run, model, tmp_path: Path) -> None:
    done = run("calibrate", model(MODEL), *QUICK, "--fits", "25")
    assert "25 fits of 99 draws with seed 0 in model.run" in done.stdout
    for word in ("width", "bias", "50%", "80%", "90%", "p ECDF", "p χ²", "log-density", "± 10.0"):
        assert word in done.stdout
    assert {path.name for path in (tmp_path / "model.run").iterdir()} == FILES
    origin = json.loads((tmp_path / "model.run" / "provenance.json").read_text())
    assert (origin["method"], origin["interrupted"], origin["options"]["fits"]) == ("calibrate", False, 25)
    assert set(origin["files"]) == FILES


def test_json_and_data_that_are_not_there(run, model) -> None:
    done = run("calibrate", model(ABSENT), *QUICK, "--fits", "20", "--size", "N=2", "--json")
    found = json.loads(done.stdout)
    assert [quantity["name"] for quantity in found["quantities"]] == ["mu", "log-density"]
    assert found["quantities"][0]["coverage"][2]["expected"] == pytest.approx(0.9)
    assert found["uniform"] is True and found["fits"] == 20
    assert "--size N=100" in run("calibrate", model(ABSENT), code=1).stderr


@pytest.mark.slow
def test_more_fits_and_other_options(run, model, tmp_path: Path) -> None:
    name = model(MODEL)
    run("calibrate", name, *QUICK, "--fits", "8", "--out", "few", "--threads", "1")
    before = fits(tmp_path / "few")
    run("calibrate", name, *QUICK, "--fits", "12", "--out", "few", "--threads", "2")
    run("calibrate", name, *QUICK, "--fits", "12", "--out", "all")
    assert fits(tmp_path / "few") == fits(tmp_path / "all")
    assert fits(tmp_path / "few").startswith(before)
    said = run("calibrate", name, "--warmup", "100", "--thin", "4", "--fits", "12", "--out", "few", code=1).stderr
    assert said == (
        "error[E621]: `few` holds the results of another run\n"
        "  note: there, `thin` was 3, not 4\n"
        "  help: choose another name with `--out`, or add `--overwrite` to replace them\n\n"
        "1 error\n"
    )
    run("calibrate", name, *QUICK, "--seed", "5", "--fits", "3", "--out", "few", "--overwrite")
    assert len(fits(tmp_path / "few").splitlines()) == 3 and not before.startswith(fits(tmp_path / "few"))


def test_a_run_that_was_killed_goes_on(run, model, started, tmp_path: Path) -> None:
    process = started(60)
    process.kill()
    process.communicate()
    left = fits(tmp_path / "cut")
    assert json.loads((tmp_path / "cut" / "provenance.json").read_text())["interrupted"] is True
    # The line that was being written has gone half way.
    (tmp_path / "cut" / "fits.jsonl").write_text(left.rstrip("\n")[:-5], encoding="utf-8")
    run("calibrate", model(MODEL), *QUICK, "--fits", "60", "--out", "cut")
    run("calibrate", model(MODEL), *QUICK, "--fits", "60", "--out", "whole")
    for name in ("fits.jsonl", "summary.txt", "calibration.json", "calibration.png", "calibration.svg"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in the way of POSIX")
@pytest.mark.slow
def test_an_interrupt_keeps_what_is_done(run, model, started, tmp_path: Path) -> None:
    process = started(100_000)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=600)
    assert process.returncode == 130 and "Traceback" not in stderr, stderr
    kept = len(fits(tmp_path / "cut").splitlines())
    assert f"interrupted: {kept} of 100000 fits are kept; to go on, add --out cut" in stderr
    assert "log-density" in stdout
    assert {path.name for path in (tmp_path / "cut").iterdir()} == FILES
    run("calibrate", model(MODEL), *QUICK, "--fits", str(kept + 2), "--out", "cut")
    assert len(fits(tmp_path / "cut").splitlines()) == kept + 2


@pytest.mark.parametrize(
    ("text", "arguments", "code", "exit_code"),
    [
        (MODEL.replace("Normal(0, 1)", "Flat()"), (), "E607", 1),
        (MODEL, ("--draws", "5"), "E620", 2),
        (MODEL, ("--size", "z=5"), "E610", 2),
    ],
)
def test_mistakes(run, model, tmp_path: Path, text: str, arguments: tuple[str, ...], code: str, exit_code: int) -> None:
    done = run("calibrate", model(text), *arguments, code=exit_code)
    assert f"error[{code}]" in done.stderr
    assert not (tmp_path / "model.run").exists()
