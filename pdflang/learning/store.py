"""The folder of a training: networks as arrays and JSON, nothing that is unpickled; what a training goes on from."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError, SourceFile
from pdflang.inference.options import options_of
from pdflang.learning import ARCHITECTURE, NETWORKS, is_trained
from pdflang.learning.layout import Part
from pdflang.learning.learned import Learned
from pdflang.learning.methods import learning_method, require_packages
from pdflang.results.files import cannot_write, write_whole
from pdflang.results.plain import to_json
from pdflang.results.run_folder import CHECKPOINT, MODEL, RunFolder, read_json

HISTORY = "training.csv"
_FORMAT = 1


def write_learned(folder: RunFolder, learned: Learned, source: SourceFile) -> None:
    """Write what was learned of the model of a source into a folder."""
    record = {
        "format": _FORMAT,
        "model": str((source.folder or Path()).resolve() / source.name),
        "method": learned.method.name,
        "options": asdict(learned.options),
        "dimension": learned.dimension,
        "parts": [part.record() for part in learned.parts],
        "fixed": learned.fixed,
        "observed": learned.observed,
    }
    arrays = {f"weight {number}": leaf for number, leaf in enumerate(learned.weights)}
    folder.write_bytes(NETWORKS, _packed({**arrays, **{f"scale {n}": a for n, a in learned.scales.items()}}))
    folder.write_text(HISTORY, history_text(learned.history))
    folder.write_text(ARCHITECTURE, to_json(record))


def source_at(path: Path) -> SourceFile:
    """The text of a model file, or of the model of the folder of a training, whose data lie where they did then.

    Errors: E801 where there is no text, E623 where the folder is damaged.
    """
    from pdflang import driver

    if not is_trained(path):
        return driver.read_source(path)
    copy = driver.read_source(path / MODEL)
    place = Path(str(read_json(path, ARCHITECTURE).get("model", "")))
    return SourceFile(place.name, copy.text, place.parent) if place.parent.is_dir() and place.name else copy


def read_learned(folder: Path) -> Learned:
    """What `write_learned` wrote.

    Errors: E620 where a package is missing, E623 where the folder is damaged, E630 where a newer pdflang made it.
    """
    require_packages()
    record = read_json(folder, ARCHITECTURE)
    try:
        if record["format"] > _FORMAT:
            remedy = "read it with the version that made it, or a later one"
            raise PdflangError(Diagnostic("E630", f"`{folder}` was made by a newer pdflang", remedy=remedy))
        method = learning_method(record["method"])
        with np.load(folder / NETWORKS, allow_pickle=False) as saved:
            arrays = {name: saved[name] for name in saved.files}
        weights = [arrays[f"weight {number}"] for number in range(sum(n.startswith("weight ") for n in arrays))]
        scales = {n.removeprefix("scale "): a for n, a in arrays.items() if n.startswith("scale ")}
        return Learned(
            method, options_of(method.options, record["options"]),
            tuple(Part.of_record(part) for part in record["parts"]), int(record["dimension"]), weights, scales,
            read_history(folder), record["fixed"], record["observed"],
        )  # fmt: skip
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as failure:
        raise PdflangError(_not_trained(folder, f"{type(failure).__name__}: {failure}")) from failure


def _not_trained(folder: Path, reason: str) -> Diagnostic:
    return Diagnostic(
        "E623", f"`{folder}` is not the folder of a finished training: {reason}",
        remedy="give a folder that `pdflang train` made",
    )  # fmt: skip


def history_text(history: list[list[dict[str, float]]]) -> str:
    """The losses as comma-separated values, a row for each pass of each round."""
    rows = [
        f"{number},{entry['epoch']},{entry['train']!r},{entry['validation']!r}"
        for number, passes in enumerate(history, 1)
        for entry in passes
    ]
    return "\n".join(["round,epoch,train,validation", *rows]) + "\n"


def read_history(folder: Path) -> list[list[dict[str, float]]]:
    """The losses by round."""
    rounds: list[list[dict[str, float]]] = []
    for line in (folder / HISTORY).read_text(encoding="utf-8").splitlines()[1:]:
        number, epoch, train, validation = line.split(",")
        while len(rounds) < int(number):
            rounds.append([])
        rounds[-1].append({"epoch": int(epoch), "train": float(train), "validation": float(validation)})
    return rounds


class FolderStore:
    """Keeps simulations and trainings in the folder of a run; `begin` writes what the folder says of it, before."""

    def __init__(self, folder: RunFolder, begin: Callable[[RunFolder], None], seconds: float) -> None:
        self.begun = False
        self._folder, self._begin, self._seconds = folder, begin, seconds

    def simulations(self, number: int, size: int) -> dict[str, np.ndarray] | None:
        """So many simulations of a round as arrays, if they were kept."""
        return self.read(f"simulations-{number}-{size}.npz")

    def keep_simulations(self, number: int, size: int, arrays: dict[str, np.ndarray]) -> None:
        """Keep them."""
        self.write(f"simulations-{number}-{size}.npz", arrays)

    def keeper(self, number: int) -> _FolderKeeper:
        """What keeps the training of a round."""
        return _FolderKeeper(self, f"training-{number}.npz", self._seconds)

    def write(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write arrays as a whole. Error: E622."""
        if not self.begun:
            self._begin(self._folder)
            self.begun = True
        place = self._folder.path / CHECKPOINT
        try:
            place.mkdir(exist_ok=True)
        except OSError as failure:
            raise PdflangError(cannot_write(place, failure)) from failure
        write_whole(place / name, _packed(arrays))

    def read(self, name: str) -> dict[str, np.ndarray] | None:
        """Arrays that were written; None where there are none, or the file is damaged."""
        if self._folder.replaces:
            return None
        try:
            with np.load(self._folder.path / CHECKPOINT / name, allow_pickle=False) as saved:
                return {key: saved[key] for key in saved.files}
        except (OSError, EOFError, ValueError, BadZipFile):
            return None


class _FolderKeeper:
    def __init__(self, store: FolderStore, name: str, seconds: float) -> None:
        self._store, self._name, self._seconds = store, name, seconds
        self._saved = time.monotonic()

    def load(self) -> tuple[list[np.ndarray], list[dict[str, float]]] | None:
        """The state and the history, as they were saved last."""
        arrays = self._store.read(self._name)
        if arrays is None:
            return None
        leaves = [arrays[f"leaf {number}"] for number in range(len(arrays) - 1)]
        rows = arrays["history"].reshape(-1, 3).tolist()
        return leaves, [{"epoch": int(e), "train": t, "validation": v} for e, t, v in rows]

    def save(self, leaves: list[np.ndarray], history: list[dict[str, float]], last: bool) -> None:
        """Save them if it is time, or the last."""
        if not last and time.monotonic() - self._saved < self._seconds:
            return
        rows = [[entry["epoch"], entry["train"], entry["validation"]] for entry in history]
        arrays = {f"leaf {number}": leaf for number, leaf in enumerate(leaves)}
        self._store.write(self._name, {**arrays, "history": np.array(rows, float)})
        self._saved = time.monotonic()


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()
