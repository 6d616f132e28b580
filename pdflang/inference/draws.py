"""What a sampler returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pdflang.inference.options import Options

if TYPE_CHECKING:
    import numpy as np


class NoFiniteStart(Exception):
    """No start with a finite log-density and gradient was found; `z` (dimension,) is the last point tried."""

    def __init__(self, z: np.ndarray) -> None:
        super().__init__("the log-density or its gradient is not finite at any of the starts that were tried")
        self.z = z


class Unsuited(Exception):
    """The target is not one for the method; the text says why, `remedy` what to do."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.remedy = remedy


class NoNormalApproximation(Unsuited):
    """There is no place that a normal approximation could stand at."""

    def __str__(self) -> str:
        return f"there is no normal approximation: {super().__str__()}"


class Evidence(NamedTuple):
    """log Z, the logarithm of ∫ prior × likelihood, and its standard error."""

    log_z: float
    error: float

    def __str__(self) -> str:
        return f"log Z = {self.log_z:.2f} ± {self.error:.2g}"


class Remark(NamedTuple):
    """What a method has to say of its result, and what to do about it."""

    sentence: str
    remedy: str
    severity: Literal["error", "warning", "note"] = "note"


@dataclass(frozen=True)
class Draws:
    """Draws of a method on the unconstrained scale.

    `z` has shape (chain, draw, dimension); what a chain is depends on the method. `statistics` are arrays (chain,
    draw) under ArviZ's names: lp and n_gradients, of chains also diverging, energy, acceptance_rate, n_steps and
    step_size, of NUTS tree_depth; of chains that need no gradients n_evaluations. `seed` is the seed itself, also
    where the options asked for one. `warmup_gradients` (chain,) counts the gradients before the draws,
    `warmup_evaluations` those of the density alone. `metric` (chain, dimension[, dimension]) is the inverse mass
    matrix used, of one of low rank the diagonal. `pareto_k` tells how well draws of an approximation stand for the
    posterior. `remarks` are what the method has to say of its result. `interrupted`: fewer draws than were wanted,
    maybe none. `sufficient`: what was last said of them by the judge that the sampler was given; None without one;
    `more` draws per chain were made because of it. `seconds` tells where the time went, `details` are numbers of the
    method by name.
    """

    z: np.ndarray
    statistics: dict[str, np.ndarray]
    seed: int
    options: Options
    method: str
    warmup_gradients: np.ndarray | None = None
    warmup_evaluations: np.ndarray | None = None
    metric: np.ndarray | None = None
    evidence: Evidence | None = None
    pareto_k: float | None = None
    remarks: tuple[Remark, ...] = ()
    interrupted: bool = False
    sufficient: bool | None = None
    more: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    details: dict[str, float] = field(default_factory=dict)

    @property
    def attributes(self) -> dict[str, Any]:
        """What the saved posterior says about how it was made."""
        known: dict[str, Any] = {"method": self.method, "seed": self.seed, "interrupted": int(self.interrupted)}
        known |= self.details
        for name in ("warmup_gradients", "warmup_evaluations"):
            if (counts := getattr(self, name)) is not None:
                known[name] = counts.tolist()
        if self.evidence is not None:
            known |= {"log_evidence": self.evidence.log_z, "log_evidence_error": self.evidence.error}
        if self.pareto_k is not None:
            known["pareto_k"] = self.pareto_k
        if self.remarks:
            known["remarks"] = "\n".join(f"{remark.severity}: {remark.sentence}" for remark in self.remarks)
        return known


def nothing_drawn(
    dimension: int, chains: int, seed: int, options: Options, method: str, seconds: dict[str, float]
) -> Draws:
    """What an interrupted method returns that has no draws before its end."""
    import numpy as np

    return Draws(np.zeros((chains, 0, dimension)), {}, seed, options, method, interrupted=True, seconds=seconds)
