"""What was learned of single events, as functions of any events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError, closest_names
from pdflang.inference.platform import double_precision
from pdflang.learning.coordinates import constrained, jacobians, unconstrained
from pdflang.learning.layout import Part, numbers_of
from pdflang.learning.learned import Learned

if TYPE_CHECKING:
    from pdflang.model import CompiledModel


@dataclass(frozen=True)
class EventFunctions:
    """Those of an observation of a model."""

    model: CompiledModel
    learned: Learned
    observation: str

    def log_ratios(self, events: Any, theta0: Mapping[str, Any], theta1: Mapping[str, Any]) -> np.ndarray:
        """log p(x | θ₀) − log p(x | θ₁), (events,). Errors: E609, E662."""
        function, rows = self._function("event_values", "ratios"), self._rows(events)
        found = [self._called(function, self._point(params), rows) for params in (theta0, theta1)]
        return found[0] - found[1]

    def scores(self, events: Any) -> dict[str, np.ndarray]:
        """∇ log p(x | θ₀), (events, …) by parameter. Errors: E609, E662."""
        point = self.learned.scales.get("point")
        flat = self._called(self._function("event_scores", "scores"), self._rows(events))
        assert point is not None
        # The inverse of ∂θ/∂z turns derivatives by z into those by θ.
        by_entries = flat @ np.linalg.pinv(jacobians(self.model, point[None])[0])
        found, first = {}, 0
        for name, values in constrained(self.model, point[None]).items():
            last = first + values[0].size
            found[name] = by_entries[:, first:last].reshape(-1, *values.shape[1:])
            first = last
        return found

    @property
    def part(self) -> Part:
        """The part of the data. Error: E609 where there is none."""
        parts = {part.name: part for part in self.learned.parts}
        if self.observation not in parts:
            near = closest_names(self.observation, parts)
            remedy = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(parts)}"
            message = f"there is no observation `{self.observation}`"
            raise PdflangError(Diagnostic("E609", message, remedy=remedy))
        return parts[self.observation]

    def _function(self, name: str, what: str) -> Any:
        function = getattr(self.learned.method.module, name, None)
        if function is None:
            method = self.learned.method.name
            raise PdflangError(
                Diagnostic(
                    "E662", f"`{method}` has learned no {what} of single events",
                    remedy="train by `sally`, which learns scores, or by `alice`, which learns ratios",
                )
            )  # fmt: skip
        return function

    def _called(self, function: Any, *arguments: Any) -> np.ndarray:
        with double_precision():
            network = self.learned.network(self.learned.precise_weights)
            return np.asarray(function(network, self.part, self.learned.scales, *arguments))

    def _point(self, params: Mapping[str, Any]) -> np.ndarray:
        checked = self.model.checked(params)
        return unconstrained(self.model, {name: np.asarray(value)[None] for name, value in checked.items()})[0]

    def _rows(self, events: Any) -> np.ndarray:
        return numbers_of(self.model, self.part, {self.observation: events})
