"""Where compiled programs are kept, and that a host program's settings stay its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from pdflang.inference import platform
from pdflang.resources import cache_folder


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("PDFLANG_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("system", "variable", "place"),
    [
        ("linux", "XDG_CACHE_HOME", "pdflang/jax"),
        ("win32", "LOCALAPPDATA", "pdflang/Cache/jax"),
        ("darwin", "HOME", "Library/Caches/pdflang/jax"),
        ("linux", "HOME", ".cache/pdflang/jax"),
        ("linux", "PDFLANG_CACHE", "jax"),
    ],
)
def test_the_cache_lies_where_the_platform_keeps_caches(
    no_settings: pytest.MonkeyPatch, tmp_path: Path, system: str, variable: str, place: str
) -> None:
    no_settings.setattr(sys, "platform", system)
    no_settings.setenv(variable, str(tmp_path))
    assert cache_folder("jax") == tmp_path / place
    assert (tmp_path / place).is_dir()


def test_a_relative_xdg_folder_is_ignored(no_settings: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_settings.setattr(sys, "platform", "linux")
    no_settings.setenv("XDG_CACHE_HOME", "somewhere")
    no_settings.setenv("HOME", str(tmp_path))
    assert cache_folder("jax") == tmp_path / ".cache" / "pdflang" / "jax"


def test_a_cache_that_cannot_be_made_is_done_without(no_settings: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    no_settings.setenv("PDFLANG_CACHE", str(tmp_path / "file" / "folder"))
    assert cache_folder("jax") is None


def test_double_precision_ends_with_its_scope() -> None:
    with jax.enable_x64(False):
        with platform.double_precision():
            assert jnp.ones(1).dtype == jnp.float64
        assert jnp.ones(1).dtype == jnp.float32


def test_there_is_a_core() -> None:
    assert platform.available_cores() >= 1


def test_the_installed_xla_knows_the_options_for_quick_compilation() -> None:
    assert platform.compiler_options() != {}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("", "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=1048576"),
        ("--xla_a=1", "--xla_a=1 --xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=1048576"),
        ("--xla_backend_extra_options=b=2", "--xla_backend_extra_options=b=2"),
    ],
)
def test_flags_of_the_user_stay(no_settings: pytest.MonkeyPatch, given: str, wanted: str) -> None:
    no_settings.setenv("XLA_FLAGS", given)
    no_settings.setenv("NPROC", "64")
    no_settings.setenv("OPENBLAS_NUM_THREADS", "64")
    platform.prepare_threads()
    platform.prepare_threads()
    assert os.environ["XLA_FLAGS"] == wanted
    assert os.environ["NPROC"] == "4" and os.environ["OPENBLAS_NUM_THREADS"] == "1"
