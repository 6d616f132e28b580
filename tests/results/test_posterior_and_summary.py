"""The tree in ArviZ's schema and the table made of it."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from arviz_stats.base import array_stats

from pdflang.results import Row, VariableSchema, posterior_tree, summarise
from pdflang.results.posterior import schemas_of
from pdflang.results.summary import to_csv, to_text

GENERATOR = np.random.default_rng(0)
DRAWS = {
    "curve": GENERATOR.normal(size=(4, 200, 30)),
    "shift": GENERATOR.normal(2.0, 1e-3, size=(4, 200)),
    "c": GENERATOR.normal(size=(4, 200, 2)),
    "μ": GENERATOR.normal(1e5, 2e3, size=(4, 200)),
}
SCHEMAS = {
    "curve": VariableSchema(("x",), {}, "output"),
    "shift": VariableSchema(role="nuisance", bounds=(0.0, None)),
    "c": VariableSchema(("flavour",), {"flavour": ["u", "d"]}),
    "μ": VariableSchema(),
}


def test_groups_axes_labels_and_attributes() -> None:
    tree = posterior_tree(
        DRAWS,
        SCHEMAS,
        statistics={"diverging": np.zeros((4, 200), bool)},
        observed={"y": np.arange(3.0)},
        attributes={"seed": 7, "options": {"draws": 200}, "warmup_gradients": [1, 2], "interrupted": False},
    ).to_xarray()
    assert set(tree.children) == {"posterior", "sample_stats", "observed_data"}
    assert tree["posterior"]["c"].dims == ("chain", "draw", "flavour")
    assert tree["posterior"]["c"].sel(flavour="d").shape == (4, 200)
    assert tree["posterior"]["curve"].coords["x"].values.tolist() == list(range(30))
    assert tree.attrs["options"] == '{"draws": 200}'
    assert tree.attrs["warmup_gradients"].tolist() == [1, 2]
    assert tree["observed_data"]["y"].dims == ("y_dim_0",)


def test_schemas_are_read_back_from_the_tree() -> None:
    schemas = schemas_of(posterior_tree(DRAWS, SCHEMAS))
    assert schemas["c"] == SCHEMAS["c"]
    assert schemas["shift"] == SCHEMAS["shift"]


def test_axes_that_clash_are_renamed() -> None:
    draws = {"school": np.zeros((1, 5, 3)), "a": np.zeros((1, 5, 2)), "b": np.zeros((1, 5, 3, 4))}
    schemas = {
        "school": VariableSchema(("school",)),
        "a": VariableSchema(("k",)),
        "b": VariableSchema(("k", "draw")),
    }
    posterior = posterior_tree(draws, schemas)["posterior"]
    assert posterior["school"].dims[2:] == ("school_school",)
    assert posterior["a"].dims[2:] == ("k",)
    assert posterior["b"].dims[2:] == ("b_k", "b_draw")


def test_rows_come_by_role_and_agree_with_arviz() -> None:
    rows = summarise(posterior_tree(DRAWS, SCHEMAS))
    assert [row.name for row in rows[:4]] == ["c[u]", "c[d]", "μ", "shift"]
    assert [row.role for row in rows[:5]] == ["param", "param", "param", "nuisance", "output"]
    column = DRAWS["c"][:, :, 0]
    axes = {"chain_axis": 0, "draw_axis": 1}
    assert rows[0].mean == pytest.approx(column.mean())
    assert (rows[0].low, rows[0].high) == pytest.approx(tuple(np.quantile(column, [0.05, 0.95])))
    assert rows[0].rhat == pytest.approx(float(array_stats.rhat(column, **axes)))
    assert rows[0].ess_bulk == pytest.approx(float(array_stats.ess(column, **axes)))


def test_the_terminal_cuts_long_arrays_and_the_file_does_not() -> None:
    rows = summarise(posterior_tree(DRAWS, SCHEMAS))
    text = to_text(rows)
    assert "curve[19]" in text
    assert "curve[20]" not in text
    assert "curve: 20 of 30 entries shown" in text
    table = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert len(table) == 34
    assert float(table[0]["mean"]) == rows[0].mean


def test_columns_are_aligned_and_show_the_digits_that_matter() -> None:
    row = Row("a", "a", "param", 2.00012, 1.23e-3, 1.998, 2.0021, 3.4e-5, 812.4, 700.2, 1.0004)
    wide = Row("wide[u, 3]", "wide", "param", 1e5, 2e3, 9.7e4, 1.03e5, 70.0, 812.0, 700.0, 1.0)
    still = Row("k", "k", "output", 3.0, 0.0, 3.0, 3.0, *(math.nan,) * 4)
    assert to_text([row, wide, still]).splitlines() == [
        "               mean       sd       5%      95%   MCSE  ESS bulk  ESS tail  R-hat",
        "a           2.00012  0.00123  1.99800  2.00210  3e-05       812       700  1.000",
        "wide[u, 3]   100000     2000    97000   103000  7e+01       812       700  1.000",
        "k                 3        0        3        3      –         –         –      –",
    ]


@pytest.mark.parametrize(
    "column", [np.full((2, 100), 3.0), np.full((2, 100), np.nan), np.full((2, 100), np.inf)]
)
def test_columns_without_quality_have_none(column: np.ndarray) -> None:
    (row,) = summarise(posterior_tree({"a": column}, {}))
    assert math.isnan(row.rhat)
    assert math.isnan(row.ess_bulk)


@pytest.mark.parametrize("draws", [0, 1, 3])
def test_few_draws_are_no_error(draws: int) -> None:
    rows = summarise(posterior_tree({"a": np.ones((2, draws)) * np.arange(draws)}, {}))
    assert len(rows) == (draws > 0)
    assert to_text(rows)
