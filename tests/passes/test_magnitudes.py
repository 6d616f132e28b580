"""Magnitudes are those of the terms, whatever these cancel to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pdflang import driver
from pdflang.backend.numeric import numeric_function
from pdflang.diagnostics import SourceFile
from pdflang.passes.magnitudes import magnitude


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a - b", 5.0),
        ("-(a - b)", 5.0),
        ("a*(a - b)", 10.0),
        ("(a - b)/(a - b)", 5.0),
        ("sin(a - b)", np.sin(1.0)),
        ("[a - b, 1 - a]", [5.0, 3.0]),
        ("(i*a - b) for i in 3", [3.0, 5.0, 7.0]),
        ("sum(i*a - b for i in 3)", 15.0),
    ],
)
def test_terms_are_added_by_their_sizes(text: str, expected: object) -> None:
    source = SourceFile("m.pdfm", f"param a ~ Flat()\nparam b ~ Flat()\noutput m = {text}\n", Path.cwd())
    bound = driver.bind(driver.check(source), {})
    evaluate = numeric_function(bound, {"m": magnitude(bound.program.outputs["m"].node)})
    found = evaluate({"a": np.asarray(2.0), "b": np.asarray(3.0)}, bound.arrays)["m"]
    assert np.shape(found) == np.shape(expected) and np.allclose(found, expected)
