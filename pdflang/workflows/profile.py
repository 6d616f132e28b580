"""Profiles of the density of a model along one entry of its parameters, or over two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from pdflang.fields import schemas
from pdflang.inference import Monitor, Progressed, QuietMonitor
from pdflang.inference.platform import available_cores
from pdflang.inference.profiles import HIGHER, Curve, Place, Plane, Quantity, Section, curve_of, plane_of
from pdflang.inference.surface import surface_of
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.results.profile import Level, Profile
from pdflang.results.profile.contours import contours, is_open
from pdflang.workflows.options import ProfileOptions
from pdflang.workflows.quantities import named

if TYPE_CHECKING:
    from pdflang.embedding import Model
    from pdflang.inference import Optima

PROBABILITIES = (float(stats.chi2.cdf(1.0, 1)), 0.95)
"""Of one and of 1.96 standard deviations."""

_RESTARTS = 3


def profile(model: Model, names: Sequence[str], options: ProfileOptions, monitor: Monitor | None = None) -> Profile:
    """Profile one named entry of the parameters, or two. Ctrl-C keeps the points that are finished.

    Where a point lies higher than the maximum that the starts have found, all is done again from there. Errors: E601,
    E641 for the names.
    """
    quantities = named(model, names)
    monitor = monitor or QuietMonitor()
    with interrupts() as stop:
        optima = model.optima(options.of_maximum(), monitor, stop)
        search = _Search(model, quantities, options, optima, stop)
        points = options.points_along(len(names)) ** len(names)
        monitor.start("profile", 1, points)
        try:
            found = search.run(lambda done: monitor.update(Progressed(0, "climbing", min(done, points), points)))
            for _ in range(_RESTARTS):
                if not search.goes_higher(found):
                    break
                found = search.run(lambda done: monitor.update(Progressed(0, "climbing", min(done, points), points)))
            higher = search.is_above(found)
        finally:
            monitor.finish()
    return _profile_of(model, search, found, options, optima, higher, stop.requested)


class _Search:
    """The profile from the modes that are known."""

    def __init__(
        self, model: Model, quantities: Sequence[Quantity], options: ProfileOptions, optima: Optima, stop: StopRequest
    ) -> None:
        target = model.maximised(options.priors)
        surface = surface_of(target)

        def section(*held: Quantity) -> Section:
            def evaluated(z: np.ndarray) -> Any:
                return surface.evaluated(target, z)

            return Section(evaluated, target.dimension, held, options.tolerance, options.max_steps)

        self.section = section(*quantities)
        self._whole = section()
        self._lines = [section(quantity) for quantity in quantities] if len(quantities) > 1 else []
        self._points, self._options, self._stop = options.points_along(len(quantities)), options, stop
        climbed = [optimum for optimum in optima.every if np.isfinite(optimum.value)]
        self._modes = self._distinct([self._whole.at(optimum.z) for optimum in climbed])
        if not self._modes:
            raise KeyboardInterrupt

    @property
    def top(self) -> Place:
        """The highest maximum."""
        return self._modes[0]

    def run(self, tick: Any) -> Curve | Plane:
        """The profile around all modes; of a plane that was stopped early, the maximum alone."""
        threads = self._options.threads or available_cores()
        reach, stop = self._options.reach**2, self._stop
        modes = [self.section.at(mode.z) for mode in self._modes]
        if not self._lines:
            levels = two_deltas(1)
            return curve_of(self.section, modes, levels, reach, self._points, threads, stop, tick)
        starts = [modes, *([line.at(mode.z) for mode in self._modes] for line in self._lines)]
        plane = plane_of(self.section, self._lines, starts, reach, self._points, threads, stop, tick)
        first, second = (np.array([value]) for value in modes[0].held)
        return plane or Plane((first, second), ((modes[0],),))

    def goes_higher(self, found: Curve | Plane) -> bool:
        """Whether a place of the profile is above all modes; then the mode there is the first from now on."""
        if self._stop.requested or not self.is_above(found):
            return False
        self._modes = self._distinct([self._whole.maximum((), self._highest(found)), *self._modes])
        return True

    def is_above(self, found: Curve | Plane) -> bool:
        """Whether a place of the profile is above all modes."""
        return self._highest(found).value > self.top.value + HIGHER

    def _highest(self, found: Curve | Plane) -> Place:
        known = [place for place in places_of(found) if place is not None]
        return max(known, key=lambda place: place.value, default=self.top)

    def _distinct(self, places: Sequence[Place]) -> list[Place]:
        """The places, highest first, without those that are as high as another and at the same held values."""
        kept: list[Place] = []
        for place in sorted(places, key=lambda place: -place.value):
            if not any(self._same(place, other) for other in kept):
                kept.append(place)
        return kept

    def _same(self, place: Place, other: Place) -> bool:
        here, there = self.section.held(place.z), self.section.held(other.z)
        return abs(place.value - other.value) <= HIGHER and np.allclose(here, there, rtol=1e-3, atol=1e-6)


def two_deltas(quantities: int) -> tuple[float, ...]:
    """−2Δ log-density of the probabilities (Wilks): 1 and 3.84 of one quantity, 2.30 and 5.99 of two."""
    return tuple(float(level) for level in stats.chi2.ppf(PROBABILITIES, quantities))


def places_of(found: Curve | Plane) -> list[Place | None]:
    """The places of a profile in the order of its points."""
    return list(found.places) if isinstance(found, Curve) else [place for row in found.places for place in row]


def _profile_of(
    model: Model,
    search: _Search,
    found: Curve | Plane,
    options: ProfileOptions,
    optima: Optima,
    higher: bool,
    interrupted: bool,
) -> Profile:
    places, top = places_of(found), search.top
    values = (found.values,) if isinstance(found, Curve) else found.values
    shape = tuple(map(len, values))
    vectors = np.array([top.z, *(top.z if place is None else place.z for place in places)])
    parameters, derived = model.quantities(vectors)
    arrays = {**parameters, **derived}
    missing = np.array([place is None for place in places])
    ends = [number for number in (1, len(places)) if not missing[number - 1]]
    for array in arrays.values():
        array[1:][missing] = np.nan
    falls = np.array([np.nan if place is None else 2.0 * (top.value - place.value) for place in places])
    two_delta = np.maximum(falls, 0.0).reshape(shape)
    return Profile(
        names=tuple(quantity.name for quantity in search.section.quantities),
        values=values,
        two_delta=two_delta,
        levels=_levels(found, values, two_delta),
        best=search.section.held(top.z),
        arrays={name: array[1:].reshape(*shape, *array.shape[1:]) for name, array in arrays.items()},
        schemas=schemas(model),
        maximum={name: array[0] for name, array in arrays.items()},
        log_density=top.value,
        priors=options.priors,
        seed=optima.seed,
        converged=any(optimum.status in ("converged", "at bound") for optimum in optima.every),
        unfinished=sum(place is not None and not place.found for place in places),
        certificates=model.certify([{name: array[i] for name, array in parameters.items()} for i in (0, *ends)]),
        weighted=model.weighted,
        higher=higher,
        interrupted=interrupted,
    )


def _levels(found: Curve | Plane, values: tuple[np.ndarray, ...], two_delta: np.ndarray) -> tuple[Level, ...]:
    pairs = list(zip(PROBABILITIES, two_deltas(len(values)), strict=True))
    if isinstance(found, Curve):
        return tuple(Level(p, t, intervals) for (p, t), intervals in zip(pairs, found.intervals, strict=True))
    if two_delta.size == 1:
        return tuple(Level(p, t) for p, t in pairs)
    levels = []
    for probability, level in pairs:
        lines = contours((values[0], values[1]), two_delta, level)
        levels.append(Level(probability, level, contours=lines, reaches_edge=any(map(is_open, lines))))
    return tuple(levels)
