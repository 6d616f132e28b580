"""The commondata format: names, variants, conventions, the covariance, and every way to be malformed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pdflang.data.commondata import CommonData, commondata_columns, installed_collection, read_commondata
from pdflang.data.context import DataContext

Files = dict[str, Any]


def make_set(values: list[float], sources: dict[str, tuple[str, str, list[float]]]) -> Files:
    """The files of one data set with an observable F2: its values, and treatment, type, sizes by source."""
    rows = len(values)
    middles = [{"x": {"min": None, "mid": 0.1 * (i + 1), "max": None}} for i in range(rows)]
    bins = [{name: sizes[i] for name, (_, _, sizes) in sources.items()} for i in range(rows)]
    for row in middles:
        row["Q2"] = {"min": 4.0, "mid": None, "max": 6.0}  # type: ignore[dict-item]
    return {
        "metadata.yaml": {
            "setname": "EXP_NC",
            "implemented_observables": [
                {
                    "observable_name": "F2",
                    "ndata": rows,
                    "kinematics": {"variables": {"x": {}, "Q2": {}}, "file": "kin.yaml"},
                    "data_central": "data.yaml",
                    "data_uncertainties": ["errors.yaml"],
                    "variants": {
                        "shifted": {"data_central": "shifted.yaml"},
                        "bare": {"data_uncertainties": []},
                    },
                }
            ],
        },
        "data.yaml": {"data_central": values},
        "shifted.yaml": {"data_central": [value + 1 for value in values]},
        "kin.yaml": {"bins": middles},
        "errors.yaml": {
            "definitions": {
                name: {"treatment": treatment, "type": kind} for name, (treatment, kind, _) in sources.items()
            },
            "bins": bins,
        },
    }


def write_set(root: Path, files: Files, folder: str = "EXP_NC") -> None:
    (root / folder).mkdir(exist_ok=True)
    for name, content in files.items():
        (root / folder / name).write_text(
            content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        )


SOURCES = {
    "stat": ("ADD", "UNCORR", [0.1, 0.2]),
    "theory": ("ADD", "THEORYUNCORR", [0.3, 0.1]),
    "calibration": ("MULT", "CORR", [0.2, -0.4]),
    "nuclear": ("ADD", "THEORYCORR", [0.05, 0.06]),
    "luminosity": ("MULT", "LUMI", [0.1, 0.3]),
    "ignored": ("ADD", "SKIP", [9.0, 9.0]),
}
OTHER = {
    "stat": ("ADD", "UNCORR", [0.5]),
    "lumi": ("MULT", "LUMI", [0.7]),
    "calibration": ("MULT", "CORR", [0.9]),
}


@pytest.fixture
def files() -> Files:
    return make_set([2.0, 4.0], SOURCES)


def observable(files: Files) -> dict[str, Any]:
    found: dict[str, Any] = files["metadata.yaml"]["implemented_observables"][0]
    return found


def read(root: Path, context: DataContext, *names: str, variant: str | None = None) -> CommonData:
    return read_commondata(names or ("EXP_NC_F2",), variant, [root], context)


def test_numbers(tmp_path: Path, context: DataContext, files: Files) -> None:
    write_set(tmp_path, files)
    data = read(tmp_path, context)
    assert data.rows == 2 and data.central.tolist() == [2, 4]
    assert commondata_columns(["EXP_NC_F2"], [tmp_path], context) == ("x", "Q2", "W2")
    np.testing.assert_allclose(data.kinematics["Q2"], 5.0)
    np.testing.assert_allclose(
        data.kinematics["W2"], 0.938272**2 + 5 * (1 - np.array([0.1, 0.2])) / [0.1, 0.2]
    )
    assert [source.name for source in data.sources] == [name for name in SOURCES if name != "ignored"]


def test_covariance_by_hand(tmp_path: Path, context: DataContext, files: Files) -> None:
    """Two sets: a special name runs through both, CORR stays inside, SKIP counts nowhere."""
    write_set(tmp_path, files)
    write_set(tmp_path, make_set([5.0], OTHER), "OTHER_NC")
    data = read(tmp_path, context, "EXP_NC_F2", "OTHER_NC_F2")

    def by_hand(scale: list[float]) -> np.ndarray:
        calibration = np.array([0.2 * scale[0], -0.4 * scale[1], 0])
        nuclear = np.array([0.05, 0.06, 0])
        luminosity = np.array([0.1, 0.3, 0.7]) * scale
        other = np.array([0, 0, 0.9 * scale[2]])
        uncorrelated = np.diag([0.1**2 + 0.3**2, 0.2**2 + 0.1**2, 0.5**2])
        return uncorrelated + sum(np.outer(v, v) for v in (calibration, nuclear, luminosity, other))

    np.testing.assert_allclose(data.covariance(), by_hand([1, 1, 1]), rtol=1e-14)
    np.testing.assert_allclose(
        data.covariance(np.array([3.0, 2.0, 10.0])), by_hand([1.5, 0.5, 2.0]), rtol=1e-14
    )


def test_a_selection_keeps_names_and_covariance(tmp_path: Path, context: DataContext, files: Files) -> None:
    write_set(tmp_path, files)
    write_set(tmp_path, make_set([5.0], OTHER), "OTHER_NC")
    data = read(tmp_path, context, "EXP_NC_F2", "OTHER_NC_F2")
    mask = np.array([False, True, True])
    kept = data.select(mask)
    np.testing.assert_array_equal(kept.covariance(), data.covariance()[np.ix_(mask, mask)])
    assert [kept.row_name(i) for i in (0, 1)] == ["row 2 of EXP_NC_F2", "row 1 of OTHER_NC_F2"]
    assert kept.rows_of("OTHER_NC_F2").tolist() == [1] and kept.kinematics["x"].tolist() == [0.2, 0.1]
    assert data.select(np.zeros(3, dtype=bool)).covariance().shape == (0, 0)


def test_weights_divide_by_the_roots_of_both(tmp_path: Path, context: DataContext, files: Files) -> None:
    write_set(tmp_path, files)
    write_set(tmp_path, make_set([5.0], OTHER), "OTHER_NC")
    data = read(tmp_path, context, "EXP_NC_F2", "OTHER_NC_F2")
    weighted, root = data.weighted([4, 9]), np.array([2, 2, 3])
    assert weighted.weight_of == {"EXP_NC_F2": 4, "OTHER_NC_F2": 9}
    for reference in (None, np.array([3.0, 2.0, 10.0])):
        expected = data.covariance(reference) / np.outer(root, root)
        np.testing.assert_allclose(weighted.covariance(reference), expected, rtol=1e-14)
        assert expected[0, 2] != 0
    mask = np.array([False, True, True])
    np.testing.assert_array_equal(weighted.select(mask).covariance(), weighted.covariance()[np.ix_(mask, mask)])


def test_names_of_what_is_correlated(tmp_path: Path, context: DataContext, files: Files) -> None:
    """In the order of the vectors; two files of a set may use one name."""
    files["more.yaml"] = {
        "definitions": {"calibration": {"treatment": "ADD", "type": "CORR"}},
        "bins": [{"calibration": 0.6}, {"calibration": 0.8}],
    }
    observable(files)["data_uncertainties"].append("more.yaml")
    write_set(tmp_path, files)
    write_set(tmp_path, make_set([5.0], OTHER), "OTHER_NC")
    data = read(tmp_path, context, "EXP_NC_F2", "OTHER_NC_F2")
    assert data.correlated_names == (
        "EXP_NC_F2: calibration", "EXP_NC_F2: nuclear", "LUMI", "EXP_NC_F2: calibration (2)",
        "OTHER_NC_F2: calibration",
    )  # fmt: skip
    parts = data.systematics()
    vectors = parts["correlated_absolute"] + parts["correlated_relative"] * data.central[:, None]
    expected = np.array([[0.2, -0.4, 0], [0.05, 0.06, 0], [0.1, 0.3, 0.7], [0.6, 0.8, 0], [0, 0, 0.9]]).T
    np.testing.assert_allclose(vectors, expected, rtol=1e-14)


def test_a_special_name_of_several_sources(tmp_path: Path, context: DataContext, fails) -> None:
    """The first of one set is the first of the other, and so on; so each set has as many."""
    once = {"stat": ("ADD", "UNCORR", [1.0]), "a": ("ADD", "SCALES", [2.0])}
    twice = {**once, "b": ("ADD", "SCALES", [3.0])}
    write_set(tmp_path, make_set([1.0], twice), "EXP_NC")
    write_set(tmp_path, make_set([1.0], twice), "OTHER_NC")
    write_set(tmp_path, make_set([1.0], once), "THIRD_NC")
    data = read(tmp_path, context, "EXP_NC_F2", "OTHER_NC_F2")
    assert data.correlated_names == ("SCALES", "SCALES (2)")
    np.testing.assert_allclose(data.covariance(), [[14, 13], [13, 14]], rtol=1e-14)
    with fails("E513", "`EXP_NC_F2` has 2 sources of the type `SCALES`, `THIRD_NC_F2` 1"):
        read(tmp_path, context, "EXP_NC_F2", "THIRD_NC_F2")


def test_other_names_of_errors_count_by_their_place(tmp_path: Path, context: DataContext, files: Files, fails) -> None:
    """As in several files of NNPDF's collection, whose reader goes by places alone."""
    write_set(tmp_path, files)
    expected = read(tmp_path, context).covariance()
    bins = files["errors.yaml"]["bins"]

    def renamed(*names: str) -> list[dict[str, float]]:
        return [{(f"{n} of 15" if n in names else n): v for n, v in row.items()} for row in bins]

    for written in (
        renamed("luminosity"),
        renamed("luminosity", "calibration"),
        # One alone is told by the others, wherever it stands.
        [dict(reversed(row.items())) for row in renamed("luminosity")],
        [dict(reversed(row.items())) for row in bins],
    ):
        files["errors.yaml"]["bins"] = written
        write_set(tmp_path, files)
        np.testing.assert_array_equal(read(tmp_path, context).covariance(), expected)
    files["errors.yaml"]["bins"] = [dict(reversed(row.items())) for row in renamed("luminosity", "calibration")]
    write_set(tmp_path, files)
    with fails("E513", "`bins[0].luminosity of 15`", "has no definition"):
        read(tmp_path, context)


