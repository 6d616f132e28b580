"""The wheel and the sdist hold all that is needed; the tests pass against an installed wheel, outside the checkout."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROXY = ROOT / "examples/proxy"

pytestmark = pytest.mark.slow

if not (ROOT / "pdflang").is_dir():
    pytest.skip("needs the sources", allow_module_level=True)


def run(*command, cwd, **options):
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, encoding="utf-8", **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist, and the wheel made from it: what a package index holds."""
    folder = tmp_path_factory.mktemp("built")
    copy = folder / "copy"
    copy.mkdir()
    for name in ("pdflang", "grammar", "stdlib", "examples", "tests", "docs", "benchmarks"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.run"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, copy)
    run(sys.executable, "-m", "venv", folder / "builder", cwd=folder)
    run(python_of(folder / "builder"), "-m", "pip", "install", "--quiet", "build", cwd=folder)
    run(python_of(folder / "builder"), "-m", "build", "--outdir", folder / "dist", copy, cwd=folder)
    return next((folder / "dist").glob("*.tar.gz")), next((folder / "dist").glob("*.whl"))


def python_of(venv):
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """The wheel in an environment of its own, with what its tests need."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", venv, cwd=venv.parent)
    run(python_of(venv), "-m", "pip", "install", "--quiet", f"{built[1]}[test]", cwd=venv.parent)
    return python_of(venv)


def test_wheel_and_sdist_hold_grammar_library_and_pages(built):
    sdist, wheel = built
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder in ("grammar", "stdlib"):
        for path in (ROOT / folder).iterdir():
            assert f"pdflang/{folder}/{path.name}" in names
    assert "pdflang/py.typed" in names
    assert "pdflang/diagnostics/codes/E101.md" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    with tarfile.open(sdist) as archive:
        members = {name.partition("/")[2] for name in archive.getnames()}
    for name in ("grammar/pdfm.lark", "stdlib/pdf.pdfm", "examples/proxy/proxy_p.csv", "docs/language.md", "README.md"):
        assert name in members


def test_the_wheel_works_outside_of_the_checkout(installed, tmp_path):
    shutil.copytree(PROXY, tmp_path / "proxy")
    where = run(installed, "-c", "import pdflang; print(pdflang.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parents[1])
    run(installed, "-m", "pdflang", "check", "proxy/model.pdfm", cwd=tmp_path)
    assert "def log_density(" in run(installed, "-m", "pdflang", "compile", "proxy/model.pdfm", cwd=tmp_path)
    (tmp_path / "library.pdfm").write_text("use std.herapdf20 as p\noutput u = p.xuv(0.1)\n")
    run(installed, "-m", "pdflang", "check", "library.pdfm", cwd=tmp_path)


def test_the_tests_pass_against_the_wheel(built, installed, tmp_path):
    with tarfile.open(built[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    for name in ("pdflang", "grammar", "stdlib"):
        shutil.rmtree(folder / name)
    printed = run(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder)
    assert " passed" in printed
