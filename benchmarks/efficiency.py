"""Effective draws per gradient and per second, beside NumPyro (dense metric) and nutpie (low rank).

    python benchmarks/efficiency.py [REPEATS [MODEL…]]

Models are three forms of the proxy, and three posteriors of posteriordb where its files are.

Every gradient counts: those of starts, of climbs and of warmup too. Seconds are those of a second run in the same
process, where nothing is compiled. Sides run turn by turn; the median of the repeats counts. PEERS_PYTHON names the
Python of an environment with PyMC and nutpie; without it nutpie is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

PROXIES = ("binned", "unbinned", "smeared")
PEERS_PYTHON = os.environ.get("PEERS_PYTHON")
SIDES = ("pdflang", "numpyro", *(["nutpie"] if PEERS_PYTHON else []))


def effective(columns: list[np.ndarray]) -> float:
    """The least effective sample size, in bulk, of arrays (chain, draw)."""
    from arviz_stats.base import array_stats

    return min(float(array_stats.ess(column)) for column in columns)


def by_pdflang(name: str, seed: int) -> dict[str, float]:
    import proxy
    import references

    import pdflang
    from pdflang.inference import method_named, prepare_jax, prepare_threads

    prepare_threads()
    prepare_jax()
    if name in PROXIES:
        model = pdflang.load(proxy.FOLDER / f"{name}.pdfm", data=getattr(proxy, name)(15000))
    else:
        model = pdflang.load(references.model(name), data=references.data(name))
    options = method_named("auto").options(draws=1000, seed=seed)
    model.draw(options)
    begin = time.perf_counter()
    draws = model.draw(options)
    seconds = time.perf_counter() - begin
    gradients = draws.warmup_gradients.sum() + draws.statistics["n_gradients"].sum()
    return measured([draws.z[..., i] for i in range(draws.z.shape[2])], int(gradients), seconds)


def by_numpyro(name: str, seed: int) -> dict[str, float]:
    import jax
    import numpyro_peer

    sampler = numpyro_peer.sampler_of(name)

    def run() -> dict[str, np.ndarray]:
        sampler.run(jax.random.PRNGKey(seed), extra_fields=("num_steps",))
        return {name: np.asarray(values) for name, values in sampler.get_samples(group_by_chain=True).items()}

    run()
    begin = time.perf_counter()
    draws = run()
    seconds = time.perf_counter() - begin
    steps = int(sampler.get_extra_fields()["num_steps"].sum())
    sampler.warmup(jax.random.PRNGKey(seed), extra_fields=("num_steps",), collect_warmup=True)
    steps += int(sampler.get_extra_fields()["num_steps"].sum())
    columns = [column for values in draws.values() for column in entries(values)]
    return measured(columns, steps, seconds)


def by_nutpie(name: str, seed: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "draws.npz"
        script = Path(__file__).parent / "nutpie_peer.py"
        subprocess.run([str(PEERS_PYTHON), str(script), name, str(seed), str(place)], check=True, capture_output=True)
        with np.load(place) as found:
            columns = [c for name in found if name not in ("seconds", "gradients") for c in entries(found[name])]
            return measured(columns, int(found["gradients"]), float(found["seconds"]))


def entries(values: np.ndarray) -> list[np.ndarray]:
    """The numbers of an array (chain, draw, …), each (chain, draw)."""
    return list(np.moveaxis(values.reshape(*values.shape[:2], -1), -1, 0))


def measured(columns: list[np.ndarray], gradients: int, seconds: float) -> dict[str, float]:
    ess = effective(columns)
    return {"ESS per 1000 gradients": 1000 * ess / gradients, "ESS per second": ess / seconds}


def main(repeats: int, models: Sequence[str]) -> None:
    for name in models:
        found: dict[str, list[Any]] = {side: [] for side in SIDES}
        for seed in range(repeats):
            for side in SIDES:
                command = [sys.executable, __file__, side, name, str(seed)]
                done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent)
                found[side].append(json.loads(done.stdout.splitlines()[-1]))
        for number in found["pdflang"][0]:
            medians = {side: float(np.median([run[number] for run in found[side]])) for side in SIDES}
            best = max(SIDES[1:], key=medians.__getitem__)
            shown = ", ".join(f"{side} {value:.0f}" for side, value in medians.items())
            ratio = medians["pdflang"] / medians[best]
            print(f"{name}, {number}: {shown}; ratio to {best} {ratio:.1f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in SIDES:
        measure = {"pdflang": by_pdflang, "numpyro": by_numpyro, "nutpie": by_nutpie}[sys.argv[1]]
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
    else:
        import references

        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, sys.argv[2:] or [*PROXIES, *references.NAMES])