def test_without_correlated_sources(tmp_path: Path, context: DataContext) -> None:
    write_set(tmp_path, make_set([1.0, 2.0], {"stat": ("ADD", "UNCORR", [3.0, 4.0])}))
    assert read(tmp_path, context).covariance().tolist() == [[9, 0], [0, 16]]


def test_variants(tmp_path: Path, context: DataContext, files: Files, fails) -> None:
    write_set(tmp_path, files)
    assert read(tmp_path, context, variant="shifted").central.tolist() == [3, 5]
    with fails("E512", "no variant `shiftd`", "`shifted`, `bare`", "did you mean `shifted`?"):
        read(tmp_path, context, variant="shiftd")
    with fails("E512", "no uncertainties in its variant `bare`", 'variant = "shifted"'):
        read(tmp_path, context, variant="bare")
    observable(files).update(data_uncertainties=[], variants=None)
    write_set(tmp_path, files)
    with fails("E512", "no uncertainties without a variant"):
        read(tmp_path, context)
    with fails("E512", "no variant `shifted`", "Its variants: none"):
        read(tmp_path, context, variant="shifted")


def test_names(tmp_path: Path, context: DataContext, files: Files, fails) -> None:
    write_set(tmp_path, files)
    with fails("E512", "no observable `F3`", "Its observables: `F2`"):
        read(tmp_path, context, "EXP_NC_F3")
    with fails("E512", "no observable `f2`", "did you mean `EXP_NC_F2`?"):
        read(tmp_path, context, "EXP_NC_f2")
    with fails("E512", "no data set `EXP_CC_F2`", "did you mean `EXP_NC_F2`?", "Looked in"):
        read(tmp_path, context, "EXP_CC_F2")
    with fails("E512", "no data set `../EXP_NC_F2`", "nnpdf-data"):
        read(tmp_path / "sub", context, "../EXP_NC_F2")
    with fails("E512", "is named twice"):
        read(tmp_path, context, "EXP_NC_F2", "EXP_NC_F2")
    with fails("E512", "no data set is named"):
        read_commondata([], None, [tmp_path], context)
    write_set(tmp_path, {"metadata.yaml": "]"}, "BAD_NC")
    with fails("E512", "no data set `BADD_NC_F2`"):
        read(tmp_path, context, "BADD_NC_F2")


