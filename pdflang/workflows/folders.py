"""The run folder of a fan-out, in which a run that was cut short goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.results import RunFolder
from pdflang.results.continuation import continued

if TYPE_CHECKING:
    from pdflang.embedding import Model

_MAY_CHANGE = ("fits", "threads", "methods", "cores", "reference", "reference_draws", "truth")
"""Options that a run may go on with another value of."""


def open_folder(model: Path, out: Path | None, overwrite: bool, provenance: Mapping[str, Any]) -> RunFolder:
    """The folder of the same run, or a new one. Errors: E621 where `out` is another's, E622."""
    if out is not None and not overwrite and continued(out, provenance, _MAY_CHANGE):
        return RunFolder(out)
    return RunFolder.create(model, out, overwrite)


def begin(folder: RunFolder, model: Model, provenance: Mapping[str, Any]) -> None:
    """Write what the folder is, before there are results."""
    folder.write_sources(model.sources)
    folder.write_provenance(provenance)
