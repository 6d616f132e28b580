"""Whether a run is of the model and the data at hand."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pdflang.diagnostics import Diagnostic, PdflangError, lines_of
from pdflang.results.provenance import array_hash


def require_same_model(
    folder: Path, record: Mapping[str, Any], sources: Mapping[str, str], data: Mapping[str, Any]
) -> None:
    """PdflangError (E624) where a run, by its provenance `record`, was of another text or of other data.

    `sources` are the texts of the model by the names of its files, the main one first; `data` are arrays by name.
    """
    made = f"the run was made by: {shlex.join(['pdflang', *record.get('command', [])[1:]])}"
    change = _changed_text(record, sources)
    if change:
        remedy = f"sample the model as it is now, or take the text that the run has: {folder / 'model.pdfm'}"
        raise PdflangError(Diagnostic("E624", f"`{folder}` is of another model", notes=(*change, made), remedy=remedy))
    hashes = {name: array_hash(values) for name, values in data.items()}
    then = record.get("data", {})
    others = [name for name in {**then, **hashes} if then.get(name) != hashes.get(name)]
    if others:
        names = ", ".join(f"`{name}`" for name in others)
        message = f"`{folder}` is of other data: {names} {'is' if len(others) == 1 else 'are'} not what it was then"
        remedy = "give the same --data as for that run, or sample again"
        raise PdflangError(Diagnostic("E624", message, notes=(made,), remedy=remedy))


def _changed_text(record: Mapping[str, Any], sources: Mapping[str, str]) -> tuple[str, ...]:
    """The first difference between the texts, in words; nothing where they are equal. A model may be renamed."""
    then = {source["name"]: source["text"] for source in record.get("sources", [])}
    for number, (name, text) in enumerate(sources.items()):
        before = next(iter(then.values()), "") if number == 0 else then.get(name)
        if before is None:
            return (f"the run has no file `{name}`",)
        if before != text:
            return (_difference(name, before, text),)
    others = list(then)[len(sources) :]
    return (f"the run has a file `{others[0]}` too",) if others else ()


def _difference(name: str, before: str, now: str) -> str:
    old, new = lines_of(before), lines_of(now)
    shorter = min(len(old), len(new))
    same = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    was, line = (f"`{lines[same].strip()}`" if same < len(lines) else "not there" for lines in (old, new))
    return f"line {same + 1} of `{name}` is {line}; in the run it is {was}"
