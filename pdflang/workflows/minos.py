"""Errors of both signs of all parameters of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pdflang.inference import Monitor, QuietMonitor
from pdflang.inference.profiles.minos import minos
from pdflang.inference.workers import interrupts
from pdflang.workflows.quantities import entries_of, quantity

if TYPE_CHECKING:
    from pdflang.embedding import Model
    from pdflang.inference import Optima


@dataclass(frozen=True)
class Minos:
    """How far each entry is below and above the maximum where its profile has lost ½: (*shape, 2) by parameter.

    Both are positive; NaN where the profile does not cross, and in arrays that are `ordered` or `simplex`. `higher`
    says that a profile came out above the maximum, `failed` that MINUIT gave up, `interrupted` that Ctrl-C ended the
    search: then a NaN says nothing.
    """

    errors: dict[str, np.ndarray]
    higher: bool
    failed: bool
    interrupted: bool

    @property
    def trusted(self) -> bool:
        """Whether the errors are those of the maximum."""
        return not (self.higher or self.failed)


def minos_of(model: Model, optima: Optima, monitor: Monitor | None = None) -> Minos:
    """The errors around the best optimum, by the `optimizer` of the fit; NaN for what Ctrl-C has left out."""
    options, best = optima.options, optima.best
    target = model.maximised(options.priors)
    entries = entries_of(model)
    known = {name: found for name, place in entries.items() if (found := quantity(name, *place)) is not None}
    held = list(known.values())
    with interrupts() as stop:
        if options.optimizer == "minuit":
            from pdflang.inference import minuit

            ends = minuit.minos(target, best, held, stop)
        else:
            ends = minos(target, best, held, options, stop, monitor or QuietMonitor())
    at = np.array([one.value_of(float(best.z[one.index])) for one in held])
    errors = dict(zip(known, np.abs(ends.values - at[:, None]), strict=True))
    shapes = {slot.parameter.name: slot.shape for slot in model.functions.generated.slots}
    rows: dict[str, list[np.ndarray]] = {name: [] for name in shapes}
    for name, (slot, _) in entries.items():
        rows[slot.parameter.name].append(errors.get(name, np.full(2, np.nan)))
    by_name = {name: np.array(found).reshape(*shapes[name], 2) for name, found in rows.items()}
    return Minos(by_name, ends.higher, ends.failed, stop.requested)
