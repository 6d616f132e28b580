"""The examples of likelihood-free inference, by smaller trainings than their pages have."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from as_a_user import EXAMPLES, pdflang, posterior

pytestmark = pytest.mark.skipif(not find_spec("flowjax"), reason="needs the packages of pdflang[learn]")


@pytest.mark.slow
def test_a_shower_is_learned_from_without_a_density(tmp_path):
    model = EXAMPLES / "shower" / "model.pdfm"
    assert "simulator and joint score only" in pdflang(tmp_path, "check", model)
    small = ("--simulations", 100, "--epochs", 20, "--seed", 1)
    pdflang(tmp_path, "train", model, "--method", "alice", *small, "--out", "trained")
    pdflang(tmp_path, "sample", "trained", "--seed", 1, "--out", "learned.run")
    draws, _ = posterior(tmp_path / "learned.run")
    truth = json.loads((model.parent / "truth.json").read_text())
    for name, wide in (("c", 230.0), ("a", 0.5), ("b", 1.0)):
        values = np.asarray(draws[name])
        assert abs(values.mean() - truth[name]) < 3 * values.std() and values.std() < wide


@pytest.mark.slow
def test_three_cross_sections_are_told_in_nine_numbers(tmp_path):
    model = EXAMPLES / "reduction" / "model.pdfm"
    pdflang(tmp_path, "reduce", model, "--seed", 1, "--epochs", 100, "--out", "r")
    found = json.loads((tmp_path / "r" / "reduction.json").read_text())
    assert 6.5 < found["effective"] < 7.5 and found["determined"] == 7
    last = found["losses"][-1]
    assert last["latent"] == 9 and last["network"] < 0.1 * last["linear"]
    # As many numbers as there are parameters, and not one less.
    assert found["losses"][-2]["network"] > 5 * last["network"]


@pytest.mark.slow
def test_methods_of_single_events_agree_with_the_exact_posterior():
    script = EXAMPLES / "proxy_lfi" / "table.py"
    told = subprocess.run([sys.executable, script, "alice", "sally"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"\| `(\w+)` \| (\S+) to (\S+) \| (\S+) to (\S+) \| (\S+) ±", told)
    assert [row[0] for row in rows] == ["alice", "sally"], told
    for _, *numbers in rows:
        least, most, narrow, wide, accuracy = map(float, numbers)
        assert max(-least, most) < 0.6 and narrow > 0.8 and wide < 1.25 and accuracy < 0.65, told
