"""Subposteriors: a posterior as the product of those of parts of the data.

Each has the likelihood of its part, and the power 1/K of what belongs to no part: the prior, and data that cannot be
divided. Of K parts of the events of a Poisson process each has 1/K of the expected number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.driver import rebind
from pdflang.inference.draws import Unsuited
from pdflang.inference.target import Target
from pdflang.semantics.divisible import require_divisible, rows_of
from pdflang.simulated import data_record, taken

if TYPE_CHECKING:
    from pdflang.functions import Functions
    from pdflang.model import CompiledModel


def subposteriors(model: CompiledModel, count: int, seed: int) -> list[Target]:
    """Targets on the scale of the model's own, whose log-densities sum up to its: of `count` parts drawn by a seed.

    Rows are divided at random, each axis evenly. Error: E626 where no data can be divided; raises `Unsuited` where
    rows are fewer than parts.
    """
    axes = require_divisible(model.program)
    lengths = {axis: axis.size.bind(model.bound.lengths) for axis in axes}
    if min(lengths.values()) < count:
        raise Unsuited(
            f"{min(lengths.values())} rows cannot be divided into {count} parts", "ask for fewer parts: --parts 2"
        )
    random, record = np.random.default_rng(seed), data_record(model, {})
    parts: list[dict[str, Any]] = [{} for _ in range(count)]
    for axis, names in axes.items():
        order = random.permutation(lengths[axis])
        for name, places in rows_of(model.program, axis, names).items():
            for number, part in enumerate(parts):
                # What runs over two axes has been cut along one of them already.
                part[name] = taken(part.get(name, record[name]), np.sort(order[number::count]), places)
    models = [model]
    for part in parts:
        # After one of the same length nothing is compiled again.
        models.append(rebind(models[-1], {**record, **part}))
    divided = frozenset(name for names in axes.values() for name in names)
    densities: dict[int, Any] = {}
    return [_target(part, count, divided, densities) for part in models[1:]]


def _target(model: CompiledModel, count: int, divided: frozenset[str], densities: dict[int, Any]) -> Target:
    functions = model.functions
    # Parts of one length share a function, and so the programs that are compiled of it.
    density = densities.setdefault(id(functions.log_likelihood), _log_density(functions, count, divided))
    content = functions.content
    said = None if content is None else f"{content}\n1 of {count} parts of {sorted(divided)}"
    return Target(model.dimension, density, functions.start, model.arrays, content=said)


def _log_density(functions: Functions, count: int, divided: frozenset[str]) -> Any:
    from pdflang.backend.runtime.density import total

    module = functions.module
    own = {name for one in divided for name in (one, f"{one} normalisation")}

    def log_density(vector: Any, arrays: Any) -> Any:
        parameters, log_det = module.constrain(vector, arrays)
        terms = module.log_likelihood(parameters, arrays)
        factors = module.log_factors(parameters, arrays) if hasattr(module, "log_factors") else {}
        whole = {name: term for name, term in terms.items() if name not in own}
        shared = total(module.log_prior(parameters, arrays), whole, factors) + log_det
        return total({name: term for name, term in terms.items() if name in own}) + shared / count

    return log_density
