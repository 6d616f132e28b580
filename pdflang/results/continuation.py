"""Whether a run may go on where an earlier one in the same folder ended."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.results.checkpoints import FolderCheckpoints
from pdflang.results.plain import to_json
from pdflang.results.reading import read_record
from pdflang.results.run_folder import DRAWS, PROVENANCE, RunFolder, exists, open_run


def record_of(folder: Path, methods: Collection[str], growing: Collection[str], more: bool) -> Any:
    """What the folder of a run by one of the `methods` says of it.

    It is to go on where it was interrupted, or, if there is to be `more` of it, be of one of the methods that are
    `growing`. Raises `PdflangError` (E623 where it is not a run's, E627 where it cannot go on).
    """
    record = read_record(folder)
    method = record.get("method")
    # A method that `auto` chose may be none whose draws grow.
    chosen = re.fullmatch(r"auto \((.*)\)", record.get("drawn_by") or "")
    by = chosen[0] if chosen and chosen[1] not in growing else method
    if method not in methods:
        raise _cannot(f"the run of `{folder}` is one by `{method}`, which cannot go on", _folder_of(methods))
    if more and by not in growing:
        raise _cannot(f"the run of `{folder}` is one by `{by}`, whose draws are made at once", _folder_of(growing))
    if not (more or record.get("interrupted")):
        anew = "`--overwrite` begins it anew"
        raise _cannot(f"the run of `{folder}` is finished", "`--more N` adds N more" if by in growing else anew)
    return record


def _cannot(message: str, remedy: str) -> PdflangError:
    return PdflangError(Diagnostic("E627", message, remedy=remedy))


def _folder_of(methods: Collection[str]) -> str:
    others = " or ".join(f"`{name}`" for name in methods)
    return f"give the folder of one by {others}, or run the command again: a seed gives the same draws"


def made_by(folder: RunFolder, chains: int) -> int:
    """How many draws each of so many chains of a run has, by what was saved or written of them."""
    written = 0
    if (folder.path / DRAWS).is_file():
        written = int(open_run(folder.path)["posterior"].sizes["draw"])
    return max(written, FolderCheckpoints(folder, lambda folder: None).made(chains))


def continued(
    folder: Path, provenance: Mapping[str, Any], may_change: Collection[str] = (), remedy: str | None = None
) -> bool:
    """Whether the folder holds a run by the same method, of the same model, data, seed and options.

    Options that `may_change` do not count. False where there is no run by that method; one that differs is an
    error (E621) that says in what.
    """
    if not (folder / PROVENANCE).is_file():
        return False
    earlier, now = read_record(folder), json.loads(to_json(provenance))
    if earlier.get("method") != now["method"]:
        return False
    differences = list(_differences(earlier, now, may_change))
    if differences:
        raise PdflangError(exists(folder, True, tuple(differences), remedy))
    return True


def _differences(earlier: Mapping[str, Any], now: Mapping[str, Any], may_change: Collection[str]) -> Iterator[str]:
    for kind, then, here in (
        ("the file", _hashes(earlier), _hashes(now)),
        ("the data", earlier.get("data", {}), now["data"]),
        ("what was noted of", earlier.get("notes", {}), now["notes"]),
    ):
        if then != here:
            name = next(name for name in {**then, **here} if then.get(name) != here.get(name))
            yield f"there, {kind} `{name}` was another"
    then, here = ({"seed": record.get("seed"), **record.get("options", {})} for record in (earlier, now))
    for name in here:
        if name not in may_change and then.get(name) != here[name]:
            yield f"there, `{name}` was {_shown(then.get(name))}, not {_shown(here[name])}"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={item}" for name, item in value.items()) or "not given"
    return "not given" if value is None else str(value)


def _hashes(record: Mapping[str, Any]) -> dict[str, str]:
    return {source["name"]: source["sha256"] for source in record.get("sources", [])}
