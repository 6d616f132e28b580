"""The picture of a calibration: equal bytes for equal ranks, and a picture of each quantity or of the doubtful ones."""

from __future__ import annotations

import numpy as np
import pytest

from pdflang.report.calibration import picture
from pdflang.results.calibration import Calibration, assessed


def calibration(names: list[str], fits: int = 60) -> Calibration:
    random = np.random.default_rng(1)
    quantities = [assessed(n, n, "param", random.integers(0, 100, fits), 99, 200.0) for n in names]
    # One that is wrong, and drawn however many there are.
    quantities.append(assessed("wrong", "wrong", "param", random.integers(40, 60, fits), 99, 200.0))
    return Calibration(tuple(quantities), fits, 99, {}, 0, (), 0)


def text(content: bytes) -> str:
    return content.decode("utf-8")


@pytest.mark.parametrize("count", [0, 1, 5, 9])
def test_each_quantity_is_drawn(count: int) -> None:
    names = [f"a[{i}]" for i in range(count)]
    drawn = text(picture(calibration(names), "svg"))
    assert all(f"<!-- {name} -->" in drawn for name in [*names, "wrong"])
    assert "60 fits of 99 draws" in drawn


def test_of_many_quantities_the_doubtful_are_drawn() -> None:
    drawn = text(picture(calibration([f"a[{i}]" for i in range(40)]), "svg"))
    assert "<!-- wrong -->" in drawn
    assert drawn.count("<!-- a[") == 23
    assert "24 of 41 quantities" in drawn


def test_equal_calibrations_give_equal_files() -> None:
    for kind, start in (("png", b"\x89PNG"), ("svg", b"<?xml")):
        first, second = (picture(calibration(["mu"]), kind) for _ in range(2))
        assert first == second and first.startswith(start)


def test_one_fit_has_a_picture() -> None:
    assert picture(calibration(["mu"], fits=1), "png")
