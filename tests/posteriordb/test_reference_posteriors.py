"""`pdflang sample` with its defaults against posteriors that others computed (posteriordb).

A mean agrees when it lies within four standard errors, its own and the reference's together.
"""

import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from reference_posteriors import FOLDER, POSTERIORS, Posterior


@pytest.mark.slow
@pytest.mark.parametrize("posterior", POSTERIORS, ids=lambda posterior: posterior.name)
def test_the_command_agrees_with_the_reference(posterior: Posterior, tmp_path: Path) -> None:
    if not posterior.is_there:
        pytest.skip(f"{posterior.file} is not in {FOLDER}: set PDFLANG_POSTERIORDB to the folder that has it")
    reference = posterior.read()
    data = tmp_path / "data.json"
    data.write_text(json.dumps(reference["data"]), encoding="utf-8")
    arguments = [str(posterior.model), "--data", str(data), "--out", str(tmp_path / "run")]
    ran = subprocess.run(
        [sys.executable, "-m", "pdflang", "sample", *arguments], capture_output=True, text=True, encoding="utf-8"
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr

    rows = list(csv.DictReader((tmp_path / "run" / "summary.csv").read_text(encoding="utf-8").splitlines()))
    unconverged = {row["name"]: row["rhat"] for row in rows if not float(row["rhat"]) < 1.01}
    assert not unconverged
    compared = [row for name in posterior.quantities for row in rows if row["variable"] == name]
    wrong = {}
    for row, mean, error in zip(compared, reference["mean"], reference["mcse_mean"], strict=True):
        distance = abs(float(row["mean"]) - mean) / math.hypot(float(row["mcse"]), error)
        if not distance <= 4:
            wrong[row["name"]] = (float(row["mean"]), mean, distance)
    assert not wrong
