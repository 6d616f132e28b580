"""What the tests of data share: a declaration in a model, and a check of an error's code and words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from pdflang.data.context import DataContext
from pdflang.diagnostics import PdflangError, SourceFile, Span

Fails = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def context(tmp_path: Path) -> DataContext:
    """The datum `y` of a model in `tmp_path`."""
    source = SourceFile("model.pdfm", "data y[N]: real\n", tmp_path)
    return DataContext("y", Span(source, 5, 6), tmp_path)


@pytest.fixture
def fails() -> Fails:
    """`with fails("E501", "words", …):` passes if the block raises that code with those words in its text."""

    @contextmanager
    def check(code: str, *words: str) -> Iterator[None]:
        with pytest.raises(PdflangError) as caught:
            yield
        text = " ".join(str(caught.value).split())
        assert [d.code for d in caught.value.diagnostics] == [code], text
        for word in words:
            assert word in text, f"{word!r} is not in: {text}"

    return check
