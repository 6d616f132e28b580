"""Simulated events of a model, corrected by what was learned beside those observed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from pdflang.backend.runtime.events import Events
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference.platform import double_precision
from pdflang.learning.columns import columns_of
from pdflang.learning.coordinates import constrained
from pdflang.learning.layout import Part, numbers_of
from pdflang.learning.learned import Learned

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

WEIGHT = "weight"
"""The column of weights where the model reads none."""
_MOST_LISTS = 10_000
_LEAST_ROWS = 64


@dataclass(frozen=True)
class Correction:
    """What corrects the events of a model. Error: E662 where the method learns something else."""

    model: CompiledModel
    learned: Learned

    def __post_init__(self) -> None:
        self.learned.require_correction()

    @property
    def point(self) -> dict[str, np.ndarray]:
        """The parameters by name that the correction was learned at."""
        found = constrained(self.model, self.learned.scales["z point"][None])
        return {name: values[0] for name, values in found.items()}

    def weights(self, part: Part, rows: np.ndarray) -> np.ndarray:
        """p(x | observed)/p(x | simulated) of rows (n, width): (n,). Error: E662 where events are moved."""
        self.learned.require_correction("weights")
        return np.exp(self._of_rows("log_weights", part, rows))

    def moved(self, part: Part, rows: np.ndarray) -> np.ndarray:
        """Where rows (n, width) are moved. Error: E662 where events are weighted."""
        self.learned.require_correction("columns")
        return self._of_rows("moved_rows", part, rows)

    def _of_rows(self, name: str, part: Part, rows: np.ndarray) -> np.ndarray:
        """A function of rows, in a few sizes, each of which is compiled once."""
        if not len(rows):
            return rows if name == "moved_rows" else np.zeros(0)
        size = max(_LEAST_ROWS, 1 << (len(rows) - 1).bit_length())
        padded = np.pad(rows, ((0, size - len(rows)), (0, 0)), mode="edge")
        with double_precision():
            return np.asarray(self.learned.of_part(name, part)(padded))[: len(rows)]

    def of_rows(self, part: Part, rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows (n, width) of events with their weights (n,), corrected."""
        if self.learned.method.corrects == "weights":
            return rows, weights * self.weights(part, rows)
        return self.moved(part, rows), weights

    def drawn(
        self, draw: Callable[..., dict[str, Any]], key: Any, params: Mapping[str, Any], sizes: Mapping[str, int],
        envelopes: Any = None,
    ) -> dict[str, Any]:  # fmt: skip
        """What `draw` of the model gives, with its events corrected; of several lists, where more are wanted.

        Errors: E609 for other parameters than those of the training, E661 where lists are too short.
        """
        checked = self.model.checked(params)
        self._require_point(checked)
        # The number of events of a Poisson process is its own: what is wanted beyond comes from further lists.
        names = {part.name for part in self.learned.parts if not part.is_normalised}
        wanted = {name: size for name, size in sizes.items() if name in names}
        others = {name: size for name, size in sizes.items() if name not in names}
        drawn = [draw(key, checked, others, False, envelopes)]
        while any(_count(name, drawn) < size for name, size in wanted.items()):
            if len(drawn) == _MOST_LISTS:
                name = next(name for name, size in wanted.items() if _count(name, drawn) < size)
                raise PdflangError(
                    Diagnostic(
                        "E661", f"{_MOST_LISTS} lists of `{name}` have only {_count(name, drawn)} events",
                        remedy="ask for fewer, or see whether rates and acceptances are what they should be",
                    )
                )  # fmt: skip
            drawn.append(draw(jax.random.fold_in(key, len(drawn)), checked, others, False, envelopes))
        found = dict(drawn[0])
        for part in self.learned.parts:
            lists, most = [one[part.name] for one in drawn], wanted.get(part.name)
            found[part.name] = self._corrected(part, lists[:1] if most is None else lists, most)
        return found

    def _corrected(self, part: Part, lists: list[Events], most: int | None) -> Events:
        columns = {name: np.concatenate([one.columns[name] for one in lists])[:most] for name in part.variables}
        weights = np.concatenate([one.weights for one in lists])[:most]
        rows, weights = self.of_rows(part, numbers_of(self.model, part, {part.name: columns}), weights)
        return Events(self.columns(part, rows) if self.learned.method.corrects == "columns" else columns, weights)

    def columns(self, part: Part, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Rows (n, width) of numbers as columns by variable."""
        return {column.name: rows[:, place] for place, column in enumerate(columns_of(part, self.learned.scales))}

    @property
    def weights_at(self) -> list[str]:
        """Where the weights of each observation are, as a model names them; nothing where events are moved."""
        return [weights_of for part in self.learned.parts if (weights_of := self._weights_at(part))]

    def _weights_at(self, part: Part) -> str:
        if self.learned.method.corrects != "weights":
            return ""
        is_table = self.model.program.data[part.name].shape == "table"
        return part.weights or (f"{part.name}.{WEIGHT}" if is_table else f"{part.name}_{WEIGHT}")

    def with_weights(self, data: Mapping[str, Any], drawn: Mapping[str, Events]) -> dict[str, Any]:
        """Data with the weights of events that have no column in the model.

        That is a further column `weight` of a table, and of an array `o` a datum `o_weight`.
        """
        found = dict(data)
        for part in self.learned.parts:
            if (place := self._weights_at(part)) in ("", part.weights):
                continue
            weights = drawn[part.name].weights
            if place.startswith(f"{part.name}."):
                found[part.name] = {**found[part.name], WEIGHT: weights}
            else:
                found[place] = weights
        return found

    def _require_point(self, params: Mapping[str, Any]) -> None:
        known = self.point
        if all(np.allclose(np.asarray(params[name]), known[name], rtol=1e-6, atol=1e-12) for name in known):
            return
        shown = ", ".join(f"{name} = {np.array2string(value, precision=4)}" for name, value in known.items())
        raise PdflangError(
            Diagnostic(
                "E609", f"`{self.learned.method.name}` has learned to correct the simulation at {shown} alone",
                remedy="leave parameters out, or train at others: `train -p`",
            )
        )  # fmt: skip


def _count(name: str, drawn: list[dict[str, Any]]) -> int:
    return sum(len(one[name].weights) for one in drawn)
