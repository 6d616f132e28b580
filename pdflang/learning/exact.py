"""The density of a model itself, beside what is learned of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdflang.inference import Target

if TYPE_CHECKING:
    from pdflang.model import CompiledModel


def exact_target(model: CompiledModel) -> Target:
    """The posterior of a model with a density, on the unconstrained scale, as samplers see it."""
    functions = model.functions
    prior = functions.log_prior_unconstrained if model.is_proper else None
    density, content = functions.log_density_unconstrained, functions.content
    return Target(model.dimension, density, functions.start, model.arrays, prior, content)
