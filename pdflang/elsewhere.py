"""A model in another process, which makes it again of its text and of what its data have become: it reads no files."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from pdflang.diagnostics import SourceFile, Span
from pdflang.driver import bound_again, compile_bound

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

    Kind = TypeVar("Kind", bound=CompiledModel)


def bound_here(model: CompiledModel) -> tuple[str, Span | None] | None:
    """The name, and where it is called, of something that only this process has: it was registered here."""
    from pdflang.backend.outside import called
    from pdflang.ir.marks import marked

    with marked(model.program.marks.copy()):
        return next(iter(called(model.program).items()), None)


def packed(model: CompiledModel) -> bytes:
    """The model, for `unpacked` in another process of the same versions."""
    source, bound = model.program.source, model.bound
    names = [field.name for field in fields(bound) if field.init and field.name != "program"]
    known = {name: getattr(bound, name) for name in names}
    return pickle.dumps(
        {
            "source": (source.name, source.text, source.folder and source.folder.resolve()),
            "bound": {name: dict(value) if isinstance(value, Mapping) else value for name, value in known.items()},
            "exact": model.functions.generated.is_exact,
            "capacities": model.capacities,
        }
    )


def unpacked(kind: type[Kind], packed: bytes) -> Kind:
    """The model that another process of ours has packed."""
    found: dict[str, Any] = pickle.loads(packed)
    bound = bound_again(SourceFile(*found["source"]), found["bound"])
    functions = compile_bound(bound, exact=found["exact"], room=found["capacities"])
    return kind(bound, functions, found["capacities"])
