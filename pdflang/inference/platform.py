"""Sets up JAX for a process of ours, and gives scopes to code that runs in somebody else's."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from pdflang.resources import cache_folder
from pdflang.stored import keep_programs

_XLA_THREADS = 4

_EXTRA = "xla_backend_extra_options"
_SMALL_LOOPS = f"xla_cpu_small_while_loop_byte_threshold={2**20}"
"""Loops whose turns touch less than a MiB are one kernel each: as a graph of tasks, small densities take twice as long.

An XLA that does not know of it ignores it.
"""


def prepare_threads() -> None:
    """Choose the platform, its threads and how it compiles loops, before NumPy, SciPy or JAX are first used.

    XLA splits sums by the number of its threads, and so does BLAS: with as many everywhere, draws do not depend on the
    number of cores. Of XLA's there are several since it is they that run the loops of chains, whoever calls.
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ["NPROC"] = str(_XLA_THREADS)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    flags = os.environ.get("XLA_FLAGS", "")
    if _EXTRA not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{_EXTRA}={_SMALL_LOOPS}".lstrip()


def prepare_jax() -> None:
    """Choose double precision, the CPU if no platform is named, and that programs are kept in caches.

    For processes that belong to pdflang, such as the command line, before JAX is first used. A program that
    embeds pdflang keeps its own settings: methods run inside `double_precision()`.
    """
    prepare_threads()
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    folder = cache_folder("jax")
    if folder is not None:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        jax.config.update("jax_raise_persistent_cache_errors", False)
        # Another process may be writing the same entry at this moment: what it holds is compiled here, too.
        warnings.filterwarnings("ignore", message="Error reading persistent compilation cache entry")
    keep_programs()


@contextmanager
def double_precision() -> Iterator[None]:
    """A scope in which this thread computes in float64, whatever the host program's setting."""
    import jax

    with jax.enable_x64(True):
        yield


@lru_cache(maxsize=1)
def compiler_options() -> dict[str, bool | int]:
    """XLA's options for the programs of methods, which are compiled once for a file and run for seconds.

    Without its emitters of fusions XLA compiles them in two thirds of the time, and they run as fast; with all the
    width of AVX-512 exponentials take half the time. None where an XLA does not know of an option, which are not part
    of JAX's interface.
    """
    import jax

    options = {"xla_cpu_use_fusion_emitters": False, "xla_cpu_prefer_vector_width": 512}
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:
        return {}
    return options


def available_cores() -> int:
    """The number of cores that this process may use: less than the machine's where it is pinned."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)
