"""What can be done with each observation: is there a density, its gradient, a simulator; and if not, why."""

from __future__ import annotations

from dataclasses import dataclass

from pdflang.diagnostics import Diagnostic
from pdflang.ir.program import Observation, Program


@dataclass(frozen=True)
class Capability:
    """What an observation has; `reason` says at which line something is missing."""

    observation: str
    density: bool
    gradient: bool
    simulator: bool
    reason: Diagnostic | None = None

    def __str__(self) -> str:
        has = [name for name in ("density", "gradient", "simulator") if getattr(self, name)]
        if self.reason is None or self.reason.span is None:
            return ", ".join(has)
        place = f"{self.reason.span.source.name}, line {self.reason.span.line}"
        return f"{', '.join(has)} only: {self.reason.message} ({place})"


def capabilities(program: Program) -> tuple[Capability, ...]:
    """What each observation of a program has, in the order of their declarations."""
    return tuple(_of(observation) for observation in program.observations.values())


def _of(observation: Observation) -> Capability:
    has_density = observation.no_density is None
    return Capability(observation.name, has_density, has_density, True, observation.no_density)
