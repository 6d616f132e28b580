"""Finds a data set in the commondata format of the NNPDF collaboration, Eur. Phys. J. C 81 (2021) 958.

A folder holds `metadata.yaml`, which lists observables; each names a file of central values, one of
kinematics and some of uncertainties, and `variants` that replace the first and the last. A data set is called
by its folder and its observable, with an underscore between.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pdflang.data.commondata.places import Node, read_yaml
from pdflang.data.context import DataContext, counted, data_error, one_of
from pdflang.data.paths import lies_beneath
from pdflang.diagnostics import PdflangError, closest_names

OPERATIONS = {
    "NULL": "", "ADD": "", "SMT": "", "RATIO": "a/b", "ASY": "(a - b)/(a + b)", "SMN": "(a + b)/(c + d)",
    "COM": "(a + b + …)/(k + l + …)",
}  # fmt: skip
"""What makes predictions of FK tables, by the names in metadata; "" where that is linear, as one table may be."""

_NAME = re.compile(r"[\w.+-]+")
_FILE = "the name of a file in the same folder"


@dataclass(frozen=True)
class ErrorSource:
    """One source of uncertainty of one data set.

    `treatment` is ADD (absolute) or MULT (a percentage); `type` is UNCORR, CORR, THEORYUNCORR or THEORYCORR
    inside the data set, and any other name correlates with the sources of that name in other data sets.
    """

    name: str
    treatment: str
    type: str


@dataclass(frozen=True)
class Observable:
    """An entry of a metadata file.

    `folder` has the files, and `root`, the model's folder or the collection, is what they may not leave.
    """

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

    def setting(self, key: str, variant: str | None) -> Node | None:
        """The entry `key`, from the variant where that has it. Error: E512 for an unknown variant."""
        if variant is not None:
            variants = self.node.optional("variants")
            known = variants.mapping("a mapping of variants") if variants else {}
            if variant not in known:
                raise self._unknown_variant(variant, known)
            if (replaced := known[variant].optional(key)) is not None:
                return replaced
        return self.node.optional(key)

    def read(self, named: Node) -> Node:
        """The content of the file that an entry of the metadata names. Error: E513."""
        name = named.text(_FILE)
        path = self.folder / name
        if not lies_beneath(path, self.root):
            raise named.wrong(f"leaves the folder of the data: {name}", _FILE)
        if not path.is_file():
            raise named.wrong(f"names the file `{name}`, which is not there", _FILE)
        return read_yaml(path, named.context)

    def one_a_datum(self, node: Node, wanted: str) -> list[Node]:
        """The entries of a list that has one for each datum. Error: E513."""
        entries = node.sequence(wanted)
        if len(entries) != self.rows:
            found = counted(len(entries), "entry", "entries")
            raise node.wrong(f"has {found}", f"one for each datum, and `ndata` is {self.rows}")
        return entries

    def _unknown_variant(self, variant: str, known: Iterable[str]) -> PdflangError:
        return data_error(
            "E512",
            f"the data set `{self.name}` has no variant `{variant}`",
            self.node.context,
            notes=(f"Its variants: {_quoted(known)}.",),
            remedy=_did_you_mean(closest_names(variant, known)),
        )


def installed_collection() -> Path | None:
    """The folder of data sets of the package nnpdf-data, where that is installed."""
    spec = importlib.util.find_spec("nnpdf_data")
    folder = Path(spec.origin).parent / "commondata" if spec and spec.origin else None
    return folder if folder and folder.is_dir() else None


def find_observable(name: str, folders: Sequence[Path], context: DataContext) -> Observable:
    """The metadata of the data set `name`, from the first of `folders` that has it. Errors: E512, E513."""
    cuts = [position for position, character in enumerate(name) if character == "_"]
    for root in folders if _NAME.fullmatch(name) else ():
        # The longest folder name counts: one may be the beginning of another.
        for cut in reversed(cuts):
            metadata = root / name[:cut] / "metadata.yaml"
            if metadata.is_file() and lies_beneath(metadata, root):
                return _observable(name, name[cut + 1 :], metadata, root, context)
    raise _unknown_set(name, folders, context)


def _observable(name: str, wanted: str, metadata: Path, root: Path, context: DataContext) -> Observable:
    by_name = _observables(metadata, context)
    folder = metadata.parent
    if wanted not in by_name:
        near = [f"{folder.name}_{known}" for known in closest_names(wanted, by_name)]
        raise data_error(
            "E512",
            f"the folder `{folder.name}` has no observable `{wanted}`",
            context,
            notes=(f"Its observables: {_quoted(by_name)}.",),
            remedy=_did_you_mean(near),
        )
    rows = by_name[wanted].key("ndata", "the number of data")
    return Observable(name, folder, root, by_name[wanted], rows.count("the number of data, a whole number"))


def _observables(metadata: Path, context: DataContext) -> dict[str, Node]:
    listed = read_yaml(metadata, context).key("implemented_observables", "the list of observables")
    nodes = listed.sequence("the list of observables")
    return {node.key("observable_name", "a name").text("a name"): node for node in nodes}


def _unknown_set(name: str, folders: Sequence[Path], context: DataContext) -> PdflangError:
    near = closest_names(name, _near_sets(name, folders, context))
    looked_in = ", ".join(f"`{root}`" for root in folders) or "no folder"
    return data_error(
        "E512",
        f"there is no data set `{name}`",
        context,
        notes=(
            f"Looked in {looked_in}.",
            "A name is that of a folder with a file metadata.yaml, an underscore, and an observable of it.",
        ),
        remedy=_did_you_mean(near)
        or "put its folder beside the model, or install NNPDF's collection: pip install nnpdf-data",
    )


def _near_sets(name: str, folders: Sequence[Path], context: DataContext) -> list[str]:
    """The data sets of folders whose names resemble `name`: reading all of a collection would take long."""
    known = {path.parent.name: path for root in folders for path in sorted(root.glob("*/metadata.yaml"))}
    found = []
    for folder in closest_names(name, known) + closest_names(name.rpartition("_")[0], known):
        try:
            found += [f"{folder}_{observable}" for observable in _observables(known[folder], context)]
        except PdflangError:
            continue
    return found


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _did_you_mean(near: list[str]) -> str:
    return f"did you mean {one_of(near)}?" if near else ""
