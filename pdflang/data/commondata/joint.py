"""Data sets one after the other, with their joint covariance.

Conventions: NNPDF, Eur. Phys. J. C 81 (2021) 958 (arXiv:2109.02671); the t0 prescription: Ball et
al., JHEP 05 (2010) 075 (arXiv:0912.2276).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pdflang.data.checks import check_finite, check_size
from pdflang.data.commondata.files import DataSet, read_data_set
from pdflang.data.commondata.metadata import ErrorSource, find_observable
from pdflang.data.context import DataContext, counted, data_error
from pdflang.data.covariance import from_systematics

if TYPE_CHECKING:
    import numpy as np

PROTON_MASS = 0.938272
"""In GeV."""

_UNCORRELATED = ("UNCORR", "THEORYUNCORR")
_WITHIN_SET = ("CORR", "THEORYCORR")


@dataclass(frozen=True, eq=False)
class CommonData:
    """The rows of one or more data sets, one set after the other.

    `central` (n,) are the measured values D; `kinematics` the variables common to all sets, (n,) each, with
    W2 = m_p² + Q² (1 − x)/x in GeV², the squared mass of the hadronic final state, where x and Q2 are among
    them. `set_index` (n,) is the position in `set_names`; `entry` (n,) counts the rows of each set from 1,
    and a selection keeps it. `errors` (n, sources) are absolute, in the units of D, 0 outside their own set, which
    `source_set` (sources,) has.
    `weights` are those of the sets, none where all are 1; `own` has all variables of each set, of all its rows,
    `operations` what makes predictions of several FK tables, by set.
    """

    set_names: tuple[str, ...]
    central: np.ndarray = field(repr=False)
    kinematics: dict[str, np.ndarray] = field(repr=False)
    set_index: np.ndarray = field(repr=False)
    entry: np.ndarray = field(repr=False)
    sources: tuple[ErrorSource, ...] = field(repr=False)
    source_set: np.ndarray = field(repr=False)
    errors: np.ndarray = field(repr=False)
    context: DataContext = field(repr=False)
    weights: tuple[float, ...] = ()
    own: tuple[dict[str, np.ndarray], ...] = field(default=(), repr=False)
    operations: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> int:
        return len(self.central)

    @property
    def weight_of(self) -> dict[str, float]:
        """The weight of each set, by its name."""
        return dict(zip(self.set_names, self.weights or (1.0,) * len(self.set_names), strict=True))

    def weighted(self, weights: Sequence[float]) -> CommonData:
        """The same data, each set with a weight: its errors, all of them, count divided by the root of it."""
        return replace(self, weights=tuple(weights))

    def rows_of(self, set_name: str) -> np.ndarray:
        """The positions of a set's rows, ascending."""
        import numpy as np

        return np.flatnonzero(self.set_index == self.set_names.index(set_name))

    def positions_of(self, sets: Sequence[str]) -> np.ndarray:
        """The positions of the rows of some sets, ascending."""
        import numpy as np

        return np.flatnonzero(np.isin(self.set_index, [self.set_names.index(name) for name in sets]))

    def part(self, sets: Sequence[str]) -> CommonData:
        """Some of the sets, in their order, with the variables that these have in common; without their errors."""
        import numpy as np

        rows = self.positions_of(sets)
        index, entry = self.set_index[rows], self.entry[rows]
        chosen = [self.set_names.index(name) for name in sets]
        kinematics = [{n: v[entry[index == one] - 1] for n, v in self.own[one].items()} for one in chosen]
        return CommonData(
            tuple(sets), self.central[rows], _kinematics(kinematics), np.searchsorted(chosen, index), entry,
            (), np.zeros(0, dtype=int), np.zeros((len(rows), 0)), self.context,
        )  # fmt: skip

    def row_name(self, position: int) -> str:
        """A row as messages name it."""
        return f"row {self.entry[position]} of {self.set_names[self.set_index[position]]}"

    def select(self, mask: np.ndarray) -> CommonData:
        """The rows where `mask`, (n,) of bool, is true; the sets stay, also those left without rows."""
        return replace(
            self,
            central=self.central[mask],
            kinematics={name: values[mask] for name, values in self.kinematics.items()},
            set_index=self.set_index[mask],
            entry=self.entry[mask],
            errors=self.errors[mask],
        )

    def covariance(self, reference: np.ndarray | None = None) -> np.ndarray:
        """The covariance matrix (n, n) of the central values, exactly symmetric.

        diag(Σ σ²) over uncorrelated sources, plus Σ β βᵀ over sources correlated in their data set, plus
        Σ s sᵀ over special names, each s running through all sets. A multiplicative source has the size
        σ · reference / D. Without `reference` that is σ: the experimental covariance. With the prediction
        (n,) of a fixed earlier fit it is the t0 covariance, which keeps a fit from preferring small
        predictions. Between sets of the weights w and v it is divided by √(w v), as in NNPDF's fits.

        Errors: E506 for a reference of another length, E507 where it is not finite, E513 for a
        multiplicative error of a measured 0.
        """
        import numpy as np

        prediction = self.central
        if reference is not None:
            prediction = np.ravel(reference)
            check_size(len(prediction), self.rows, self.context.of("the t0 prediction"))
            check_finite(prediction, self.context.of("the t0 prediction"))
            self.check_scale()
        return from_systematics(prediction, **self.systematics())

    def systematics(self) -> dict[str, np.ndarray]:
        """The errors as `covariance` takes them: correlated ones (n, vectors), others (n, sources).

        Absolute ones are in the units of D, relative ones are fractions of D. One vector stands for a
        correlated source in its set, or for all sources of a special name.
        """
        import numpy as np

        multiplicative = np.array([source.treatment == "MULT" for source in self.sources], dtype=bool)
        relative_too = multiplicative & (self.central != 0)[:, None]
        errors = self.errors / np.sqrt(list(self.weight_of.values()))[self.set_index, None]
        absolute = np.where(relative_too, 0.0, errors)
        scale = np.where(self.central == 0, 1.0, self.central)
        relative = np.where(relative_too, errors / scale[:, None], 0.0)
        groups = self._correlated()
        uncorrelated = [i for i, source in enumerate(self.sources) if source.type in _UNCORRELATED]
        return {
            "correlated_absolute": _sums(absolute, groups.values()),
            "correlated_relative": _sums(relative, groups.values()),
            "uncorrelated_absolute": absolute[:, uncorrelated],
            "uncorrelated_relative": relative[:, uncorrelated],
        }

    @property
    def correlated_names(self) -> tuple[str, ...]:
        """What the vectors of correlated errors are called: `SET: source`, or the special name that sets share."""
        return tuple(self._correlated())

    def _correlated(self) -> dict[str, list[int]]:
        """The positions of the sources of each vector of correlated errors, by what it is called.

        A special name that each set has several times makes a vector of each, in their order.
        """
        groups: dict[str, list[int]] = {}
        seen: Counter[tuple[int, str]] = Counter()
        for position, (source, of_set) in enumerate(zip(self.sources, self.source_set, strict=True)):
            if source.type in _WITHIN_SET:
                groups[_free(f"{self.set_names[of_set]}: {source.name}", groups)] = [position]
            elif source.type not in _UNCORRELATED:
                seen[of_set, source.type] += 1
                number = seen[of_set, source.type]
                groups.setdefault(source.type if number == 1 else f"{source.type} ({number})", []).append(position)
        return groups

    def check_uncorrelated(self) -> None:
        """Every datum has an uncorrelated error, without which the form with nuisances has no density. Error: E513."""
        import numpy as np

        uncorrelated = [source.type in _UNCORRELATED for source in self.sources]
        bare = ~np.any(self.errors[:, uncorrelated] != 0, axis=1)
        if bare.any():
            raise data_error(
                "E513",
                f"{self.row_name(int(np.argmax(bare)))} has no uncorrelated error",
                self.context,
                notes=("With nuisances for all that is correlated, nothing is left from which it could be drawn.",),
                remedy="use the covariance, which may well have an inverse",
            )

    def check_scale(self) -> None:
        """No multiplicative error of a measured 0, which another reference could not rescale. Error: E513."""
        import numpy as np

        multiplicative = np.array([source.treatment == "MULT" for source in self.sources], dtype=bool)
        without_scale = (self.central == 0) & np.any(self.errors[:, multiplicative] != 0, axis=1)
        if without_scale.any():
            raise data_error(
                "E513",
                f"{self.row_name(int(np.argmax(without_scale)))} has a multiplicative error and the value 0",
                self.context,
                notes=(
                    "A multiplicative error is a percentage of the measured value, and there is none of 0.",
                ),
                remedy="use the experimental covariance, or the treatment ADD for this error",
            )