def test_the_longest_folder_and_the_first_collection(
    tmp_path: Path, context: DataContext, files: Files
) -> None:
    write_set(tmp_path, files)
    observable(files)["observable_name"] = "P_F2"
    write_set(tmp_path, files)
    write_set(tmp_path, make_set([7.0], {"stat": ("ADD", "UNCORR", [1.0])}), "EXP_NC_P")
    assert read(tmp_path, context, "EXP_NC_P_F2").central.tolist() == [7]
    (tmp_path / "first").mkdir()
    write_set(tmp_path / "first", make_set([8.0], {"stat": ("ADD", "UNCORR", [1.0])}), "EXP_NC_P")
    found = read_commondata(["EXP_NC_P_F2"], None, [tmp_path / "first", tmp_path], context)
    assert found.central.tolist() == [8]


def test_files_stay_inside(tmp_path: Path, context: DataContext, files: Files, fails) -> None:
    root = tmp_path / "model"
    root.mkdir()
    (tmp_path / "outside.yaml").write_text("data_central: [1, 2]")
    observable(files)["data_central"] = "../../outside.yaml"
    write_set(root, files)
    with fails("E513", "implemented_observables[0].data_central", "leaves the folder"):
        read(root, context)
    write_set(tmp_path, files, "REAL_NC")
    (root / "LINK_NC").symlink_to(tmp_path / "REAL_NC")
    with fails("E512", "no data set `LINK_NC_F2`"):
        read(root, context, "LINK_NC_F2")


