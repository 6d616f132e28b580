"""Chains on several devices: the draws are those of one."""

from __future__ import annotations

import os
import subprocess
import sys

_DRAW = """
import hashlib, sys
import jax, numpy as np
import pdflang
model = pdflang.loads("data y[N]\\nparam a ~ Normal(0, 1)\\nobserve y ~ Normal(a, 1)", data={"y": [1.0, 2.0, 0.5]})
draws = np.asarray(model.sample(method=sys.argv[1], chains=3, warmup=60, draws=40, seed=1)["posterior"]["a"])
print(len(jax.local_devices()), hashlib.sha256(draws.tobytes()).hexdigest())
"""


def drawn(method: str, devices: int) -> tuple[str, str]:
    flags = f"--xla_force_host_platform_device_count={devices}"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    done = subprocess.run([sys.executable, "-c", _DRAW, method], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    count, digest = done.stdout.split()
    return count, digest


def test_draws_do_not_depend_on_the_devices() -> None:
    one, two = drawn("hmc", 1), drawn("hmc", 2)
    assert (one[0], two[0]) == ("1", "2")
    assert one[1] == two[1]
