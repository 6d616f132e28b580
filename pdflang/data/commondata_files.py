"""Reads one data set in the commondata format of the NNPDF collaboration (Eur. Phys. J. C 81 (2021) 958).

A folder holds `metadata.yaml`, which lists observables; each names a file of central values, one of kinematics
and some of uncertainties, and `variants` that replace the first and the last. A data set is called by its folder
and its observable, with an underscore between.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pdflang.data.context import DataContext, counted, data_error, one_of
from pdflang.data.paths import lies_beneath
from pdflang.data.yaml_files import Node, read_yaml
from pdflang.diagnostics import PdflangError, closest_names

if TYPE_CHECKING:
    import numpy as np

_NAME = re.compile(r"[\w.+-]+")


@dataclass(frozen=True)
class ErrorSource:
    """One source of uncertainty of one data set.

    `treatment` is ADD (absolute) or MULT (a percentage); `type` is UNCORR, CORR, THEORYUNCORR or THEORYCORR
    inside the data set, and any other name correlates with the sources of that name in other data sets.
    """

    name: str
    treatment: str
    type: str


@dataclass(frozen=True, eq=False)
class DataSet:
    """One data set: central values (n,), kinematics by variable (n,), errors (n, sources) in the data's units."""

    name: str
    central: np.ndarray = field(repr=False)
    kinematics: dict[str, np.ndarray] = field(repr=False)
    sources: tuple[ErrorSource, ...] = field(repr=False)
    errors: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Observable:
    """An entry of a metadata file: where its files are, and how many data it has."""

    name: str
    folder: Path
    root: Path
    node: Node
    rows: int

    @property
    def variables(self) -> tuple[str, ...]:
        """The kinematic variables, in the order of the metadata."""
        kinematics = self.node.key("kinematics", "the kinematic variables and their file")
        return tuple(kinematics.key("variables", "the kinematic variables").mapping("a mapping of variables"))

    def file(self, node: Node) -> Node:
        """The content of the file that an entry of the metadata names."""
        name = node.text("the name of a file in the same folder")
        path = self.folder / name
        if not lies_beneath(path, self.root):
            raise node.wrong(
                f"leaves the folder of the data: {name}", "the name of a file in the same folder"
            )
        if not path.is_file():
            raise node.wrong(
                f"names the file `{name}`, which is not there", "the name of a file in the same folder"
            )
        return read_yaml(path, node.context)

    def check_length(self, entries: Sequence[object], node: Node) -> None:
        if len(entries) != self.rows:
            raise node.wrong(
                f"has {counted(len(entries), 'entry', 'entries')}", f"ndata = {self.rows} of them"
            )


def installed_collection() -> Path | None:
    """The folder of data sets of the package nnpdf-data, where that is installed."""
    spec = importlib.util.find_spec("nnpdf_data")
    folder = Path(spec.origin).parent / "commondata" if spec and spec.origin else None
    return folder if folder and folder.is_dir() else None


def find_observable(name: str, folders: Sequence[Path], context: DataContext) -> Observable:
    """The metadata of the data set `name`, from the first of `folders` that has it. Errors: E512, E513."""
    for root in folders if _NAME.fullmatch(name) else ():
        cuts = [position for position, character in enumerate(name) if character == "_"]
        for cut in reversed(cuts):
            folder = root / name[:cut]
            if (folder / "metadata.yaml").is_file() and lies_beneath(folder / "metadata.yaml", root):
                return _observable(name, name[cut + 1 :], folder, root, context)
    raise _unknown_set(name, folders, context)


def read_data_set(observable: Observable, variant: str | None, context: DataContext) -> DataSet:
    """All numbers of a data set. Errors: E512 for an unknown variant, E513 for whatever is malformed."""
    import numpy as np

    sources: list[ErrorSource] = []
    errors = []
    for node in _uncertainty_files(observable, variant):
        found, values = _read_uncertainties(observable, node)
        sources += found
        errors.append(values)
    return DataSet(
        observable.name,
        _read_central(observable, variant),
        _read_kinematics(observable),
        tuple(sources),
        np.concatenate(errors, axis=1),
    )


def _observable(name: str, wanted: str, folder: Path, root: Path, context: DataContext) -> Observable:
    metadata = read_yaml(folder / "metadata.yaml", context)
    nodes = metadata.key("implemented_observables", "the list of observables").sequence(
        "a list of observables"
    )
    by_name = {node.key("observable_name", "the observable's name").text("a name"): node for node in nodes}
    if wanted not in by_name:
        near = closest_names(wanted, by_name)
        raise data_error(
            "E512",
            f"the folder `{folder.name}` has no observable `{wanted}`",
            context,
            notes=(f"It has {', '.join(f'`{known}`' for known in by_name)}.",) if by_name else (),
            remedy=f"did you mean {one_of([f'{folder.name}_{known}' for known in near])}?" if near else "",
        )
    rows = by_name[wanted].key("ndata", "the number of data")
    if not isinstance(rows.value, int) or isinstance(rows.value, bool) or rows.value < 0:
        raise rows.wrong(f"is {rows.value!r}", "the number of data, a whole number")
    return Observable(name, folder, root, by_name[wanted], rows.value)


