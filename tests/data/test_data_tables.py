"""Tables and arrays out of every kind of file, and what is said about broken ones."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pdflang
from pdflang.data.context import DataContext
from pdflang.data.tables import Table, read_array, read_columns, read_table

COLUMNS = {
    "x": np.array([0.1, 0.2]),
    "n": np.array([1, 2]),
    "ok": np.array([True, False]),
    "s": np.array(["a", "b"]),
}


def write(path: Path, columns: dict[str, np.ndarray]) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **columns)  # type: ignore[arg-type]
    elif path.suffix == ".npy":
        kinds = [(name, column.dtype) for name, column in columns.items()]
        np.save(path, np.array(list(zip(*columns.values(), strict=True)), dtype=kinds))
    elif path.suffix == ".json":
        path.write_text(json.dumps({name: column.tolist() for name, column in columns.items()}))
    elif path.suffix == ".csv":
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        path.write_text("\n".join(",".join(map(str, row)) for row in [columns, *rows]) + "\n")
    else:
        import h5py

        with h5py.File(path, "w") as file:
            for name, column in columns.items():
                file[name] = column.tolist() if column.dtype.kind == "U" else column
            file.create_group("group")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".npy", ".json", ".h5", ".hdf5", ".CSV"])
def test_every_kind_of_file(tmp_path: Path, context: DataContext, suffix: str) -> None:
    path = write(tmp_path / f"d{suffix.lower()}", COLUMNS).rename(tmp_path / f"e{suffix}")
    assert sorted(read_columns(path, context)) == sorted(COLUMNS)
    table = read_table(path, context)
    assert table.rows == 2
    for name, column in COLUMNS.items():
        assert table.columns[name].dtype.kind == column.dtype.kind
        np.testing.assert_array_equal(table.columns[name], column)


def test_a_selection_of_rows() -> None:
    table = Table(COLUMNS, "d.csv").select(np.array([False, True]))
    assert table.rows == 1 and table.columns["s"][0] == "b" and Table({}).rows == 0


def test_small_kinds_become_the_wide_ones(tmp_path: Path, context: DataContext) -> None:
    columns = {
        "f": np.array([1, 2], np.float32),
        "u": np.array([1, 2], np.uint8),
        "b": np.array([b"a", b"b"]),
        "big": np.array([2**63, 1], np.uint64),
    }
    found = read_table(write(tmp_path / "d.npz", columns), context).columns
    assert [found[name].dtype.kind for name in columns] == ["f", "i", "U", "f"]
    assert found["f"].dtype == np.float64 and found["u"].dtype == np.int64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeffx,y\r\n1,2.5\r\n3,4\r\n", {"x": [1, 3], "y": [2.5, 4.0]}),
        ("# made by hand\n\nx , y\n# more\n1,2\n\n  \n3,4\n", {"x": [1, 3], "y": [2, 4]}),
        ('x,name\n1,"a, b"\n2,"say ""hi"""\n', {"x": [1, 2], "name": ["a, b", 'say "hi"']}),
        ('"x","y"\n"1","2"\n', {"x": [1], "y": [2]}),
        ("x\n1\n2.5\n", {"x": [1.0, 2.5]}),
        ("x,y\nnan,1e-3\n-inf,+4\n", {"x": [np.nan, -np.inf], "y": [1e-3, 4.0]}),
        ("x\n9223372036854775808\n1\n", {"x": [2.0**63, 1.0]}),
        ("x,ok\n9223372036854775808,true\n1,False\n", {"x": [2.0**63, 1.0], "ok": [True, False]}),
        ("x\n1_0\n", {"x": ["1_0"]}),
        ("x,y\n", {"x": [], "y": []}),
        ("x,s\n1,a\n,b\n", {"x": ["1", ""], "s": ["a", "b"]}),
        ("x,y\r1,2\r3,4\r", {"x": [1, 3], "y": [2, 4]}),
    ],
)
def test_csv(tmp_path: Path, context: DataContext, text: str, expected: dict[str, list[object]]) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(text.encode())
    assert read_columns(path, context) == tuple(expected)
    found = read_table(path, context).columns
    for name, column in expected.items():
        np.testing.assert_array_equal(found[name], column)
        assert found[name].dtype.kind == np.array(column).dtype.kind


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["is empty", "names the columns"]),
        (b"# only this\n", ["is empty"]),
        (b"x,y\n1,2\n3\n", ["has 1 field in line 3", "has 2"]),
        (b"x,y\n# note\n\n1,2,3\n", ["has 3 fields in line 4"]),
        (b"x,,y\n1,2,3\n", ["no name for column 2"]),
        (b"x,x\n1,2\n", ["two columns called `x`"]),
        (b"1,2\n3,4\n", ["no names for its columns", "header row"]),
        (b"\xff\xfe\x00\n", ["not comma-separated text in UTF-8"]),
        (b"x,y\n1,\xff\n", ["not comma-separated text in UTF-8"]),
    ],
)
def test_broken_csv(tmp_path: Path, context: DataContext, fails, content: bytes, words: list[str]) -> None:
    (tmp_path / "d.csv").write_bytes(content)
    with fails("E503", "`d.csv`", *words):
        read_table(tmp_path / "d.csv", context)


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".json", ".h5"])
def test_a_damaged_file(tmp_path: Path, context: DataContext, fails, suffix: str) -> None:
    path = tmp_path / f"d{suffix}"
    for content in (b"", b"not what the name says", b"PK\x03\x04 rubbish", b"\x93NUMPY\x09\x00v\x00{'descr'"):
        path.write_bytes(content)
        with fails("E503", f"`d{suffix}`"):
            read_table(path, context)
        with fails("E503", f"`d{suffix}`"):
            read_columns(path, context)