def _sums(sizes: np.ndarray, groups: Collection[list[int]]) -> np.ndarray:
    """The sums of columns of an array (n, sources), (n, groups)."""
    import numpy as np

    found = [sizes[:, positions].sum(axis=1) for positions in groups]
    return np.stack(found, axis=1) if found else np.zeros((len(sizes), 0))


def _free(name: str, taken: Collection[str]) -> str:
    """A name that is not taken: files of one set may call two of its sources the same."""
    count = sum(other == name or other.startswith(f"{name} (") for other in taken)
    return f"{name} ({count + 1})" if count else name


def read_commondata(
    names: Sequence[str], variant: str | None, folders: Sequence[Path], context: DataContext
) -> CommonData:
    """The data sets `names`, each from the first of `folders` that has it.

    Errors: E512 for an unknown set, observable or variant, E513 for a malformed file.
    """
    _check_distinct(names, context)
    observables = [find_observable(name, folders, context) for name in names]
    return _joined([read_data_set(observable, variant) for observable in observables], context)


def commondata_columns(
    names: Sequence[str], folders: Sequence[Path], context: DataContext
) -> tuple[str, ...]:
    """The columns that a selection can use, from the metadata alone. Errors: E512, E513."""
    _check_distinct(names, context)
    return _columns([find_observable(name, folders, context).variables for name in names])


