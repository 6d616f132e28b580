"""A run goes on in a folder only where everything that its results depend on is the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pdflang.diagnostics import PdflangError
from pdflang.results import RunFolder, provenance
from pdflang.results.continuation import continued


def record(**changed: Any) -> dict[str, Any]:
    settings = {
        "method": "calibrate",
        "sources": {"model.pdfm": "param a ~ Normal(0, 1)"},
        "data": {"y": np.zeros(3)},
        "seed": 1,
        "options": {"fits": 10, "thin": 5, "sizes": {}},
        "notes": {},
    }
    return provenance(started=datetime.now(UTC), **{**settings, **changed})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    RunFolder(tmp_path).write_provenance(record())
    return tmp_path


def test_the_same_run_goes_on(folder: Path) -> None:
    assert continued(folder, record())
    assert continued(folder, record(options={"fits": 20, "thin": 5, "sizes": {}}), may_change=("fits",))


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({"sources": {"model.pdfm": "param a ~ Normal(0, 2)"}}, "there, the file `model.pdfm` was another"),
        ({"sources": {"model.pdfm": "param a ~ Normal(0, 1)", "b.pdfm": ""}}, "there, the file `b.pdfm` was another"),
        ({"data": {"y": np.ones(3)}}, "there, the data `y` was another"),
        ({"data": {}}, "there, the data `y` was another"),
        ({"seed": 2}, "there, `seed` was 1, not 2"),
        ({"options": {"fits": 10, "thin": 4, "sizes": {}}}, "there, `thin` was 5, not 4"),
        ({"options": {"fits": 10, "thin": 5, "sizes": {"N": 3}}}, "there, `sizes` was not given, not N=3"),
        ({"notes": {"simulator": "other"}}, "there, what was noted of `simulator` was another"),
    ],
)
def test_another_run_is_an_error_that_says_what_is_different(folder: Path, changed: dict[str, Any], note: str) -> None:
    with pytest.raises(PdflangError) as caught:
        continued(folder, record(**changed), may_change=("threads",))
    (found,) = caught.value.diagnostics
    assert (found.code, found.notes) == ("E621", (note,))


def test_where_there_is_no_such_run_a_new_one_begins(folder: Path, tmp_path: Path) -> None:
    assert not continued(folder, record(method="sample"))
    assert not continued(tmp_path / "nowhere", record())
