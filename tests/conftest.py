"""One thread for each sum, as in processes of ours, and programs that nobody runs any longer are forgotten."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import pytest

# Threads of processes that run side by side would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_MOST_PROGRAMS = 500
"""Compiled programs that a process keeps: each has about 5 MB."""


@pytest.fixture(autouse=True, scope="module")
def _programs_are_forgotten() -> Iterator[None]:
    yield
    jax = sys.modules.get("jax")
    if jax is not None and len(jax.devices()[0].client.live_executables()) > _MOST_PROGRAMS:
        jax.clear_caches()
        gc.collect()
