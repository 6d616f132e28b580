"""The run folder of a calibration, in which a run that was cut short goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.results import RunFolder
from pdflang.results.calibration import Calibration, to_text
from pdflang.results.calibration.result import to_record
from pdflang.results.continuation import continued

if TYPE_CHECKING:
    from pdflang.embedding import Model

FITS = "fits.jsonl"
_MAY_CHANGE = ("fits", "threads")
"""Options that a run may go on with another value of."""


def open_folder(model: Path, out: Path | None, overwrite: bool, provenance: Mapping[str, Any]) -> RunFolder:
    """The folder of the same calibration, or a new one. Errors: E621 where `out` is another's, E622."""
    if out is not None and not overwrite and continued(out, provenance, _MAY_CHANGE):
        return RunFolder(out)
    return RunFolder.create(model, out, overwrite)


def begin(folder: RunFolder, model: Model, provenance: Mapping[str, Any]) -> None:
    """Write what the folder is, before there are results."""
    folder.write_sources(model.sources)
    folder.write_provenance(provenance)


def write_results(folder: RunFolder, model: Model, result: Calibration, provenance: Mapping[str, Any]) -> None:
    """Write the table, the numbers and the pictures."""
    writes: list[Callable[[RunFolder], None]] = [
        lambda f: f.write_sources(model.sources),
        lambda f: f.write_text("summary.txt", to_text(result)),
        lambda f: f.write_json("calibration.json", to_record(result)),
        *(_picture(result, kind) for kind in ("png", "svg") if result.quantities),
        lambda f: f.write_provenance(provenance),
    ]
    folder.write_all(writes)


def _picture(result: Calibration, kind: str) -> Callable[[RunFolder], None]:
    from pdflang.report.calibration import picture

    return lambda folder: folder.write_bytes(f"calibration.{kind}", picture(result, kind))
