"""Data that are divided, and draws of parts that are combined; the space in cells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from posed_problems import assert_has_the_moments, correlated, draw, measured_often, two_bananas, two_modes
from scipy import integrate

import pdflang
from pdflang.diagnostics import PdflangError
from pdflang.inference import Target, Unsuited
from pdflang.inference.cells import cells_of, frame_of, places_in, target_in
from pdflang.inference.combining import combination
from pdflang.inference.options import PartitionOptions, SplitOptions
from pdflang.semantics.divisible import divisible
from pdflang.subposteriors import subposteriors

X, G = np.arange(20.0), np.arange(20) % 3
LINE = "data x[N]\ndata y[N]\nparam a ~ Normal(0, 1)\nparam b ~ Normal(0, 1)\nparam s ~ HalfNormal(1)\n"
BY_ROWS = [
    "observe y[i in N] ~ Normal(a + b * x[i], s)",
    "observe y ~ Normal(a + exp(b * x), s)",
    "let mu[i in N] = a + b * x[i]\nobserve y[i in N] ~ Normal(mu[i], s)",
    "let mu = a + b * x\nobserve y ~ Normal(mu, s)",
    "observe x ~ Normal(a, s)\nobserve y ~ Normal(b, s)",
    "observe y ~ Mixture([0.3, 0.7], [Normal(a + x, s), Normal(b, 1)])",
    "observe y ~ Normal(if x > 3 then a else b, s)",
]
TOGETHER = [
    "let middle = mean(x)\nobserve y ~ Normal(a + b * (x - middle), s)",
    "observe y[i in N] ~ Normal(a + b * i, s)",
    "observe y ~ Normal(a + b * N, s)",
    "param t[N] ~ Normal(0, 1)\nobserve y ~ Normal(t, s)",
    "observe y ~ Normal(a + b * x, s)\nfactor pull = -sum(x * a)^2",
    "observe y[i in N] ~ Normal(a * x[N - 1 - i], s)",
    "let c[i in N, j in N] = if i == j then s else 0\nobserve y ~ MvNormal(a + b * x, cov = c)",
]


def line(text: str) -> pdflang.Model:
    return pdflang.loads(LINE + text + "\n", data={"x": X, "y": X + 0.5})


@pytest.mark.parametrize("text", BY_ROWS)
def test_parts_of_rows_multiply_to_the_posterior(text: str) -> None:
    model = line(text)
    assert [axis.name for axis in divisible(model.program)] == ["N"]
    assert_is_the_product(model, subposteriors(model, 3, 1))


@pytest.mark.parametrize("text", TOGETHER)
def test_rows_that_are_not_independent_are_not_divided(text: str) -> None:
    model = line(text)
    assert divisible(model.program) == {}
    with pytest.raises(PdflangError, match="no data of the model can be divided"):
        model.sample(method="split")


def assert_is_the_product(model: pdflang.Model, parts: list[Target]) -> None:
    import jax

    whole = model.target()
    with jax.enable_x64(True):
        for z in np.random.default_rng(0).normal(0, 0.3, (3, model.dimension)):
            found = sum(float(part.log_density(z, part.arrays)) for part in parts)
            assert found == pytest.approx(float(whole.log_density(z, whole.arrays)), rel=1e-12)


def test_parts_of_events_share_what_is_expected() -> None:
    """Lists of a rate, of a density, and with weights; what cannot be divided is shared."""
    random = np.random.default_rng(2)
    text = """
