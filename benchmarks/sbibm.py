"""Posteriors learned from simulations against sbibm's published ones (Lueckmann et al. 2021, arXiv:2101.04653).

    pip download --no-deps sbibm==1.1.0
    python benchmarks/sbibm.py sbibm-1.1.0-py2.py3-none-any.whl [--tasks slcp …] [--methods npe …] [--out results.jsonl]

The wheel has the observations and 10,000 reference draws of each posterior. C2ST is the accuracy of a classifier that
tells our draws from those: 0.5 is perfect. Published are means over ten observations, at 10,000 simulations. Needs
`pip install "pdflang[learn,benchmark]"`.
"""

from __future__ import annotations

import argparse
import bz2
import io
import json
import time
import zipfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neural_network import MLPClassifier

import pdflang

PUBLISHED = {
    "two_moons": {"npe": 0.606, "nle": 0.713, "nre": 0.761},
    "gaussian_linear": {"npe": 0.552, "nle": 0.555, "nre": 0.560},
    "slcp": {"npe": 0.901, "nle": 0.771, "nre": 0.947},
}
"""Mean C2ST of sbibm's own NPE, NLE and NRE at 10,000 simulations (appendix of the paper)."""

SEEDS = (1, 2, 3)
OBSERVATIONS = (1, 2, 3)


def moon(key: jax.Array, centre: jax.Array) -> jax.Array:
    """A point of a half-moon of radius 0.1 around a centre (2,): both numbers are drawn together."""
    angle_key, radius_key = jax.random.split(key)
    angle = jax.random.uniform(angle_key, minval=-jnp.pi / 2, maxval=jnp.pi / 2)
    radius = 0.1 + 0.01 * jax.random.normal(radius_key)
    return centre + jnp.stack([radius * jnp.cos(angle) + 0.25, radius * jnp.sin(angle)])


def reference(wheel: zipfile.ZipFile, task: str, number: int) -> tuple[np.ndarray, np.ndarray]:
    """An observation (width,), and draws of its posterior (10000, dimension)."""
    place = f"sbibm/tasks/{task}/files/num_observation_{number}"
    texts = [wheel.read(f"{place}/observation.csv")]
    texts.append(bz2.decompress(wheel.read(f"{place}/reference_posterior_samples.csv.bz2")))
    observed, draws = (np.loadtxt(io.BytesIO(text), delimiter=",", skiprows=1) for text in texts)
    return observed, draws


def c2st(reference: np.ndarray, draws: np.ndarray, seed: int = 1) -> float:
    """The accuracy of a classifier of two samples (n, d), by the protocol of sbibm."""
    mean, spread = reference.mean(axis=0), reference.std(axis=0, ddof=1)
    both = ((np.concatenate([reference, draws]) - mean) / spread).astype(np.float32)
    which = np.repeat([0, 1], [len(reference), len(draws)])
    hidden = (10 * both.shape[1],) * 2
    classifier = MLPClassifier(hidden, activation="relu", solver="adam", max_iter=10_000, random_state=seed)
    folds = KFold(5, shuffle=True, random_state=seed)
    return float(cross_val_score(classifier, both, which, cv=folds, scoring="accuracy").mean())


def main() -> None:
    """Train, draw, compare; a line for each, and a table at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--tasks", nargs="+", default=list(PUBLISHED))
    parser.add_argument("--methods", nargs="+", default=["npe", "nle", "nre"])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--simulations", type=int, default=10_000)
    parser.add_argument("--out", type=Path, help="a file that each result is appended to, and that is read first")
    given = parser.parse_args()
    done = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out and given.out.exists() else []
    pdflang.register("Moon", moon, ["centre"], traceable=True)
    with zipfile.ZipFile(given.wheel) as wheel:
        for seed in given.seeds:
            for task in given.tasks:
                for method in given.methods:
                    known = {(d["task"], d["method"], d["seed"], d["observation"]) for d in done}
                    missing = [n for n in OBSERVATIONS if (task, method, seed, n) not in known]
                    for found in compared(wheel, task, method, seed, given.simulations, missing) if missing else ():
                        done.append(found)
                        print(json.dumps(found), flush=True)
                        if given.out:
                            with given.out.open("a") as file:
                                file.write(json.dumps(found) + "\n")
    print(table(done))


def compared(wheel: zipfile.ZipFile, task: str, method: str, seed: int, simulations: int, numbers: list[int]):
    """A training, and C2ST at observations."""
    observed, _ = reference(wheel, task, 1)
    shape = (4, 2) if task == "slcp" else (-1,)
    model = pdflang.load(Path(__file__).parent / f"{task}.pdfm", data={"x": observed.reshape(shape)})
    begin = time.perf_counter()
    trained = model.train(method=method, simulations=simulations, seed=seed)
    seconds = time.perf_counter() - begin
    for number in numbers:
        observed, draws = reference(wheel, task, number)
        begin = time.perf_counter()
        options = {"draws": 2500} if method == "npe" else {"method": "smc", "particles": 2500, "moves": 2}
        tree = trained.sample({"x": observed.reshape(shape)}, seed=seed, **options)
        ours = np.asarray(tree["posterior"]["theta"]).reshape(-1, draws.shape[1])
        sampled = time.perf_counter() - begin
        yield {
            "task": task, "method": method, "seed": seed, "observation": number, "c2st": c2st(draws, ours),
            "train_seconds": round(seconds, 1), "sample_seconds": round(sampled, 1),
        }  # fmt: skip


def table(done: list[dict]) -> str:
    """Means over observations, by seed, beside the published ones; the ratio is of distances from 0.5."""
    lines = [f"{'task':16} {'method':6}  {'by seed':24} {'mean':>6} {'sbibm':>6} {'ratio':>6}"]
    for task, methods in PUBLISHED.items():
        for method, published in methods.items():
            own = [one for one in done if (one["task"], one["method"]) == (task, method)]
            seeds = sorted({one["seed"] for one in own})
            means = [np.mean([one["c2st"] for one in own if one["seed"] == seed]) for seed in seeds]
            if means:
                mean = float(np.mean(means))
                shown = " ".join(f"{value:.3f}" for value in means)
                ratio = (mean - 0.5) / (published - 0.5)
                lines.append(f"{task:16} {method:6}  {shown:24} {mean:6.3f} {published:6.3f} {ratio:6.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
