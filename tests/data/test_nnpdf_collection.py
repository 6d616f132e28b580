"""NNPDF's collection of measured data: what is read of it, and NNPDF's own reader; where nnpdf-data is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pdflang.data.commondata import CommonData, installed_collection, read_commondata
from pdflang.data.context import DataContext
from pdflang.diagnostics import PdflangError

parser = pytest.importorskip("nnpdf_data.commondataparser")
ROOT = installed_collection() or Path()
CONTEXT = DataContext("d")

DIVERSE = [
    ("HERA_NC_318GEV_EP-SIGMARED", "legacy"),  # DIS, 170 multiplicative sources
    ("BCDMS_NC_NOTFIXED_D_EM-F2", "legacy_dw"),  # nuclear errors, names that targets share
    ("ATLAS_Z0J_8TEV_PT-Y", "legacy"),  # an invented source for each point
    ("ATLAS_2JET_7TEV_R06_M12Y", "stronger"),  # jets, decorrelated
    ("CMS_1JET_8TEV_PTY", "legacy"),
    ("LHCB_Z0_7TEV_DIELECTRON_Y", None),
    ("DYE906_Z0_120GEV_DW_PDXSECRATIO", None),  # a ratio
    ("CMS_WPWM_7TEV_MUON_ASY", None),  # an asymmetry, negative errors
    ("STAR-2015_1JET_200GEV_CC-ALL", None),  # polarised
    ("CMS_TTBAR_13TEV_TOT_X-SEC", "legacy_theory"),  # one point
    ("ATLAS_WPWM_13TEV_TOT", None),  # an entry of another name than its definition
    ("ATLAS_WCHARM_7TEV_WM-YL", "legacy_10"),  # two sources of one special name
]


def _place(name: str) -> tuple[str, str]:
    """The folder and the observable of a data set."""
    cuts = [position for position, character in enumerate(name) if character == "_"]
    cut = next(cut for cut in reversed(cuts) if (ROOT / name[:cut] / "metadata.yaml").is_file())
    return name[:cut], name[cut + 1 :]


def _read(name: str, variant: str | None) -> CommonData:
    return read_commondata([name], variant, [ROOT], CONTEXT)


@pytest.mark.parametrize(("name", "variant"), DIVERSE)
def test_the_covariance_is_that_of_nnpdf(name: str, variant: str | None) -> None:
    """By NNPDF's own reader; its sum over sources: Eur. Phys. J. C 81 (2021) 958."""
    folder, observable = _place(name)
    found = parser.load_commondata(parser.parse_new_metadata(ROOT / folder / "metadata.yaml", observable, variant))
    errors = found.systematic_errors()
    errors = errors.loc[:, errors.columns != "SKIP"]
    alone = errors.columns.isin(("UNCORR", "THEORYUNCORR"))
    together = errors.loc[:, ~alone].to_numpy()
    diagonal = found.stat_errors.to_numpy(float) ** 2 + (errors.loc[:, alone].to_numpy() ** 2).sum(axis=1)
    expected = np.diag(diagonal) + together @ together.T
    data = _read(name, variant)
    np.testing.assert_array_equal(data.central, found.central_values.to_numpy())
    size = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(data.covariance() / np.outer(size, size), expected / np.outer(size, size), atol=1e-13)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("CMS_1JET_8TEV_PTY", "CMS_1JET_8TEV/uncertainties.yaml"),
        ("CMS_1JET_7TEV_R07-PTY", "CMS_1JET_7TEV/uncertainties_R07.yaml"),
        ("H1_2JET_319GEV_290PB-1_DIF_PTQ2-NORM", "H1_2JET_319GEV_290PB-1_DIF/uncertainties_norm.yaml"),
    ],
)
def test_errors_go_by_their_names(name: str, file: str) -> None:
    """Here entries stand in another order than definitions, and NNPDF's reader, which goes by places, mixes them up."""
    content = yaml.load((ROOT / file).read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    definitions, bins = content["definitions"], content["bins"]
    assert list(definitions) != list(bins[0]) and set(definitions) == set(bins[0])
    expected = np.zeros((len(bins), len(bins)))
    for source, definition in definitions.items():
        size = np.array([float(row[source]) for row in bins])
        expected += np.diag(size**2) if definition["type"] == "UNCORR" else np.outer(size, size)
    np.testing.assert_allclose(_read(name, None).covariance(), expected, rtol=1e-10, atol=0)


def _everything() -> Iterator[tuple[str, str | None]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted(ROOT.glob("*/metadata.yaml")):
        metadata: Any = yaml.load(path.read_text(), loader)
        for observable in metadata["implemented_observables"]:
            name = f"{path.parent.name}_{observable['observable_name']}"
            yield from ((name, variant) for variant in (None, *(observable.get("variants") or {})))


@pytest.mark.slow
def test_the_whole_collection() -> None:
    """What is not read has no data, or none without a variant, or is malformed, and says so."""
    read, refused = set(), {}
    for name, variant in _everything():
        try:
            _read(name, variant)
            read.add(name)
        except PdflangError as failure:
            (found,) = failure.diagnostics
            refused[name, variant] = found.message
    unread = {name: said for (name, _), said in refused.items() if name not in read}
    without_data = [name for name, said in unread.items() if "has no measured values" in said]
    assert len(read) + len(unread) > 300 and len(without_data) >= 50
    assert all(name.startswith("NNPDF_") for name in without_data)
    # ATHENA's pseudodata have a null among them.
    assert unread.keys() - set(without_data) <= {"ATHENA_NC_140GEV_EP_ALL"}
    others = [said for (name, _), said in refused.items() if name not in unread]
    assert all("no uncertainties without a variant" in said for said in others), others
