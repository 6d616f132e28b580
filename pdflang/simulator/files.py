"""Simulations in HDF5: a file for each piece of a folder, written whole, byte for byte the same for equal values."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.model import CompiledModel
from pdflang.results.provenance import text_hash
from pdflang.results.reading import read_record
from pdflang.results.run_folder import SIMULATIONS
from pdflang.simulator.event_sets import EventSets
from pdflang.simulator.records import Simulations, in_a_row

_FORMAT = 1


def name_of(first: int) -> str:
    """The file, in the folder of a run, of the piece that begins with a simulation."""
    return f"{SIMULATIONS}/{first:010d}.h5"


def to_bytes(simulations: Simulations) -> memoryview:
    """Simulations as the content of a file."""
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        for name in ("seed", "first", "count"):
            file.attrs[name] = getattr(simulations, name)
        file.attrs["format"] = _FORMAT
        _write(file.create_group("parameters"), simulations.parameters)
        for name, values in simulations.data.items():
            _write_data(file.require_group("data"), name, values)
        for name, streams in (simulations.traces or {}).items():
            for number, (stream, sites) in enumerate(streams.items()):
                # A name with a stroke would make groups.
                group = file.create_group(f"traces/{name}/{number}")
                group.attrs["stream"] = stream
                _write(group, sites)
        if simulations.scores is not None:
            _write(file.create_group("scores"), simulations.scores)
        if simulations.log_weights is not None:
            file.create_dataset("log_weights", data=simulations.log_weights)
        _write(file.create_group("sizes"), {name: np.asarray(size) for name, size in simulations.sizes})
        file.attrs["traces"] = simulations.traces is not None
    return memory.getbuffer()


def _write(group: Any, arrays: Mapping[str, np.ndarray]) -> None:
    # In this order, which HDF5 does not keep by itself.
    group.attrs["names"] = list(arrays)
    for name, values in arrays.items():
        group.create_dataset(name, data=values)


def _write_data(group: Any, name: str, values: Any) -> None:
    if not isinstance(values, EventSets):
        group.create_dataset(name, data=values)
        return
    events = group.create_group(name)
    _write(events.create_group("columns"), values.columns)
    events.create_dataset("splits", data=values.splits)
    if values.weights is not None:
        events.create_dataset("weights", data=values.weights)


def read_piece(path: Path) -> Simulations:
    """The simulations of a file. OSError, KeyError or ValueError where it is damaged."""
    import h5py

    with h5py.File(path, "r") as file:
        if file.attrs["format"] != _FORMAT:
            raise ValueError("it was written by another version")
        traces = None
        if file.attrs["traces"]:
            groups = file["traces"].items() if "traces" in file else ()
            traces = {name: {g.attrs["stream"]: _read(g) for g in _in_order(group)} for name, group in groups}
        return Simulations(
            _read(file["parameters"]),
            {name: _read_data(item) for name, item in file.get("data", {}).items()},
            traces,
            file["log_weights"][()] if "log_weights" in file else None,
            int(file.attrs["seed"]),
            int(file.attrs["first"]),
            int(file.attrs["count"]),
            tuple((name, int(size)) for name, size in _read(file["sizes"]).items()),
            _read(file["scores"]) if "scores" in file else None,
        )


def _in_order(group: Any) -> list[Any]:
    return [group[number] for number in sorted(group, key=int)]


def _read(group: Any) -> dict[str, np.ndarray]:
    return {name: group[name][()] for name in group.attrs["names"]}


def _read_data(item: Any) -> Any:
    if "splits" not in getattr(item, "keys", dict)():
        return item[()]
    return EventSets(_read(item["columns"]), item["splits"][()], item["weights"][()] if "weights" in item else None)


def pieces(folder: Path) -> Iterator[Simulations]:
    """The pieces of a folder one after the other, for those who cannot hold them all. Error: E623."""
    paths = sorted((folder / SIMULATIONS).glob("*.h5")) if (folder / SIMULATIONS).is_dir() else []
    if not paths:
        raise PdflangError(
            Diagnostic(
                "E623", f"`{folder}` has no simulations",
                remedy="give a folder that `pdflang simulate --count N` made",
            )
        )  # fmt: skip
    expected = 0
    for path in paths:
        try:
            piece = read_piece(path)
        except (OSError, KeyError, ValueError) as failure:
            raise PdflangError(_damaged(path, f"cannot be read: {failure}")) from failure
        if piece.first != expected:
            raise PdflangError(_damaged(path, f"begins with simulation {piece.first}, not with {expected}"))
        expected += piece.count
        yield piece


def require_same(model: CompiledModel, folder: Path) -> None:
    """Simulations of a folder are of a model, whatever its data. Errors: E621 where they are not, E623 without any."""
    record = read_record(folder)
    then = {source["name"]: source["sha256"] for source in record.get("sources", [])}
    now = {source.name: text_hash(source.text) for source in model.program.files}
    if list(then.values()) != list(now.values()):
        raise PdflangError(
            Diagnostic(
                "E621", f"`{folder}` holds simulations of another model",
                notes=(f"it was {', '.join(then)}, and its text is in the folder",),
                remedy="load the model that made them, or simulate this one into another folder",
            )
        )  # fmt: skip


def _damaged(path: Path, reason: str) -> Diagnostic:
    return Diagnostic(
        "E623", f"`{path}` {reason}", remedy="`pdflang simulate --resume` draws again what is missing or damaged"
    )


def simulations(folder: str | Path) -> Simulations:
    """All simulations that `pdflang simulate --count N` left in a folder. Error: E623 where there are none."""
    return in_a_row(pieces(Path(folder)))
