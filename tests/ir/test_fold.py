"""Constants folded while a model is checked: Python's arithmetic against NumPy's."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pdflang.components import arithmetic
from pdflang.ir.evaluate import fold
from pdflang.ir.nodes import Apply, Constant

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NUMBERS = (0, 1, -2, 3, 0.0, 0.5, -0.5, 2.0, 1e300, math.inf, -math.inf)
BINARY = [*arithmetic.BINARY.values()]


@pytest.mark.parametrize("operator", [o for o in BINARY if o.name not in ("and", "or")], ids=lambda o: o.name)
def test_numbers_fold_as_numpy_has_them(operator: arithmetic.Operator) -> None:
    function = getattr(np, operator.numpy.removeprefix("numpy."))
    for left, right in itertools.product(NUMBERS, repeat=2):
        found = fold(Apply(operator, (Constant(left), Constant(right)), "real"))
        with np.errstate(all="ignore"):
            expected = function(float(left) if operator is arithmetic.POWER else left, right)
        np.testing.assert_equal(float(found), float(expected), err_msg=f"{left} {operator.symbol} {right}")


@pytest.mark.parametrize("operator", [arithmetic.AND, arithmetic.OR], ids=lambda o: o.name)
def test_conditions_fold(operator: arithmetic.Operator) -> None:
    for left, right in itertools.product((False, True), repeat=2):
        found = fold(Apply(operator, (Constant(left), Constant(right)), "bool"))
        assert found is ((left and right) if operator is arithmetic.AND else (left or right))


def test_signs_fold() -> None:
    assert fold(Apply(arithmetic.NEGATE, (Constant(2.5),), "real")) == -2.5
    assert fold(Apply(arithmetic.NOT, (Constant(False),), "bool")) is True


@pytest.mark.parametrize("example", ["proxy", "eight_schools"])
def test_a_model_of_numbers_is_checked_without_numpy(example: str) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom pdflang import driver\n"
        f"driver.check(driver.read_source(Path({str(EXAMPLES / example / 'model.pdfm')!r})))\n"
        "sys.exit('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