def test_python_objects_are_not_unpickled(tmp_path: Path, context: DataContext, fails) -> None:
    np.save(tmp_path / "d.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    for read in (read_array, read_columns):
        with fails("E503", "does not unpickle"):
            read(tmp_path / "d.npy", context)
    np.savez(tmp_path / "d.npz", y=np.array([{"a": 1}], dtype=object))
    with fails("E503", "does not unpickle"):
        read_table(tmp_path / "d.npz", context)
    (tmp_path / "e.npy").write_bytes(pickle.dumps([1, 2]))
    with fails("E503"):
        read_array(tmp_path / "e.npy", context)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", ["is not JSON"]),
        ('{"x": [1], "x": [2]}', ["the key `x` is there twice"]),
        ("[" * 100_000, ["is not JSON"]),
        ('{"x": [1, "a"]}', ["`x` of `d.json` mixes"]),
        ('{"x": [1, true]}', ["mixes"]),
        ('{"x": [1, null]}', ["holds null"]),
        ('{"x": [1, {}]}', ["holds an object"]),
        ('{"x": [[1], [1, 2]]}', ["rows of different lengths"]),
        ('{"x": [1], "y": [1, 2]}', ["columns of different lengths", "1 in `x`, 2 in `y`"]),
        ('{"x": 1}', ["`x` of `d.json` is no column", "a single number"]),
        ('{"x": [[1, 2]]}', ["is no column", "1 × 2"]),
        ('[{"x": 1}, {"y": 1}]', ["record 2", "has the keys y", "first record has x"]),
        ("[1, 2]", ["no names for its columns"]),
        ("{}", ["no names for its columns"]),
    ],
)
def test_broken_json(tmp_path: Path, context: DataContext, fails, content: str, words: list[str]) -> None:
    (tmp_path / "d.json").write_text(content)
    with fails("E503", *words):
        read_table(tmp_path / "d.json", context)


def test_records_are_a_table(tmp_path: Path, context: DataContext) -> None:
    (tmp_path / "d.json").write_text('[{"x": 1, "s": "a"}, {"s": "b", "x": 2}]')
    found = read_table(tmp_path / "d.json", context).columns
    assert found["x"].tolist() == [1, 2] and found["s"].tolist() == ["a", "b"]


def test_kinds_that_are_no_data(tmp_path: Path, context: DataContext, fails) -> None:
    np.savez(tmp_path / "c.npz", z=np.array([1j]))
    with fails("E503", "`z` of `c.npz`", "complex128"):
        read_table(tmp_path / "c.npz", context)
    np.savez(tmp_path / "b.npz", z=np.array([b"\xff"]))
    with fails("E503", "not UTF-8"):
        read_table(tmp_path / "b.npz", context)


