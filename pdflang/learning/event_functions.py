"""What was learned of single events, as functions of any events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy.special import expit, logsumexp

from pdflang.diagnostics import Diagnostic, PdflangError, closest_names
from pdflang.learning.coordinates import constrained, jacobians, unconstrained
from pdflang.learning.correction import Correction
from pdflang.learning.layout import Part, numbers_of
from pdflang.learning.learned import Learned

if TYPE_CHECKING:
    from pdflang.learning.options import PivotOptions
    from pdflang.model import CompiledModel


_POINTS = 32
"""Parameters that the density of events is averaged over."""


@dataclass(frozen=True)
class EventFunctions:
    """Those of an observation of a model."""

    model: CompiledModel
    learned: Learned
    observation: str

    def log_ratios(self, events: Any, theta0: Mapping[str, Any], theta1: Mapping[str, Any]) -> np.ndarray:
        """log p(x | θ₀) − log p(x | θ₁), (events,). Errors: E609, E662."""
        function, rows = self._function("event_values", "ratios"), self._rows(events)
        found = [np.asarray(function(self._point(params), rows)) for params in (theta0, theta1)]
        return found[0] - found[1]

    def log_densities(self, events: Any, params: Mapping[str, Any]) -> np.ndarray:
        """log p(x | θ), (events,). Errors: E609, E662."""
        self.learned.require_method("likelihood", "density of single events")
        return np.asarray(self._function("event_values", "density")(self._point(params), self._rows(events)))

    def anomalies(self, events: Any, params: Mapping[str, Any] | None) -> np.ndarray:
        """−log p(x | θ), (events,), or that of the mean of p over known parameters. Errors: E609, E662."""
        self.learned.require_events()
        function, rows = self._function("event_values", "density"), self._rows(events)
        if params is not None:
            return -np.asarray(function(self._point(params), rows))
        known = np.unique(self.learned.scales["z points"], axis=0)
        some = known[np.linspace(0, len(known) - 1, min(len(known), _POINTS)).astype(int)]
        each = np.stack([np.asarray(function(z, rows)) for z in some])
        return -np.asarray(logsumexp(each, axis=0) - np.log(len(each)))

    def scores(self, events: Any) -> dict[str, np.ndarray]:
        """∇ log p(x | θ₀), (events, …) by parameter. Errors: E609, E662."""
        point = self.learned.scales.get("point")
        flat = np.asarray(self._function("event_scores", "scores")(self._rows(events)))
        assert point is not None
        # The inverse of ∂θ/∂z turns derivatives by z into those by θ.
        by_entries = flat @ np.linalg.pinv(jacobians(self.model, point[None])[0])
        found, first = {}, 0
        for name, values in constrained(self.model, point[None]).items():
            last = first + values[0].size
            found[name] = by_entries[:, first:last].reshape(-1, *values.shape[1:])
            first = last
        return found

    def weights(self, events: Any) -> np.ndarray:
        """p(x | observed)/p(x | simulated), (events,). Errors: E609, E662."""
        return Correction(self.model, self.learned).weights(self.part, self._rows(events))

    def moved(self, events: Any) -> Any:
        """Where events are moved, as they are given. Errors: E609, E662."""
        correction = Correction(self.model, self.learned)
        self.learned.require_correction("columns")
        found = correction.columns(self.part, correction.moved(self.part, self._rows(events)))
        return found if isinstance(events, Mapping) else next(iter(found.values()))

    def outputs(self, events: Any, penalty: float | None) -> np.ndarray:
        """P(second hypothesis | x), (events,), of the classifier of a penalty, or of the largest.

        Errors: E609, E620, E662.
        """
        function = self._function("event_outputs", "output")
        known = cast("PivotOptions", self.learned.options).penalty_values[: len(self.learned.history)]
        wanted = max(known) if penalty is None else penalty
        if wanted not in known:
            message = f"there is no classifier of the penalty {penalty:g}"
            remedy = f"there are those of {', '.join(f'{one:g}' for one in known)}"
            raise PdflangError(Diagnostic("E620", message, remedy=remedy))
        return expit(np.asarray(function(known.index(wanted), self._rows(events))))

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
        if not hasattr(self.learned.method.module, name):
            method = self.learned.method.name
            raise PdflangError(
                Diagnostic(
                    "E662", f"`{method}` has learned no {what} of single events",
                    remedy="train by `sally`, which learns scores, `alice`, which learns ratios, `flow`, a density, or "
                    "`pivot`, an output that depends on no nuisance",
                )
            )  # fmt: skip
        return self.learned.of_part(name, self.part)

    def _point(self, params: Mapping[str, Any]) -> np.ndarray:
        checked = self.model.checked(params)
        return unconstrained(self.model, {name: np.asarray(value)[None] for name, value in checked.items()})[0]

    def _rows(self, events: Any) -> np.ndarray:
        return numbers_of(self.model, self.part, {self.observation: events})
