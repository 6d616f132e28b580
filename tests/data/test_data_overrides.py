"""`--data`: files, literals, many at once, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import pdflang
from pdflang.data.overrides import parse_overrides
from pdflang.data.tables import Table


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("counts.npy", np.array([1, 2, 3]))
    Path("table.csv").write_text("x,n\n0.5,1\n0.7,2\n")
    Path("column.csv").write_text("1\n2\n")
    Path("all.json").write_text('{"n": [1, 2], "lumi": 11.5, "d": {"x": [1, 2]}, "e": [{"x": 1}, {"x": 2}]}')
    np.savez("all.npz", n=np.array([4, 5]), m=np.eye(2))
    Path("list.json").write_text("[1, 2]")


def test_arrays_and_tables() -> None:
    values = parse_overrides(["n=counts.npy", "d=table.csv", "c=column.csv", "ew.n = counts.npy"])
    assert list(values) == ["n", "d", "c", "ew.n"]
    np.testing.assert_array_equal(values["n"], [1, 2, 3])
    assert isinstance(values["d"], Table) and values["d"].columns["x"].tolist() == [0.5, 0.7]
    np.testing.assert_array_equal(values["c"], [1, 2])


def test_the_only_array_of_a_file_may_be_a_matrix() -> None:
    np.savez("one.npz", m=np.eye(2))
    assert parse_overrides(["m=one.npz"])["m"].shape == (2, 2)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lumi=11430", 11430),
        ("lumi = -1.5e3", -1500.0),
        ("lumi=NaN", np.nan),
        ("lumi=[1, 2, 3]", [1, 2, 3]),
        ("lumi=[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ('lumi="up"', "up"),
        ("lumi=true", True),
        ("lumi=[]", []),
    ],
)
def test_literals(text: str, expected: object) -> None:
    value = parse_overrides([text])["lumi"]
    assert isinstance(value, np.ndarray)
    np.testing.assert_array_equal(value, expected)


def test_a_literal_table() -> None:
    for text in ('d={"x": [1, 2]}', 'd=[{"x": 1}, {"x": 2}]'):
        value = parse_overrides([text])["d"]
        assert isinstance(value, Table) and value.columns["x"].tolist() == [1, 2]


def test_many_at_once_and_the_later_wins() -> None:
    values = parse_overrides(["all.json", "n=[9]"])
    assert list(values) == ["n", "lumi", "d", "e"]
    assert values["n"].tolist() == [9] and values["lumi"] == 11.5  # type: ignore[union-attr]
    assert isinstance(values["d"], Table) and isinstance(values["e"], Table)
    values = parse_overrides(["n=[9]", "all.npz"])
    assert values["n"].tolist() == [4, 5] and values["m"].shape == (2, 2)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("n", "E505", ["`--data n` cannot be read", "NAME=FILE"]),
        ("", "E505", ["cannot be read"]),
        ("n=", "E505", ["`--data n=` cannot be read"]),
        ("n=[1, 2", "E505", ["`--data n=[1, 2` cannot be read", "The reason"]),
        ("2n=counts.npy", "E501", ["`2n=counts.npy`"]),
        ("n=count.npy", "E501", ["no file `count.npy`", "did you mean `counts.npy`?"]),
        ("al.json", "E501", ["did you mean `all.json`"]),
        ("n=[1, [2]]", "E503", ["`--data n` has rows of different lengths"]),
        ('n=[1, "a"]', "E503", ["mixes numbers"]),
        ("n=null", "E503", ["holds null"]),
        ('d={"x": [1], "y": [1, 2]}', "E503", ["columns of different lengths"]),
        ("list.json", "E505", ["does not say which data"]),
        ("counts.npy", "E505", ["does not say which data"]),
        ("n=all.npz", "E503", ["`m` of `all.npz` is no column", "2 × 2"]),
    ],
)
def test_what_cannot_be_read(fails, text: str, code: str, words: list[str]) -> None:
    with fails(code, *words):
        parse_overrides([text])


def test_a_broken_value_among_many(fails) -> None:
    Path("all.json").write_text('{"n": [1, null]}')
    with fails("E503", "`all.json: n` holds null"):
        parse_overrides(["all.json"])


COUNTS = """
data K = 3
data scale = 2
param a[K] ~ Normal(0, 1)
data y = 1
observe y ~ Normal(a[0], scale)
"""


def test_a_number_that_is_no_count_is_replaced_by_any_other() -> None:
    """How it is written says nothing of its type; that brackets read it does."""
    model = pdflang.loads(COUNTS, data={"scale": 2.5})
    expected = stats.norm(0, 1).logpdf([0, 0, 0]).sum() + stats.norm(0, 2.5).logpdf(1)
    assert float(model.log_density({"a": [0.0, 0.0, 0.0]})) == pytest.approx(expected, rel=1e-12)
    assert pdflang.loads(COUNTS, data={"K": 2}).dimension == 2
    with pytest.raises(pdflang.PdflangError, match="a whole number is due"):
        pdflang.loads(COUNTS, data={"K": 2.5})


def test_a_table_that_is_replaced_is_not_looked_at() -> None:
    text = 'data ev = table("table.csv")\nparam m ~ Normal(0, 1)\ndata z = 0.5\nobserve z ~ Normal(m + sum(ev.y), 1)'
    with pytest.raises(pdflang.PdflangError, match="has no column `y`"):
        pdflang.loads(text)
    for given in ({"y": [1, 2]}, Table({"y": np.array([1.0, 2.0])})):
        assert pdflang.loads(text, data={"ev": given}).log_likelihood({"m": 0.0})
    column = 'data y = table("table.csv").y\nparam m ~ Normal(0, 1)\nobserve y ~ Normal(m, 1)'
    assert pdflang.loads(column, data={"y": [1.0]}).log_density({"m": 0.0}).shape == ()


def test_other_data_of_a_table_that_was_replaced_are_asked_for_again() -> None:
    text = 'data ev = table("table.csv")\nparam m ~ Normal(0, 1)\ndata z = 0.5\nobserve z ~ Normal(m + sum(ev.y), 1)'
    model = pdflang.loads(text, data={"ev": {"y": [1, 2]}})
    with pytest.raises(pdflang.PdflangError, match="has no column `y`"):
        model.rebind({})
