"""Where a model is no longer that of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdflang.diagnostics import PdflangError
from pdflang.results.origin import require_same_model


def test_a_change_is_told_with_the_line_that_messages_give_it() -> None:
    """A form feed ends no line."""
    then, now = (f"# page one\fpage two\nparam a ~ Normal({mean}, 1)\n" for mean in (0, 1))
    record = {"sources": [{"name": "m.pdfm", "text": then}]}
    with pytest.raises(PdflangError) as caught:
        require_same_model(Path("m.run"), record, {"m.pdfm": now}, {})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.notes[0] == (
        "line 2 of `m.pdfm` is `param a ~ Normal(1, 1)`; in the run it is `param a ~ Normal(0, 1)`"
    )