def _columns(variables: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The variables that all sets have, in the order of the first, and W2 where it follows from them."""
    common = [name for name in variables[0] if all(name in others for others in variables)]
    return (*common, *(["W2"] if {"x", "Q2"} <= set(common) and "W2" not in common else []))


def _check_distinct(names: Sequence[str], context: DataContext) -> None:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise data_error(
                "E512", f"the data set `{name}` is named twice", context, remedy="name each set once"
            )
    if not names:
        raise data_error(
            "E512", "no data set is named", context, remedy='write commondata("FOLDER_OBSERVABLE")'
        )


def _joined(sets: list[DataSet], context: DataContext) -> CommonData:
    import numpy as np

    lengths = [len(data.central) for data in sets]
    errors = np.zeros((sum(lengths), sum(len(data.sources) for data in sets)))
    row = column = 0
    for data in sets:
        height, width = data.errors.shape
        errors[row : row + height, column : column + width] = data.errors
        row, column = row + height, column + width
    _check_special_names(sets, context)
    return CommonData(
        set_names=tuple(data.name for data in sets),
        central=np.concatenate([data.central for data in sets]),
        kinematics=_kinematics([data.kinematics for data in sets]),
        own=tuple(data.kinematics for data in sets),
        operations={data.name: data.operation for data in sets},
        set_index=np.repeat(np.arange(len(sets)), lengths),
        entry=np.concatenate([np.arange(1, length + 1) for length in lengths]),
        sources=tuple(source for data in sets for source in data.sources),
        source_set=np.repeat(np.arange(len(sets)), [len(data.sources) for data in sets]),
        errors=errors,
        context=context,
    )


def _kinematics(sets: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The variables that all sets have, one set after the other, and W2."""
    import numpy as np

    columns = _columns([tuple(variables) for variables in sets])
    found = {
        name: np.concatenate([variables[name] for variables in sets]) for name in columns if name in sets[0]
    }
    if "W2" in columns and "W2" not in found:
        x, q2 = found["x"], found["Q2"]
        with np.errstate(divide="ignore", invalid="ignore"):
            found["W2"] = PROTON_MASS**2 + q2 * (1 - x) / x
    return found


def _check_special_names(sets: list[DataSet], context: DataContext) -> None:
    """A special name is one source of each set that has it, or several, which then are as many in each set."""
    counts = [(data.name, Counter(source.type for source in data.sources)) for data in sets]
    special = {kind for _, count in counts for kind in count} - {*_UNCORRELATED, *_WITHIN_SET}
    for kind in sorted(special):
        having = [(name, count[kind]) for name, count in counts if kind in count]
        other = next(((name, number) for name, number in having if number != having[0][1]), None)
        if other is not None:
            raise data_error(
                "E513",
                f"`{having[0][0]}` has {counted(having[0][1], 'source')} of the type `{kind}`, `{other[0]}` {other[1]}",
                context,
                notes=(
                    "A type other than the six of the format names one source, shared between data sets.",
                ),
                remedy="which of them are the same cannot be told: fit the sets as data of their own, or rename a type",
            )
