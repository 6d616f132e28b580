"""Every method on problems whose posterior is known: its moments, its evidence, and what it says where it fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from arviz_stats.base import array_stats
from posed_problems import (
    Problem,
    assert_has_the_evidence,
    assert_has_the_moments,
    banana,
    correlated,
    draw,
    funnel,
    measured_often,
    two_bananas,
    two_modes,
)

from pdflang.diagnostics import PdflangError
from pdflang.inference import METHODS, NoFiniteStart, NoNormalApproximation, Unsuited, method_named, method_of
from pdflang.inference.importance import importance, resampled
from pdflang.inference.map import maximise
from pdflang.inference.options import (
    AutoOptions,
    CheesOptions,
    EllipticalOptions,
    EmceeOptions,
    FlowNutsOptions,
    GistOptions,
    HmcOptions,
    JumpsOptions,
    LaplaceOptions,
    MalaOptions,
    MapOptions,
    MarginalOptions,
    MclmcOptions,
    MeadsOptions,
    MultiproposalOptions,
    NestedOptions,
    NutsOptions,
    Options,
    PartitionOptions,
    PathfinderOptions,
    PersistentOptions,
    RandomWalkOptions,
    SliceOptions,
    SmcOptions,
    SplitOptions,
    TemperingOptions,
    ViOptions,
)
from pdflang.inference.workers import StopRequest

EXACT = [
    pytest.param(correlated(2), SmcOptions(), id="smc: 2 dimensions", marks=pytest.mark.slow),
    pytest.param(correlated(2), NestedOptions(), id="nested: 2 dimensions", marks=pytest.mark.slow),
    pytest.param(banana(), SmcOptions(), id="smc: banana"),
    pytest.param(banana(), NestedOptions(), id="nested: banana", marks=pytest.mark.slow),
    pytest.param(funnel(), SmcOptions(moves=10), id="smc: funnel", marks=pytest.mark.slow),
    pytest.param(funnel(), NestedOptions(), id="nested: funnel", marks=pytest.mark.slow),
    pytest.param(two_modes(), SmcOptions(), id="smc: two modes"),
    pytest.param(two_modes(), NestedOptions(live=500), id="nested: two modes"),
    pytest.param(correlated(2), PersistentOptions(), id="persistent: 2 dimensions", marks=pytest.mark.slow),
    pytest.param(banana(), PersistentOptions(), id="persistent: banana", marks=pytest.mark.slow),
    pytest.param(funnel(), PersistentOptions(moves=10), id="persistent: funnel", marks=pytest.mark.slow),
    pytest.param(two_modes(), PersistentOptions(), id="persistent: two modes"),
    pytest.param(correlated(2), TemperingOptions(), id="tempering: 2 dimensions", marks=pytest.mark.slow),
    pytest.param(banana(), TemperingOptions(), id="tempering: banana"),
    pytest.param(funnel(), TemperingOptions(), id="tempering: funnel", marks=pytest.mark.slow),
    pytest.param(two_modes(), TemperingOptions(draws=4000), id="tempering: two modes"),
    pytest.param(banana(), FlowNutsOptions(), id="flow-nuts: banana", marks=pytest.mark.slow),
    pytest.param(two_modes(), FlowNutsOptions(), id="flow-nuts: two modes", marks=pytest.mark.slow),
    pytest.param(correlated(2), PartitionOptions(), id="partition: 2 dimensions", marks=pytest.mark.slow),
    pytest.param(two_modes(), PartitionOptions(), id="partition: two modes"),
    pytest.param(two_modes(), AutoOptions(), id="auto: two modes"),
    pytest.param(two_modes(), PathfinderOptions(paths=16), id="pathfinder: two modes"),
]


@pytest.mark.parametrize(("problem", "options"), EXACT)
def test_posterior_and_evidence(problem: Problem, options: Options) -> None:
    draws = draw(problem, options)
    assert_has_the_moments(draws, problem, 300, 0.01)
    assert_has_the_evidence(draws, problem, 0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dimension", "options"),
    [
        (20, SmcOptions()),
        (100, SmcOptions()),
        (20, NestedOptions(live=500)),
        (20, TemperingOptions()),
        (20, PersistentOptions()),
        (20, PartitionOptions()),
        (100, NutsOptions()),
        (100, HmcOptions()),
        (100, CheesOptions()),
        (100, MeadsOptions()),
        (400, NutsOptions(metric="low-rank")),
        (100, AutoOptions()),
        (100, LaplaceOptions()),
        (100, ViOptions()),
    ],
)
def test_many_correlated_dimensions(dimension: int, options: Options) -> None:
    problem = correlated(dimension)
    draws = draw(problem, options)
    # All dimensions share one long direction: their means are off together, and by as much.
    assert_has_the_moments(draws, problem, 200, 0.01)
    if draws.evidence is not None:
        assert_has_the_evidence(draws, problem, 0.05)


@pytest.mark.parametrize("problem", [banana(), funnel()], ids=["banana", "funnel"])
def test_nuts_on_curved_posteriors(problem: Problem) -> None:
    draws = draw(problem, NutsOptions(target_acceptance=0.98, draws=2000))
    assert_has_the_moments(draws, problem, 150)


@pytest.mark.parametrize("options", [LaplaceOptions(), PathfinderOptions(), ViOptions()])
def test_approximations_are_exact_for_a_normal_posterior(options: Options) -> None:
    problem = correlated(2)
    draws = draw(problem, options)
    assert_has_the_moments(draws, problem, 4000)
    assert_has_the_evidence(draws, problem, 1e-3)
    assert draws.pareto_k is not None and draws.pareto_k < 0.5


@pytest.mark.parametrize("options", [LaplaceOptions(), ViOptions(family="mean-field")])
def test_pareto_k_tells_an_approximation_that_fails(options: Options) -> None:
    """The funnel has no maximum that stands for it, and a correlated normal none without correlations."""
    problem = correlated(20) if isinstance(options, ViOptions) else banana()
    draws = draw(problem, options)
    assert draws.pareto_k is not None and draws.pareto_k > 0.7


def test_weights_tell_a_posterior_that_is_elsewhere_though_their_tail_is_short() -> None:
    """Half of a normal distribution has mean √(2/π) and the width √(1 − 2/π) = 0.60."""
    z = np.random.default_rng(0).standard_normal((4000, 2))
    normal = -0.5 * np.sum(z**2, axis=1)
    half = importance(normal + np.where(z[:, 0] > 0, 0.0, -50.0), normal)
    (remark,) = half.remarks(z)
    assert half.pareto_k < 0.7
    assert "means differ by up to 0.8 of a standard deviation" in remark.sentence
    assert float(remark.sentence.rpartition(" ")[2]) == pytest.approx(np.sqrt(1 - 2 / np.pi), abs=0.03)
    assert importance(normal + 0.1 * z[:, 0], normal).remarks(z) == ()
    # Where the tail is long, k says more than the weights can.
    assert importance(0.3 * normal, normal).remarks(z) == ()


@pytest.mark.parametrize("options", [LaplaceOptions(), AutoOptions(chains=2, draws=50, warmup=50)])
def test_one_mode_of_several_has_no_evidence_of_its_own(options: Options) -> None:
    draws = draw(two_modes(), options)
    assert (draws.evidence is None) == isinstance(options, LaplaceOptions)


def test_mean_field_has_the_widths_of_the_conditionals() -> None:
    """Of a normal posterior the nearest one without correlations has precisions for variances (Bishop 2006, 10.1.2)."""
    problem = correlated(3)
    draws = draw(problem, ViOptions(family="mean-field"))
    precision = np.diag(problem.target.arrays["precision"]) + 1 / 100
    np.testing.assert_allclose(draws.z.reshape(-1, 3).std(axis=0), precision**-0.5, rtol=0.05)


def test_auto_is_hmc_where_there_is_one_nearly_normal_mode() -> None:
    problem = correlated(3)
    auto = draw(problem, AutoOptions(chains=2, warmup=100, draws=50))
    climbs = MapOptions(starts=AutoOptions.starts, tolerance=1e-6, max_steps=200)
    # Chains start at the mode that the climbs have found, not each at the one that it climbs to itself.
    mode = maximise(problem.target, climbs, settle=True).best.z
    hmc = draw(problem, HmcOptions(chains=2, warmup=100, draws=50), mode=mode)
    np.testing.assert_array_equal(auto.z, hmc.z)
    assert (auto.method, auto.remarks) == ("auto (hmc)", ())
    assert auto.warmup_gradients is not None and hmc.warmup_gradients is not None
    assert np.all(auto.warmup_gradients > hmc.warmup_gradients)  # the climbs count


@pytest.mark.parametrize("problem", [banana(), funnel()], ids=["banana", "funnel"])
def test_auto_is_nuts_where_scales_differ_from_place_to_place(problem: Problem) -> None:
    seeds = range(6)
    chosen = [draw(problem, AutoOptions(draws=1000, seed=seed)) for seed in seeds]
    by_nuts = [seed for seed, auto in zip(seeds, chosen, strict=True) if auto.method == "auto (nuts)"]
    # With one seed of forty no trajectory of HMC reaches the neck of the funnel.
    assert len(by_nuts) >= 5
    for seed in by_nuts:
        np.testing.assert_array_equal(chosen[seed].z, draw(problem, NutsOptions(draws=1000, seed=seed)).z)


def test_auto_gives_hmc_up_when_its_warmup_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """With steps that are too short it makes no draws, whose gradients would count to the warmup of NUTS."""
    monkeypatch.setattr("pdflang.inference.auto._SHORT_STEP", 0.4)
    auto, hmc, nuts = (draw(banana(), of(draws=1000)) for of in (AutoOptions, HmcOptions, NutsOptions))
    np.testing.assert_array_equal(auto.z, nuts.z)
    assert auto.warmup_gradients is not None and hmc.warmup_gradients is not None and nuts.warmup_gradients is not None
    spent = (auto.warmup_gradients - nuts.warmup_gradients).sum()
    of_warmup, of_draws = hmc.warmup_gradients.sum(), hmc.statistics["n_gradients"].sum()
    assert 0.5 * of_warmup < spent < of_warmup + 0.5 * of_draws


def test_one_length_suits_all_directions_of_a_normal() -> None:
    """NUTS, which has to find out where to turn, takes at least twice the gradients for as much."""
    problem = correlated(6)
    per_gradient = {}
    for options in (HmcOptions(draws=2000), CheesOptions(draws=500), NutsOptions(draws=2000)):
        draws = draw(problem, options)
        ess = min(array_stats.ess(draws.z[..., i], chain_axis=0, draw_axis=1) for i in range(6))
        per_gradient[type(options)] = ess / draws.statistics["n_gradients"].sum()
    assert per_gradient[HmcOptions] > 2 * per_gradient[NutsOptions]
    assert per_gradient[CheesOptions] > 1.5 * per_gradient[NutsOptions]


def test_auto_finds_the_mode_that_chains_do_not() -> None:
    """All four chains start in the larger mode, and R-hat has nothing to say."""
    problem = two_modes(share=0.1, place=-2.0)
    nuts = draw(problem, NutsOptions(seed=5, warmup=200, draws=200))
    assert np.all(nuts.z < 0)
    auto = draw(problem, AutoOptions(seed=5))
    assert auto.method == "auto (jumps)"
    assert "2 modes" in auto.remarks[0].sentence
    assert 0.06 < np.mean(auto.z[..., 0] > 0) < 0.14


def test_auto_draws_by_smc_where_modes_are_curved() -> None:
    problem = two_bananas()
    draws = draw(problem, AutoOptions())
    assert draws.method == "auto (smc)"
    assert_has_the_moments(draws, problem, 300, 0.01)


def test_auto_says_that_smc_has_nothing_to_start_from() -> None:
    problem = two_bananas()
    improper = replace(problem.target, log_prior=None)
    draws = draw(problem._replace(target=improper), AutoOptions(warmup=100, draws=50))
    assert draws.method == "auto (nuts)" and draws.evidence is None
    assert "proper prior" in draws.remarks[0].remedy


def test_jumps_need_no_prior() -> None:
    problem = two_modes()
    improper = replace(problem.target, log_prior=None)
    draws = draw(problem._replace(target=improper), AutoOptions())
    assert draws.method == "auto (jumps)" and draws.evidence is None
    assert_has_the_moments(draws, problem, 1000)


def test_jumps_cost_a_hundredth_of_smc() -> None:
    problem = two_modes()
    spent = {}
    for options in (JumpsOptions(), SmcOptions()):
        draws = draw(problem, options)
        assert draws.warmup_gradients is not None
        ess = min(array_stats.ess(draws.z[..., i], chain_axis=0, draw_axis=1) for i in range(3))
        spent[type(options)] = (draws.warmup_gradients.sum() + draws.statistics["n_gradients"].sum()) / ess
    assert 30 * spent[JumpsOptions] < spent[SmcOptions]


@pytest.mark.parametrize(
    ("problem", "effective"),
    [(two_modes(), 1500), (two_modes(20), 600), (two_modes(share=0.05), 800), (correlated(20), 1500)],
)
def test_jumps_weigh_modes_and_give_the_evidence(problem: Problem, effective: float) -> None:
    draws = draw(problem, JumpsOptions())
    assert_has_the_moments(draws, problem, effective)
    assert_has_the_evidence(draws, problem)
    assert draws.remarks == () and draws.details["accepted_jumps"] > 0.3


def test_jumps_say_where_a_mixture_of_normals_does_not_reach() -> None:
    (remark,) = draw(banana(), JumpsOptions()).remarks
    assert "hardly proposes" in remark.sentence
    with pytest.raises(Unsuited, match="no climb reached one"):
        hopeless = replace(funnel().target, log_density=lambda z, arrays: 0.1 * z[0])
        draw(funnel()._replace(target=hopeless), JumpsOptions())


def test_draws_of_a_flow_that_fits_are_all_accepted() -> None:
    """On a standard normal each transition ends at an independent draw; trajectories alone keep their energy."""
    pytest.importorskip("flowjax")
    from pdflang.inference.chains import sample_chains
    from pdflang.inference.flow_nuts import Settings
    from pdflang.inference.trajectories import Jumping, NoUTurn

    dimension = 20
    normal = replace(
        correlated(dimension).target,
        log_density=lambda z, arrays: -0.5 * z @ z,
        initial=lambda key, arrays: np.zeros(dimension),
    )
    correlation = {}
    for trajectory in (Jumping(10), NoUTurn(10)):
        draws = sample_chains("flow-nuts", trajectory, normal, Settings(4, 100, 1000, seed=1))
        lp = draws.statistics["lp"] - draws.statistics["lp"].mean()
        correlation[type(trajectory)] = np.mean(lp[:, 1:] * lp[:, :-1]) / np.mean(lp**2)
    assert abs(correlation[Jumping]) < 0.06 and correlation[NoUTurn] > 0.15


UNCORRECTED = MclmcOptions(correction="none", draws=2000)
CHAINS = [
    pytest.param(correlated(20), MalaOptions(draws=2000), 800, id="mala: 20 dimensions"),
    pytest.param(correlated(20), GistOptions(), 2000, id="gist: 20 dimensions"),
    pytest.param(correlated(20), MclmcOptions(), 2000, id="mclmc: 20 dimensions"),
    pytest.param(correlated(20), SliceOptions(), 1000, id="slice: 20 dimensions"),
    pytest.param(correlated(20), RandomWalkOptions(), 1500, id="random-walk: 20 dimensions"),
    pytest.param(correlated(4), MultiproposalOptions(), 1500, id="multiproposal: 4 dimensions"),
    pytest.param(banana(), MultiproposalOptions(), 400, id="multiproposal: banana"),
    pytest.param(correlated(2), MalaOptions(draws=2000), 2000, id="mala: 2 dimensions"),
    pytest.param(correlated(2), MclmcOptions(), 2000, id="mclmc: 2 dimensions"),
    pytest.param(correlated(1), GistOptions(), 2000, id="gist: 1 dimension"),
    pytest.param(correlated(1), SliceOptions(), 1500, id="slice: 1 dimension"),
    pytest.param(correlated(2), EllipticalOptions(), 1500, id="elliptical: 2 dimensions"),
    pytest.param(correlated(10, width=0.5), EllipticalOptions(), 1500, id="elliptical: 10 dimensions"),
    pytest.param(
        correlated(300, width=0.3), EllipticalOptions(draws=500, moves=20), 300, id="elliptical: 300",
        marks=pytest.mark.slow,
    ),
    pytest.param(banana(), GistOptions(draws=2000), 200, id="gist: banana"),
    pytest.param(banana(), MclmcOptions(draws=4000), 200, id="mclmc: banana"),
    pytest.param(banana(), SliceOptions(moves=10), 200, id="slice: banana"),
    pytest.param(banana(), RandomWalkOptions(moves=50), 300, id="random-walk: banana"),
    pytest.param(banana(), EllipticalOptions(), 800, id="elliptical: banana"),
    pytest.param(funnel(), GistOptions(draws=2000, target_acceptance=0.95), 200, id="gist: funnel"),
    pytest.param(funnel(), MclmcOptions(draws=4000, target_acceptance=0.95), 200, id="mclmc: funnel"),
    pytest.param(funnel(), SliceOptions(draws=2000, moves=10), 300, id="slice: funnel"),
]


@pytest.mark.parametrize(("problem", "options", "effective"), CHAINS)
def test_chains_have_the_moments(problem: Problem, options: Options, effective: float) -> None:
    assert_has_the_moments(draw(problem, options), problem, effective)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "effective"),
    [(GistOptions(), 1000), (MclmcOptions(), 1000), (MalaOptions(draws=4000), 400), (SliceOptions(), 500)],
)
def test_chains_in_a_hundred_dimensions(options: Options, effective: float) -> None:
    problem = correlated(100)
    assert_has_the_moments(draw(problem, options), problem, effective, 0.01)


def test_trajectories_that_nothing_accepts_are_nearly_right_and_say_so() -> None:
    problem = correlated(20)
    draws = draw(problem, UNCORRECTED)
    (remark,) = draws.remarks
    assert "off by" in remark.sentence and "bench" in remark.remedy
    assert_has_the_moments(draws, problem, 4000, 0.02)
    # Energies are kept to 5e-4 for each dimension and step: that is what 90 % stands for.
    assert draws.statistics["acceptance_rate"].mean() > 0.85


def test_gist_goes_forth_and_back() -> None:
    """It spends at least a gradient each way, and of a normal posterior accepts nearly all that it could reach."""
    draws = draw(correlated(6), GistOptions(chains=2, draws=500))
    assert draws.statistics["n_gradients"].min() >= 2
    assert not draws.statistics["diverging"].any()


@pytest.mark.parametrize(
    "options", [SliceOptions(), RandomWalkOptions(), EllipticalOptions(), MultiproposalOptions(proposals=3)]
)
def test_walks_count_evaluations_and_need_no_gradient(options: Options) -> None:
    """A density that JAX calls back for has none; it counts itself."""
    import jax
    import jax.numpy as jnp

    problem = correlated(2)
    calls = [0]

    def counted(value: Any) -> Any:
        calls[0] += 1
        return value

    def log_density(z: Any, arrays: Any) -> Any:
        value = problem.target.log_density(z, arrays)
        kind = jax.ShapeDtypeStruct((), value.dtype)
        return jax.pure_callback(counted, kind, value, vmap_method="sequential")

    target = replace(problem.target, log_density=log_density)
    short = replace(options, chains=1, warmup=60, draws=50, threads=1)  # type: ignore[call-arg]
    draws = draw(problem._replace(target=target), short)
    jnp.zeros(1).block_until_ready()
    assert draws.warmup_evaluations is not None and not draws.statistics["n_gradients"].any()
    told = draws.warmup_evaluations.sum() + draws.statistics["n_evaluations"].sum()
    assert told == pytest.approx(calls[0], rel=0.05)


def test_elliptical_says_that_a_prior_is_not_normal() -> None:
    with pytest.raises(Unsuited, match="normal on the unconstrained scale"):
        draw(funnel(), EllipticalOptions())


def test_a_direction_cannot_turn_in_one_dimension() -> None:
    with pytest.raises(Unsuited, match="two parameters"):
        draw(correlated(1), MclmcOptions())


QUICK = [
    MalaOptions(chains=2, warmup=100, draws=50),
    GistOptions(chains=2, warmup=100, draws=50),
    MclmcOptions(chains=2, warmup=100, draws=50),
    SliceOptions(chains=2, warmup=100, draws=50),
    EllipticalOptions(chains=2, warmup=100, draws=50),
    RandomWalkOptions(chains=2, warmup=100, draws=50),
    MultiproposalOptions(chains=2, warmup=100, draws=50),
    HmcOptions(chains=2, warmup=100, draws=50),
    AutoOptions(chains=2, warmup=100, draws=50),
    NutsOptions(chains=2, warmup=100, draws=50),
    MarginalOptions(chains=2, warmup=60, draws=50),
    LaplaceOptions(draws=50),
    PathfinderOptions(draws=50, paths=2),
    ViOptions(draws=50, steps=100),
    SmcOptions(chains=2, particles=100),
    JumpsOptions(chains=2, warmup=100, draws=50),
    NestedOptions(chains=2, live=50),
    EmceeOptions(chains=2, walkers=8, steps=200),
    CheesOptions(chains=4, warmup=60, draws=50),
    MeadsOptions(chains=16, warmup=60, draws=20, thin=2),
    PersistentOptions(chains=2, particles=100),
    TemperingOptions(chains=2, draws=50, rounds=4),
    PartitionOptions(cells=2, chains=2, warmup=60, draws=50),
    FlowNutsOptions(chains=2, warmup=60, draws=50),
    SplitOptions(parts=2, chains=2, warmup=100, draws=100),
]


def test_every_method_is_tried() -> None:
    assert {method_of(options).name for options in QUICK} == {m.name for m in METHODS.values() if not m.simulates}


def posed_for(options: Options) -> Problem:
    """A normal problem that has what a method needs."""
    if isinstance(options, SplitOptions):
        return measured_often()
    problem = correlated(2)
    return problem._replace(target=replace(problem.target, nuisances=(1,)))


def _kept(options: Options) -> Any:
    """Twice a flow is compiled for as long as all others."""
    return pytest.param(options, marks=[pytest.mark.slow] * isinstance(options, FlowNutsOptions))


@pytest.mark.parametrize("options", [_kept(one) for one in QUICK], ids=lambda options: type(options).__name__)
def test_a_seed_decides_and_costs_are_recorded(options: Any) -> None:
    problem = posed_for(options)
    one, same = draw(problem, options), draw(problem, options)
    other = draw(problem, replace(options, seed=1))
    np.testing.assert_array_equal(one.z, same.z)
    assert not np.array_equal(one.z, other.z)
    assert one.statistics["lp"].shape == one.z.shape[:2] == one.statistics["n_gradients"].shape
    assert method_of(options).name in one.attributes["method"]
    costs = one.warmup_gradients if method_of(options).gradient else one.warmup_evaluations
    assert costs is not None and np.all(costs > 0)


@pytest.mark.parametrize("options", QUICK, ids=lambda options: type(options).__name__)
def test_a_stop_returns_what_there_is(options: Options) -> None:
    stop = StopRequest()
    stop.request()
    draws = draw(posed_for(options), options, stop=stop)
    assert draws.interrupted and draws.z.shape[1] == 0


@pytest.mark.parametrize("options", QUICK, ids=lambda options: type(options).__name__)
def test_a_density_that_is_nowhere_finite(options: Options) -> None:
    problem = posed_for(options)
    part = replace(problem.target, log_density=lambda z, arrays: np.nan * z[0])
    hopeless = replace(part, parts=lambda count, seed: [part] * count)
    with pytest.raises(NoFiniteStart):
        draw(problem._replace(target=hopeless), options)


@pytest.mark.slow
def test_impossible_places_of_the_prior_are_a_part_of_the_evidence() -> None:
    """A likelihood of 1 where x > 0 and 0 elsewhere: Z = ½, and the posterior is half a normal."""
    import jax.numpy as jnp

    problem = correlated(1)
    prior = problem.target.log_prior
    assert prior is not None

    def log_density(z: Any, arrays: Any) -> Any:
        return jnp.where(z[0] > 0, prior(z, arrays), -jnp.inf)

    target = replace(problem.target, log_density=log_density)
    half = Problem(target, np.array([10 * np.sqrt(2 / np.pi)]), np.array([10 * np.sqrt(1 - 2 / np.pi)]), np.log(0.5))
    for options in (SmcOptions(), PersistentOptions(), NestedOptions(), TemperingOptions()):
        draws = draw(half, options)
        assert_has_the_moments(draws, half, 500, 0.02)
        assert_has_the_evidence(draws, half, 0.05)


@pytest.mark.slow
def test_a_plateau_of_the_likelihood() -> None:
    """A likelihood of ½ where x < 0 and of 1 elsewhere, under N(0, 10): Z = ¾, and ⅔ of the posterior is above 0."""
    import jax.numpy as jnp

    problem = correlated(1)
    prior = problem.target.log_prior
    assert prior is not None

    def log_density(z: Any, arrays: Any) -> Any:
        return prior(z, arrays) + jnp.where(z[0] > 0, 0.0, jnp.log(0.5))

    steps = problem._replace(target=replace(problem.target, log_density=log_density), log_z=float(np.log(0.75)))
    for options in (SmcOptions(), PersistentOptions(), NestedOptions(), TemperingOptions()):
        draws = draw(steps, options)
        assert_has_the_evidence(draws, steps, 0.02)
        assert abs(np.mean(draws.z > 0) - 2 / 3) < 0.05


@pytest.mark.slow
def test_a_narrow_ring() -> None:
    """Steps that suit the spread of the whole are far too long: SMC repeats its moves with shorter ones."""
    from jax.scipy.stats import norm

    problem = correlated(2, width=1.0)
    prior = problem.target.log_prior
    assert prior is not None

    def log_density(z: Any, arrays: Any) -> Any:
        return prior(z, arrays) + norm.logpdf(z[0] ** 2 + z[1] ** 2, 1.0, 0.003)

    # The square of the radius has the density ½ exp(−r²/2).
    ring = problem._replace(
        target=replace(problem.target, log_density=log_density), mean=np.zeros(2), sd=np.full(2, 0.5**0.5),
        log_z=float(np.log(0.5) - 0.5),
    )  # fmt: skip
    for options in (SmcOptions(), PersistentOptions()):
        draws = draw(ring, options)
        assert min(len(np.unique(chain[:, 0])) for chain in draws.z) > 900
        assert_has_the_moments(draws, ring, 150)
        assert_has_the_evidence(draws, ring, 0.05)


def test_resampling_shows_in_effective_sizes() -> None:
    """Of draws that are chosen twice each, half are effective, and their means say so."""
    from arviz_stats.base import array_stats

    generator = np.random.default_rng(0)
    log_weights = np.where(np.arange(4000) < 2000, 0.0, -50.0)
    chosen = resampled(log_weights, 4000, generator)
    assert np.all(np.bincount(chosen, minlength=4000)[:2000] == 2)
    values = generator.standard_normal(4000)[chosen].reshape(4, 1000)
    size = float(array_stats.ess(values, method="mean", chain_axis=0, draw_axis=1))
    assert 1500 < size < 2600


def test_few_or_impossible_draws_say_nothing_for_an_approximation() -> None:
    few = importance(np.array([0.0, 50.0, -80.0]), np.zeros(3))
    none = importance(np.full(200, -np.inf), np.zeros(200))
    assert few.pareto_k == none.pareto_k == np.inf
    assert none.evidence is None


def test_no_maximum_no_laplace() -> None:
    problem = correlated(2)

    def log_density(z: Any, arrays: Any) -> Any:
        return -0.5 * (z[0] + z[1] - 1) ** 2

    with pytest.raises(NoNormalApproximation, match="does not change"):
        draw(problem._replace(target=replace(problem.target, log_density=log_density)), LaplaceOptions())


def test_a_near_name_is_suggested() -> None:
    with pytest.raises(PdflangError, match="nuts"):
        method_named("nut")
