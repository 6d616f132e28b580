"""Without the packages of the extra `learn`, in a process that cannot find them: a message, and nothing begun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = "data y = [1.0, 2.0]\nparam mu ~ Normal(0, 5)\nobserve y ~ Normal(mu, 1)\n"
PROGRAM = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from pdflang.cli import main
sys.argv = ["pdflang", *sys.argv[1:]]
try:
    main()
finally:
    print("JAX:", "jax" in sys.modules, file=sys.stderr)
"""


def pdflang(folder: Path, *words: str, missing: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(missing=missing), *words], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.parametrize("missing", ["equinox", "flowjax", "optax", "paramax"])
def test_train_names_the_missing_package_before_it_compiles(tmp_path: Path, missing: str) -> None:
    (tmp_path / "model.pdfm").write_text(MODEL)
    done = pdflang(tmp_path, "train", "model.pdfm", missing=(missing,))
    assert done.returncode == 2 and f"needs the package {missing}, which is not installed" in done.stderr
    assert 'pip install "pdflang[learn]"' in done.stderr and "JAX: False" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model.pdfm"]


def test_a_critic_needs_them_and_a_reduction_tells_what_it_can(tmp_path: Path) -> None:
    (tmp_path / "model.pdfm").write_text(MODEL + "output double = [mu, 2*mu]\n")
    done = pdflang(tmp_path, "map", "model.pdfm", "--score", "adversarial", missing=("equinox",))
    assert done.returncode == 2 and "needs the package equinox, which is not installed" in done.stderr
    assert "JAX: False" in done.stderr and [path.name for path in tmp_path.iterdir()] == ["model.pdfm"]
    done = pdflang(tmp_path, "reduce", "model.pdfm", "--out", "r", missing=("equinox", "optax"))
    assert done.returncode == 0 and "needs the package equinox" in done.stderr, done.stderr
    assert "1.0 numbers are determined" in done.stdout and "autoencoder" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "missing", "named"),
    [(("flow-nuts",), "flowjax", "flowjax"), (("split", "--combination", "surrogates"), "sklearn", "scikit-learn")],
)
def test_samplers_name_them_before_they_draw(
    tmp_path: Path, arguments: tuple[str, ...], missing: str, named: str
) -> None:
    (tmp_path / "model.pdfm").write_text(MODEL.replace("data y", "data y[N]"))
    done = pdflang(tmp_path, "sample", "model.pdfm", "--method", *arguments, missing=(missing,))
    assert done.returncode == 2 and f"needs the package {named}, which is not installed" in done.stderr, done.stderr
    assert 'pip install "pdflang[learn]"' in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model.pdfm"]


def test_what_was_trained_names_it_too_and_validate_before_it_calibrates(tmp_path: Path) -> None:
    pytest.importorskip("flowjax")
    (tmp_path / "model.pdfm").write_text(MODEL)
    short = ("--simulations", "200", "--epochs", "1", "--layers", "1")
    assert pdflang(tmp_path, "train", "model.pdfm", *short, "--out", "net").returncode == 0
    for verb in ("sample", "map", "validate"):
        done = pdflang(tmp_path, verb, "net", "--out", "here", missing=("equinox", "flowjax", "paramax"))
        assert done.returncode == 2 and "needs the package equinox, which is not installed" in done.stderr, done.stderr
    done = pdflang(tmp_path, "validate", "net", "--out", "there", missing=("sklearn",))
    assert done.returncode == 2 and "needs the package scikit-learn, which is not installed" in done.stderr
    assert not (tmp_path / "here").exists() and not list(tmp_path.glob("there/*.calibration"))
