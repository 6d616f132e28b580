"""Parton densities on the page of a run: what is drawn, over what, and what is said where that cannot be."""

from __future__ import annotations

import importlib.util
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from toys import MODEL, invoked

with_hoppet = pytest.mark.skipif(find_spec("hoppet") is None, reason="needs the extra `evolution`")


@pytest.fixture
def runs(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "runs")
    monkeypatch.chdir(tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pages")
    (place / "model.pdfm").write_text(MODEL)
    short = ["--draws", "60", "--warmup", "100", "--chains", "2", "--seed", "3"]
    for verb, name, more in (("map", "fit", []), ("sample", "post", short)):
        done = invoked(verb, str(place / "model.pdfm"), "--out", str(place / name), *more)
        assert done.exit_code in (0, 3), done.output
    return place


def page(folder: Path, *arguments: str) -> str:
    done = invoked("report", *arguments, "--overwrite")
    assert done.exit_code == 0, done.output
    text = (folder / arguments[0] / "report.html").read_text(encoding="utf-8")
    assert "could not be drawn" not in text
    return text


def test_densities_where_they_are_parametrised(runs: Path) -> None:
    text = page(runs, "fit")
    assert '<a href="#partons">Partons</a>' in text and "<h3>proton at 1.65 GeV</h3>" in text
    assert "fit: the normal approximation at the maximum." in text
    for name in ("g", "sea", "uv", "dv", "ū", "d̄"):
        assert f'aria-label="x·{name}, over log x and over x; below, the ratio to the central member."' in text
    assert "x(s + s̄)" in text and "x(c + c̄)" not in text and "Luminosities" not in text
    assert "Correlations of proton at 1.65 GeV with predictions" in text
    of_draws = page(runs, "post")
    assert "post: 120 draws of the posterior." in of_draws


def test_over_another_run_whatever_it_is_called(runs: Path) -> None:
    (runs / "fit").rename(runs / "a <b>$x$ run")
    text = page(runs, "post", "--reference", "a <b>$x$ run")
    assert "a &lt;b&gt;$x$ run: the normal approximation at the maximum." in text and "<b>" not in text
    assert "the ratio to a &lt;b&gt;$x$ run." in text


@with_hoppet
def test_at_other_scales_and_luminosities(runs: Path) -> None:
    assert invoked("export", "lhapdf", "fit", "--out", "old").exit_code == 0
    text = page(runs, "post", "--at", "100", "--at", "1.65", "--reference", "old", "--luminosities", "13000")
    assert text.index("<h3>proton at 100 GeV</h3>") < text.index("<h3>proton at 1.65 GeV</h3>")
    assert "old: 2 pairs of eigenvectors." in text and "x(b + b̄)" in text
    assert "<h3>Luminosities at √s = 13000 GeV</h3>" in text and "Ratios of luminosities to old." in text


def test_without_hoppet_other_scales_are_refused(runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PDFLANG_CACHE", str(tmp_path / "empty"))
    found = importlib.util.find_spec
    monkeypatch.setattr("pdflang.evolution.dglap.find_spec", lambda name: None if name == "hoppet" else found(name))
    done = invoked("report", "fit", "--at", "100")
    assert done.exit_code == 1 and "error[E308]" in done.output and 'pip install "pdflang[evolution]"' in done.output
    assert not (runs / "fit" / "report.html").exists()
    assert "proton at 1.65 GeV" in page(runs, "fit", "--at", "1.65")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--pdfset", "neutron"], "error[E646]: the model has no pdfset `neutron`"),
        (["--reference", "nothing"], "error[E5"),
        (["--charm", "6"], "error[E620]"),
        (["--at", "-3"], "Invalid value for '--at'"),
    ],
)
def test_what_cannot_be_had(runs: Path, more: list[str], said: str) -> None:
    done = invoked("report", "fit", *more)
    assert done.exit_code in (1, 2) and said in " ".join(done.output.split()), done.output


def test_what_is_asked_of_a_model_without_a_pdfset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.pdfm").write_text("data y = 1\nparam a ~ Normal(0, 1)\nobserve y ~ Normal(a, 1)\n")
    assert invoked("map", "m.pdfm", "--out", "fit").exit_code == 0
    assert "error[E646]: the model has no pdfset" in invoked("report", "fit", "--at", "10").output
    assert invoked("report", "fit").exit_code == 0
    assert "Parton densities" not in Path("fit/report.html").read_text(encoding="utf-8")
    Path("m.pdfm").rename("moved.pdfm")
    done = invoked("report", "fit", "--luminosities", "13000", "--out", "x.html")
    assert "error[E646]: the densities of `fit` cannot be computed: the file `m.pdfm` does not exist" in done.output
