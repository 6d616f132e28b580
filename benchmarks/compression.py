"""Compressed events beside all of them: a gradient, whole processes, and the memory of ten million events.

    python benchmarks/compression.py gradient
    python benchmarks/compression.py sample
    python benchmarks/compression.py memory [EVENTS] [npy|csv]

Ratios are of one run, in processor time too: that is what a busy machine leaves comparable.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from proxy import FOLDER, unbinned
from whole_process import surroundings

EVENTS = 150_000
PDFLANG = [sys.executable, "-m", "pdflang"]


LOOP = {"nodes": 3000, "events": 60}


def gradient(rounds: int = 8) -> None:
    """Value and gradient with nodes and with all events: in a compiled loop, as samplers call them, and from Python."""
    import jax
    from gradients import loop

    import pdflang

    data, best = unbinned(EVENTS), dict[tuple[str, str], float]()
    with jax.enable_x64(True):
        runs = []
        for name, length in LOOP.items():
            model = pdflang.load(FOLDER / "unbinned.pdfm", data=data, exact=name == "events")
            density = model.functions.log_density_unconstrained
            z = np.asarray(model.functions.start(jax.random.key(3), model.arrays))
            single = jax.jit(jax.value_and_grad(density))
            jax.block_until_ready(single(z, model.arrays))
            runs.append((name, "in a loop", length, loop(density.__wrapped__, model.arrays, z, length)))
            call = partial(single, z, model.arrays)
            runs.append((name, "from Python", 1, lambda call=call: jax.block_until_ready(call())))
        for _ in range(rounds):
            for name, where, length, run in runs:
                begin = time.perf_counter()
                run()
                spent = (time.perf_counter() - begin) / length
                best[name, where] = min(best.get((name, where), np.inf), spent)
    for where in ("in a loop", "from Python"):
        ours, theirs = best["nodes", where], best["events", where]
        print(f"gradient {where}: {1e6 * ours:.1f} µs, all events {1e6 * theirs:.0f} µs, ratio {ours / theirs:.4f}")


def usage(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall and processor seconds of a command whose caches are empty."""
    caches = {name: str(folder / name.lower()) for name in ("PDFLANG_CACHE", "XDG_CACHE_HOME")}
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**surroundings(), **caches})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begin, spent


def sample() -> None:
    """`pdflang sample`, with and without --exact, and NumPyro on the same events."""
    found = {}
    for name, flags in (("nodes", []), ("exact", ["--exact"])):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            command = [*PDFLANG, "sample", str(FOLDER / "unbinned.pdfm"), "--seed", "1", "--out", str(folder / "run")]
            found[name] = usage([*command, *_given(folder, unbinned(EVENTS)), *flags], folder)
        print(f"sample, {name}: {found[name][0]:.1f} s, processor {found[name][1]:.1f} s", flush=True)
    with tempfile.TemporaryDirectory() as place:
        peer = [sys.executable, str(FOLDER / "numpyro_peer.py"), place, "1", "unbinned", str(EVENTS)]
        found["NumPyro"] = usage(peer, Path(place))
    print(f"sample, NumPyro: {found['NumPyro'][0]:.1f} s, processor {found['NumPyro'][1]:.1f} s")
    for name in ("exact", "NumPyro"):
        wall, spent = (found["nodes"][k] / found[name][k] for k in (0, 1))
        print(f"sample, whole process against {name}: ratio {wall:.3f}, of processor time {spent:.3f}")


def _given(folder: Path, data: dict[str, Any], kind: str = "npy") -> list[str]:
    """Flags for the data, lists of events in files of a kind."""
    flags = []
    for name, values in data.items():
        path = folder / f"{name}.{kind}"
        if np.ndim(values) and kind == "npy":
            np.save(path, values)
        elif np.ndim(values):
            np.savetxt(path, values, header="x", comments="")
        text = str(path) if np.ndim(values) else json.dumps(float(values))
        flags += ["--data", f"{name}={text}"]
    return flags


def memory(events: int, kind: str) -> None:
    """The peak of a process that reads, compresses and samples so many events."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        flags = _given(folder, unbinned(events), kind)
        command = [*PDFLANG, "sample", str(FOLDER / "unbinned.pdfm"), "--seed", "1", "--out", str(folder / "run")]
        wall, _ = usage([*command, *flags], folder)
    # The data were made in this process, so that the children are the sampler alone.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{events} events in {kind}: {wall:.1f} s, at most {peak:.2f} GiB")


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else "gradient"
    if what == "memory":
        count, kind = (*sys.argv[2:], *("1e7", "npy")[len(sys.argv) - 2 :])
        memory(int(float(count)), kind)
    else:
        {"gradient": gradient, "sample": sample}[what]()
