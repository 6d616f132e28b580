"""Every method that learns of single events beside the exact posterior of the proxy: python table.py [METHOD…]."""

import sys
import time
from pathlib import Path

import numpy as np

import pdflang
from pdflang.results.two_samples import c2st

METHODS = ["alice", "rascal", "rolr", "carl", "sally", "scandal", "npe", "nre", "compilation"]

model = pdflang.load(Path(__file__).with_name("model.pdfm"))
NAMES = ["c_u", "a_u", "b_u", "c_d", "a_d", "b_d"]


def matrix(tree):
    """Draws (draws, parameters) of the posterior."""
    return np.stack([np.asarray(tree["posterior"][name]).ravel() for name in NAMES], axis=1)


exact = matrix(model.sample(draws=1000, seed=1))
mean, sd = exact.mean(axis=0), exact.std(axis=0)
print("| method | means, in exact standard deviations | widths, of the exact ones | C2ST | seconds |")
print("|---|---|---|---|---|")
for method in sys.argv[1:] or METHODS:
    begin = time.perf_counter()
    # With another seed than that of the exact draws: chains of the same random numbers stay beside each other.
    found = matrix(model.train(method=method, seed=1).sample(draws=1000, seed=2))
    seconds = time.perf_counter() - begin
    away, widths = (found.mean(axis=0) - mean) / sd, found.std(axis=0) / sd
    test = c2st(exact[::2], found[::2])
    print(
        f"| `{method}` | {away.min():+.2f} to {away.max():+.2f} | {widths.min():.2f} to {widths.max():.2f} | "
        f"{test.accuracy:.3f} ± {test.error:.3f} | {seconds:.0f} |",
        flush=True,
    )
