"""Places of events, drawn from intensities of one to three variables: against closed forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from poisson_counts import compatible
from scipy import special, stats

from pdflang.backend.runtime import lanes, thinning
from pdflang.backend.runtime.distributions import Normal, Poisson
from pdflang.backend.runtime.envelope import CannotDraw
from pdflang.backend.runtime.events import EventDraws, Events, Stream

Region = Mapping[str, tuple[float, float] | int]


def drawn(intensity: Callable[..., Any], region: Region, seed: int = 1, **options: Any) -> Events:
    with jax.enable_x64(True):
        key = jax.random.key(seed)
        return EventDraws({}, {})(key, Stream("rate", intensity, region), **options)


@pytest.mark.parametrize(("a", "b"), [(0.5, 3.0), (-0.5, -0.7), (-0.95, 0.0), (-0.98, -0.5), (4.0, 12.0)])
def test_powers_at_the_ends(a: float, b: float) -> None:
    scale = 20_000 / special.beta(a + 1, b + 1)
    found = drawn(lambda x, *_: scale * x**a * (1 - x) ** b, {"x": (0.0, 1.0)}).columns["x"]
    assert compatible(len(found), 20_000)
    assert found.min() > 0 and found.max() < 1
    assert stats.kstest(found, stats.beta(a + 1, b + 1).cdf).pvalue > 1e-3


def test_a_power_at_an_end_that_is_not_zero() -> None:
    """(2 − x)^−0.9: 3% of the events are nearer to the end than 64 bits can tell."""
    found = drawn(lambda x, *_: 2000 * (2 - x) ** -0.9, {"x": (1.0, 2.0)}).columns["x"]
    assert compatible(len(found), 20_000) and found.max() == np.nextafter(2.0, 0.0)
    inner = found[found < 2 - 1e-9]
    assert compatible(len(inner), 20_000 * (1 - 1e-9**0.1))
    cumulative = lambda x: (1 - (2 - x) ** 0.1) / (1 - 1e-9**0.1)  # noqa: E731
    assert stats.kstest(inner, cumulative).pvalue > 1e-3


@pytest.mark.parametrize(
    ("intensity", "region", "expected"),
    [
        (lambda x: 9000 * jnp.exp(-2 * x), (0.5, np.inf), stats.expon(0.5, 0.5)),
        (lambda x: 2000 * x**3 * jnp.exp(-x), (0.0, np.inf), stats.gamma(4)),
        (lambda x: 7000 * (1 - x) ** -2.5, (-np.inf, 0.0), stats.uniform),
        (lambda x: 5000 * jnp.exp(-(((x - 90) / 3) ** 2)), (-np.inf, np.inf), stats.norm(90, 3 / np.sqrt(2))),
        (lambda x: 1e9 * jnp.exp(-(((x - 0.40217) / 1e-5) ** 2)), (0.0, 1.0), stats.norm(0.40217, 1e-5 / np.sqrt(2))),
    ],
    ids=["exponential", "gamma", "power to the left", "peak on the line", "narrow peak"],
)
def test_other_sides(intensity: Callable[..., Any], region: tuple[float, float], expected: Any) -> None:
    found = drawn(lambda x, *_: intensity(x), {"x": region}).columns["x"]
    assert len(found) > 1000
    cumulative = (lambda x: (1 - x) ** -1.5) if region == (-np.inf, 0.0) else expected.cdf
    assert stats.kstest(found, cumulative).pvalue > 1e-3


def test_three_variables_and_an_index() -> None:
    """λ = s_k x^−0.9 √y z² (1 + 2xz): the moments of Beta distributions."""
    share = np.array([1.0, 3.0])

    def intensity(x: Any, k: Any, y: Any, z: Any, *_: Any) -> Any:
        return 500 * jnp.asarray(share)[k] * x**-0.9 * y**0.5 * z**2 * (1 + 2 * x * z)

    found = drawn(intensity, {"x": (0.0, 1.0), "k": 2, "y": (0.0, 1.0), "z": (0.0, 2.0)})
    x, k, y, z = found.columns.values()
    powers = lambda a, c: 1 / (0.1 + a) * 2 ** (3 + c) / (3 + c)  # noqa: E731
    total = powers(0, 0) + 2 * powers(1, 1)
    assert compatible(len(x), 500 * 4 * total / 1.5)
    assert k.dtype.kind == "i" and stats.binomtest(int(k.sum()), len(k), 0.75).pvalue > 1e-3
    assert stats.kstest(y, lambda v: v**1.5).pvalue > 1e-3
    for a, c in ((1, 0), (0, 1), (1, 1)):
        mean = (powers(a, c) + 2 * powers(1 + a, 1 + c)) / total
        values = x**a * z**c
        assert abs(values.mean() - mean) < 4 * values.std() / np.sqrt(len(values)), (a, c)


def test_a_step_and_a_kink() -> None:
    def intensity(x: Any, y: Any, *_: Any) -> Any:
        return jnp.where(x + y < 0.7, 3000.0, 0.0) + 4000 * jnp.abs(x - 0.3)

    x, y = drawn(intensity, {"x": (0.0, 1.0), "y": (0.0, 1.0)}).columns.values()
    kink = 4000 * (0.3**2 + 0.7**2) / 2
    assert compatible(len(x), 3000 * 0.7**2 / 2 + kink)
    assert compatible(int(np.sum(x + y >= 0.7)), 4000 * quadrant())


def quadrant() -> float:
    """∫ |x − 0.3| over x + y > 0.7."""
    grid = (np.arange(20_000) + 0.5) / 20_000
    return float(np.mean(np.abs(grid - 0.3) * (1 - np.clip(0.7 - grid, 0, 1))))


def test_only_an_index() -> None:
    (k,) = drawn(lambda k, *_: jnp.array([5.0, 0.0, 995.0])[k], {"k": 3}).columns.values()
    assert compatible(len(k), 1000) and compatible(int(np.sum(k == 0)), 5) and not np.any(k == 1)


def test_a_sample_of_a_given_size_from_two_streams() -> None:
    def detect(event: Any, x: Any, *_: Any) -> Any:
        event.detect("half", 0.5)
        return {"x": x}

    streams = [
        Stream("signal", lambda x, *_: 30 * x, {"x": (0.0, 1.0)}, detect),
        Stream("background", lambda x, *_: 2.5 + 0 * x, {"x": (0.0, 1.0)}),
    ]
    with jax.enable_x64(True):
        found = EventDraws({}, {}, traces=True)(jax.random.key(2), *streams, count=5000)
    x = found.columns["x"]
    assert len(x) == 5000
    assert stats.kstest(x, lambda v: (7.5 * v**2 + 2.5 * v) / 10).pvalue > 1e-3
    background = found.traces["background"]["row"]
    assert stats.binomtest(len(background), 5000, 0.25).pvalue > 1e-3
    assert sorted([*background, *found.traces["signal"]["row"][found.traces["signal"]["row"] >= 0]]) == [*range(5000)]
    assert stats.spearmanr(background, np.arange(len(background))).statistic > 0.999


def test_magnitudes_and_signs() -> None:
    found = drawn(lambda x, *_: 8000 * (x - 0.25), {"x": (0.0, 1.0)}, signed=True)
    x, sign = found.columns["x"], found.weights
    assert np.array_equal(sign, np.where(x < 0.25, -1.0, 1.0))
    assert compatible(int(np.sum(sign < 0)), 250) and compatible(int(np.sum(sign > 0)), 2250)


@pytest.mark.parametrize(
    ("intensity", "options", "reason"),
    [
        (lambda x: x - 0.5, {}, "is negative"),
        (lambda x: 1 / x, {}, "diverges at the lower end of x"),
        (lambda x: (1 - x) ** -1.2, {}, "diverges at the upper end of x"),
        (lambda x: jnp.log(x - 0.5), {}, "is nan"),
        (lambda x: 1e12 + x, {}, "more than can be drawn"),
        (lambda x: 0 * x, {"count": 5}, "is zero everywhere"),
    ],
)
def test_what_allows_no_events(intensity: Callable[..., Any], options: dict[str, Any], reason: str) -> None:
    with pytest.raises(CannotDraw, match=reason) as caught:
        drawn(lambda x, *_: intensity(x), {"x": (0.0, 1.0)}, **options)
    assert caught.value.stream == "rate"


def test_a_vanishing_intensity_gives_no_events() -> None:
    assert len(drawn(lambda x, *_: 0 * x, {"x": (0.0, 1.0)}).columns["x"]) == 0


def test_a_bound_that_does_not_hold_is_found_out() -> None:
    """A spike between the points where the intensity is looked at: proposals beside it meet it."""

    def intensity(x: Any, *_: Any) -> Any:
        return 1e6 + 1e9 * jnp.exp(-(((x - 0.70021) / 5e-6) ** 2))

    x = drawn(intensity, {"x": (0.0, 1.0)}).columns["x"]
    spike = 1e9 * 5e-6 * np.sqrt(np.pi)
    assert compatible(len(x), 1e6 + spike)
    assert compatible(int(np.sum(np.abs(x - 0.70021) < 5e-5)), 100 + spike)


def test_what_is_treated_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def detect(event: Any, x: Any, *_: Any) -> Any:
        event.detect("tracker", x)
        return {"x": event.draw("tracker.y", Normal, x, 0.1) + event.draw("tracker.n", Poisson, 3.0)}

    streams = [
        Stream("signal", lambda x, *_: 3000 * x, {"x": (0.0, 1.0)}, detect),
        Stream("background", lambda x, *_: 800 + 0 * x, {"x": (0.0, 1.0)}),
    ]
    results = []
    for width, block, count in ((1 << 14, 1 << 18, None), (256, 700, None), (1 << 14, 1 << 18, 900), (256, 700, 900)):
        monkeypatch.setattr(lanes, "LANES", width)
        monkeypatch.setattr(thinning, "_BLOCK", block)
        with jax.enable_x64(True):
            results.append(EventDraws({}, {})(jax.random.key(5), *streams, count=count).columns["x"])
    assert np.array_equal(results[0], results[1]) and np.array_equal(results[2], results[3])
    assert len(results[2]) == 900


def test_other_numbers_of_events_compile_nothing() -> None:
    compiled: list[str] = []

    def listen(event: str, _: float, **__: Any) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(event)

    def intensity(x: Any, params: Any, _: Any) -> Any:
        return params["scale"] * x

    def detect(event: Any, x: Any, *_: Any) -> Any:
        return {"y": event.draw("tracker.y", Normal, x, 0.1)}

    stream = Stream("signal", intensity, {"x": (0.0, 1.0)}, detect)
    counts = []
    with jax.enable_x64(True):
        for number, scale in enumerate((100.0, 90_000.0, 5.0)):
            key = jax.random.key(number)
            counts.append(len(EventDraws({"scale": scale}, {})(key, stream).columns["y"]))
            if number == 0:
                jax.monitoring.register_event_duration_secs_listener(listen)
    jax.monitoring.unregister_event_duration_listener(listen)
    assert compiled == [] and counts[1] > 16384 > counts[0] > counts[2]
