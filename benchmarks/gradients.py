"""Value and gradient of generated code beside JAX written by hand, beside C++, and what compiling costs.

    python benchmarks/gradients.py [ROUNDS]

All sides run in a compiled loop, turn by turn; the least of many turns counts. Values must agree to 1e-10. JAX by hand
is compiled as JAX does by itself, generated code as the methods compile it. The C++ (g++, where it is installed)
leaves priors out.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import by_hand
import numpy as np
import proxy

from pdflang.inference import prepare_jax, prepare_threads

prepare_threads()
prepare_jax()

import jax  # noqa: E402

import pdflang  # noqa: E402
from pdflang.inference.platform import compiler_options  # noqa: E402
from pdflang.inference.sums import with_quick_sums  # noqa: E402

DIS = Path(__file__).parent.parent / "examples" / "dis" / "model.pdfm"
Density = Callable[[Any, Any], Any]


def loop(density: Density, arrays: Any, z: Any, length: int, options: dict[str, Any]) -> Callable[[], Any]:
    """A compiled loop of so many values and gradients."""

    def run(z: Any, arrays: Any) -> Any:
        def step(z: Any, _: Any) -> tuple[Any, Any]:
            value, gradient = jax.value_and_grad(density)(z, arrays)
            return z - 1e-12 * gradient, value

        return jax.lax.scan(step, z, None, length=length)

    compiled = jax.jit(run, compiler_options=options).lower(z, arrays).compile()
    return lambda: jax.block_until_ready(compiled(z, arrays))


def compare(
    name: str, model: pdflang.embedding.Model, by_hand: Density, by_hand_arrays: Any, length: int, rounds: int
) -> None:
    """Print the ratio of times, and assert that values agree."""
    z = np.asarray(model.functions.start(jax.random.key(3), model.arrays))
    generated = model.functions.log_density_unconstrained.__wrapped__
    ours, theirs = float(generated(z, model.arrays)), float(by_hand(z, by_hand_arrays))
    assert abs(ours - theirs) <= 1e-10 * abs(theirs), (name, ours, theirs)
    sides = {
        "generated": loop(with_quick_sums(generated), model.arrays, z, length, compiler_options()),
        "JAX by hand": loop(by_hand, by_hand_arrays, z, length, {}),
    }
    if name.startswith("binned") and shutil.which("g++"):
        sides["C++"] = in_cpp(by_hand_arrays, z, length)
    best = dict.fromkeys(sides, np.inf)
    for _ in range(rounds):
        for side, run in sides.items():
            begin = time.perf_counter()
            run()
            best[side] = min(best[side], time.perf_counter() - begin)
    shown = ", ".join(f"{side} {1e6 * seconds / length:.2f} µs" for side, seconds in best.items())
    ratios = ", ".join(f"{best['generated'] / best[side]:.2f} of {side}" for side in list(sides)[1:])
    print(f"{name}: {shown}; {ratios}", flush=True)


def in_cpp(arrays: dict[str, Any], z: np.ndarray, length: int) -> Callable[[], Any]:
    """The same loop of the binned proxy in C++; its gradient must agree with that of JAX by hand without priors."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "by_hand.so"
        source = Path(__file__).parent / "by_hand.cpp"
        flags = ["-Ofast", "-march=native", "-fopenmp-simd", "-shared", "-fPIC"]
        subprocess.run(["g++", *flags, str(source), "-o", str(library)], check=True)
        binned = ctypes.CDLL(str(library)).binned
    binned.restype = ctypes.c_double
    by_nodes = [np.ascontiguousarray(np.asarray(part).T) for part in (arrays["weights"], *arrays["grid"])]
    counts = [np.asarray(arrays[name], float) for name in ("n_p", "n_n")]
    start, gradient = np.where([True, False, False] * 2, z, np.exp(z)), np.zeros(6)
    nodes, bins = by_nodes[0].shape
    pointers = [ctypes.c_void_p(part.ctypes.data) for part in (start, *by_nodes, *counts)]
    moved = ctypes.c_void_p(gradient.ctypes.data)

    def run(turns: int = length) -> Any:
        return binned(*pointers, bins, nodes, moved, turns), (start, by_nodes, counts)

    step, (w, x, rest) = 1e-6, by_nodes
    for j in range(6):
        values = []
        for sign in (-1, 1):
            moved_z = start + sign * step * (np.arange(6) == j)
            u, d = (np.sum(w * np.exp(moved_z[i] + moved_z[i + 1] * x + moved_z[i + 2] * rest), axis=0) for i in (0, 3))
            rates = (4 * u + d, u + 4 * d)
            values.append(sum(np.sum(n * np.log(r) - r) for n, r in zip(counts, rates, strict=True)))
        run(1)
        slope = (values[1] - values[0]) / (2 * step)
        assert abs(gradient[j] - slope) <= 1e-5 * (1 + abs(slope)), (j, gradient[j], slope)
    return run


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
