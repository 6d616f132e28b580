"""`--exact` sums all events; without it a note and the provenance say how many nodes stand for them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

TEXT = """\
param a ~ Normal(0.5, 0.3) in (-1, inf)
data ev[N]
theory rate(x in (0, 1)) = 1e4 * x^a * (1 - x)^3
observe ev ~ PoissonProcess(rate)
"""


def test_nodes_are_noted_and_exact_has_none(run, model, tmp_path: Path) -> None:
    name = model(TEXT)
    np.save(tmp_path / "ev.npy", np.random.default_rng(3).beta(1.5, 4, 6000))
    found = {}
    for flags in ((), ("--exact",)):
        out = f"out{len(flags)}"
        done = run("map", name, "--data", "ev=ev.npy", "--starts", "1", "--out", out, *flags)
        notes = json.loads((tmp_path / out / "provenance.json").read_text())["notes"]
        assert ("nodes stand for the 6000 events of `ev`" in done.stderr) == (not flags)
        assert notes.get("compression", {}).get("ev", {}).get("events") == (None if flags else 6000)
        record = json.loads((tmp_path / out / "map.json").read_text())
        found[flags] = record["log_density"], record["params"]["a"], record["standard_errors"]["a"]
    np.testing.assert_allclose(found[()][0], found["--exact",][0], rtol=0, atol=1e-3)
    np.testing.assert_allclose(found[()][1:], found["--exact",][1:], rtol=1e-5)
    assert "node_weights" in run("compile", name, "--data", "ev=ev.npy").stdout
    assert "node_weights" not in run("compile", name, "--data", "ev=ev.npy", "--exact").stdout
