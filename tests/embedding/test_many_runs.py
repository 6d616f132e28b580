"""A hundred runs in one process compile once and keep no memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory as Linux tells it"),
]

RUNS = """
import sys
import jax, numpy as np, pdflang

compiled = []
jax.monitoring.register_event_duration_secs_listener(
    lambda name, *rest, **more: compiled.append(name) if "backend_compile" in name else None
)
model = pdflang.loads("param a ~ Normal(0, 1)\\nparam b ~ LogNormal(0, 1)\\ndata y[N]\\nobserve y ~ Normal(a, b)",
                      data={"y": np.zeros(50)})
for number in range(100):
    twin = model.rebind({"y": np.random.default_rng(number).normal(size=50)})
    size = {"live": 30} if sys.argv[1] == "nested" else {"draws": 40}
    twin.sample(method=sys.argv[1], seed=number, chains=2, **size)
    if number in (9, 99):
        pages = int(open("/proc/self/statm").read().split()[1])
        print(len(compiled), pages * 4096 / 2**20)
"""


@pytest.mark.parametrize("method", ["hmc", "nuts", "laplace", "nested"])
def test_nothing_is_compiled_again_or_kept(method: str) -> None:
    command = [sys.executable, "-c", RUNS, method]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=1800)
    (compiled, memory), (compiled_later, memory_later) = (map(float, line.split()) for line in done.stdout.splitlines())
    assert compiled_later == compiled > 0
    assert memory_later - memory < 30
