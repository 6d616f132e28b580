"""What the run folder of a calibration holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pdflang.results import RunFolder
from pdflang.results.calibration import Calibration, to_text
from pdflang.results.calibration.result import to_record

if TYPE_CHECKING:
    from pdflang.embedding import Model

FITS = "fits.jsonl"


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
