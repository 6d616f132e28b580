"""The slow tier: examples are calibrated, with so many fits that a width wrong by 10 % would be found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calibrated_models import QUICK, conjugate

import pdflang
from pdflang.results.calibration import Calibration, fits_to_detect
from pdflang.results.calibration.result import FALSE_ALARM

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DRAWS = 99
COUNTS = {"n_p": np.zeros(30, int), "n_n": np.zeros(30, int)}
"""Simulated anyway."""


def fits_for(quantities: int) -> int:
    """So many find a width that is wrong by 10 % with a probability of 90 %, among three tests of each quantity.

    The whole calibration calls a right model wrong once in a hundred times. For 9 quantities there are 1669 fits,
    for 12 there are 1717.
    """
    return fits_to_detect(0.1, DRAWS, FALSE_ALARM / (3 * quantities), power=0.9)


def check(found: Calibration) -> None:
    assert found.uniform, found.findings
    assert found.detectable_width < 0.101
    for quantity in found.quantities:
        assert quantity.width.width == pytest.approx(1, abs=4 * quantity.width.width_error), quantity.name
        assert quantity.width.bias == pytest.approx(0, abs=4 * quantity.width.bias_error), quantity.name
        for coverage in quantity.coverage:
            assert coverage.found == pytest.approx(coverage.expected, abs=4 * coverage.error), quantity.name


@pytest.mark.parametrize(
    ("path", "data", "quantities", "options"),
    [
        ("examples/eight_schools/model.pdfm", {}, 12, {}),
        # Draws of these two are nearly independent.
        ("examples/proxy/model.pdfm", {}, 9, {"warmup": 300, "thin": 3}),
        ("tests/good/smeared_counts.pdfm", COUNTS, 11, {"warmup": 300, "thin": 3}),
    ],
)
def test_models_are_calibrated(path: str, data: dict[str, Any], quantities: int, options: dict[str, Any]) -> None:
    model = pdflang.load(ROOT / path, data=data)
    found = model.calibrate(fits=fits_for(quantities), draws=DRAWS, **options)
    assert len(found.quantities) == quantities
    assert len(found.failures) <= 2
    check(found)


def test_a_width_that_is_wrong_by_10_percent_is_found() -> None:
    """Data of a standard deviation that makes posteriors of mu 1.1 times too narrow: s² = (1.1² − 1/4) · 4/3."""
    simulator = conjugate(sigma=((1.1**2 - 0.25) * 4 / 3) ** 0.5)
    found = conjugate().calibrate(simulator=simulator, fits=fits_for(8), draws=DRAWS, **QUICK)
    assert not found.uniform
    assert found["mu"].width.width == pytest.approx(1 / 1.1, abs=4 * found["mu"].width.width_error)
    assert any("posterior of mu is about" in f.sentence and "% too narrow" in f.sentence for f in found.findings)


def test_the_same_model_with_the_right_data_passes() -> None:
    check(conjugate().calibrate(fits=fits_for(8), draws=DRAWS, **QUICK))
