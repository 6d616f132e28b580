"""Trees against xarray's: in memory, and in files that it reads."""

from pathlib import Path

import numpy as np
import pytest
import xarray

from pdflang.results.trees import Group, Tree, Variable

LABELS = {"flavour": np.array(["u", "d̄", ""]), "x": np.array([0.1, np.nan])}
VARIABLES = {
    "f": Variable(("flavour", "x"), np.array([[1.0, np.nan], [np.inf, -0.0], [1e-9, 2.0]]), LABELS, {"role": "output"}),
    "n": Variable(("flavour",), np.arange(3), {"flavour": LABELS["flavour"]}, {"bound": 0.5, "mean": np.arange(2.0)}),
    "is_up": Variable(("flavour",), np.array([True, False, True])),
    "depth": Variable(("x",), np.array([3, 4], np.int32), {"x": LABELS["x"]}),
    "note": Variable(("flavour",), np.array(["é", "", "long text"])),
    "total": Variable((), np.array(2.5)),
    "nothing": Variable(("none",), np.zeros(0)),
}
TREE = Tree(
    {"posterior": Group(VARIABLES, LABELS), "a/b": Group({"s": Variable(("event",), np.arange(4.0))})},
    {"method": "nuts", "seed": 7, "counts": np.array([1, 2]), "error": 0.25},
)


def read(tree: Tree, path: Path) -> xarray.DataTree:
    tree.write(path)
    with xarray.open_datatree(path, engine="h5netcdf") as found:
        return found.load()


def test_a_file_is_what_xarray_writes_of_the_same(tmp_path):
    TREE.to_xarray().to_netcdf(tmp_path / "theirs.nc", engine="h5netcdf")
    with xarray.open_datatree(tmp_path / "theirs.nc", engine="h5netcdf") as theirs:
        ours = read(TREE, tmp_path / "ours.nc")
        xarray.testing.assert_identical(ours, theirs.load())
    for name, variable in VARIABLES.items():
        again = ours["posterior"][name]
        assert again.dtype.kind == variable.values.dtype.kind or again.dtype.kind == "O"
        np.testing.assert_array_equal(again.values, variable.values)


def test_there_and_back(tmp_path):
    again = Tree.of(read(TREE, tmp_path / "once.nc"))
    xarray.testing.assert_identical(again.to_xarray(), read(again, tmp_path / "twice.nc"))
    assert again["posterior"]["n"].attrs["bound"] == 0.5
    assert again["posterior"].sizes == TREE["posterior"].sizes
    assert (tmp_path / "once.nc").read_bytes() == (tmp_path / "twice.nc").read_bytes()


@pytest.mark.parametrize("order", [("x", "flavour"), ("x", ...), (..., "flavour"), (...,)])
def test_transposed(order):
    ours, theirs = VARIABLES["f"].transpose(*order), TREE.to_xarray()["posterior"]["f"].transpose(*order)
    np.testing.assert_array_equal(ours, theirs)


def test_other_labels():
    group = TREE["posterior"].with_labels({"x": np.array([5.0, 6.0])})
    for coords in (group.coords, group["f"].coords, group["depth"].coords):
        assert coords["x"].tolist() == [5, 6]
    assert "x" not in group["n"].coords and TREE["posterior"]["depth"].coords["x"][0] == 0.1
