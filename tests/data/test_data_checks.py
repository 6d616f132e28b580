"""What is said about numbers that cannot be right: the row, the value, how many, the remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pdflang.data import checks
from pdflang.data.context import DataContext
from pdflang.data.matrix_checks import check_covariance
from pdflang.diagnostics import SourceFile, Span


@pytest.fixture
def counts(context: DataContext) -> DataContext:
    return context.of("column `n` of d.csv")


def test_good_numbers_pass(context: DataContext) -> None:
    checks.check_not_empty(1, context)
    checks.check_finite(np.array([[1.0, 2.0]]), context)
    checks.check_size(3, 3, context)
    assert checks.check_positions(np.array([0, 2]), 3, context, "i").tolist() == [0, 2]
    labels = checks.label_positions(np.array([["u", "d"], ["d", "u"]]), ["u", "d"], context, "flavour")
    assert labels.tolist() == [[0, 1], [1, 0]]


def test_empty(counts: DataContext, fails) -> None:
    with fails("E516", "`y` is empty in column `n` of d.csv"):
        checks.check_not_empty(0, counts)
    with fails("E516", "leaves none of 12 rows", "`where`"):
        checks.check_not_empty(0, counts, selected_from=12)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0, np.nan, np.inf], ["`y` is NaN in row 2 of column `n` of d.csv", "2 of 3 values"]),
        ([1.0, -np.inf], ["`y` is -inf in row 2"]),
        ([[1.0, 2.0], [3.0, np.nan]], ["row 2 of column `n` of d.csv, column 2"]),
        (np.nan, ["`y` is NaN in row 1"]),
    ],
)
def test_not_finite(counts: DataContext, fails, values: object, words: list[str]) -> None:
    with fails("E507", *words):
        checks.check_finite(np.array(values), counts)


def test_text_where_numbers_are_due(counts: DataContext, fails) -> None:
    with fails("E508", "'0.3O' in row 2", "no number"):
        checks.check_finite(np.array(["1", "0.3O"]), counts)
    with fails("E508", "'' in row 1", "2 of 3", "leave out rows without a value"):
        checks.check_numeric(np.array(["", "", "1"]), counts)
    with fails("E508", "'True' in row 1"):
        checks.check_numeric(np.array([True]), counts)


def test_text_of_numbers_only(counts: DataContext, fails) -> None:
    """A column that was written as text, as HDF5 and JSON can."""
    with fails("E508", "`y` holds numbers written as text in column `n` of d.csv"):
        checks.check_numeric(np.array(["1", "2"]), counts)


def test_integers(counts: DataContext, fails) -> None:
    with fails("E508", "`y` is 2.5 in row 2", "where a whole number is due", "Poisson"):
        checks.check_integers(np.array([1, 2.5]), counts)
    with fails("E508", "1e+19"):
        checks.check_integers(np.array([1e19]), counts)


def test_sizes_name_both_declarations(context: DataContext, fails) -> None:
    source = SourceFile("model.pdfm", "data y[N]: real\ndata x[N]: real\n", Path())
    other = DataContext("x", Span(source, 21, 22))
    with fails("E506", "`y` has 7 values", "axis `N` has 8 by `x`", "model.pdfm:1:6", "model.pdfm:2:6"):
        checks.check_size(7, 8, context, "N", other)
    with fails("E506", "`y` has 1 value, but 2 are expected"):
        checks.check_size(1, 2, context)


def test_labels(counts: DataContext, fails) -> None:
    with fails("E510", "'upp' in row 2", "index `flavour`", "`up`, `down`", "did you mean `up`?"):
        checks.label_positions(np.array(["up", "upp"]), ["up", "down"], counts, "flavour")
    with fails("E510", "and 8 more"):
        checks.label_positions(np.array(["x"]), [f"m{i}" for i in range(20)], counts, "module")


def test_positions(counts: DataContext, fails) -> None:
    with fails("E510", "`y` is 3 in row 3", "positions 0 to 2", "count from 0"):
        checks.check_positions(np.array([1, 2, 3]), 3, counts, "i")
    with fails("E510", "`y` is -1 in row 1", "positions 0 to 2"):
        checks.check_positions(np.array([-1, 2]), 3, counts, "i")


def test_a_good_covariance_gives_its_factor(context: DataContext) -> None:
    matrix = np.array([[2.0, 0.5], [0.5, 1.0]])
    factor = check_covariance(matrix, context)
    np.testing.assert_allclose(factor @ factor.T, matrix, rtol=1e-15)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ([[1.0, 0.5], [0.4, 1.0]], ["not symmetric", "row 1 with row 2 has 0.5", "the other way 0.4"]),
        (
            [[1.0, 2.0], [2.0, 1.0]],
            ["not positive definite", "eigenvalue is -1,", "row 1 (50%), row 2 (50%)"],
        ),
        ([[1.0, 0, 0], [0, -3.0, 0], [0, 0, 2.0]], ["eigenvalue is -3,", "made of row 2 (100%)"]),
        ([[1.0, 0.0]], ["no square matrix", "1 × 2"]),
        (1.0, ["no square matrix", "a single number"]),
    ],
)
def test_a_bad_covariance(context: DataContext, fails, matrix: object, words: list[str]) -> None:
    with fails("E511", *words):
        check_covariance(np.array(matrix), context)


def test_a_covariance_with_named_rows(context: DataContext, fails) -> None:
    with fails("E511", "datum 10 (100%)"):
        check_covariance(np.diag([1.0, -1.0]), context, lambda i: f"datum {10 * i}")
    with fails("E507", "row 1, column 2"):
        check_covariance(np.array([[1.0, np.nan], [0.0, 1.0]]), context)
