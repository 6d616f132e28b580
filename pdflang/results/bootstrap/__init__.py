"""What fits of replicated data say about estimates: bias, spread, percentile intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np

from pdflang.results.posterior import group_of, tree_of
from pdflang.results.schema import VariableSchema, entry_names
from pdflang.results.summary import LONG_ARRAY
from pdflang.results.tables import aligned, csv_text
from pdflang.results.trees import Tree

_PERCENTILES = (2.5, 16.0, 84.0, 97.5)
_HEADINGS = ("estimate", "mean", "sd", "bias", *(f"{p:g}%" for p in _PERCENTILES))
_WORDS = {
    "simulation": "data simulated at the maximum",
    "resampling": "events resampled from those observed, all other data simulated at the maximum",
}


@dataclass(frozen=True)
class Row:
    """One number of the model: its estimate, and mean, sd, bias (mean − estimate) and percentiles of the replicas."""

    name: str
    variable: str
    estimate: float
    mean: float
    sd: float
    bias: float
    p2_5: float
    p16: float
    p84: float
    p97_5: float


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Fits of replicas of the data: `arrays` (replicas, …) by name, parameters and derived values, by `schemas`.

    `estimates` are those of the data themselves, `by` says how replicas come about. `failures` gives the message of
    each fit that failed, by number. `interrupted`: fewer replicas than were `asked` for. Source: Efron and
    Tibshirani, An Introduction to the Bootstrap (1993), chapters 6, 10 and 13.
    """

    arrays: dict[str, np.ndarray]
    estimates: dict[str, np.ndarray]
    schemas: Mapping[str, VariableSchema]
    by: str
    seed: int
    asked: int
    failures: dict[int, str]
    interrupted: bool

    @property
    def replicas(self) -> int:
        """How many fits succeeded."""
        return len(next(iter(self.arrays.values()), ()))

    def rows(self) -> list[Row]:
        """A row for each entry of each parameter and derived value; none with fewer than two replicas."""
        if self.replicas < 2:
            return []
        return [row for name, values in self.arrays.items() for row in self._rows(name, values)]

    def _rows(self, name: str, values: np.ndarray) -> list[Row]:
        shape = values.shape[1:]
        entries = entry_names(name, shape, self.schemas.get(name, VariableSchema()))
        columns, estimates = values.reshape(len(values), values[0].size), self.estimates[name].ravel()
        means, sds = columns.mean(axis=0), columns.std(axis=0, ddof=1)
        ends = np.percentile(columns, _PERCENTILES, axis=0).T
        numbers = np.column_stack([estimates, means, sds, means - estimates, ends])
        return [Row(entry, name, *map(float, row)) for entry, row in zip(entries, numbers, strict=True)]


def to_csv(bootstrap: Bootstrap) -> str:
    """All rows as comma-separated values, numbers in full precision."""
    return csv_text((field.name for field in fields(Row)), map(astuple, bootstrap.rows()))


def to_tree(bootstrap: Bootstrap) -> Tree:
    """The replicas as a tree with one group, `bootstrap`, over the axis `replica`."""
    group = group_of(bootstrap.arrays, bootstrap.schemas, ("replica",))
    return tree_of({"bootstrap": group}, {"by": bootstrap.by, "seed": bootstrap.seed, "asked": bootstrap.asked})


def to_record(bootstrap: Bootstrap) -> dict[str, Any]:
    """The rows as plain data, for `map.json`."""
    return {
        "by": bootstrap.by,
        "seed": bootstrap.seed,
        "replicas": bootstrap.replicas,
        "failures": bootstrap.failures,
        "interrupted": bootstrap.interrupted,
        "rows": [vars(row) for row in bootstrap.rows()],
    }


def rows_of(record: Mapping[str, Any]) -> list[Row]:
    """The rows of what `to_record` gave. Raises KeyError, TypeError or ValueError where it is something else."""
    names = [field.name for field in fields(Row)][2:]
    numbers = [np.array([row[name] for name in names], dtype=float).tolist() for row in record["rows"]]
    return [Row(row["name"], row["variable"], *found) for row, found in zip(record["rows"], numbers, strict=True)]


def table(rows: Sequence[Row]) -> tuple[list[tuple[str, ...]], list[str]]:
    """Headings, then a line for each row without those beyond the first of long arrays, which are told beside."""
    lines = [("", *_HEADINGS)]
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.variable] = counts.get(row.variable, 0) + 1
        if counts[row.variable] <= LONG_ARRAY:
            _, _, *numbers = astuple(row)
            lines.append((row.name, *(_shown(number, row.sd) for number in numbers)))
    return lines, [f"{n}: {LONG_ARRAY} of {c} entries shown" for n, c in counts.items() if c > LONG_ARRAY]


def account(record: Mapping[str, Any]) -> list[str]:
    """Where the replicas of what `to_record` gave come from, and how many fits failed."""
    said = [f"bootstrap of {record['replicas']} replicas: {_WORDS[record['by']]}"]
    if failures := record["failures"]:
        first = min(failures, key=int)
        said.append(f"{len(failures)} more fits failed; that of replica {first}: {failures[first]}")
    return said


def to_text(bootstrap: Bootstrap) -> str:
    """The table, where the replicas come from, and how many fits failed."""
    lines, cut = table(bootstrap.rows())
    return "\n".join([*aligned(lines), *cut, "", *account(to_record(bootstrap))]) + "\n"


def _shown(number: float, sd: float) -> str:
    """A number to three digits of the standard deviation."""
    if not (np.isfinite(sd) and sd > 0):
        return f"{number:.5g}"
    decimals = max(0, 2 - int(np.floor(np.log10(sd))))
    return f"{number:.{decimals}f}" if decimals <= 6 and abs(number) < 1e7 else f"{number:.5g}"
