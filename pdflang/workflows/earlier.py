"""Fits whose covariance refers to a fit: each takes the one before for the earlier, until nothing changes.

The iterated t0 prescription: Ball et al., JHEP 05 (2010) 075 (arXiv:0912.2276), section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference import MapOptions, Monitor
from pdflang.inference.map import climb
from pdflang.inference.optima import Optimum
from pdflang.inference.workers import interrupts

if TYPE_CHECKING:
    from pdflang.embedding import Model

_MOST = 50
_NOTHING = 1e-4
"""In standard deviations: how little the last round may have moved any parameter."""


def settled(model: Model, options: MapOptions, monitor: Monitor | None = None) -> tuple[Model, int]:
    """The model after the fit that finds itself, and how many rounds that took. Error: E644 where it does not end.

    The first fit has several starts, the others climb from where the one before ended. Ctrl-C ends the search where it
    is, as it ends the climbs of a fit.
    """
    optima = model.optima(options, monitor)
    best = optima.best
    with interrupts() as stop:
        for rounds in range(2, _MOST + 1):
            model = model.after(model.constrain(best.z))
            found = climb(model.maximised(options.priors), best.z, options, stop)
            if optima.interrupted or stop.requested or not np.isfinite(found.value) or _moved(best, found) < _NOTHING:
                return model.after(model.constrain(found.z)), rounds
            best = found
    raise PdflangError(
        Diagnostic(
            "E644",
            f"after {_MOST} fits the earlier one and the next are still different",
            remedy="give one that is to be kept: --data earlier=FOLDER, the folder of a fit",
        )
    )


def _moved(before: Optimum, after: Optimum) -> float:
    """The longest way of a coordinate, in standard deviations where there are any."""
    away = np.abs(after.z - before.z)
    variances = np.ones(len(away)) if after.covariance is None else np.diag(after.covariance)
    return float(np.max(away / np.sqrt(np.where(np.isfinite(variances), variances, np.inf)), initial=0.0))
