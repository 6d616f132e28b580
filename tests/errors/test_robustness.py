"""No text, however broken, gives a traceback: it passes, or is told what is wrong with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from mutations import strange_text

from pdflang import driver
from pdflang.backend import generate
from pdflang.diagnostics import Diagnostic, PdflangError, SourceFile, Span
from pdflang.diagnostics.codes import known_codes
from pdflang.diagnostics.render import render, to_record
from pdflang.passes import plan

CODES = frozenset(known_codes())


def _through_every_stage(text: str, folder: Path) -> None:
    """`check`, and `compile` where no data is missing; a user error ends it, anything else is a bug."""
    try:
        program = driver.check(SourceFile("model.pdfm", text, folder))
        for lint in program.lints:
            assert lint.code in CODES and render(lint)
        bound = driver.bind(program, {})
        compile(generate(plan(bound), "0").source, "module", "exec")
    except PdflangError as failure:
        assert str(failure)
        for diagnostic in failure.diagnostics:
            assert diagnostic.code in CODES
            assert to_record(diagnostic)


@pytest.mark.parametrize("seed", range(400))
def test_strange_texts(seed: int, tmp_path: Path) -> None:
    _through_every_stage(strange_text(Random(seed)), tmp_path)


@pytest.mark.slow
def test_many_strange_texts(tmp_path: Path) -> None:
    for seed in range(400, 10_400):
        _through_every_stage(strange_text(Random(seed)), tmp_path)


def _command(folder: Path, text: str, verb: str = "check") -> subprocess.CompletedProcess[str]:
    (folder / "model.pdfm").write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pdflang", verb, "model.pdfm"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


DEEP = {
    "brackets": "let a = " + "(" * 100_000,
    "calls": "let a = " + "exp(" * 5_000 + "1" + ")" * 5_000,
    "pipes": "let a = 1" + " |> exp" * 5_000,
    "ten megabytes": "let a = 1\n" * 1_000_000,
    "ten megabytes in one line": "let a = 1" + " + 1" * 2_500_000,
    "ten megabytes of nothing": "#" * 10_000_000,
}


@pytest.mark.parametrize("name", DEEP)
def test_excess_gets_an_answer(name: str, tmp_path: Path) -> None:
    done = _command(tmp_path, DEEP[name])
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr and "bug" not in done.stderr


DEEP_BUT_ALLOWED = {
    "signs": "-" * 150 + "a",
    "functions": "sin(" * 150 + "a" + ")" * 150,
    "brackets": "(1 + " * 150 + "a" + ")" * 150,
    "choices": "if a > 0 then 1 else " * 60 + "2",
    "powers": "a^" * 100 + "2",
}


@pytest.mark.parametrize("text", DEEP_BUT_ALLOWED.values(), ids=DEEP_BUT_ALLOWED.keys())
def test_deep_expressions_compile(text: str, tmp_path: Path) -> None:
    _through_every_stage(f"data y = 1\nparam a ~ LogNormal(0, 1)\nobserve y ~ Normal({text}, 1)", tmp_path)


@pytest.mark.parametrize(("sign", "count"), [("+", 5_000), ("-", 5_000), ("*", 1_000)])
def test_thousands_of_terms_are_evaluated(sign: str, count: int) -> None:
    import numpy as np

    import pdflang

    terms = f" {sign} ".join(["a", *(f"{1 + i / 5000}" for i in range(count))])
    model = pdflang.loads(f"data y = 0\nparam a ~ Normal(0, 1)\nobserve y ~ Normal(tanh({terms}), 1)")
    value = float(model.log_density({"a": 0.3}))
    assert np.isfinite(value)


def test_a_long_sum_has_its_value() -> None:
    import math

    import pdflang

    terms = " + ".join(f"sin({i}*a)" for i in range(5_000))
    model = pdflang.loads(f"data y = 0\nparam a ~ Normal(0, 1)\nobserve y ~ Normal({terms}, 100)")
    total = sum(math.sin(i * 0.3) for i in range(5_000))
    expected = -0.5 * (total / 100) ** 2 - math.log(100) - 0.5 * 0.3**2 - math.log(2 * math.pi)
    assert float(model.log_density({"a": 0.3})) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("text", ["\ud800", "\u202eabc", "\u2066x", "\x1b[31m", "\u200f", "a\tb", "\x00"])
def test_odd_characters_are_printed_as_marks(text: str) -> None:
    source = SourceFile(f"{text}.pdfm", f"let a = {text} + 1\n")
    diagnostic = Diagnostic("E201", text, Span(source, 8, 9), label=text, notes=(text,), remedy=text)
    shown = render(diagnostic)
    assert shown.encode("utf-8")
    assert not any(character in shown for character in "\ud800\u202e\u2066\x1b\u200f\t\x00")
