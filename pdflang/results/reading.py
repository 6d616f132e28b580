"""What a run's folder says, whatever made it and however far it came."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.results.diagnostics import Finding, from_records
from pdflang.results.maximum import read_maximum
from pdflang.results.run_folder import DRAWS, MAXIMUM, PROVENANCE, damaged, open_run, read_json

if TYPE_CHECKING:
    import xarray

PREDICTIONS = "predictions.nc"
REPLICAS = "bootstrap.nc"
_REPLICAS = "bootstrap"
SUMMARY = "summary.txt"
_FINDINGS = "diagnostics.json"
_SECTIONS: Mapping[str, type] = {
    "command": list, "sources": list, "data": dict, "options": dict, "versions": dict, "notes": dict,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Run:
    """A run as its folder has it: `record` is its provenance, and what is not there is None.

    `tree` has the draws of a posterior, `predictions` those of data, `maximum` the fields of `map.json`, `replicas` the
    fits of replicated data; `findings` are what was said of it when it was made, `summary` what was printed.
    """

    folder: Path
    record: Mapping[str, Any]
    tree: xarray.DataTree | None = None
    maximum: Mapping[str, Any] | None = None
    predictions: xarray.DataTree | None = None
    replicas: xarray.Dataset | None = None
    findings: tuple[Finding, ...] = ()
    summary: str = ""

    @property
    def name(self) -> str:
        """The folder's name, without the `.run` that most end in."""
        return self.folder.resolve().name.removesuffix(".run")

    @property
    def method(self) -> str:
        """What drew it, where that says more than the option did."""
        return str(self.record.get("drawn_by") or self.record.get("method"))

    @property
    def interrupted(self) -> bool:
        return bool(self.record.get("interrupted"))

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Names and texts of the model's files, the main one first."""
        return [(str(source.get("name")), str(source.get("text"))) for source in self.record.get("sources", [])]

    @property
    def draws(self) -> xarray.DataTree | None:
        """The tree whose posterior has a draw at least."""
        if self.tree is None or "posterior" not in self.tree.children:
            return None
        return self.tree if self.tree["posterior"].sizes.get("draw", 0) else None

    @property
    def drawn(self) -> xarray.Dataset | None:
        """The draws: of a posterior, or those at which the run predicted; None where there are none."""
        if self.draws is not None:
            return self.draws["posterior"].to_dataset()
        kind = str(self.predictions.attrs.get("kind")) if self.predictions is not None else ""
        if self.predictions is not None and kind in self.predictions.children:
            return self.predictions[kind].to_dataset()
        return None


def read_run(folder: Path) -> Run:
    """The run of a folder. Errors: E623 where it is not a run's or is damaged, E630 where a newer pdflang made it."""
    record = read_record(folder)
    _require_known_version(folder, record)

    def there(name: str) -> bool:
        return (folder / name).is_file()

    maximum = read_maximum(folder) if there(MAXIMUM) else None
    has_replicas = maximum is not None and maximum.get("bootstrap") is not None and there(REPLICAS)
    return Run(
        folder,
        record,
        open_run(folder) if there(DRAWS) else None,
        maximum,
        open_run(folder / PREDICTIONS) if there(PREDICTIONS) else None,
        _read_replicas(folder) if has_replicas else None,
        read_findings(folder) if there(_FINDINGS) else (),
        (folder / SUMMARY).read_text(encoding="utf-8", errors="replace") if there(SUMMARY) else "",
    )


def _read_replicas(folder: Path) -> xarray.Dataset:
    tree = open_run(folder / REPLICAS)
    if _REPLICAS not in tree.children:
        raise PdflangError(damaged(folder, REPLICAS))
    return tree[_REPLICAS].to_dataset()


def read_record(folder: Path) -> dict[str, Any]:
    """The provenance of a run. Errors: E623 where it is missing or damaged."""
    record = read_json(folder)
    is_one = isinstance(record, dict) and "method" in record
    if not (is_one and all(isinstance(record.get(name, kind()), kind) for name, kind in _SECTIONS.items())):
        raise PdflangError(damaged(folder, PROVENANCE))
    if not (all(map(_is_source, record.get("sources", []))) and all(map(_is_text, record.get("command", [])))):
        raise PdflangError(damaged(folder, PROVENANCE))
    return record


def _is_source(source: Any) -> bool:
    return isinstance(source, dict) and _is_text(source.get("name")) and _is_text(source.get("text"))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def read_findings(folder: Path) -> tuple[Finding, ...]:
    """What was said of a run when it was made. Errors: E623 where it is missing or damaged."""
    said = read_json(folder, _FINDINGS)
    try:
        return from_records(said)
    except ValueError:
        raise PdflangError(damaged(folder, _FINDINGS)) from None


def _require_known_version(folder: Path, record: Mapping[str, Any]) -> None:
    from pdflang import __version__

    made_by = str(record.get("versions", {}).get("pdflang", "0"))
    if _parts(made_by) > _parts(__version__):
        message = f"`{folder}` was made by pdflang {made_by}, which is newer than this one, {__version__}"
        remedy = "read it with that version, or a later one"
        raise PdflangError(Diagnostic("E630", message, remedy=remedy))


def _parts(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()