def test_an_unknown_kind_of_file(tmp_path: Path, context: DataContext, fails) -> None:
    (tmp_path / "d.root").write_text("")
    for read in (read_table, read_array, read_columns):
        with fails("E504", "`d.root` is not known", ".csv", ".npz"):
            read(tmp_path / "d.root", context)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("n.csv", "n\n1\n2\n", [1, 2]),
        ("n.csv", "1\n2\n", [1, 2]),
        ("n.csv", "1,2.5\n3,4\n", [[1, 2.5], [3, 4]]),
        ("n.txt", "# counts\n1 2\n3 4  # last\n", [[1, 2], [3, 4]]),
        ("n.txt", "", []),
        ("n.json", "[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("n.json", "3.5", 3.5),
        ("n.json", '{"n": [1, 2]}', [1, 2]),
    ],
)
def test_one_array(tmp_path: Path, context: DataContext, name: str, text: str, expected: object) -> None:
    (tmp_path / name).write_text(text)
    np.testing.assert_array_equal(read_array(tmp_path / name, context), expected)


def test_arrays_of_numpy_and_hdf5(tmp_path: Path, context: DataContext) -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "m.npy", matrix)
    np.savez(tmp_path / "m.npz", matrix=matrix)
    write(tmp_path / "m.h5", {"matrix": matrix})
    for suffix in ("npy", "npz", "h5"):
        np.testing.assert_array_equal(read_array(tmp_path / f"m.{suffix}", context), matrix)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("d.csv", "x,y\n1,2\n", ["holds 2 arrays: x, y", 'name one: table("d.csv").x']),
        ("d.csv", "1\na\n", ["starts with numbers and has text", "header row"]),
        ("d.json", "{}", ["holds no array"]),
        ("d.txt", "a b\n", ["does not hold numbers only", ".csv"]),
        ("d.txt", "1 2\n3\n", ["does not hold numbers only"]),
    ],
)
def test_no_one_array(
    tmp_path: Path, context: DataContext, fails, name: str, text: str, words: list[str]
) -> None:
    (tmp_path / name).write_text(text)
    with fails("E503", *words):
        read_array(tmp_path / name, context)


def test_a_text_file_has_no_columns(tmp_path: Path, context: DataContext, fails) -> None:
    (tmp_path / "d.txt").write_text("1 2\n")
    with fails("E503", "no names for its columns", "save the columns by name"):
        read_columns(tmp_path / "d.txt", context)


def test_hdf5_without_its_package(tmp_path: Path, context: DataContext, fails, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with fails("E503", "pip install h5py"):
        read_table(tmp_path / "d.h5", context)


def test_hdf5_does_not_lead_out_of_the_folder(tmp_path: Path, context: DataContext) -> None:
    import h5py

    write(tmp_path / "secret.h5", {"x": np.arange(3.0)})
    (tmp_path / "secret.bin").write_bytes(np.arange(3.0).tobytes())
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["own"] = np.arange(3.0)
        file["link"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")
        file["soft"] = h5py.SoftLink("/own")
        layout = h5py.VirtualLayout((3,), dtype=float)
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "x", (3,))
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("block", (3,), float, external=[(str(tmp_path / "secret.bin"), 0, 24)])
    assert read_columns(tmp_path / "d.h5", context) == ("own",)
    assert list(read_table(tmp_path / "d.h5", context).columns) == ["own"]


def test_numpy_is_imported_late() -> None:
    names = "checks commondata context fktable formats matrix_checks overrides paths tables values"
    imports = "; ".join(f"import pdflang.data.{name}" for name in names.split())
    program = (
        f"import sys; {imports}; print([m for m in ('numpy', 'yaml', 'h5py', 'jax') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_one_column_is_read_beside_arrays_of_other_shapes(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", C=np.eye(3), y=np.arange(3.0), z=np.arange(5.0))
    text = 'data C[i, i] = table("d.npz").C\ndata y[i] = table("d.npz").y\nparam m ~ Normal(0, 1)\n'
    (tmp_path / "model.pdfm").write_text(text + "observe y ~ MvNormal(m for k in i, cov = C)\n")
    arrays = pdflang.load(tmp_path / "model.pdfm").bound.arrays
    np.testing.assert_array_equal(arrays["y"], np.arange(3.0))
    np.testing.assert_array_equal(arrays["C"], np.eye(3))
