"""Every snippet of the README and of docs/ does what the page says.

With PDFLANG_REFRESH=1 in the environment, what the commands print now is written into the pages: read the diff.
"""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest
from snippets import PAGES, ROOT, blocks

from pdflang import PdflangError, driver
from pdflang.cli import EXIT_CODES, VERBS
from pdflang.diagnostics import SourceFile

# In one go: this Python may be in a folder of that name itself, as it is where a reader follows the README.
PROGRAM = re.compile(r"\.venv/bin/(pdflang|python)")
INSTALL = re.compile(r"^python3 -m venv \.venv && \.venv/bin/pip install .*? && ")


LONG = {
    "likelihood_free.md", "bench.md", "maximum.md", "simulator.md", "methods.md", "report.md", "pdf_fits.md",
}  # fmt: skip
"""Pages whose commands and programs take longer than all others together: the slow tier runs them."""

READ = [pytest.param(page, id=page.name, marks=[pytest.mark.slow] * (page.name in LONG)) for page in PAGES]


@contextlib.contextmanager
def where_installed():
    """What needs a package of an extra that is not there is skipped, with the message that a user would see."""
    try:
        yield
    except PdflangError as failure:
        (diagnostic,) = failure.diagnostics
        if 'pip install "pdflang[' not in (diagnostic.remedy or ""):
            raise
        pytest.skip(diagnostic.message)


@pytest.mark.parametrize("block", blocks("pdfm"), ids=lambda block: block.id)
def test_models_check(block, tmp_path):
    """What follows `pdfm` is the code of the error or remark that the page talks about, or a name of a file."""
    source = SourceFile(block.about or "snippet.pdfm", block.text, tmp_path)
    if block.about.startswith("E") or block.about.endswith(".pdfm"):
        with pytest.raises(PdflangError) as failure:
            driver.check(source)
        if block.about.startswith("E"):
            assert {d.code for d in failure.value.diagnostics} == {block.about}
    else:
        with where_installed():
            remarks = {remark.code for remark in driver.check(source).lints}
        assert remarks - {"E501", "E512"} == {block.about} - {""}  # those two: files that are not there


@pytest.mark.parametrize("page", READ)
def test_python_runs_and_prints(page):
    namespace = {}
    for block in blocks("python", page):
        if block.about:  # a file of its own
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), where_installed():
            exec(compile(block.text, f"{page.name}:{block.line}", "exec"), namespace)
        if block.result is not None:
            assert printed.getvalue().rstrip() == block.result.rstrip()


@pytest.fixture
def copy(tmp_path):
    """A folder with the examples and the broken model, as a reader has it."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for block in blocks("pdfm", ROOT / "README.md"):
        if block.about:
            (tmp_path / block.about).write_text(block.text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("page", READ)
def test_commands_run(page, copy):
    """One after the other, as a reader of the page types them."""
    for block in blocks("sh", page):
        run(block, copy)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("hoppet") is None, reason="needs the extra `evolution`")
def test_the_commands_of_a_fit_run_from_the_data_to_the_lhapdf_set(copy):
    """Those between the lines of the page, one after the other; that of theory tables has a test of its own."""
    page = ROOT / "docs" / "pdf_fits.md"
    text = page.read_text(encoding="utf-8")
    (fit,) = blocks("sh", page)
    commands = [fit.text.strip(), *re.findall(r"^    (\.venv/bin/pdflang .*)$", text, re.M)]
    for command in commands:
        if " theory " in command:
            continue
        command = PROGRAM.sub(f'"{sys.executable}" -m pdflang', command)
        done = subprocess.run(command, shell=True, cwd=copy, capture_output=True, text=True, encoding="utf-8")
        # 3: what was found is not to be trusted, as φ and ξ of few fits may say.
        assert done.returncode in (0, 3), f"{command}\n{done.stderr}"
    assert {"fit", "posterior", "replicas", "nested", "four.html", "my_pdf"} <= {path.name for path in copy.iterdir()}


def run(block, folder):
    command = INSTALL.sub("", block.text.strip())
    if "-m pytest" in command:
        # These tests themselves: .ci/run runs the command as it stands. Here, that the words mean something.
        command += " --collect-only -q " + str(ROOT / "tests" / "stdlib")
    command = PROGRAM.sub(lambda found: f'"{sys.executable}"' + " -m pdflang" * (found[1] == "pdflang"), command)
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    if block.result is None:
        assert done.returncode in (0, 5), done.stderr        # 5: no slow test in the folder
    elif os.environ.get("PDFLANG_REFRESH"):
        block.rewrite((done.stdout + done.stderr).rstrip() + "\n")
    elif "sample" in command:
        assert done.returncode == 0, done.stderr
        assert_same_posterior(done.stdout, block.result)
    else:
        assert (done.stdout + done.stderr).rstrip() == block.result.rstrip()
        assert done.returncode == (1 if "error[" in block.result else 0)


def assert_same_posterior(printed, shown):
    """Same rows, means that agree within a tenth of a standard deviation, and the same words."""

    def rows(text):
        found = re.findall(r"^(\w+)\s+([\d.-]+)\s+([\d.]+) ", text, re.M)
        return {name: (float(mean), float(sd)) for name, mean, sd in found}

    def words(text):
        return text[text.index("Diagnostics:") :].strip()

    assert rows(printed).keys() == rows(shown).keys()
    for name, (mean, sd) in rows(shown).items():
        assert rows(printed)[name] == (pytest.approx(mean, abs=0.1 * sd), pytest.approx(sd, rel=0.1)), name
    assert words(printed) == words(shown)


def test_the_models_of_the_readme_are_those_of_the_examples():
    shown = [block.text for block in blocks("pdfm", ROOT / "README.md") if not block.about]
    examples = (ROOT / "examples" / name / "model.pdfm" for name in ("proxy", "detector"))
    assert shown == [path.read_text(encoding="utf-8") for path in examples]


def test_tables_list_every_command_and_exit_code():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `pdflang (\w+)", text, re.M) == list(VERBS)
    codes = re.findall(r"^  (\d+) +(.*)$", EXIT_CODES, re.M)
    for page in ("README.md", "docs/run_folder.md"):
        table = re.findall(r"^\| (\d+) \| (.*?) \|$", (ROOT / page).read_text(encoding="utf-8"), re.M)
        assert [code for code, _ in table] == [code for code, _ in codes]
        assert all(shown.startswith(meaning) for (_, meaning), (_, shown) in zip(codes, table, strict=True))


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_module_of_the_library_is_documented():
    from pdflang.resources import resource_folder

    text = (ROOT / "docs/language.md").read_text(encoding="utf-8")
    for path in resource_folder("stdlib").glob("*.pdfm"):
        assert f"`std.{path.stem}`" in text
