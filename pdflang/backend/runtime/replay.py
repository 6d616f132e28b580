"""The probability of events that were drawn before, with everything that happened to them held fixed.

Generated code that draws an event from a `DrawnEvent` gives, of a `ReplayedEvent`, the log-probability of the same
trace at any parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import Array

if TYPE_CHECKING:
    from pdflang.backend.runtime.events import Stream


class ReplayedEvent:
    """An event of which the values of all sites are known, and their `log_probability` (so far).

    What is computed is computed anew: at other parameters it may go on as another value.
    """

    def __init__(self, sites: Mapping[str, Any]) -> None:
        self._sites = sites
        self.log_probability: Any = jnp.zeros(())

    def detect(self, stage: str, efficiency: Any) -> None:
        """A stage kept the event, or did not."""
        kept = jnp.minimum(efficiency, 1.0)
        self.log_probability += jnp.log(jnp.where(self._sites[f"{stage} detected"], kept, 1.0 - kept))

    def confine(self, stage: str, inside: Any) -> None:
        """Whether it lay inside follows from what was measured."""

    def draw(self, site: str, distribution: Any, *arguments: Any) -> Any:
        """The value that was drawn of a distribution of the runtime."""
        self.log_probability += distribution.log_prob(self._sites[site], *arguments)
        return self._sites[site]

    def draw_vector(self, sites: tuple[str, ...], distribution: Any, *arguments: Any) -> Any:
        """The values (n,) that were drawn of a distribution of vectors."""
        values = jnp.stack([jnp.asarray(self._sites[site]) for site in sites])
        self.log_probability += distribution.log_prob(values, *arguments)
        return values

    def compute(self, site: str, value: Any) -> Any:
        """A value that follows from others."""
        return jnp.asarray(value)


def log_intensity(stream: Stream, sites: Mapping[str, Array], params: Any, arrays: Any) -> Array:
    """log λ(x) + Σ log p(site) of events of a stream, (n,): the log-density of their traces, not normalised.

    `sites` are those of the traces, (n,) each by name, with the true places x among them. The integral of its
    exponential over all traces that are accepted is the expected number of accepted events.
    """
    places = [sites[name] for name in stream.region]
    count = len(places[0])
    log_rate = jnp.log(jnp.broadcast_to(stream.intensity(*places, params, arrays), (count,)))
    detect = stream.detect
    if detect is None:
        return log_rate

    def probability(one: Mapping[str, Array]) -> Array:
        event = ReplayedEvent(one)
        detect(event, *(one[name] for name in stream.region), params, arrays)
        return event.log_probability

    return log_rate + jax.vmap(probability)(dict(sites))


