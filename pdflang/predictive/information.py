"""How precisely any unbiased estimate could know the parameters from such data: the bound of Cramér and Rao."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference.surface import surface_of
from pdflang.inference.target import likelihood_of
from pdflang.semantics.capabilities import require_gradient
from pdflang.semantics.drawn_events import require_room_for_events
from pdflang.simulated import data_record

if TYPE_CHECKING:
    from pdflang.embedding import Model

_DATA_SETS = 40
"""Data sets over which curvatures are averaged: each of them has many data, or a curvature that is the same for all."""

_SINGULAR = 1e-10


def require_information(model: Model) -> None:
    """Errors: E611 and E612 where there is no density with a gradient, E614 where events have weights, E613 where data
    cannot have another number of events.
    """
    require_gradient(model.program)
    if model.weighted:
        name = model.weighted[0]
        raise PdflangError(
            Diagnostic(
                "E614",
                f"the events of `{name}` have weights, so that their likelihood has no Fisher information",
                model.program.observations[name].span,
                remedy="take the errors of `pdflang map`, which account for the weights",
            )
        )
    require_room_for_events(model.program)


def cramer_rao(model: Model, params: Mapping[str, Any], seed: int = 0) -> dict[str, np.ndarray]:
    """The least standard deviations from data alone at given parameters, arrays by name; inf where data say nothing.

    The Fisher information is minus the Hessian of the log-likelihood, averaged over data simulated at the parameters.
    NaN where a simulated data set has no finite curvature there. Errors: those of `require_information`, and of
    `simulate`.
    """
    import jax

    require_information(model)
    z = np.asarray(model.unconstrain(params))
    curvatures = []
    for number in range(_DATA_SETS):
        key = jax.random.fold_in(jax.random.key(seed), number)
        twin = model.rebind(data_record(model, model.simulate(key, params)))
        target = likelihood_of(twin)
        curvatures.append(surface_of(target).evaluated(target, z).curvature)
    with jax.enable_x64(True):
        jacobian = np.asarray(model.functions.constrain_jacobian(z, model.arrays))
    sds, found, start = bound(np.mean(curvatures, axis=0), jacobian), {}, 0
    for slot in model.functions.generated.slots:
        size = int(np.prod(slot.shape))
        found[slot.parameter.name] = sds[start : start + size].reshape(slot.shape)
        start += size
    return found


def bound(information: np.ndarray, jacobian: np.ndarray) -> np.ndarray:
    """Square roots of the diagonal of J I⁻¹ Jᵀ, (m,), for an information (n, n) and a Jacobian (m, n).

    Infinite for what changes along a direction that has no information.
    """
    if not (np.all(np.isfinite(information)) and np.all(np.isfinite(jacobian))):
        return np.full(len(jacobian), np.nan)
    scales = np.sqrt(np.abs(np.diag(information)))
    scales = np.where(scales > 0, scales, 1.0)
    values, vectors = np.linalg.eigh(information / np.outer(scales, scales))
    rows = (jacobian / scales) @ vectors
    none = values <= _SINGULAR
    variances = np.sum(rows[:, ~none] ** 2 / values[~none], axis=1)
    sizes = np.maximum(np.linalg.norm(rows, axis=1), np.finfo(float).tiny)
    lost = np.any(np.abs(rows[:, none]) > 1e-6 * sizes[:, None], axis=1)
    return np.where(lost, np.inf, np.sqrt(variances))
