"""What answers at once does not import JAX, and every dotted name of a row leads somewhere."""

import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import pytest

from pdflang.components import Distribution, Function, arrays, library

MODEL = Path(__file__).resolve().parents[2] / "examples/dis/model.pdfm"
# The program, and then what it has imported.
PROGRAM = """
import sys
from pdflang.cli import main
sys.argv = ["pdflang", *sys.argv[1:]]
try:
    main()
finally:
    heavy = {"jax", "jaxlib", "blackjax", "scipy", "scipy.stats", "xarray", "pandas", "arviz_stats"} & set(sys.modules)
    print("imported:", *sorted(heavy), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"], ["--version"], ["check", str(MODEL)], ["fmt", "--stdout", str(MODEL)], ["explain", "E101"],
        ["sample", "--help"], ["map", "--help"], ["simulate", "--help"],
        ["calibrate", "--help"], ["predict", "--help"], ["bench", "--help"],
    ],
    ids=lambda arguments: arguments[0] + ("-help" if arguments[-1] == "--help" else ""),
)  # fmt: skip
def test_quick_verbs_never_import_jax(arguments):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "imported:"


def test_no_help_waits_for_numpy():
    code = (
        "import sys\nfrom pdflang.cli import VERBS, program\n"
        "for verb in VERBS:\n"
        "    program.main([verb, '--help'], standalone_mode=False)\n"
        "    assert 'numpy' not in sys.modules, verb\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_looking_at_the_layout_does_not_import_numpy():
    code = (
        "import sys\nfrom pdflang.cli import program\n"
        f"program.main(['fmt', '--stdout', {str(MODEL)!r}], standalone_mode=False)\n"
        "assert 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_an_error_in_a_model_does_not_import_jax(tmp_path):
    (tmp_path / "wrong.pdfm").write_text("param a ~ Norml(0, 1)")
    command = [sys.executable, "-c", PROGRAM, "sample", "wrong.pdfm"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 1
    assert "E201" in done.stderr
    assert not {"jax", "blackjax"} & set(done.stderr.splitlines()[-1].split())


def test_a_run_imports_what_it_needs_and_no_more(tmp_path):
    """Pandas, xarray, ArviZ and SciPy's statistics take longer to import than this model to sample."""
    (tmp_path / "model.pdfm").write_text(
        "data n: int = 12\nparam r ~ Gamma(2, 0.1)\nparam a ~ Normal(0, 1)\nobserve n ~ Poisson(r*exp(0.1*a))\n"
        "output area = integral(r*x^2 for x in (0, 1))\n"
    )
    command = [sys.executable, "-c", PROGRAM, "sample", "model.pdfm", "--log-likelihood"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model.run/draws.nc").is_file()
    assert done.stderr.splitlines()[-1] == "imported: blackjax jax jaxlib scipy"


def test_importing_pdflang_does_not_import_jax():
    code = "import pdflang, sys; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_dotted_name_resolves():
    rows = [row for row in library if isinstance(row, Function)]
    rows += [row for row in vars(arrays).values() if isinstance(row, arrays.ArrayFunction)]
    names = {name for row in rows for name in (row.numpy, row.jax)}
    for row in library:
        if isinstance(row, Distribution):
            names |= {row.meaning, row.reference} - {None}
    assert len(names) > 100
    for name in names:
        assert callable(resolve_name(name)), name
