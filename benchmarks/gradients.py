"""Value and gradient of generated code beside JAX written by hand, and what compiling costs.

    python benchmarks/gradients.py [ROUNDS]

Both sides run in a compiled loop, turn by turn; the least of many turns counts. Values must agree to 1e-10.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["NPROC"] = "1"

import jax

jax.config.update("jax_enable_x64", True)

import by_hand  # noqa: E402
import numpy as np  # noqa: E402
import proxy  # noqa: E402

import pdflang  # noqa: E402

DIS = Path(__file__).parent.parent / "examples" / "dis" / "model.pdfm"
Density = Callable[[Any, Any], Any]


def loop(density: Density, arrays: Any, z: Any, length: int) -> Callable[[], Any]:
    """A compiled loop of so many values and gradients."""

    def run(z: Any, arrays: Any) -> Any:
        def step(z: Any, _: Any) -> tuple[Any, Any]:
            value, gradient = jax.value_and_grad(density)(z, arrays)
            return z - 1e-12 * gradient, value

        return jax.lax.scan(step, z, None, length=length)

    compiled = jax.jit(run).lower(z, arrays).compile()
    return lambda: jax.block_until_ready(compiled(z, arrays))


def compare(
    name: str, model: pdflang.embedding.Model, by_hand: Density, by_hand_arrays: Any, length: int, rounds: int
) -> None:
    """Print the ratio of times, and assert that values agree."""
    z = np.asarray(model.functions.start(jax.random.key(3), model.arrays))
    generated = model.functions.log_density_unconstrained.__wrapped__
    ours, theirs = float(generated(z, model.arrays)), float(by_hand(z, by_hand_arrays))
    assert abs(ours - theirs) <= 1e-10 * abs(theirs), (name, ours, theirs)
    loops = [loop(generated, model.arrays, z, length), loop(by_hand, by_hand_arrays, z, length)]
    best = [np.inf, np.inf]
    for _ in range(rounds):
        for side, run in enumerate(loops):
            begin = time.perf_counter()
            run()
            best[side] = min(best[side], time.perf_counter() - begin)
    microseconds = [1e6 * seconds / length for seconds in best]
    print(
        f"{name}: {microseconds[0]:.2f} µs, by hand {microseconds[1]:.2f} µs, ratio {best[0] / best[1]:.3f}",
        flush=True,
    )


def compile_times(name: str, model: pdflang.embedding.Model, by_hand: Density, by_hand_arrays: Any) -> None:
    """Processor seconds of tracing and compiling, both sides."""
    z = np.zeros(model.dimension)
    generated = model.functions.log_density_unconstrained.__wrapped__
    for what, change in (("value", lambda f: f), ("gradient", jax.value_and_grad), ("Hessian", jax.hessian)):
        spent = []
        for density, arrays in ((generated, model.arrays), (by_hand, by_hand_arrays)):
            begin = time.process_time()
            jax.jit(change(density)).lower(z, arrays).compile()
            spent.append(time.process_time() - begin)
        print(f"{name}, compiling the {what}: {spent[0]:.2f} s, by hand {spent[1]:.2f} s", flush=True)


def main(rounds: int) -> None:
    cases = []
    for kind, events, length in (
        ("binned", 15000, 20000),
        ("unbinned", 1500, 2000),
        ("unbinned", 15000, 300),
    ):
        data = getattr(proxy, kind)(events)
        model = pdflang.load(proxy.FOLDER / f"{kind}.pdfm", data=data, exact=True)
        cases.append((f"{kind}, {events} events", model, *by_hand.proxy(kind, data), length))
    dis = pdflang.load(DIS)
    cases.append(("dis", dis, *by_hand.dis(dis), 500))
    for name, model, density, arrays, length in cases:
        compare(name, model, density, arrays, length, rounds)
    for name, model, density, arrays, _ in (cases[0], cases[-1]):
        compile_times(name, model, density, arrays)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
