"""Programs that are traced once for all processes: a second one draws the same without BlackJAX."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from blackjax.adaptation.window_adaptation import build_schedule

import pdflang
from pdflang import stored
from pdflang.inference.chunks import SAMPLING, stages

ROOT = Path(__file__).resolve().parents[2]

MODEL = """
data y[N] = [1.2, -0.3, 0.8, 2.1]
param mu ~ Normal(0, {scale})
param sigma ~ HalfNormal(2)
observe y ~ Normal(mu, sigma)
"""

PROGRAM = """
import sys
from pdflang.cli import main
sys.argv = ["pdflang", *sys.argv[1:]]
try:
    main()
finally:
    print("imported BlackJAX:", "blackjax" in sys.modules, file=sys.stderr)
"""


def sampled(folder: Path, scale: float = 3, method: str = "auto") -> tuple[np.ndarray, bool]:
    """Draws of a process of its own, and whether that had to trace."""
    (folder / "model.pdfm").write_text(MODEL.format(scale=scale))
    arguments = ["sample", "model.pdfm", "--method", method, "--draws", "600", "--seed", "1", "--chains", "2"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments, "--out", "run", "--overwrite"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), "PDFLANG_CACHE": str(folder / "cache")},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    import xarray

    with xarray.open_datatree(folder / "run" / "draws.nc") as tree:
        return tree["posterior"]["mu"].values, "imported BlackJAX: True" in done.stderr


@pytest.mark.parametrize("method", ["auto", "nuts"])
def test_a_second_process_draws_the_same_and_traces_nothing(tmp_path: Path, method: str) -> None:
    first, traced = sampled(tmp_path, method=method)
    assert traced
    second, traced = sampled(tmp_path, method=method)
    assert not traced
    np.testing.assert_array_equal(first, second)


@pytest.mark.slow
def test_another_model_has_other_programs_and_broken_files_are_made_again(tmp_path: Path) -> None:
    first, _ = sampled(tmp_path)
    other, traced = sampled(tmp_path, scale=0.1)
    assert traced and abs(other.mean()) < 0.5 * abs(first.mean())
    for path in (tmp_path / "cache" / "programs").iterdir():
        path.write_bytes(path.read_bytes()[:200])
    again, traced = sampled(tmp_path)
    assert traced
    np.testing.assert_array_equal(first, again)
    assert not sampled(tmp_path)[1]


def test_shapes_and_details_tell_programs_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_folder", tmp_path)
    add = jax.jit(stored.stored(lambda x: x + 1, "a sum", 1))
    assert add(jnp.zeros(2)).shape == (2,) and add(jnp.zeros(3)).shape == (3,)
    assert len(list(tmp_path.iterdir())) == 2
    # What lies there is what runs: of the same content and details, not of the function that is given.
    assert float(jax.jit(stored.stored(lambda x: x + 2, "a sum", 1))(jnp.zeros(2))[0]) == 1
    assert float(jax.jit(stored.stored(lambda x: x + 2, "a sum", 2))(jnp.zeros(2))[0]) == 2
    assert float(jax.jit(stored.stored(lambda x: x + 2, None, 1))(jnp.zeros(2))[0]) == 2


def test_calls_of_python_are_traced_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def outside(x: jax.Array) -> jax.Array:
        return jax.pure_callback(lambda value: 2 * np.asarray(value), jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    monkeypatch.setattr(stored, "_folder", tmp_path)
    assert float(jax.jit(stored.stored(outside, "a call"))(jnp.ones(()))) == 2
    assert not list(tmp_path.iterdir())


def test_models_that_call_what_was_registered_have_no_content() -> None:
    text = "data y[N] = [1.0]\nparam a ~ Normal(0, 1)\nobserve y ~ Normal({mean}, 1)"
    assert pdflang.loads(text.format(mean="a")).functions.content is not None
    pdflang.register("twice", lambda x: 2 * x, ["x"], kind="function", traceable=True)
    try:
        assert pdflang.loads(text.format(mean="twice(a)")).functions.content is None
    finally:
        pdflang.unregister("twice")


@pytest.mark.parametrize("settling", [1, 15, 75])
@pytest.mark.parametrize("warmup", [0, 1, 19, 20, 60, 149, 150, 200, 333, 500, 1000, 2000])
def test_windows_of_warmup_are_those_of_blackjax(warmup: int, settling: int) -> None:
    found = stages(warmup, settling)
    assert (found[warmup:] == SAMPLING).all() and len(found) == warmup + 1024
    if warmup:
        slow, ends = np.asarray(build_schedule(warmup, settling, max(50, warmup // 10))).T
        np.testing.assert_array_equal(found[:warmup], np.where(ends, 2, slow))
