"""The folder of a training where a verb takes a model file: its text, and what was learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pdflang.learning import is_trained

if TYPE_CHECKING:
    from pdflang.diagnostics import SourceFile
    from pdflang.embedding import Model


def source_at(path: Path) -> SourceFile:
    """The text of a model file, or of the model of a training. Errors: E623, E801."""
    from pdflang import driver

    if not is_trained(path):
        return driver.read_source(path)
    from pdflang.learning.store import source_at

    return source_at(path)


def with_learned(model: Model, path: Path) -> Model:
    """The model of a file as it is; of the folder of a training with what was learned. Errors: E623, E624."""
    if not is_trained(path):
        return model
    from pdflang.learning.store import read_learned

    return model.with_learned(read_learned(path))
