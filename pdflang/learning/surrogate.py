"""Events that networks make, in the place of the simulator of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from pdflang.backend.runtime.events import Events
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference.platform import double_precision
from pdflang.learning.columns import columns_of
from pdflang.learning.coordinates import unconstrained
from pdflang.learning.layout import Part
from pdflang.learning.learned import Learned

if TYPE_CHECKING:
    from pdflang.model import CompiledModel

_AT_ONCE = 1 << 16
"""Events that are made at once."""
_FEWEST = 64
_BEYOND = 0.5
"""How far parameters may lie outside of those that were learned from, in parts of the range of these."""


@dataclass(frozen=True)
class Surrogate:
    """What makes the events of a model. Error: E662 where the method learns something else."""

    model: CompiledModel
    learned: Learned

    def __post_init__(self) -> None:
        self.learned.require_events()

    def drawn(
        self, key: Any, params: Mapping[str, Any], sizes: Mapping[str, int] | None = None
    ) -> dict[str, Events]:
        """Events by observation, in numbers that are Poisson's, or given by `sizes`; of `Iid`, as many as observed.

        All have the weight 1, also where those of the simulator are signed. Errors: E609 for parameters.
        """
        z, numbers = self.point(params), self.expected(params)
        generator = np.random.default_rng(np.asarray(jax.random.key_data(key)).astype(np.uint32).tolist())
        observed, found = self.model.event_counts(), {}
        for part in self.learned.parts:
            each = numbers[part.name]
            count = observed[part.name] if part.is_normalised else int(generator.poisson(each.mean()))
            count = (sizes or {}).get(part.name, count)
            shares = np.ones(len(each)) if part.is_normalised else each
            members = generator.multinomial(count, shares / shares.sum())
            rows = [self._rows(part, generator, z, member, int(number)) for member, number in enumerate(members)]
            columns = self.columns(part, generator.permutation(np.concatenate(rows)))
            found[part.name] = Events(columns, np.ones(count))
        return found

    def expected(self, params: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The expected number of events by observation, of each network (networks,). Errors: E609 for parameters."""
        z = self.point(params)
        with double_precision():
            return {p.name: np.asarray(self.learned.of_part("expected", p)(z)) for p in self.learned.parts}

    def of_network(self, part: Part, params: Mapping[str, Any], member: int, count: int, seed: int) -> np.ndarray:
        """So many events of one network, (count, width), as rows of the data."""
        return self._rows(part, np.random.default_rng(seed), self.point(params), member, count)

    def point(self, params: Mapping[str, Any]) -> np.ndarray:
        """Unconstrained parameters (dimension,). Error: E609 where nothing near them was learned."""
        checked = self.model.checked(params)
        z = unconstrained(self.model, {name: np.asarray(value)[None] for name, value in checked.items()})[0]
        low, high = self.learned.scales["z low"], self.learned.scales["z high"]
        room = _BEYOND * (high - low) + 1e-9 * (1 + np.abs(low))
        if not ((z >= low - room) & (z <= high + room)).all():
            shown = ", ".join(f"{name} = {np.array2string(np.asarray(v), precision=4)}" for name, v in checked.items())
            where = "at one point" if (low == high).all() else "at draws of which none is near"
            raise PdflangError(
                Diagnostic(
                    "E609", f"the networks know no events at {shown}: they were trained {where}",
                    remedy="give parameters as the training had them, or train at these: `train -p`",
                )
            )  # fmt: skip
        return z

    def columns(self, part: Part, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Rows (n, width) as columns by variable, labels as positions."""
        found, first = {}, 0
        for column in columns_of(part, self.learned.scales):
            own = rows[:, first : first + column.width]
            first += column.width
            values = own.argmax(axis=1) if column.kind == "label" else own[:, 0]
            found[column.name] = values.astype(np.int64) if column.kind in ("label", "whole") else values
        return found

    def _rows(self, part: Part, generator: np.random.Generator, z: np.ndarray, member: int, count: int) -> np.ndarray:
        seed, made = int(generator.integers(2**32)), []
        draw = self.learned.of_part("events_drawn", part, counts=True)
        with double_precision():
            for number, first in enumerate(range(0, count, _AT_ONCE)):
                wanted = min(_AT_ONCE, count - first)
                # A few sizes, each of which is compiled once.
                size = max(_FEWEST, 1 << (wanted - 1).bit_length())
                key = jax.random.fold_in(jax.random.key(seed), number)
                made.append(np.asarray(draw(key, z, member, size))[:wanted])
        return np.concatenate([np.zeros((0, part.width)), *made])
