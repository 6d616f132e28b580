"""No text, however broken, gives a traceback: it passes, or is told what is wrong with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import jax
import pytest
from mutations import strange_text
from stand_in_data import stand_in_data

from pdflang import driver
from pdflang.diagnostics import Diagnostic, PdflangError, SourceFile, Span
from pdflang.diagnostics.codes import known_codes
from pdflang.diagnostics.render import render, to_record
from pdflang.embedding import Model

CODES = frozenset(known_codes())


def _through_every_stage(text: str, folder: Path, evaluate: bool = False) -> Model | None:
    """`check`, data, and all that is computed before a draw; a user error ends it, anything else is a bug.

    The density and a simulation are for those with time: nothing is compiled for them, so that they are slow.
    """
    try:
        program = driver.check(SourceFile("model.pdfm", text, folder))
        for lint in program.lints:
            assert lint.code in CODES and render(lint)
        bound = driver.bind(program, stand_in_data(program))
        model = Model(bound, driver.compile_bound(bound), {})
        if evaluate:
            _evaluated(model)
        return model
    except PdflangError as failure:
        assert str(failure)
        for diagnostic in failure.diagnostics:
            assert diagnostic.code in CODES
            assert to_record(diagnostic)
    return None


def _evaluated(model: Model) -> None:
    by_steps = any(observation.no_density for observation in model.program.observations.values())
    # Steps of a detector are taken event by event: uncompiled, thousands of them would take minutes.
    with jax.disable_jit(not by_steps), jax.enable_x64(True):
        params = model.functions.draw_parameters(jax.random.key(1), model.arrays)
        if not by_steps:
            assert model.log_density(params).shape == ()
        model.simulate(1, params)


@pytest.mark.parametrize("seed", range(400))
def test_strange_texts(seed: int, tmp_path: Path) -> None:
    _through_every_stage(strange_text(Random(seed)), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(400, 10_400, 500))
def test_many_strange_texts(first: int, tmp_path: Path) -> None:
    seeds = range(first, first + 500)
    reached = [_through_every_stage(strange_text(Random(seed)), tmp_path, evaluate=seed % 8 == 0) for seed in seeds]
    assert sum(model is not None for model in reached) > 10


def _command(folder: Path, text: str, verb: str = "check") -> subprocess.CompletedProcess[str]:
    (folder / "model.pdfm").write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pdflang", verb, "model.pdfm"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=600,
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


@pytest.mark.slow
def test_a_long_sum_has_its_value() -> None:
    import math

    import pdflang

    terms = " + ".join(f"sin({i}*a)" for i in range(5_000))
    model = pdflang.loads(f"data y = 0\nparam a ~ Normal(0, 1)\nobserve y ~ Normal({terms}, 100)")
    total = sum(math.sin(i * 0.3) for i in range(5_000))
    expected = -0.5 * (total / 100) ** 2 - math.log(100) - 0.5 * 0.3**2 - math.log(2 * math.pi)
    assert float(model.log_density({"a": 0.3})) == pytest.approx(expected, rel=1e-9)


def _chain(first: str, link: str, count: int) -> str:
    """Declarations, each of which reads the one before it."""
    return "\n".join([first, *(link.format(i=i, before=i - 1) for i in range(1, count + 1))])


LINEAR = "func f0(x) = x"
DOUBLING = {
    "of one variable": _chain(LINEAR, "func f{i}(x) = f{before}(x) + f{before}(x + 1)", 24),
    "of functions": _chain(LINEAR, "let f{i} = f{before} + f{before}", 24),
    "of comprehensions": _chain(
        "let f0 = (x for x in (-9, 9))", "let f{i} = (f{before}(y) * f{before}(y) for y in (-9, 9))", 24
    ),
    "in branches": _chain(LINEAR, "func f{i}(x) = if x > 0 then f{before}(x) else f{before}(-x)", 24),
    "of a function and a variable": _chain(
        "func f0(h, x) = h(x)\nfunc g(x) = x", "func f{i}(h, x) = f{before}(h, x) + f{before}(h, x + 1)", 24
    )
    + "\nfunc f25(x) = f24(g, x)",
    "of theories": _chain("theory f0(x in (-9, 9)) = x", "theory f{i}(x) = f{before}(x) + f{before}(x/2)", 24),
    "of families": _chain(
        "index k = a, b\npdf f0[i in k](x) = x", "pdf f{i}[i in k](x) = f{before}[i](x) + f{before}[i](x^2)", 24
    )
    + "\nfunc f25(x) = f24.a(x/(1 + x^2))",
}


@pytest.mark.parametrize("text", DOUBLING.values(), ids=DOUBLING.keys())
def test_functions_that_call_each_other_twice_are_inlined_once(text: str, tmp_path: Path) -> None:
    last = 25 if " f25" in text else 24
    done = _command(tmp_path, f"{text}\nparam a ~ Normal(0, 1)\noutput y = f{last}(a)")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_shared_call_has_its_value() -> None:
    import pdflang

    model = pdflang.loads(f"{DOUBLING['of one variable']}\nparam a ~ Normal(0, 1)\noutput y = f24(a)")
    assert float(model.derived({"a": 0.5})["y"]) == pytest.approx(2**24 * (0.5 + 24 / 2), rel=1e-12)


EXCESSIVE = {
    "often": _chain(LINEAR, "func f{i}(x) = f{before}(2*x) + f{before}(3*x + {i})", 24) + "\noutput y = f24(a)",
    "deep": _chain(LINEAR, "func f{i}(x) = f{before}(x) + 1", 2_000) + "\noutput y = f2000(a)",
    "deep, in long calls": _chain(LINEAR, "func f{i}(x) = " + "(1 + " * 60 + "f{before}(x)" + ")" * 60, 500)
    + "\noutput y = f500(a)",
    "deep, of functions": _chain(LINEAR, "let f{i} = f{before} + f{before}", 2_000) + "\noutput y = f2000(a)",
}


@pytest.mark.parametrize("name", EXCESSIVE)
def test_functions_that_call_each_other_too_much_are_told_once(name: str, tmp_path: Path) -> None:
    text = "param a ~ Normal(0, 1)\n" + EXCESSIVE[name]
    with pytest.raises(PdflangError) as caught:
        driver.check(SourceFile("model.pdfm", text + "\noutput again = y0(a)\nfunc y0(x) = f0(x)", tmp_path))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E120" and diagnostic.span is not None
    assert diagnostic.span.text.endswith("(a)")


def test_a_call_in_a_branch_does_not_hide_what_another_reads(tmp_path: Path) -> None:
    text = "data y[N]\nparam a ~ Normal(0, 1)\nfunc f(k) = y[N + k]\n"
    guarded = "output first = if a > 0 then f(1) else 0\n"
    driver.check(SourceFile("model.pdfm", text + guarded, tmp_path))
    with pytest.raises(PdflangError, match="E305"):
        driver.check(SourceFile("model.pdfm", text + guarded + "output second = f(1)", tmp_path))


def test_theories_inherit_their_domains_from_shared_calls(tmp_path: Path) -> None:
    text = "pdf u(x) = x\nfunc f(x) = u(x)\ntheory s(x) = t(x)\ntheory t(x) = f(x)\ntheory v(x) = f(x)\n"
    driver.check(SourceFile("model.pdfm", text + "output all = integral(s) + integral(t) + integral(v)", tmp_path))


def test_recursion_is_told_whoever_was_called_before(tmp_path: Path) -> None:
    text = "func k(x) = x\nfunc g(h, x) = h(x)\nfunc f(x) = g(k, x)\n"
    for before in ("", "output first = f(2)\n"):
        with pytest.raises(PdflangError, match="E203"):
            driver.check(SourceFile("model.pdfm", text + before + "output second = g(f, 2)", tmp_path))


@pytest.mark.parametrize("text", ["\ud800", "\u202eabc", "\u2066x", "\x1b[31m", "\u200f", "a\tb", "\x00"])
def test_odd_characters_are_printed_as_marks(text: str) -> None:
    source = SourceFile(f"{text}.pdfm", f"let a = {text} + 1\n")
    diagnostic = Diagnostic("E201", text, Span(source, 8, 9), label=text, notes=(text,), remedy=text)
    shown = render(diagnostic)
    assert shown.encode("utf-8")
    assert not any(character in shown for character in "\ud800\u202e\u2066\x1b\u200f\t\x00")
