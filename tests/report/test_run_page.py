"""The page of a run: what stands in it, whatever the run, and that nothing in it can do harm."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from runs import FAST, ROOT, SPECTRUM, pdflang, write

import pdflang as package
import pdflang.report.posterior as posterior_pictures
from pdflang.diagnostics import PdflangError
from pdflang.report.page import prose
from pdflang.report.run_page import report
from pdflang.results.posterior import posterior_tree
from pdflang.results.reading import read_run
from pdflang.results.run_folder import RunFolder
from pdflang.results.schema import VariableSchema


class Page(HTMLParser):
    """What a page consists of: tags with their attributes, headings in order, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._skipped = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._skipped += tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.text += data

    @property
    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]

    @property
    def links(self) -> list[str]:
        found = (attributes.get("href") or attributes.get("xlink:href") for _, attributes in self.tags)
        return [link for link in found if link]


def check(text: str) -> Page:
    """What holds of every page."""
    page = Page(text)
    assert [name for name, count in Counter(page.ids).items() if count > 1] == []
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert all(link.startswith("#") or link == "data:," for link in page.links)
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(a.get("alt") for tag, a in page.tags if tag == "img")
    assert all(a.get("aria-label") for tag, a in page.tags if tag == "svg")
    return page


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, and runs of `sample`, `map` and `predict` on it."""
    folder = tmp_path_factory.mktemp("runs")
    name = write(folder, SPECTRUM)
    pdflang(folder, "sample", name, *FAST, "--out", "fit.run", "--report")
    pdflang(folder, "map", name, "--out", "map.run", "--report")
    pdflang(folder, "predict", name, "--run", "fit.run", "--draws", "60", "--out", "predicted.run")
    pdflang(folder, "predict", name, "--draws", "60", "--out", "prior.run", "--report")
    return folder


def test_a_posterior(runs: Path) -> None:
    text = (runs / "fit.run" / "report.html").read_text(encoding="utf-8")
    page = check(text)
    sections = ["summary", "diagnostics", "data", "functions", "parameters", "model", "provenance"]
    assert [link[1:] for link in page.links if link[1:] in sections][: len(sections)] == sections
    summary = (runs / "fit.run" / "summary.txt").read_text(encoding="utf-8")
    row = next(line.split() for line in summary.splitlines() if line.startswith("a "))
    assert all(f"<td>{cell}</td>" in text for cell in row[1:])
    assert '<a class="code" href="#file0-line5">a</a>' in text
    assert '<li id="file0-line5"><span class="word">param</span> a' in text
    pictures = [a["aria-label"] for tag, a in page.tags if tag == "svg" and a.get("class") == "picture"]
    titles = [str(label).partition(".")[0] for label in pictures]
    assert titles == ["n and its prediction", "f(x)", "rate", "curve", "Pairs of parameters", "Traces and ranks"]
    assert "plane is not drawn: it is a function of 2 variables" in page.text
    record = json.loads((runs / "fit.run" / "provenance.json").read_text())
    assert record["data"]["n"]["sha256"] in page.text and "pdflang sample model.pdfm" in page.text
    for finding in json.loads((runs / "fit.run" / "diagnostics.json").read_text()):
        assert finding["sentence"] in page.text and finding["remedy"].replace("`", "") in page.text


def test_a_maximum_and_predictions(runs: Path) -> None:
    page = check((runs / "map.run" / "report.html").read_text(encoding="utf-8"))
    assert "Converged: the maximum of the posterior density was found." in page.text
    record = json.loads((runs / "map.run" / "map.json").read_text())
    assert f"{record['params']['a']:.6g}" in page.text and f"{record['standard_errors']['a']:.3g}" in page.text
    assert "Errors come from the curvature of the log-density at the maximum." in page.text
    assert "Replicas" not in page.text
    assert "300 data sets were drawn at the maximum" in page.text
    assert "f(x). The line is at the maximum, the bands are the central 68% and 95% of the normal approx" in page.text
    prior = check((runs / "prior.run" / "report.html").read_text(encoding="utf-8"))
    assert "60 data sets were drawn at draws of the prior" in prior.text and "Traces and ranks" not in prior.text
    predicted = check(report(read_run(runs / "predicted.run")))
    check_table = json.loads((runs / "predicted.run" / "predict.json").read_text())["checks"][0]
    assert f"{check_table['chi2']:.2f} / 5" in predicted.text


WEIGHTED = """\
index channel = e, mu
data n[channel]: int = [12, 9]
param rate[channel] ~ Flat() in (0, inf)
observe n ~ Poisson(rate)
data ev = table("ev.csv")
param s ~ Flat() in (-1, 5)
pdf shape(x in (0, 1)) = 1 + s*x
observe ev ~ Iid(shape, weights = ev.w)
"""


def test_errors_of_both_signs_replicas_and_weights(tmp_path: Path) -> None:
    """The page of a maximum says what `map` said of it."""
    random = np.random.default_rng(1)
    events = "".join(f"{x},{w}\n" for x, w in zip(random.uniform(size=60), random.uniform(0.5, 2, 60), strict=True))
    (tmp_path / "ev.csv").write_text("x,w\n" + events)
    options = ("--minos", "--bootstrap", "6", "--bootstrap-by", "resampling", "--seed", "1")
    printed = pdflang(tmp_path, "map", write(tmp_path, WEIGHTED), *options, "--out", "best", "--report")
    text = (tmp_path / "best" / "report.html").read_text(encoding="utf-8")
    page = check(text)
    lines = [line.split() for line in printed.splitlines()]
    for entry in ("rate[e]", "rate[mu]"):
        said = [cells[1:] for cells in lines if cells[:1] == [entry]]
        assert [len(cells) for cells in said] == [4, 8]
        for cells in said:
            row = "".join(f"<td>{cell}</td>" for cell in cells)
            assert re.search(rf">{re.escape(entry)}</(a|span)></th>{re.escape(row)}</tr>", text)
    said = "the events of ev have weights: errors are those of the sandwich estimate"
    assert said in printed and said in page.text
    assert "Errors come from the curvature" not in page.text
    (account,) = [line for line in printed.splitlines() if line.startswith("bootstrap of 6 replicas: ")]
    assert account in page.text


def test_the_page_of_an_earlier_run_is_the_same(runs: Path) -> None:
    """The page of `report` is that of `--report`: predictions have a seed."""
    before = (runs / "fit.run" / "report.html").read_text(encoding="utf-8")
    pdflang(runs, "report", "fit.run", "--out", "again.html")
    assert (runs / "again.html").read_text(encoding="utf-8") == before


def test_without_the_model_the_page_says_what_it_lacks(runs: Path) -> None:
    page = check(report(read_run(runs / "fit.run"), None, "Functions are not drawn: the model is gone."))
    assert "Functions are not drawn: the model is gone." in page.text
    assert "curve" in page.text and "n and its prediction" not in page.text and "Pairs of parameters" in page.text


def test_a_picture_that_cannot_be_drawn_costs_itself(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("no room at all")

    monkeypatch.setattr(posterior_pictures, "corner", fail)
    page = check(report(read_run(runs / "fit.run")))
    assert "Pairs of parameters could not be drawn: ZeroDivisionError: no room at all" in page.text
    assert "Traces and ranks" in page.text


def test_data_that_the_model_does_not_describe(tmp_path: Path) -> None:
    name = write(tmp_path, "data y[4] = [1, 9, -7, 3]\nparam mu ~ Normal(0, 10)\nobserve y ~ Normal(mu, 1)\n")
    pdflang(tmp_path, "sample", name, "--seed", "1", "--out", "fit", "--report")
    page = check((tmp_path / "fit" / "report.html").read_text(encoding="utf-8"))
    assert "The draws can be relied on" in page.text
    assert "To be read with care: y lies farther from its prediction than data of this model do (p = " in page.text


def test_a_data_set_of_which_cuts_leave_nothing(tmp_path: Path) -> None:
    for kind in ("CC", "NC"):
        shutil.copytree(ROOT / "examples" / "hera" / f"HERA_{kind}_318GEV", tmp_path / f"HERA_{kind}_318GEV")
    sets = [f"HERA_{kind}_318GEV_EP-SIGMARED" for kind in ("CC", "NC")]
    name = write(
        tmp_path,
        f'data dis = commondata("{sets[0]}", "{sets[1]}", variant = "legacy", weights = [1, 2]) where Q2 < 60\n'
        "param k ~ Flat()\nobserve dis ~ MvNormal(k*(1 - dis.x), cov = dis.covariance)\n",
    )
    said = pdflang(tmp_path, "map", name, "--out", "best", "--report")
    assert f"the cuts of `dis` leave nothing of `{sets[0]}`" in package.load(tmp_path / name).bound.notes
    assert f"{sets[1]}: " in said and f"{sets[0]}: " not in said
    text = check((tmp_path / "best" / "report.html").read_text(encoding="utf-8")).text
    assert sets[1] in text and "could not be drawn" not in text


def test_a_search_that_ended_elsewhere(tmp_path: Path) -> None:
    name = write(tmp_path, "param t ~ Exponential(1)\ndata y[2] = [-3, -4]\nobserve y ~ Normal(t, 1)\n")
    pdflang(tmp_path, "map", name, "--out", "best", "--report")
    page = check((tmp_path / "best" / "report.html").read_text(encoding="utf-8"))
    assert "Not to be trusted: the search for the maximum did not converge: the density still grows" in page.text
    assert "the maximum lies on the bound: give a prior that vanishes there" in page.text


@pytest.mark.parametrize("method", ["laplace", "smc", "nested"])
def test_other_methods(method: str, tmp_path: Path) -> None:
    name = write(tmp_path, "data y[3] = [1, 2, 1.5]\nparam mu ~ Normal(0, 10)\nobserve y ~ Normal(mu, 1)\n")
    pdflang(tmp_path, "sample", name, "--method", method, "--seed", "1", "--out", "fit", "--report")
    page = check((tmp_path / "fit" / "report.html").read_text(encoding="utf-8"))
    assert f"by {method}" in page.text
    assert "log Z" in page.text and ("Pareto k" in page.text) == (method == "laplace")


def test_calibration_and_simulation(tmp_path: Path) -> None:
    name = write(tmp_path, "data y[3] = [1, 2, 1.5]\nparam mu ~ Normal(0, 10)\nobserve y ~ Normal(mu, 1)\n")
    pdflang(tmp_path, "calibrate", name, "--fits", "8", "--draws", "19", "--warmup", "60", "--out", "c", "--report")
    page = check((tmp_path / "c" / "report.html").read_text(encoding="utf-8"))
    (image,) = [a for tag, a in page.tags if tag == "img"]
    assert str(image["src"]).startswith("data:image/svg+xml;base64,")
    assert (tmp_path / "c" / "summary.txt").read_text(encoding="utf-8").splitlines()[0] in page.text
    pdflang(tmp_path, "simulate", name, "--seed", "1", "--out", "s")
    pdflang(tmp_path, "report", "s")
    check((tmp_path / "s" / "report.html").read_text(encoding="utf-8"))


def test_a_run_without_draws(tmp_path: Path) -> None:
    with RunFolder.create(Path("m.pdfm"), tmp_path / "m.run") as folder:
        folder.write_sources({"m.pdfm": "param mu ~ Normal(0, 1)\n"})
        folder.write_provenance({"method": "nuts", "interrupted": True, "seed": 1, "command": ["pdflang", "sample"]})
    page = check(report(read_run(tmp_path / "m.run")))
    assert "Interrupted before there were results." in page.text and "pdflang sample --resume" in page.text


HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><script>alert(1)</script>",
    "javascript:alert(1)", "' onload='alert(1)", "a]]><!--", "{{ 7*7 }}", "$\\frac{1}{0}$ 中", "&lt;b&gt;", "x`<i>`y",
]  # fmt: skip


def test_hostile_texts(tmp_path: Path) -> None:
    """Names, labels, comments, files, findings and commands: all of it is text, and all of it is there."""
    evil = "\n".join(f"# {text}" for text in HOSTILE)
    model = f'{evil}\ndata y = table("{HOSTILE[0]}.csv").x\nparam mu ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)\n'
    random = np.random.default_rng(1)
    names = [f"p{i} {text.replace('/', '')}" for i, text in enumerate(HOSTILE[:6])]  # NetCDF has no slashes in names
    draws = {name: random.normal(size=(2, 50)) for name in names} | {"out": random.normal(size=(2, 50, len(HOSTILE)))}
    schemas = {"out": VariableSchema((HOSTILE[1],), {HOSTILE[1]: HOSTILE}, "output")}
    tree = posterior_tree(draws, schemas, attributes={"method": "nuts", "accuracy": HOSTILE[2]})
    findings = [{"severity": "error", "sentence": text, "remedy": text, "names": []} for text in HOSTILE]
    folder_name = "run &lt;b&gt; \"'<b>.run"
    with RunFolder.create(Path("m.pdfm"), tmp_path / folder_name) as folder:
        folder.write_sources({"m.pdfm": model})
        folder.write_draws(tree)
        folder.write_json("diagnostics.json", findings)
        folder.write_provenance(
            {
                "method": HOSTILE[0], "seed": HOSTILE[1], "command": ["pdflang", *HOSTILE], "draws": HOSTILE[2],
                "options": dict.fromkeys(HOSTILE, HOSTILE[3]), "data": {text: {"sha256": text} for text in HOSTILE},
                "sources": [{"name": HOSTILE[0], "text": model, "sha256": HOSTILE[1]}],
                "versions": {HOSTILE[0]: HOSTILE[1]}, "started": HOSTILE[0], "duration_seconds": HOSTILE[1],
            }
        )  # fmt: skip
    text = report(read_run(tmp_path / folder_name))
    page = check(text)
    assert {tag for tag, _ in page.tags} & {"img", "i", "b"} == set()
    assert all(not (link or "").startswith("javascript") for link in page.links)
    assert all(hostile in page.text for hostile in HOSTILE[:8])
    pictures = [attributes for tag, attributes in page.tags if tag == "svg" and attributes.get("class") == "picture"]
    assert len(pictures) == 3 and "could not be drawn" not in page.text
    assert text.count("<style>") == 1 and text.count("</style>") == 1


def test_code_in_prose() -> None:
    assert prose("take `a<b>` or `c`") == "take <code>a&lt;b&gt;</code> or <code>c</code>"
    assert prose("one ` only <") == "one ` only &lt;"


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ("[]", "E623"), ('{"a": 1}', "E623"), ("{", "E623"), ('{"method": "nuts", "sources": {}}', "E623"),
        ('{"method": "nuts", "sources": [1]}', "E623"), ('{"method": "nuts", "sources": [{"name": "a"}]}', "E623"),
        ('{"method": "nuts", "command": null}', "E623"), ('{"method": "nuts", "command": ["pdflang", 1]}', "E623"),
        ('{"method": "nuts", "versions": {"pdflang": "99.1"}}', "E630"),
    ],
)  # fmt: skip
def test_damaged_folders(record: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "provenance.json").write_text(record)
    with pytest.raises(PdflangError) as failure:
        read_run(tmp_path)
    assert [diagnostic.code for diagnostic in failure.value.diagnostics] == [code]


SOUND = """{"params": {"m": [1, 2]}, "standard_errors": {"m": [1, null]}, "minos": {"m": [[1, 1], [1, 1]]},
    "derived": {"d": 3}, "axes": {"m": {"dims": ["f"], "coords": {"f": ["u", "d"]}}}, "chi2": {"y": null},
    "starts": [{"status": "gone", "log_density": null, "steps": 3}], "at_bound": ["m"], "converged": false,
    "diagnostics": [{"severity": "error", "sentence": "so", "remedy": "do", "names": []}]}"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("diagnostics.json", "{}"), ("diagnostics.json", "[1]"), ("diagnostics.json", '[{"severity": "error"}]'),
        ("diagnostics.json", '[{"severity": "bad", "sentence": "so", "remedy": "do"}]'),
        ("diagnostics.json", '[{"severity": "note", "sentence": null, "remedy": "do"}]'),
        ("map.json", "[]"), ("map.json", "3"), ("map.json", "{}"), ("map.json", '{"params": [1]}'),
        ("map.json", '{"params": {"m": "one"}}'), ("map.json", '{"params": {"m": [[1], [1, 2]]}}'),
        *(
            ("map.json", json.dumps({**json.loads(SOUND), key: value}))
            for key, value in [
                ("standard_errors", {"m": [1]}), ("standard_errors", {"q": 1}), ("standard_errors", None),
                ("minos", {"m": [1, 2]}), ("derived", []), ("chi2", {"y": "large"}), ("starts", [1]),
                ("starts", [{"log_density": 1}]), ("starts", [{"status": "", "log_density": "1"}]), ("at_bound", 3),
                ("axes", {"m": {}}), ("axes", {"q": {"dims": [], "coords": {}}}), ("axes", {"m": {"dims": ["f"]}}),
                ("axes", {"m": {"dims": ["f"], "coords": {"f": "ud"}}}), ("bootstrap", {"rows": [{}]}),
                ("bootstrap", []), ("weighted", "ev"), ("diagnostics", [{"severity": "error"}]),
            ]
        ),
    ],
)  # fmt: skip
def test_damaged_files(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / "provenance.json").write_text('{"method": "map"}')
    (tmp_path / "map.json").write_text(SOUND)
    check(report(read_run(tmp_path)))
    (tmp_path / name).write_text(content)
    with pytest.raises(PdflangError) as failure:
        read_run(tmp_path)
    assert [diagnostic.code for diagnostic in failure.value.diagnostics] == ["E623"]


def test_damaged_draws_and_findings(tmp_path: Path) -> None:
    (tmp_path / "provenance.json").write_text('{"method": "nuts"}')
    assert read_run(tmp_path).draws is None
    (tmp_path / "diagnostics.json").write_text('[{"severity": "error"}]')
    with pytest.raises(PdflangError, match="E623"):
        read_run(tmp_path)
    (tmp_path / "diagnostics.json").unlink()
    (tmp_path / "draws.nc").write_bytes(b"no draws")
    with pytest.raises(PdflangError, match="E623"):
        read_run(tmp_path)
