"""Measured data sets beside their prediction: what systematic errors move it by, and what is left."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.components.arrays import SYSTEMATIC_COVARIANCE
from pdflang.ir.evaluate import Evaluator, resolve
from pdflang.ir.nodes import Node, Whole, walk

if TYPE_CHECKING:
    from pdflang.ir.program import BoundProgram
    from pdflang.model import CompiledModel

_AT_ONCE = 64
"""Members at which data are predicted at once: a bound on memory."""


@dataclass(frozen=True, eq=False)
class Measured:
    """A data set of an observation: n central values, the prediction, and that with systematic shifts, (n,) each.

    `errors` (n,) are the standard deviations of what no shift moves; without known shifts those of everything, and
    `shifted` is the prediction. `chi2` is that of the set with its own block of the covariance.
    """

    name: str
    observed: np.ndarray
    predicted: np.ndarray
    shifted: np.ndarray
    errors: np.ndarray
    chi2: float
    has_shifts: bool

    @property
    def pulls(self) -> np.ndarray:
        """(data − shifted prediction)/error (n,)."""
        found: np.ndarray = (self.observed - self.shifted) / self.errors
        return found


def measured(model: CompiledModel, name: str, params: Mapping[str, Any]) -> Iterator[Measured]:
    """The measured data sets of an observation at given parameters; none where it has none, or is not Gaussian.

    Shifts are those of the nuisances that fit best, β r with r = (1 + βᵀ D⁻¹ β)⁻¹ βᵀ D⁻¹ (y − μ) for a covariance
    D + β βᵀ: Stump et al., Phys. Rev. D 65 (2001) 014012 (hep-ph/0101051), section 2. Of all sets together, since these
    share errors. Errors are those that were measured: weights of data sets are not in them.
    """
    bound = model.bound
    sets, draws = bound.data_sets.get(name, {}), bound.program.observations[name].draws
    if not sets or draws is None or draws.row.name not in ("Normal", "MvNormal"):
        return
    arrays = {**bound.arrays, **_without_weights(name, bound), **params}
    evaluate = Evaluator(arrays, bound.lengths, bound.program.definition_nodes)
    spread = np.asarray(evaluate(draws.arguments[1]), float)
    observed = np.asarray(bound.arrays[f"{name}.central"], float)
    predicted = np.asarray(model.predictions(params)[name], float)
    covariance = spread @ spread.T if spread.ndim == 2 else np.diag(np.broadcast_to(spread**2, observed.shape))
    shifted, rest = predicted, covariance
    correlated = _correlated(draws.arguments[1], bound, evaluate)
    if correlated is not None:
        left = covariance - correlated @ correlated.T
        moved = _moved(left, correlated, observed - predicted)
        if moved is not None:
            shifted, rest = predicted + moved, left
    errors = np.sqrt(np.diag(rest))
    for of_set, rows in sets.items():
        away = (observed - predicted)[rows]
        chi2 = float(away @ np.linalg.solve(covariance[np.ix_(rows, rows)], away))
        yield Measured(
            of_set, observed[rows], predicted[rows], shifted[rows], errors[rows], chi2, shifted is not predicted
        )


def _without_weights(name: str, bound: BoundProgram) -> dict[str, np.ndarray]:
    """The errors of a datum as they are where no data set has a weight."""
    root = np.ones(len(bound.arrays[f"{name}.central"]))
    for of_set, weight in bound.weights.get(name, {}).items():
        root[bound.data_sets[name][of_set]] = math.sqrt(weight)
    kinds = (f"{name}.{kind}_{of}" for kind in ("correlated", "uncorrelated") for of in ("absolute", "relative"))
    return {kind: bound.arrays[kind] * root[:, None] for kind in kinds}


def predictions_at(model: CompiledModel, parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Predictions (members, n) at parameters (members, …), by measured data set, or by Gaussian observation else."""
    import jax

    def of_one(one: Mapping[str, Any]) -> dict[str, Any]:
        means = model.functions.comparison(one, model.arrays)
        return {name: jax.numpy.ravel(mean) for name, (mean, _) in means.items()}

    with jax.enable_x64(True):
        given = {name: jax.numpy.asarray(values) for name, values in parameters.items()}
        found = {name: np.asarray(of_all) for name, of_all in jax.lax.map(of_one, given, batch_size=_AT_ONCE).items()}
    by_set: dict[str, np.ndarray] = {}
    for name, values in found.items():
        sets = model.bound.data_sets.get(name) or {name: slice(None)}
        by_set |= {of_set: values[:, rows] for of_set, rows in sets.items()}
    return by_set


def _correlated(node: Node, bound: BoundProgram, evaluate: Evaluator) -> np.ndarray | None:
    """What a standard deviation of each correlated error does to the data, where the covariance is made of such."""
    definitions = bound.program.definition_nodes

    def below(one: Node) -> Iterator[Node]:
        yield from one.children()
        named = definitions.get(getattr(one, "name", ""))
        if named is not None:
            yield named

    found = [one for one in walk(node, below=below) if isinstance(one, Whole) and one.function is SYSTEMATIC_COVARIANCE]
    if len(found) != 1:
        return None
    reference, *parts = (np.asarray(evaluate(part), float) for part in found[0].arguments)
    shifts: np.ndarray = resolve("pdflang.data.covariance.shifts")(reference, *parts[:2])
    return shifts


def _moved(rest: np.ndarray, correlated: np.ndarray, away: np.ndarray) -> np.ndarray | None:
    """The shifts that fit best; None where what is left of the covariance is none."""
    try:
        root = np.linalg.cholesky(rest)
    except np.linalg.LinAlgError:
        return None
    scaled, distance = np.linalg.solve(root, correlated), np.linalg.solve(root, away)
    nuisances = np.linalg.solve(np.eye(correlated.shape[1]) + scaled.T @ scaled, scaled.T @ distance)
    moved: np.ndarray = correlated @ nuisances
    return moved
