"""Models that are alive at the same time tell nothing of each other, though equal expressions of theirs are one."""

from __future__ import annotations

from pathlib import Path

import pytest

import pdflang
from pdflang import driver
from pdflang.diagnostics import SourceFile

DIVERGENT = "param a ~ Normal(0, 1)\npdf u(x) = x^a\ndata n: int\nobserve n ~ Poisson(integral(u))\n"
PLAIN = "data y[3] = [1, 2, 3]\nparam a ~ Normal(0, 1)\nobserve y ~ Normal(exp(2*a)/(1 + exp(2*a)) + exp(2*a), 1)\n"
NAMED = PLAIN.replace("observe", "let odds = exp(2*a)\nfunc f(x) = exp(2*x)\noutput of_f = f(a)\nobserve")


def test_a_message_names_its_own_file() -> None:
    first, second = (driver.check(SourceFile(name, DIVERGENT, Path.cwd())) for name in ("a.pdfm", "b.pdfm"))
    for program, name in ((first, "a.pdfm"), (second, "b.pdfm")):
        (remark,) = [remark for remark in program.lints if remark.code == "L405"]
        assert remark.span is not None and remark.span.source.name == name


@pytest.mark.parametrize("texts", [(PLAIN, NAMED), (NAMED, PLAIN)])
def test_a_module_is_the_same_whatever_else_is_loaded(texts: tuple[str, str]) -> None:
    alone = [pdflang.loads(text.replace("[1, 2, 3]", "[1, 2, 4]")).source for text in texts]
    models = [pdflang.loads(text.replace("[1, 2, 3]", "[1, 2, 4]")) for text in texts]
    assert [model.source for model in models] == alone
    again = [model.rebind({"y": [3, 2, 1]}) for model in models]
    assert all(new.functions.module is old.functions.module for new, old in zip(again, models, strict=True))
