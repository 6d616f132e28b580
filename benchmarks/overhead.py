"""What a sampler costs beside its gradients: the time of transitions over that of as many gradients alone.

    python benchmarks/overhead.py [ROUNDS [MODEL…]]

Both are compiled loops of one thread, with the same options of XLA, turn by turn; the least of many turns counts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import proxy

from pdflang.inference import prepare_jax, prepare_threads

prepare_threads()
prepare_jax()

import jax  # noqa: E402
import numpy as np  # noqa: E402

import pdflang  # noqa: E402
from pdflang.inference import hmc, nuts  # noqa: E402
from pdflang.inference.chunks import Transitions, chunk_of, ends_window, stages  # noqa: E402
from pdflang.inference.options import HmcOptions, NutsOptions  # noqa: E402
from pdflang.inference.platform import compiler_options  # noqa: E402
from pdflang.inference.sums import with_quick_sums  # noqa: E402
from pdflang.inference.target import Target  # noqa: E402

MODELS = ("binned", "unbinned", "smeared")
GRADIENTS = 2000


def gradients(target: Target, z: np.ndarray) -> Callable[[], float]:
    """Seconds of one gradient, in a compiled loop of many."""

    quick = with_quick_sums(target.log_density)

    def run(z: Any, arrays: Any) -> Any:
        def step(z: Any, _: Any) -> tuple[Any, Any]:
            value, gradient = jax.value_and_grad(quick)(z, arrays)
            return z - 1e-12 * gradient, value

        return jax.lax.scan(step, z, None, length=GRADIENTS)

    compiled = jax.jit(run, compiler_options=compiler_options()).lower(z, target.arrays).compile()

    def measure() -> float:
        begin = time.perf_counter()
        jax.block_until_ready(compiled(z, target.arrays))
        return (time.perf_counter() - begin) / GRADIENTS

    return measure


def transitions(target: Target, method: Any, options: Any) -> tuple[Callable[[], float], np.ndarray]:
    """Seconds that transitions after warmup take for each of their gradients, and where the chain is."""
    programs = method.programs_for(target, options)
    state, _, start = programs.begin(target, 1, 0, None)
    chunk = chunk_of(target.dimension)
    schedule, done = stages(options.warmup, options.settling), 0
    arguments = (np.float64(options.target_acceptance), target.arrays)
    while done < options.warmup:
        state, _, _ = programs.advance(
            state, np.uint32(1), np.uint32(0), np.int32(done), np.int32(1), schedule[done : done + chunk], *arguments
        )
        if ends_window(schedule[done]):
            state, _ = programs.end_window(state, arguments[0])
        done += 1

    def measure() -> float:
        nonlocal state, done
        begin = time.perf_counter()
        state, columns, _ = programs.advance(
            state, np.uint32(1), np.uint32(0), np.int32(done), np.int32(chunk), schedule[-chunk:], *arguments
        )
        steps = int(np.asarray(Transitions(*columns).n_steps).sum())
        done += chunk
        return (time.perf_counter() - begin) / steps

    return measure, start.z


def main(rounds: int, names: tuple[str, ...]) -> None:
    for name in names:
        target = pdflang.load(proxy.FOLDER / f"{name}.pdfm", data=getattr(proxy, name)(15000)).target()
        for method, options in ((hmc, HmcOptions()), (nuts, NutsOptions())):
            with jax.enable_x64(True):
                sampler, place = transitions(target, method, options)
                alone = gradients(target, place)
                best = np.min([(sampler(), alone()) for _ in range(rounds)], axis=0) * 1e6
            label = method.__name__.rpartition(".")[2]
            print(f"{name}, {label}: {best[0]:.2f} µs per gradient, {best[1]:.2f} µs alone, {best[0] / best[1]:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200, tuple(sys.argv[2:]) or MODELS)
