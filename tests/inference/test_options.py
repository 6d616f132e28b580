"""Options: what the command line reads from them, and values that are refused."""

from __future__ import annotations

from dataclasses import fields

import pytest

from pdflang.diagnostics import PdflangError
from pdflang.inference import MapOptions, NutsOptions


@pytest.mark.parametrize("options", [NutsOptions, MapOptions])
def test_every_option_has_help_and_a_default_in_range(options: type) -> None:
    options()
    assert all(option.metadata["help"] for option in fields(options))


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("chains", 0, "at least 1"),
        ("warmup", 5, "at least 20"),
        ("draws", 1.5, "a whole number"),
        ("draws", True, "a whole number"),
        ("chains", None, "a value"),
        ("seed", -1, "at least 0"),
        ("seed", 2**32, "below 4294967296"),
        ("target_acceptance", 1.0, "below 1"),
        ("target_acceptance", float("nan"), "above 0"),
        ("target_acceptance", "high", "a number"),
        ("max_tree_depth", 21, "at most 20"),
        ("metric", "full", "one of auto, dense, low-rank, diagonal"),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: object, wanted: str) -> None:
    with pytest.raises(PdflangError) as caught:
        NutsOptions(**{name: value})
    first = caught.value.diagnostics[0]
    assert first.code == "E620"
    assert f"`{name}` must be {wanted}" in first.message


def test_all_wrong_values_are_listed_together() -> None:
    with pytest.raises(PdflangError) as caught:
        MapOptions(starts=0, tolerance=-1.0)
    assert len(caught.value.diagnostics) == 2


def test_the_metric_is_dense_where_it_pays() -> None:
    assert NutsOptions().metric_of(200) == "dense"
    assert NutsOptions().metric_of(201) == "low-rank"
    assert NutsOptions().metric_of(5001) == "diagonal"
    assert NutsOptions(metric="dense").metric_of(201) == "dense"
    assert NutsOptions(metric="diagonal").metric_of(2) == "diagonal"
