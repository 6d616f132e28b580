"""Data sets one after the other, with their joint covariance.

Conventions: NNPDF, Eur. Phys. J. C 81 (2021) 958 (arXiv:2109.02671); the t0 prescription: Ball et
al., JHEP 05 (2010) 075 (arXiv:0912.2276).
"""

from __future__ import annotations

from collections.abc import Sequence
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
    and a selection keeps it. `errors` (n, sources) are absolute, in the units of D, 0 outside their own set.
    """

    set_names: tuple[str, ...]
    central: np.ndarray = field(repr=False)
    kinematics: dict[str, np.ndarray] = field(repr=False)
    set_index: np.ndarray = field(repr=False)
    entry: np.ndarray = field(repr=False)
    sources: tuple[ErrorSource, ...] = field(repr=False)
    errors: np.ndarray = field(repr=False)
    context: DataContext = field(repr=False)

    @property
    def rows(self) -> int:
        return len(self.central)

    def rows_of(self, set_name: str) -> np.ndarray:
        """The positions of a set's rows, ascending."""
        import numpy as np

        return np.flatnonzero(self.set_index == self.set_names.index(set_name))

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
        predictions.

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
        absolute = np.where(relative_too, 0.0, self.errors)
        scale = np.where(self.central == 0, 1.0, self.central)
        relative = np.where(relative_too, self.errors / scale[:, None], 0.0)
        uncorrelated = [i for i, source in enumerate(self.sources) if source.type in _UNCORRELATED]
        return {
            "correlated_absolute": self._correlated(absolute),
            "correlated_relative": self._correlated(relative),
            "uncorrelated_absolute": absolute[:, uncorrelated],
            "uncorrelated_relative": relative[:, uncorrelated],
        }

    def _correlated(self, sizes: np.ndarray) -> np.ndarray:
        """The vectors of correlated errors, (n, vectors): one a source in a set, one a special name."""
        import numpy as np

        vectors: dict[object, np.ndarray] = {}
        for position, (source, size) in enumerate(zip(self.sources, sizes.T, strict=True)):
            if source.type not in _UNCORRELATED:
                key: object = position if source.type in _WITHIN_SET else source.type
                vectors[key] = vectors[key] + size if key in vectors else size
        return np.stack(list(vectors.values()), axis=1) if vectors else np.zeros((self.rows, 0))

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
        kinematics=_kinematics(sets),
        set_index=np.repeat(np.arange(len(sets)), lengths),
        entry=np.concatenate([np.arange(1, length + 1) for length in lengths]),
        sources=tuple(source for data in sets for source in data.sources),
        errors=errors,
        context=context,
    )


def _kinematics(sets: list[DataSet]) -> dict[str, np.ndarray]:
    import numpy as np

    columns = _columns([tuple(data.kinematics) for data in sets])
    found = {
        name: np.concatenate([data.kinematics[name] for data in sets])
        for name in columns
        if name in sets[0].kinematics
    }
    if "W2" in columns and "W2" not in found:
        x, q2 = found["x"], found["Q2"]
        with np.errstate(divide="ignore", invalid="ignore"):
            found["W2"] = PROTON_MASS**2 + q2 * (1 - x) / x
    return found


def _check_special_names(sets: list[DataSet], context: DataContext) -> None:
    """A special name is one source in each set: two of them in one set could not be told apart in another."""
    for data in sets:
        special = [s.type for s in data.sources if s.type not in _UNCORRELATED + _WITHIN_SET]
        repeated = next((name for name in special if special.count(name) > 1), None)
        if repeated is not None:
            raise data_error(
                "E513",
                f"`{data.name}` has {counted(special.count(repeated), 'source')} of the type `{repeated}`",
                context,
                notes=(
                    "A type other than the six of the format names one source, shared between data sets.",
                ),
                remedy="give each its own type, or CORR",
            )
