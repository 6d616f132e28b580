"""The closure test of a correction: observed events that it has not seen, beside new simulated ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pdflang.inference.workers import StopRequest
from pdflang.learning.columns import columns_of
from pdflang.learning.correction import Correction
from pdflang.learning.layout import Part
from pdflang.learning.sides import simulated_at
from pdflang.results.correction import CorrectionTest, Sample, Variable, correction_test
from pdflang.results.two_samples import require_scikit

if TYPE_CHECKING:
    from pdflang.learning.learned import Learned
    from pdflang.model import CompiledModel

_MORE = 10
"""New simulated events for one that is observed: they are to tell nothing by their scatter."""
_MOST_LISTS = 10_000


def correction_tests(
    model: CompiledModel, learned: Learned, events: int, seed: int, threads: int | None, stop: StopRequest
) -> tuple[CorrectionTest, ...] | None:
    """The test of each observation, with so many observed events at most; None where a stop was requested.

    Errors: E620 without scikit-learn, E662 where events are not corrected, and those of `simulate`.
    """
    correction, scales = Correction(model, learned), learned.scales
    require_scikit()
    generator = np.random.default_rng(seed)
    observed = {
        part.name: Sample(scales[f"{part.name} kept"][:events], scales[f"{part.name} weight kept"][:events])
        for part in learned.parts
    }
    wanted = {name: _MORE * len(sample) for name, sample in observed.items()}
    own = int(generator.integers(2**32))
    simulated = simulated_at(
        model, learned.parts, scales["z point"], wanted, own, _MOST_LISTS, threads, stop
    )
    if simulated is None:
        return None
    found = []
    for part in learned.parts:
        before = Sample(*simulated[part.name])
        after = Sample(*correction.of_rows(part, before.rows, before.weights))
        sides = observed[part.name], before, after
        found.append(correction_test(correction.point, part.name, _variables(model, part, learned), sides, generator))
        if stop.requested:
            return None
    return tuple(found)


def _variables(model: CompiledModel, part: Part, learned: Learned) -> list[Variable]:
    """The columns with the words of their labels, or their numbers."""
    process = model.program.observations[part.name].process
    assert process is not None
    found = []
    for column, variable in zip(columns_of(part, learned.scales), process.variables, strict=True):
        index = model.program.indices.get(variable.axis.name or "") if variable.axis is not None else None
        words = index.labels if index is not None and index.labels else map(str, range(column.labels))
        found.append(Variable(column.name, tuple(words) if column.labels else (), column.kind == "whole"))
    return found
