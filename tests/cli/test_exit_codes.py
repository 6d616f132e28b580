"""The exit codes that `pdflang --help` documents, and how each end looks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import AT_A_BOUND, NORMAL, command, environment

FAST = ("--draws", "50", "--warmup", "50", "--chains", "2")


def test_all_codes_are_documented(run) -> None:
    text = run("--help").stdout
    for code in ("0 ", "1 ", "2 ", "3 ", "70 ", "130 "):
        assert f"\n    {code}" in text


@pytest.mark.parametrize("verb", ["check", "fmt", "sample", "map", "simulate", "predict", "compile", "explain"])
def test_every_verb_has_help(run, verb: str) -> None:
    assert "Usage: pdflang" in run(verb, "--help").stdout


def test_done(run, model) -> None:
    assert run("check", model(NORMAL)).stdout == (
        "model.pdfm: 1 parameter, 1 observation, 1 output\n  y  density, gradient, simulator, joint score\n"
    )


@pytest.mark.parametrize("verb", ["check", "fmt", "sample", "map", "simulate", "predict", "compile"])
def test_an_error_in_the_model_is_1(run, model, verb: str) -> None:
    done = run(verb, model("param mu ~ Normal(0, 1\n"), code=1)
    assert done.stderr.startswith("error[E104]") and done.stderr.endswith("1 error\n")
    assert not done.stdout


@pytest.mark.parametrize("verb", ["check", "fmt", "sample", "map", "simulate", "predict", "compile"])
def test_a_file_that_is_not_there_is_1_and_near_names_are_told(run, model, verb: str) -> None:
    model(NORMAL)
    assert "did you mean `model.pdfm`?" in run(verb, "modle.pdfm", code=1).stderr


def test_a_folder_is_no_model(run, model) -> None:
    model(NORMAL)
    assert "`.` is a folder" in run("check", ".", code=1).stderr


def test_bytes_are_no_model(run, tmp_path: Path) -> None:
    (tmp_path / "m.pdfm").write_bytes(b"param a ~ Normal(0, 1)\n\xff")
    assert "not text in UTF-8: byte 0xff in line 2" in run("check", "m.pdfm", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("sampel", "m.pdfm"), "Did you mean `sample`?"),
        (("check",), "Missing argument 'MODEL'"),
        (("check", "--draws", "3", "model.pdfm"), "No such option"),
        (("sample", "model.pdfm", "--chains", "many"), "not a valid integer"),
        (("sample", "model.pdfm", "--chains", "0"), "`chains` must be at least 1"),
        (("sample", "model.pdfm", "--metric", "round"), "'auto', 'dense', 'low-rank', 'diagonal'"),
        (("sample", "model.pdfm", "--data", "y"), "`--data y` cannot be read"),
        (("simulate", "model.pdfm", "--params", "y"), "`--params y` cannot be read"),
        (("simulate", "model.pdfm", "--size", "y"), "`--size y` cannot be read"),
        (("simulate", "model.pdfm", "--size", "M=3"), "nothing in the model has a size called `M`"),
        (("simulate", "model.pdfm", "--seed", "-1"), "not in the range"),
        (("explain", "E51"), "there are E510, E511"),
    ],
)
def test_a_wrong_command_line_is_2(run, model, arguments: tuple[str, ...], told: str) -> None:
    model(NORMAL.replace("[1.0, 2.0, 3.0]", 'table("y.csv").y'))
    assert told in run(*arguments, code=2).stderr


def test_a_result_not_to_be_trusted_is_3(run, model, tmp_path: Path) -> None:
    done = run("map", model(AT_A_BOUND), code=3)
    assert "at a bound or at infinity: tau" in done.stdout
    assert (tmp_path / "model.run" / "map.json").is_file()


def bug(tmp_path: Path, failure: str) -> subprocess.CompletedProcess[str]:
    """A process in which reading a model fails as no model should make it fail."""
    program = (
        "from pdflang import driver\n"
        f"def broken(path): raise {failure}\n"
        "driver.read_source = broken\n"
        "from pdflang.__main__ import run\n"
        "run()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program, "check", "m.pdfm"],
        cwd=tmp_path, env=environment(TMPDIR=str(tmp_path)), capture_output=True, text=True, timeout=600,
    )  # fmt: skip


def test_a_bug_of_ours_is_70_and_the_traceback_is_in_a_file(tmp_path: Path) -> None:
    done = bug(tmp_path, "RuntimeError('no')")
    assert done.returncode == 70
    assert done.stderr.startswith("pdflang has a bug: RuntimeError.") and "Traceback" not in done.stderr
    (report,) = tmp_path.glob("pdflang-*.txt")
    assert "Traceback" in report.read_text() and "m.pdfm" in report.read_text()


@pytest.mark.parametrize("failure", ["MemoryError()", "RuntimeError('RESOURCE_EXHAUSTED: Out of memory')"])
def test_memory_that_is_used_up_is_no_bug(tmp_path: Path, failure: str) -> None:
    done = bug(tmp_path, failure)
    assert done.returncode == 1 and "not enough memory" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize(
    "arguments", [("explain", "E501"), ("check", "model.pdfm", "--json"), ("compile", "model.pdfm")]
)
def test_a_reader_that_leaves_is_no_error(tmp_path: Path, model, arguments: tuple[str, ...]) -> None:
    model(NORMAL)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            command(*arguments), cwd=tmp_path, env=environment(), stdout=writing, stderr=subprocess.PIPE, timeout=600
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_verbs_that_answer_at_once_do_not_import_jax(tmp_path: Path, model) -> None:
    model(NORMAL)
    program = (
        "import sys, pdflang\n"
        "assert not {'jax', 'numpy'} & set(sys.modules)\n"
        "from pdflang.cli import program\n"
        "for line in ('check model.pdfm', 'fmt --check model.pdfm', 'explain E501', 'check no'):\n"
        "    program.main(line.split(), standalone_mode=False)\n"
        "assert 'jax' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment(), check=True, timeout=600)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_no_bug(model, tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command("check", model(NORMAL)), cwd=tmp_path, env=environment(), stdout=full, stderr=subprocess.PIPE,
            text=True, check=False, timeout=600,
        )  # fmt: skip
    assert done.returncode == 1
    assert "No space left on device" in done.stderr and "bug" not in done.stderr