Change = Callable[[Files], Any]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.update({"metadata.yaml": "a: [1"}), ["`EXP_NC/metadata.yaml` is not YAML"]),
        (lambda f: f.update({"metadata.yaml": "[" * 20_000}), ["is not YAML"]),
        # Tags mean nothing.
        (lambda f: f.update({"metadata.yaml": "a: !!python/name:os.system"}), ["has no key `implemented_observables`"]),
        (
            lambda f: f.update({"metadata.yaml": "just text"}),
            ["is `just text`", "implemented_observables"],
        ),
        (lambda f: f.update({"metadata.yaml": ""}), ["metadata.yaml` is empty"]),
        (lambda f: f.update({"metadata.yaml": {}}), ["has no key `implemented_observables`"]),
        (
            lambda f: f.update({"metadata.yaml": {"implemented_observables": 3}}),
            ["`implemented_observables` of `EXP_NC/metadata.yaml` is `3`", "the list of observables"],
        ),
        (
            lambda f: observable(f).pop("observable_name"),
            ["`implemented_observables[0]`", "no key `observable_name`"],
        ),
        (lambda f: observable(f).pop("ndata"), ["no key `ndata`"]),
        (lambda f: observable(f).update(ndata="two"), ["ndata", "`two`", "a whole number"]),
        (lambda f: observable(f).update(ndata=3), ["`data_central` of", "has 2 entries", "`ndata` is 3"]),
        (lambda f: observable(f).pop("data_central"), ["`EXP_NC_F2` has no measured values", "factor"]),
        (
            lambda f: observable(f).update(data_central=3),
            ["the file `3`, which is not there"],
        ),
        (lambda f: observable(f).update(data_central="d.yaml"), ["the file `d.yaml`, which is not there"]),
        (lambda f: observable(f).pop("kinematics"), ["no key `kinematics`"]),
        (lambda f: observable(f)["kinematics"].pop("file"), ["no key `file`"]),
        (lambda f: observable(f)["kinematics"].pop("variables"), ["no key `variables`"]),
        (lambda f: observable(f)["kinematics"].update(variables=["x"]), ["variables", "is a list"]),
        (lambda f: observable(f).update(variants=["a"], data_uncertainties=[]), ["variants", "is a list"]),
        (lambda f: f.update({"data.yaml": "x: 1"}), ["`EXP_NC/data.yaml`", "no key `data_central`"]),
        (lambda f: f["data.yaml"].update(data_central=[1]), ["has 1 entry", "`ndata` is 2"]),
        (lambda f: f["data.yaml"].update(data_central=[1, "a"]), ["`data_central[1]`", "is `a`"]),
        (lambda f: f["data.yaml"].update(data_central=[1, True]), ["`data_central[1]`", "is `true`"]),
        (lambda f: f["data.yaml"].update(data_central=[1, {}]), ["`data_central[1]`", "a mapping"]),
        (
            lambda f: f["data.yaml"].update(data_central=[1, float("nan")]),
            ["`data_central[1]`", "not finite: nan"],
        ),
        (lambda f: f["kin.yaml"]["bins"].pop(), ["`bins` of `EXP_NC/kin.yaml` has 1 entry"]),
        (lambda f: f["kin.yaml"]["bins"][1].pop("x"), ["`bins[1]`", "no key `x`", "every variable"]),
        (lambda f: f["kin.yaml"]["bins"].__setitem__(0, 3), ["`bins[0]`", "is `3`"]),
        (lambda f: f["kin.yaml"]["bins"][1].update(x=0.5), ["`bins[1].x`", "is `0.5`", "`mid`"]),
        (lambda f: f["kin.yaml"]["bins"][1]["Q2"].pop("max"), ["`bins[1].Q2`", "no key `max`"]),
        (lambda f: f["kin.yaml"]["bins"][1]["Q2"].update(max=None), ["`bins[1].Q2.max`", "is null"]),
        (lambda f: f["kin.yaml"]["bins"][0]["x"].update(mid="low"), ["`bins[0].x.mid`", "`low`"]),
        (lambda f: f["errors.yaml"].pop("definitions"), ["no key `definitions`"]),
        (lambda f: f["errors.yaml"].update(definitions=[1]), ["`definitions`", "is a list"]),
        (
            lambda f: f["errors.yaml"]["definitions"]["stat"].update(treatment="REL"),
            ["`definitions.stat.treatment`", "'REL'", "ADD (absolute) or MULT"],
        ),
        (lambda f: f["errors.yaml"]["definitions"]["stat"].pop("treatment"), ["no key `treatment`"]),
        (lambda f: f["errors.yaml"]["definitions"]["stat"].pop("type"), ["no key `type`", "UNCORR"]),
        (
            lambda f: f["errors.yaml"]["definitions"]["stat"].update(type=[3]),
            ["`definitions.stat.type`", "is a list"],
        ),
        (lambda f: f["errors.yaml"]["bins"].pop(), ["`bins` of `EXP_NC/errors.yaml` has 1 entry"]),
        (lambda f: f["errors.yaml"]["bins"][1].pop("stat"), ["`bins[1]`", "no key `stat`", "every source"]),
        (lambda f: f["errors.yaml"]["bins"][1].update(new=1), ["`bins[1].new`", "has no definition"]),
        (lambda f: f["errors.yaml"]["bins"][1].update(stat=None), ["`bins[1].stat`", "is null"]),
        (lambda f: f["errors.yaml"]["bins"].__setitem__(1, [1]), ["`bins[1]`", "is a list"]),
    ],
)
def test_malformed(
    tmp_path: Path, context: DataContext, files: Files, fails, change: Change, words: list[str]
) -> None:
    change(files)
    write_set(tmp_path, files)
    with fails("E513", *words):
        read(tmp_path, context)


