"""The probability of events that were drawn before, with everything that happened to them held fixed.

Generated code that draws an event from a `DrawnEvent` gives, of a `ReplayedEvent`, the log-probability of the same
trace at any parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import Array

if TYPE_CHECKING:
    from pdflang.backend.runtime.events import Stream
    from pdflang.functions import Functions


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


@dataclass(frozen=True)
class Course:
    """What happens to the events of a stream: where it is drawn what is seen of them, and what nobody sees.

    `measured` has the site of each measured variable, `latent` are all other places and sites that are drawn; accepted
    events have passed the `stages`.
    """

    measured: Mapping[str, str]
    latent: tuple[str, ...]
    stages: tuple[str, ...]


class _ListedEvent:
    """An event on whose way sites are listed."""

    def __init__(self, places: Mapping[str, Any]) -> None:
        self.drawn: dict[str, Any] = dict(places)
        self.stages: list[str] = []

    def detect(self, stage: str, efficiency: Any) -> None:
        """A stage that loses events."""
        self.stages.append(stage)

    def confine(self, stage: str, inside: Any) -> None:
        """Of accepted events measured values are inside."""

    def draw(self, site: str, distribution: Any, *arguments: Any) -> Any:
        """A value that is drawn: an object of its own."""
        self.drawn[site] = jnp.zeros(()) + len(self.drawn)
        return self.drawn[site]

    def draw_vector(self, sites: tuple[str, ...], distribution: Any, *arguments: Any) -> Any:
        """Values that are drawn together."""
        return [self.draw(site, distribution) for site in sites]

    def compute(self, site: str, value: Any) -> Any:
        """A value that follows from others."""
        return jnp.asarray(value)


def courses_of(functions: Functions, observation: str, params: Any, arrays: Any) -> list[Course]:
    """The courses of the events of each stream of an observation, whose measured values must be drawn."""
    streams = getattr(functions.module, functions.generated.streams[observation])
    return [_course_of(stream, params, arrays) for stream in streams(params, arrays)]


def _course_of(stream: Stream, params: Any, arrays: Any) -> Course:
    if stream.detect is None:
        return Course({name: name for name in stream.region}, (), ())
    event = _ListedEvent({name: jnp.zeros(()) + number for number, name in enumerate(stream.region)})
    measured = stream.detect(event, *event.drawn.values(), params, arrays)
    sites = {id(value): site for site, value in event.drawn.items()}
    found = {name: sites[id(value)] for name, value in measured.items()}
    latent = tuple(site for site in event.drawn if site not in found.values())
    return Course(found, latent, tuple(event.stages))


class _ProposedEvent(ReplayedEvent):
    """An event whose sites were not drawn by its stream: they may be where none of its events is."""

    def confine(self, stage: str, inside: Any) -> None:
        """Events outside were lost."""
        self.log_probability += jnp.where(inside, 0.0, -jnp.inf)


def log_proposed(stream: Stream, sites: Mapping[str, Array], params: Any, arrays: Any) -> Array:
    """`log_intensity` of sites that were drawn otherwise: −∞ where an event of the stream cannot have them."""
    possible = jnp.asarray(True)
    for name, ends in stream.region.items():
        if isinstance(ends, tuple):
            possible = possible & (sites[name] >= ends[0]) & (sites[name] <= ends[1])
    return jnp.where(possible, log_intensity(stream, sites, params, arrays, _ProposedEvent), -jnp.inf)


def log_intensity(
    stream: Stream, sites: Mapping[str, Array], params: Any, arrays: Any, kind: type[ReplayedEvent] = ReplayedEvent
) -> Array:
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
        event = kind(one)
        detect(event, *(one[name] for name in stream.region), params, arrays)
        return event.log_probability

    return log_rate + jax.vmap(probability)(dict(sites))


