"""Slice sampling in random directions of whitened coordinates (Neal 2003), by BlackJAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pdflang.inference.chains import sampler
from pdflang.inference.options import SliceOptions
from pdflang.inference.target import Target
from pdflang.inference.walks import Walk


@dataclass(frozen=True)
class Slices(Walk):
    """One slice after the other, each in a direction of its own."""

    width: float
    has_steps = False

    def move(
        self, key: Any, position: Any, value: Any, log_density: Callable[[Any], Any], step_size: Any
    ) -> tuple[Any, Any, Any, Any]:
        from blackjax.mcmc import slice as slices

        kernel = slices.build_kernel(slices.stepping_out)
        state = slices.SliceState(position, value)
        moved, info = kernel(key, state, log_density, slices.direction_proposal(), self.width)
        # Both ends of the first bracket are looked at before it grows.
        return moved.position, moved.logdensity, 1.0, 2 + info.num_expansions + info.num_shrink


def _slices(target: Target, options: SliceOptions) -> Slices:
    return Slices(options.moves or target.dimension, options.width)


sample = sampler("slice", SliceOptions, _slices)
