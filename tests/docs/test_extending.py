"""The page on how to extend pdflang, followed: its package is installed beside pdflang and used."""

import json
import os
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from snippets import ROOT, blocks

PAGE = ROOT / "docs/extending.md"


@pytest.fixture
def installed(tmp_path):
    """A folder as pip leaves it: the files of the page, and the metadata that their pyproject asks for."""
    written = [*blocks("python", PAGE), *blocks("toml", PAGE), *blocks("pdfm", PAGE)]
    for block in (block for block in written if block.about):
        path = tmp_path / block.about
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(points))
    return tmp_path


def pdflang(folder, *arguments):
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", "pdflang", *arguments],
        cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip


def test_the_toy_distribution_checks_simulates_and_is_fitted(installed):
    checked = pdflang(installed, "check", "gumbel.pdfm")
    assert checked.returncode == 0, checked.stderr
    simulated = pdflang(
        installed, "simulate", "gumbel.pdfm", "--size", "N=400", "-p", "mu=1", "-p", "raw=0.5", "--out", "truth"
    )
    assert simulated.returncode == 0, simulated.stderr
    y = np.array(json.loads((installed / "truth/data.json").read_text(encoding="utf-8"))["y"])
    scale = np.log1p(np.exp(0.5))
    assert y.mean() == pytest.approx(1 + np.euler_gamma * scale, abs=5 * 1.28 * scale / 20)

    fitted = pdflang(installed, "map", "gumbel.pdfm", "--data", "truth/data.json", "--out", "fit")
    assert fitted.returncode == 0, fitted.stderr
    fit = json.loads((installed / "fit/map.json").read_text(encoding="utf-8"))
    for name, truth in (("mu", 1), ("raw", 0.5)):
        assert fit["params"][name] == pytest.approx(truth, abs=4 * fit["standard_errors"][name])


def test_without_the_package_the_name_is_unknown(installed, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "gumbel.pdfm").write_bytes((installed / "gumbel.pdfm").read_bytes())
    checked = pdflang(elsewhere, "check", "gumbel.pdfm")
    assert checked.returncode == 1
    assert "nothing is called `Gumbel`" in checked.stderr


def test_a_simulator_of_a_package_that_fails_is_no_bug_of_pdflang(installed):
    module = installed / "pdflang_gumbel/__init__.py"
    module.write_text(
        "import pdflang\n"
        "def register():\n"
        "    pdflang.register('Leak', pdflang.command(['./shower', '{input}', '{output}']), ['x'])\n"
        "    return []\n",
        encoding="utf-8",
    )
    points = installed / "pdflang_gumbel-1.0.dist-info/entry_points.txt"
    points.write_text("[pdflang.components]\nleak = pdflang_gumbel:register\n")
    (installed / "leak.pdfm").write_text(
        "data y[N]\nparam mu ~ Normal(5, 1)\nobserve y ~ Leak(mu)\n", encoding="utf-8"
    )
    simulated = pdflang(installed, "simulate", "leak.pdfm", "--size", "N=3")
    assert simulated.returncode == 1, simulated.stderr
    assert "error[E615]: the simulator `Leak`, which was registered, failed: FileNotFoundError" in simulated.stderr
    assert "leak.pdfm:3:" in simulated.stderr
    assert "bug" not in simulated.stderr and "Traceback" not in simulated.stderr
