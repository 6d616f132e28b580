"""Reads the numbers of one data set: central values, kinematics, uncertainties."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pdflang.data.commondata.metadata import ErrorSource, Observable
from pdflang.data.commondata.places import Node
from pdflang.data.context import data_error

if TYPE_CHECKING:
    import numpy as np

_TREATMENTS = "ADD (absolute) or MULT (proportional to the prediction)"
_TYPES = "UNCORR, CORR, THEORYUNCORR, THEORYCORR, SKIP, or a name that data sets share"


@dataclass(frozen=True, eq=False)
class DataSet:
    """One data set: central values (n,), kinematics by variable (n,), errors (n, sources) in its units.

    `operation` is what its metadata make predictions by, of several FK tables: RATIO, ASY, …; NULL of one.
    """

    name: str
    central: np.ndarray = field(repr=False)
    kinematics: dict[str, np.ndarray] = field(repr=False)
    sources: tuple[ErrorSource, ...] = field(repr=False)
    errors: np.ndarray = field(repr=False)
    operation: str = "NULL"


def read_data_set(observable: Observable, variant: str | None) -> DataSet:
    """All numbers of a data set. Errors: E512 for an unknown variant, E513 for whatever is malformed."""
    import numpy as np

    central = _read_central(observable, variant)
    kinematics = _read_kinematics(observable)
    files = [_read_uncertainties(observable, named) for named in _uncertainty_files(observable, variant)]
    sources = tuple(source for found, _ in files for source in found)
    errors = np.concatenate([values for _, values in files], axis=1)
    return DataSet(observable.name, central, kinematics, sources, errors, _operation(observable))


def _operation(observable: Observable) -> str:
    theory = observable.node.optional("theory")
    written = theory.optional("operation") if theory is not None else None
    return written.text("the name of an operation").upper() if written is not None else "NULL"


def _read_central(observable: Observable, variant: str | None) -> np.ndarray:
    import numpy as np

    named = observable.setting("data_central", variant)
    if named is None:
        raise data_error(
            "E513",
            f"the observable `{observable.name}` has no measured values",
            observable.node.context,
            notes=(f"`{observable.node.entry}` of `{observable.node.file}` has no key `data_central`.",),
            remedy="what fits constrain without measuring it, such as positivity, is a term of the density: "
            "factor positive = penalty(…)",
        )
    wanted = "the list of measured values"
    values = observable.one_a_datum(observable.read(named).key("data_central", wanted), wanted)
    return np.array([value.number("a measured value") for value in values])


def _read_kinematics(observable: Observable) -> dict[str, np.ndarray]:
    import numpy as np

    named = observable.node.key("kinematics", "the kinematics").key("file", "the file of the kinematics")
    wanted = "a list with the kinematics of each datum"
    bins = observable.one_a_datum(observable.read(named).key("bins", wanted), wanted)
    return {
        name: np.array([_middle(row.key(name, "every variable that the metadata lists")) for row in bins])
        for name in observable.variables
    }


def _middle(node: Node) -> float:
    """The `mid` of a kinematic variable; where that is null, the middle of `min` and `max`."""
    if (mid := node.optional("mid")) is not None:
        return mid.number("a number")
    wanted = "a number `mid`, or both `min` and `max`"
    return 0.5 * (node.key("min", wanted).number(wanted) + node.key("max", wanted).number(wanted))


def _uncertainty_files(observable: Observable, variant: str | None) -> list[Node]:
    named = observable.setting("data_uncertainties", variant)
    files = named.sequence("a list of files") if named else []
    if files:
        return files
    variants = observable.node.optional("variants")
    known = list(variants.mapping("a mapping of variants")) if variants else []
    raise data_error(
        "E512",
        f"the data set `{observable.name}` has no uncertainties"
        + (f" in its variant `{variant}`" if variant else " without a variant"),
        observable.node.context,
        notes=(f"Its variants: {', '.join(f'`{name}`' for name in known)}.",) if known else (),
        remedy=f'choose one: commondata("{observable.name}", variant = "{known[0]}")' if known else "",
    )


def _read_uncertainties(observable: Observable, named: Node) -> tuple[list[ErrorSource], np.ndarray]:
    """The sources of one file of uncertainties, without those to skip, and their values (n, sources)."""
    import numpy as np

    content = observable.read(named)
    definitions = content.key("definitions", "each source's treatment and type").mapping(
        "a mapping of sources"
    )
    kept = [source for name, node in definitions.items() if (source := _source(name, node)).type != "SKIP"]
    wanted = "a list with the uncertainties of each datum"
    bins = observable.one_a_datum(content.key("bins", wanted), wanted)
    values = []
    for row in bins:
        entry_of = _entries(row, list(definitions))
        values.append(row.numbers([entry_of[source.name] for source in kept], "a number"))
    return kept, np.array(values, dtype=np.float64).reshape(len(bins), len(kept))


def _entries(row: Node, sources: list[str]) -> dict[str, str]:
    """What each source is called in a row: the same, unless one alone has no entry, or others stand in their places.

    Some of NNPDF's files rely on its reader, which goes by the places and not by the names. Where both are there, in
    different orders, names count: by places an error would have the treatment and the type of another.
    """
    names = row.names("a mapping from source to value")
    entry_of = dict(zip(sources, sources, strict=True))
    unknown = [name for name in names if name not in entry_of]
    missing = [source for source in sources if source not in names] if unknown else []
    in_place = all(source == name or name in unknown for source, name in zip(sources, names, strict=False))
    if len(unknown) != len(missing) or (len(unknown) > 1 and not in_place):
        raise row.key(unknown[0], "").wrong("has no definition", "an entry in `definitions` for each source")
    return entry_of | dict(zip(missing, unknown, strict=True))


def _source(name: str, node: Node) -> ErrorSource:
    treatment = node.key("treatment", _TREATMENTS)
    if treatment.value not in ("ADD", "MULT"):
        raise treatment.wrong(f"is {treatment.value!r}", _TREATMENTS)
    return ErrorSource(name, treatment.value, node.key("type", _TYPES).text(_TYPES))