data few[N]
data own[M]
data weighted[K]
data w[K]
data y
param rate ~ LogNormal(3, 1)
param slope ~ Normal(0, 0.3) in (-1, 1)
theory f(x in (0, 1)) = 1 + slope * x
observe few ~ PoissonProcess(rate * f)
observe own ~ Iid(f)
observe weighted ~ PoissonProcess(rate * f, weights = w)
observe y ~ Normal(rate, 5)
"""
    data = {"few": random.random(21), "own": random.random(40), "weighted": random.random(15), "w": random.random(15)}
    model = pdflang.loads(text, data={**data, "y": 20.0})
    assert len(divisible(model.program)) == 3
    parts = subposteriors(model, 4, 1)
    assert_is_the_product(model, parts)
    assert len({id(part.log_density) for part in parts}) == 1  # events have room: one program


def test_rows_fewer_than_parts_are_not_divided() -> None:
    with pytest.raises(Unsuited, match="20 rows cannot be divided into 21 parts"):
        subposteriors(line(BY_ROWS[0]), 21, 1)


def normal_parts(random: np.random.Generator, count: int = 3, dimension: int = 2) -> tuple[np.ndarray, Any, Any]:
    """Draws (count, 4, 1000, n) of normals, and the mean and covariance of their product."""
    roots = random.normal(size=(count, dimension, dimension)) + 2 * np.eye(dimension)
    covariances = roots @ np.swapaxes(roots, 1, 2)
    means = random.normal(size=(count, dimension))
    draws = np.stack(
        [mean + random.normal(size=(4, 1000, dimension)) @ root.T for mean, root in zip(means, roots, strict=True)]
    )
    precisions = np.linalg.inv(covariances)
    covariance = np.linalg.inv(precisions.sum(axis=0))
    return draws, covariance @ np.einsum("kij,kj->i", precisions, means), covariance


@pytest.mark.parametrize("name", ["consensus", "normal", "kernels", "trees"])
@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_normal_parts_are_combined_to_their_product(name: str, dimension: int) -> None:
    draws, mean, covariance = normal_parts(np.random.default_rng(5), dimension=dimension)
    combined = combination(name, draws.shape[-1])(draws, np.random.default_rng(6), [])
    z = combined.z.reshape(-1, dimension)
    sd = np.sqrt(np.diag(covariance))
    assert combined.z.shape == draws.shape[1:]
    assert np.all(np.abs(z.mean(axis=0) - mean) < 0.12 * sd)
    np.testing.assert_allclose(z.std(axis=0), sd, rtol=0.08)
    if combined.log_density is not None:
        exact = -0.5 * np.sum((z - mean) @ np.linalg.inv(covariance) * (z - mean), axis=1)
        found = combined.log_density.ravel() - exact
        assert np.std(found) < 0.4


@pytest.mark.parametrize(("name", "nearer"), [("kernels", 3), ("trees", 3)])
def test_what_is_not_normal_is_combined_better_than_by_normals(name: str, nearer: float) -> None:
    """Gamma densities of shape 3: the product of two has shape 5 and half the scale."""
    draws = np.random.default_rng(7).gamma(3.0, 1.0, (2, 4, 5000, 1))

    def off(name: str) -> float:
        z = combination(name, draws.shape[-1])(draws, np.random.default_rng(8), []).z
        return abs(float(np.mean(z)) - 2.5) + abs(float(np.std(z)) - np.sqrt(5) / 2)

    assert off(name) * nearer < off("consensus")


@pytest.mark.parametrize(
    "way", ["consensus", "normal", "kernels", "trees", pytest.param("surrogates", marks=pytest.mark.slow)]
)
def test_a_line_through_divided_points(way: str) -> None:
    if way == "surrogates":
        pytest.importorskip("sklearn")
    problem = measured_often()
    draws = draw(problem, SplitOptions(combination=way, warmup=300))
    assert_has_the_moments(draws, problem, 250, 0.03)
    assert "approximation" in draws.remarks[-1].sentence
    if draws.pareto_k is not None:
        assert draws.pareto_k < 0.7


def test_split_says_that_surrogates_know_few_dimensions() -> None:
    random = np.random.default_rng(1)
    text = "data x[N, 16]\ndata y[N]\nparam b[16] ~ Normal(0, 1)\nobserve y ~ Normal(x @ b, 1)\n"
    model = pdflang.loads(text, data={"x": random.normal(size=(100, 16)), "y": random.normal(size=100)})
    pytest.importorskip("sklearn")
    with pytest.raises(PdflangError, match="15 dimensions at most"):
        model.sample(method="split", combination="surrogates", chains=1, warmup=50, draws=100)


def test_cells_fill_the_space() -> None:
    """The masses of a normal in cells sum up to 1, each by quadrature in its own coordinates."""
    random = np.random.default_rng(3)
    z = random.normal(size=(500, 1)) * np.where(random.random((500, 1)) < 0.5, 1.0, 3.0) + 1.0
    frame = frame_of(z)
    cells = cells_of(frame.inside(z), np.zeros(500), 5)
    assert len(cells) == 5

    def log_density(z: Any, arrays: Any) -> Any:
        return -0.5 * (z[0] - 1.0) ** 2 - 0.5 * np.log(2 * np.pi)

    target = Target(1, log_density, lambda key, arrays: np.zeros(1), {})
    masses = []
    for cell in cells:
        own = target_in(target, frame, cell)
        density = lambda v, own=own: float(np.exp(own.log_density(np.array([v]), own.arrays)))  # noqa: E731
        masses.append(integrate.quad(density, -40, 40, limit=500)[0])
        start, _ = places_in(own.arrays["cell"]["start"], own.arrays["cell"])
        assert frame.inside(np.asarray(start)[None])[0] == pytest.approx(cell.scout, rel=1e-5)
    assert sum(masses) == pytest.approx(1.0, rel=1e-5)


def test_cells_are_cut_between_modes() -> None:
    z = np.concatenate([np.random.default_rng(1).normal(place, 0.5, (100, 3)) for place in (-4, 4)])
    frame = frame_of(z)
    lower, upper = cells_of(frame.inside(z), np.zeros(200), 2)
    (axis,) = np.flatnonzero(np.isfinite(lower.upper))
    assert lower.upper[axis] == upper.lower[axis] and abs(lower.upper[axis]) < 0.5
    assert cells_of(frame.inside(z)[:15], np.zeros(15), 4)[0].scout.shape == (3,)  # too few to be divided


@pytest.mark.slow
def test_partition_weighs_modes_without_a_prior() -> None:
    problem = two_modes(share=0.2)
    improper = problem._replace(target=replace(problem.target, log_prior=None))
    draws = draw(improper, PartitionOptions())
    assert draws.evidence is None
    assert_has_the_moments(draws, problem, 1000)


@pytest.mark.slow
def test_partition_follows_curved_modes() -> None:
    problem = two_bananas()
    draws = draw(problem, PartitionOptions(cells=8, draws=2000))
    assert_has_the_moments(draws, problem, 150, 0.02)


def test_one_cell_is_nuts() -> None:
    problem = correlated(3)
    draws = draw(problem, PartitionOptions(cells=1, draws=1000))
    assert draws.details["cells"] == 1
    assert_has_the_moments(draws, problem, 1000)


def test_a_run_says_how_its_draws_were_combined() -> None:
    tree = line(BY_ROWS[0]).sample(method="split", parts=2, chains=2, warmup=200, draws=200)
    assert tree.attrs["method"] == "split"
    assert "2 parts of the data were combined by `kernels`, an approximation" in tree.attrs["remarks"]


def test_draws_that_do_not_move_are_no_error_but_told() -> None:
    """A part whose chains are stuck has no covariance, and no R-hat."""
    from pdflang.inference.split import _remarks

    stuck = np.zeros((2, 4, 200, 2))
    for name in ("consensus", "normal", "kernels", "trees"):
        combined = combination(name, 2)(stuck, np.random.default_rng(1), [])
        np.testing.assert_allclose(combined.z, 0.0, atol=1e-40)
    first, _ = _remarks(stuck, 0, SplitOptions(parts=2))
    assert first.severity == "warning" and "not to be relied on" in first.sentence
