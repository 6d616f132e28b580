"""A run as an ensemble of parameters, each member as probable as any other, whatever method found them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pdflang.results.posterior import DRAW_AXES, flat_draws

if TYPE_CHECKING:
    from pdflang.model import CompiledModel
    from pdflang.results.reading import Run

Kind = Literal["draws", "replicas", "normal", "point"]

MEMBERS = 512
"""Members at most: enough for intervals to some percent, few enough to be computed in a moment."""

_WORDS: dict[Kind, str] = {
    "draws": "draws of the posterior",
    "replicas": "fits of replicas of the data",
    "normal": "the normal approximation at the maximum",
    "point": "the maximum alone, without errors",
}


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Parameters of the `members`, (members, …) by name; of a maximum also its own, (1, …), as the `centre`."""

    kind: Kind
    members: dict[str, np.ndarray]
    centre: dict[str, np.ndarray] | None = None

    @property
    def count(self) -> int:
        return len(next(iter(self.members.values()), ()))

    @property
    def words(self) -> str:
        """What the members are."""
        return _WORDS[self.kind] if self.kind in ("normal", "point") else f"{self.count} {_WORDS[self.kind]}"

    @property
    def everything(self) -> dict[str, np.ndarray]:
        """The centre, where there is one, in front of the members: arrays (1 + members, …) or (members, …)."""
        if self.centre is None:
            return self.members
        return {name: np.concatenate([self.centre[name], values]) for name, values in self.members.items()}

    def split(self, values: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """What was computed of `everything`: the centre's, if there is one, and the members'."""
        return (None, values) if self.centre is None else (values[0], values[1:])


def ensemble_of(run: Run, model: CompiledModel, most: int = MEMBERS, tolerance: float = 1.0) -> Ensemble | None:
    """The ensemble of a run; None where it has neither draws nor a maximum, or the model has no parameters.

    Evenly spaced draws; the fits of `map --bootstrap`; else as many points of the normal approximation at a maximum, on
    the unconstrained scale, of a low-discrepancy sequence, so that their spread is that of the approximation;
    `tolerance` times as far from the maximum.
    """
    names = list(model.program.parameters)
    drawn = run.drawn
    if drawn is not None and names:
        return Ensemble("draws", _spaced({name: flat_draws(drawn[name]) for name in names}, most))
    if run.maximum is None or not names:
        return None
    centre = {name: np.asarray(run.maximum["params"][name], float)[None] for name in names}
    if run.replicas is not None and run.replicas.sizes.get("replica", 0) > 1:
        of_each = {name: np.asarray(run.replicas[name].transpose("replica", ...), float) for name in names}
        return Ensemble("replicas", _spaced(of_each, most), centre)
    steps = eigenvectors(run, model)
    if steps is None:
        return Ensemble("point", centre, centre)
    z, axes = steps
    return Ensemble("normal", constrained(model, z + tolerance * standard_normals(most, len(z)) @ axes.T), centre)


def centre_of(run: Run, model: CompiledModel) -> dict[str, np.ndarray] | None:
    """The parameters at a maximum, or the means of the draws; None where there are none."""
    names = model.program.parameters
    if run.drawn is not None and names:
        return {name: run.drawn[name].mean(DRAW_AXES).to_numpy() for name in names}
    if run.maximum is not None and names:
        return {name: np.asarray(run.maximum["params"][name], float) for name in names}
    return None


def eigenvectors(run: Run, model: CompiledModel) -> tuple[np.ndarray, np.ndarray] | None:
    """A maximum on the unconstrained scale (n,), and the eigenvectors of its covariance, columns (n, n) of their sd.

    The largest is the first. None where the maximum has no covariance.
    """
    import jax

    maximum = run.maximum or {}
    covariance = np.asarray(maximum.get("covariance") or np.nan, float)
    if covariance.ndim != 2 or not np.isfinite(covariance).all():
        return None
    with jax.enable_x64(True):
        params = {name: np.asarray(maximum["params"][name], float) for name in model.program.parameters}
        z = np.asarray(model.unconstrain(params))
        inverse = np.linalg.pinv(np.asarray(model.functions.constrain_jacobian(z, model.arrays)))
    values, vectors = np.linalg.eigh(inverse @ covariance @ inverse.T)
    return z, (vectors * np.sqrt(np.maximum(values, 0)))[:, ::-1]


def constrained(model: CompiledModel, z: np.ndarray) -> dict[str, np.ndarray]:
    """The parameters (n, …) by name of unconstrained vectors (n, dimension)."""
    import jax

    with jax.enable_x64(True):
        found = jax.vmap(lambda one: model.functions.constrain(one, model.arrays))(z)
    return {name: np.asarray(found[name]) for name in model.program.parameters}


def _spaced(draws: dict[str, np.ndarray], most: int) -> dict[str, np.ndarray]:
    """Evenly spaced ones of draws (n, …)."""
    length = len(next(iter(draws.values())))
    places = np.linspace(0, length - 1, min(most, length)).astype(int)
    return {name: values[places] for name, values in draws.items()}


def standard_normals(count: int, dimension: int) -> np.ndarray:
    """Points (count, dimension) of independent normals, their mean 0 and their variances 1."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    power = int(np.ceil(np.log2(count)))
    points = ndtri(qmc.Sobol(dimension, rng=np.random.default_rng(0)).random_base2(power))[:count]
    return (points - points.mean(axis=0)) / points.std(axis=0)
