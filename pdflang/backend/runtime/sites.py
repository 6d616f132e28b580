"""One event on its way through detectors: generated code says what happens to it, here it is drawn and recorded.

Generated code has it as `event`. What it calls says all that a probability of the same trace needs as well: each
site with its name, its distribution and the arguments.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array, random


class DrawnEvent:
    """An event that is drawn. `sites` are the values by name; `accepted` says that no stage lost it (so far).

    After a loss, sites are drawn on: they have their distributions, and nobody measures them.
    """

    def __init__(self, key: Array) -> None:
        self._key = key
        self.sites: dict[str, Any] = {}
        self.accepted: Any = jnp.asarray(True)

    def detect(self, stage: str, efficiency: Any) -> None:
        """A stage keeps the event with a probability."""
        self._keep(f"{stage} detected", random.uniform(self._next_key()) < efficiency)

    def confine(self, stage: str, inside: Any) -> None:
        """A stage keeps the event where its measured values lie inside the region."""
        self._keep(f"{stage} inside", jnp.asarray(inside))

    def draw(self, site: str, distribution: Any, *arguments: Any) -> Any:
        """A value of a distribution of the runtime."""
        return self._record(site, distribution.sample(self._next_key(), (), *arguments))

    def draw_vector(self, sites: tuple[str, ...], distribution: Any, *arguments: Any) -> Any:
        """Values (n,) of a distribution of vectors, each a site of its own."""
        values = distribution.sample(self._next_key(), (), *arguments)
        for position, site in enumerate(sites):
            self._record(site, values[position])
        return values

    def compute(self, site: str, value: Any) -> Any:
        """A value that follows from others."""
        return self._record(site, jnp.asarray(value))

    def _keep(self, site: str, kept: Any) -> None:
        self._record(site, kept)
        self.accepted = self.accepted & kept

    def _record(self, site: str, value: Any) -> Any:
        self.sites[site] = value
        return value

    def _next_key(self) -> Array:
        self._key, key = random.split(self._key)
        return key
