"""The moments of the priors of a model, from draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import numpy as np

from pdflang.inference.surface import STARTS, surface_of
from pdflang.results.contraction import PriorMoments, moments_of
from pdflang.semantics.lints import everything_read

if TYPE_CHECKING:
    from pdflang.embedding import Model
    from pdflang.ir.program import Program

_DRAWS = 2000
_NUMBERS = 1_000_000
"""So many draws, or so many numbers in all: drawing must cost next to nothing beside a posterior."""

_FEWEST = 200
_SEED, _STREAM = 0, 2**32 - 1


def prior_moments(model: Model) -> dict[str, PriorMoments]:
    """The moments of each parameter that has a proper prior; none where there are too many parameters to draw.

    Priors are those that are declared: factors do not count. The draws have a seed of their own.
    """
    names = proper(model.program)
    draws = min(_DRAWS, _NUMBERS // max(1, model.dimension))
    if not names or draws < _FEWEST:
        return {}
    target = model.target()
    surface = surface_of(target, curved=False)
    blocks = [(first, min(STARTS, draws - first)) for first in range(0, draws, STARTS)]
    vectors = np.concatenate([surface.starts(target, _SEED, _STREAM, *block) for block in blocks])
    parameters = _parameters(model, vectors[np.all(np.isfinite(vectors), axis=1)])
    return {name: moments_of(parameters[name]) for name in names}


def _parameters(model: Model, vectors: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters alone, (n, …) by name: derived values may be dear where only the prior goes."""
    if not hasattr(model.functions.module, "derived"):
        return model.quantities(vectors)[0]
    with jax.enable_x64(True):
        found = [model.functions.constrain(vector, model.arrays) for vector in vectors]
    return {name: np.array([one[name] for one in found]) for name in model.program.parameters}


def proper(program: Program) -> list[str]:
    """The parameters whose priors are proper, and do not read any that is not."""
    definitions = program.definition_nodes
    reads = {
        name: {one for node in parameter.prior.reads for one in everything_read(node, definitions)}
        for name, parameter in program.parameters.items()
    }
    improper = {name for name, parameter in program.parameters.items() if not parameter.prior.row.proper}
    while more := {name for name, read in reads.items() if read & improper} - improper:
        improper |= more
    return [name for name in program.parameters if name not in improper]
