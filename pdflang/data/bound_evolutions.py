"""Evolutions of a bound program: the matrices of a file, from the cache, or by HOPPET."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pdflang.data.context import DataContext, data_error
from pdflang.data.eko_files import read_eko
from pdflang.data.paths import resolve
from pdflang.evolution import Evolution
from pdflang.evolution.operators import Operator, active, operators
from pdflang.ir.program import PARTONS, EvolutionSource

if TYPE_CHECKING:
    import numpy as np

_SAME = 1e-4


def bound_evolution(source: EvolutionSource, scales: Any) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """The arrays of an evolution to a scale in GeV, or to each of a vector, and the lengths of their axes.

    Of several scales there is one matrix for equal ones, and `which` of them belongs to each. Errors: E521 for a
    flavour that is not there at the start, and those of `read_eko` and of `operators`.
    """
    import numpy as np

    different, which = np.unique(np.atleast_1d(np.asarray(scales, float)), return_inverse=True)
    made = _operators(source, different.tolist())
    tables = np.stack([one.table([PARTONS[flavour] for flavour in source.flavours]) for one in made])
    alpha_s = np.array([one.alpha_s for one in made])[which]
    arrays, lengths = {"x": made[0].x}, {"x": len(made[0].x)}
    if np.ndim(scales) == 0:
        return {**arrays, "table": tables[0], "alpha_s": alpha_s[0]}, lengths
    evolution = Evolution(**dict(source.settings))
    flavours = np.array([active(evolution, scale) for scale in different])[which]
    arrays |= {"table": tables, "which": which, "alpha_s": alpha_s, "flavours": flavours}
    return arrays, {**lengths, "scales": len(different)}


def _operators(source: EvolutionSource, scales: Sequence[float]) -> list[Operator]:
    context = DataContext(source.operators or "evolve", source.span, source.folder)
    if source.operators is None:
        evolution = Evolution(**dict(source.settings))
        _check_flavours(source, active(evolution, source.start), context)
        return operators(evolution, source.start, scales)
    file = read_eko(resolve(source.operators, context), scales, context)
    if abs(file.start - source.start) > _SAME * file.start:
        raise data_error(
            "E522", f"`{source.operators}` starts at {file.start:g} GeV, but the pdfset is at {source.start:g} GeV",
            context, remedy="parametrise the pdfset at the scale of the file",
        )  # fmt: skip
    _check_flavours(source, file.flavours, context)
    return [file.operator(scale) for scale in scales]


def _check_flavours(source: EvolutionSource, known: int, context: DataContext) -> None:
    absent = [flavour for flavour in source.flavours if known < abs(PARTONS[flavour]) < 7]
    if absent:
        raise data_error(
            "E521", f"at {source.start:g} GeV there are {known} flavours, and `{absent[0]}` is none of them",
            context, remedy="leave it out: evolution makes it above its mass; or give its mass, charm = 1.3",
        )  # fmt: skip