def test_numbers_that_yaml_takes_for_text(tmp_path: Path, context: DataContext, files: Files) -> None:
    files["data.yaml"] = "data_central: [1e-5, 2E+3]"
    write_set(tmp_path, files)
    assert read(tmp_path, context).central.tolist() == [1e-5, 2e3]


def test_a_bad_reference(tmp_path: Path, context: DataContext, files: Files, fails) -> None:
    write_set(tmp_path, files)
    data = read(tmp_path, context)
    with fails("E506", "`y` has 3 values in the t0 prediction", "2 are expected"):
        data.covariance(np.ones(3))
    with fails("E507", "NaN in row 2 of the t0 prediction"):
        data.covariance(np.array([1.0, np.nan]))
    files["data.yaml"]["data_central"][1] = 0.0
    write_set(tmp_path, files)
    data = read(tmp_path, context)
    with fails("E513", "row 2 of EXP_NC_F2 has a multiplicative error and the value 0", "ADD"):
        data.covariance(np.ones(2))


def test_sets_share_their_common_variables(tmp_path: Path, context: DataContext, files: Files) -> None:
    write_set(tmp_path, files)
    observable(files)["kinematics"]["variables"] = {"x": {}}
    write_set(tmp_path, files, "OTHER_NC")
    names = ["EXP_NC_F2", "OTHER_NC_F2"]
    assert commondata_columns(names, [tmp_path], context) == ("x",)
    assert tuple(read(tmp_path, context, *names).kinematics) == ("x",)


def test_a_stated_w2_counts(tmp_path: Path, context: DataContext, files: Files) -> None:
    observable(files)["kinematics"]["variables"]["W2"] = {}
    for row in files["kin.yaml"]["bins"]:
        row["W2"] = {"mid": 99.0}
    write_set(tmp_path, files)
    assert read(tmp_path, context).kinematics["W2"].tolist() == [99, 99]


def test_the_installed_collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "nnpdf_data"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('is found without being imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_collection() is None
    (package / "commondata").mkdir()
    assert installed_collection() == package / "commondata"
