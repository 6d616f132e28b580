"""A program that samples as the command line would, for tests that interrupt or repeat it.

Arguments: a file for the draws, the number of warmup transitions and of draws, how slow the density is. It
writes `ready` when chains are moving, `drawing` when each of them has kept a draw, and one line of JSON at the end.
"""

import json
import signal
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from pdflang.inference import NutsOptions, Progressed, QuietMonitor, Target, nuts, prepare_jax


class Announcer(QuietMonitor):
    """Says once that chains are moving, and once that each has kept a draw."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._waiting: set[int] = set()

    def start(self, method: str, chains: int, total: int) -> None:
        self._waiting = set(range(chains))

    def update(self, progressed: Progressed) -> None:
        if progressed.done:
            self._say("ready")
        if progressed.phase == "sampling":
            self._waiting.discard(progressed.chain)
        if not self._waiting:
            self._say("drawing")

    def _say(self, news: str) -> None:
        if news not in self._said:
            print(news, flush=True)
            self._said.add(news)


def log_density(z: jax.Array, arrays: jax.Array) -> jax.Array:
    # Columns summed on many cores would be summed in another order than on one.
    columns = jnp.sum(jnp.cos(arrays * z[0]), axis=0)
    return -0.5 * jnp.sum(z**2) + 1e-3 * jnp.sum(columns**2) / arrays.size


def main() -> None:
    # An interrupt that comes when `sample` has returned is too late, and no news.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    prepare_jax()
    out, warmup, draws, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    arrays = np.random.default_rng(0).normal(size=(size, size))
    target = Target(3, log_density, lambda key, arrays: jax.random.normal(key, (3,)), arrays)
    result = nuts.sample(target, NutsOptions(chains=2, warmup=warmup, draws=draws), Announcer())
    out.write_bytes(result.z.tobytes())
    finite = bool(np.isfinite(result.z).all())
    report = {"interrupted": result.interrupted, "draws": result.z.shape[1], "finite": finite}
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