def _unknown_set(name: str, folders: Sequence[Path], context: DataContext) -> PdflangError:
    known = {
        path.parent.name: path.parent.parent
        for root in folders
        for path in sorted(root.glob("*/metadata.yaml"))
    }
    near = [
        f"{folder}_{node.value['observable_name']}"
        for folder in closest_names(name, known) + closest_names(name.rpartition("_")[0], known)
        for node in _observables_if_readable(known[folder] / folder, context)
    ]
    near = closest_names(name, near)
    return data_error(
        "E512",
        f"there is no data set `{name}`",
        context,
        notes=("Looked in " + (", ".join(f"`{root}`" for root in folders) or "no folder") + ".",)
        + ("A name is that of a folder with a file metadata.yaml, an underscore, and an observable of it.",),
        remedy=f"did you mean {one_of(near)}?"
        if near
        else "put its folder beside the model, or install NNPDF's collection: pip install nnpdf-data",
    )


def _observables_if_readable(folder: Path, context: DataContext) -> list[Node]:
    try:
        nodes = read_yaml(folder / "metadata.yaml", context).key("implemented_observables", "").sequence("")
        return [node for node in nodes if node.key("observable_name", "").text("")]
    except PdflangError:
        return []


def _overridable(observable: Observable, variant: str | None, key: str) -> Node | None:
    """The entry `key`, from the variant where that has it. Error: E512 for an unknown variant."""
    if variant is not None:
        variants = observable.node.optional("variants")
        known = variants.mapping("a mapping of variants") if variants else {}
        if variant not in known:
            near = closest_names(variant, known)
            raise data_error(
                "E512",
                f"the data set `{observable.name}` has no variant `{variant}`",
                observable.node.context,
                notes=(f"It has {', '.join(f'`{name}`' for name in known)}.",)
                if known
                else ("It has none.",),
                remedy=f"did you mean {one_of(near)}?" if near else "",
            )
        if (replaced := known[variant].optional(key)) is not None:
            return replaced
    return observable.node.optional(key)


def _read_central(observable: Observable, variant: str | None) -> np.ndarray:
    import numpy as np

    named = _overridable(observable, variant, "data_central")
    if named is None:
        raise observable.node.wrong("has no key `data_central`", "the file of the measured values")
    node = observable.file(named).key("data_central", "the list of measured values")
    values = node.sequence("the list of measured values")
    observable.check_length(values, node)
    return np.array([value.number("a measured value") for value in values])


def _read_kinematics(observable: Observable) -> dict[str, np.ndarray]:
    import numpy as np

    content = observable.file(
        observable.node.key("kinematics", "the kinematics").key("file", "the file of the kinematics")
    )
    node = content.key("bins", "a list with the kinematics of each datum")
    bins = node.sequence("a list with the kinematics of each datum")
    observable.check_length(bins, node)
    return {
        name: np.array([_middle(row.key(name, "every variable that the metadata lists")) for row in bins])
        for name in observable.variables
    }


def _middle(node: Node) -> float:
    """The `mid` of a kinematic variable; where that is null, the middle of `min` and `max`."""
    if (mid := node.optional("mid")) is not None:
        return mid.number("a number")
    ends = [
        node.key(end, "`mid`, or both `min` and `max`").number("a number where `mid` is null")
        for end in ("min", "max")
    ]
    return 0.5 * (ends[0] + ends[1])


def _uncertainty_files(observable: Observable, variant: str | None) -> list[Node]:
    named = _overridable(observable, variant, "data_uncertainties")
    files = named.sequence("a list of files") if named is not None else []
    if files:
        return files
    variants = (
        list(observable.node.optional("variants").value) if observable.node.optional("variants") else []
    )
    raise data_error(
        "E512",
        f"the data set `{observable.name}` has no uncertainties"
        + (f" in its variant `{variant}`" if variant else ""),
        observable.node.context,
        notes=(f"Its variants are {', '.join(f'`{name}`' for name in variants)}.",) if variants else (),
        remedy=f'choose one: commondata("{observable.name}", variant = "{variants[0]}")' if variants else "",
    )


def _read_uncertainties(observable: Observable, named: Node) -> tuple[list[ErrorSource], np.ndarray]:
    """The sources of one file of uncertainties that count, and their values (n, sources)."""
    import numpy as np

    content = observable.file(named)
    definitions = content.key("definitions", "the treatment and type of each source").mapping(
        "a mapping of sources"
    )
    sources = [_source(name, node) for name, node in definitions.items()]
    node = content.key("bins", "a list with the uncertainties of each datum")
    bins = node.sequence("a list with the uncertainties of each datum")
    observable.check_length(bins, node)
    for row in bins:
        for name, entry in row.mapping("a mapping from source to value").items():
            if name not in definitions:
                raise entry.wrong("has no definition", "an entry of `definitions` for each source")
    kept = [source for source in sources if source.type != "SKIP"]
    values = [
        [row.key(source.name, "a value for each source").number("a number") for source in kept]
        for row in bins
    ]
    return kept, np.array(values, dtype=np.float64).reshape(len(bins), len(kept))


def _source(name: str, node: Node) -> ErrorSource:
    treatment = node.key("treatment", "ADD or MULT")
    if treatment.value not in ("ADD", "MULT"):
        raise treatment.wrong(
            f"is {treatment.value!r}", "ADD (absolute) or MULT (proportional to the prediction)"
        )
    kind = node.key("type", "UNCORR, CORR, THEORYUNCORR, THEORYCORR, SKIP, or a name that data sets share")
    return ErrorSource(name, treatment.value, kind.text("a name"))
