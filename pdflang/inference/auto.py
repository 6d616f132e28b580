"""The default: climbs look for modes while a sampler compiles, and what they find decides how to draw.

Chains that all start at one mode agree with each other, and R-hat says nothing of the others. One mode is sampled by
HMC, which asks for a posterior not too far from normal; where its warmup or its draws say that it is, NUTS takes its
place. Several are sampled by jumps between them, or, where these say that modes are far from normal, by SMC.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import TypeVar

import numpy as np

from pdflang.inference import hmc, nuts
from pdflang.inference.chains import Strained
from pdflang.inference.draws import Draws, NoFiniteStart, Remark
from pdflang.inference.map import maximise
from pdflang.inference.modes import Mode, modes_of, told
from pdflang.inference.monitor import Monitor
from pdflang.inference.options import (
    AutoOptions,
    ChainOptions,
    HmcOptions,
    JumpsOptions,
    MapOptions,
    NutsOptions,
    SmcOptions,
    chosen_seed,
)
from pdflang.inference.platform import available_cores
from pdflang.inference.start import CURVED_DIMENSIONS
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest, interrupts, run_tasks
from pdflang.results import convergence
from pdflang.results.checkpoints import Checkpoints, MemoryCheckpoints

_TOLERANCE = 1e-6
_STEPS = 200

_SHORT_STEP = 0.25
"""Steps that have to be shorter, in standard deviations, tell that some place is far narrower than the whole."""

_TELLING = 500
"""So many draws of a chain tell whether chains agree."""

_LARGEST_RHAT = 1.01

Own = TypeVar("Own", bound=ChainOptions)


def sample(
    target: Target,
    options: AutoOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    enough: Callable[[Draws], bool] | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws by HMC or NUTS; by jumps, or by SMC, where there are several modes. Raises `NoFiniteStart`."""
    options = options or AutoOptions()
    seed = chosen_seed(options.seed)
    by_hmc, by_nuts = _own(HmcOptions, options, seed), _own(NutsOptions, options, seed)
    checkpoints = checkpoints or MemoryCheckpoints()
    with interrupts(stop) as stop:
        found = _looked(target, options, by_hmc, by_nuts, stop)
        # What was begun goes on, also where an interrupt left the climbs unfinished.
        begun = _begun(options.chains, checkpoints)
        if (found.several or "jumps" in begun) and "smc" not in begun:
            draws, trusted = _by_jumps(target, options, seed, found, monitor, stop, checkpoints)
            if draws.interrupted or (trusted and _is_trusted(draws)):
                return _as_auto(draws, found, *found.told_of_jumps)
        if found.for_smc(target) or "smc" in begun:
            return _by_smc(target, options, seed, found, monitor, stop, checkpoints)
        if (found.one or "hmc" in begun) and _may_be_normal(target, by_hmc) and "nuts" not in begun:
            with suppress(Strained):
                judge = _or_strained(enough)
                draws = hmc.sample(
                    target, by_hmc, monitor, stop, judge, checkpoints, mode=found.place, least_step=_SHORT_STEP
                )
                if draws.interrupted or _is_trusted(draws):
                    return _as_auto(draws, found)
        draws = nuts.sample(target, by_nuts, monitor, stop, enough, checkpoints)
        return _as_auto(draws, found, *found.warning)


@dataclass
class _Found:
    """The modes that climbs have reached, and the gradients that these took."""

    modes: list[Mode] = field(default_factory=list)
    gradients: int = 0

    @property
    def one(self) -> bool:
        return len(self.modes) == 1

    @property
    def several(self) -> bool:
        return len(self.modes) > 1

    @property
    def place(self) -> np.ndarray | None:
        """Where chains of HMC may start: at the only mode, to which each of them would climb again."""
        return self.modes[0].normal.mean if self.one else None

    def for_smc(self, target: Target) -> bool:
        """Whether SMC can give each of several modes its share."""
        return self.several and target.log_prior is not None

    @property
    def told_of_jumps(self) -> tuple[Remark, ...]:
        """What is to be said where chains go from mode to mode."""
        return (
            Remark(
                f"{told(self.modes)}; chains jumped between them, by a mixture of normals",
                "see whether each of them is meant; a narrower prior, or an order among parameters, leaves one",
            ),
        )

    @property
    def warning(self) -> tuple[Remark, ...]:
        """What is to be said where chains draw in spite of several modes."""
        if not self.several:
            return ()
        return (
            Remark(
                f"{told(self.modes)}, and chains may stay in the one where they start",
                "give every parameter a proper prior: tempered SMC, which visits all modes, starts from draws of it",
                "warning",
            ),
        )


def _looked(
    target: Target, options: AutoOptions, by_hmc: HmcOptions, by_nuts: NutsOptions, stop: StopRequest
) -> _Found:
    """What climbs from draws of the prior have found, by when the sampler that it asks for is compiled.

    Which one that will be is not known at first, but climbs take less time than a compilation, and mostly find one
    mode.
    """
    found = _Found()
    if target.dimension > CURVED_DIMENSIONS:
        return found
    likely = _may_be_normal(target, by_hmc)
    # Both are made here: threads that made them together would each have their own.
    compile_nuts = partial(nuts.programs_for(target, by_nuts).compile, target, by_nuts, stop)
    compile_hmc = partial(hmc.programs_for(target, by_hmc).compile, target, by_hmc, stop)

    def look() -> None:
        # The sampler compiles beside them; and threads that take turns at small steps only wait for each other.
        threads = options.threads or max(1, available_cores() - 1)
        climbs = MapOptions(options.starts, by_hmc.seed, _TOLERANCE, _STEPS, threads)
        try:
            optima = maximise(target, climbs, stop=stop, settle=True)
        except NoFiniteStart:
            return
        found.modes = modes_of(optima)
        found.gradients = sum(optimum.steps for optimum in optima.every) * (1 + target.dimension)
        if likely and not (found.one or found.for_smc(target)):
            compile_nuts()

    tasks: list[Callable[[], None]] = [look, compile_hmc if likely else compile_nuts]
    run_tasks(tasks, 2, stop, patient=False)
    return found


def _own(kind: type[Own], options: AutoOptions, seed: int) -> Own:
    """The options of a method, as those of `auto` have them."""
    given = {f.name: getattr(options, f.name, None) for f in fields(kind)}
    return kind(**{**{name: value for name, value in given.items() if value is not None}, "seed": seed})


def _may_be_normal(target: Target, by_hmc: HmcOptions) -> bool:
    """Whether the metric can be the covariance."""
    return target.dimension <= CURVED_DIMENSIONS and by_hmc.metric_of(target.dimension) == "dense"


def _begun(chains: int, checkpoints: Checkpoints) -> set[str]:
    """The methods whose chains were saved. NUTS comes after all chains of HMC have ended and were judged."""
    kept = [checkpoints.load(number) for number in range(chains)]
    return {saved.method for saved in kept if saved is not None}


def _or_strained(enough: Callable[[Draws], bool] | None) -> Callable[[Draws], bool] | None:
    """A judge who wants no more draws of HMC either where it is not to be trusted."""
    return None if enough is None else lambda draws: _is_strained(draws) or enough(draws)


def _is_strained(draws: Draws) -> bool:
    """Whether some place is too narrow for the steps of HMC."""
    return bool(draws.statistics["diverging"].any())


def _is_trusted(draws: Draws) -> bool:
    """Whether nothing in draws of HMC speaks against them."""
    if _is_strained(draws) or draws.sufficient is False:
        return False
    if draws.sufficient or len(draws.z) < 2 or draws.z.shape[1] < _TELLING:
        return True
    return convergence.largest_rhat(draws.z) < _LARGEST_RHAT


def _by_jumps(
    target: Target, options: AutoOptions, seed: int, found: _Found, monitor: Monitor | None, stop: StopRequest,
    checkpoints: Checkpoints,
) -> tuple[Draws, bool]:  # fmt: skip
    """As many draws as chains would make, and whether jumps say enough of the modes."""
    from pdflang.inference import jumps  # with the libraries of samplers, which most runs do without

    count = _own(HmcOptions, options, seed).first_draws
    warmup = JumpsOptions.warmup if options.warmup is None else options.warmup
    own = JumpsOptions(max(2, options.chains), warmup, count, options.starts, seed=seed, threads=options.threads)
    draws = jumps.sample(target, own, monitor, stop, checkpoints, found.modes)
    return draws, draws.interrupted or jumps.is_trusted(draws)


def _by_smc(
    target: Target, options: AutoOptions, seed: int, found: _Found, monitor: Monitor | None, stop: StopRequest,
    checkpoints: Checkpoints,
) -> Draws:  # fmt: skip
    """Populations of as many draws as chains would make, where these are enough for a population."""
    from pdflang.inference import smc

    particles = max(SmcOptions.particles, _own(HmcOptions, options, seed).first_draws)
    populations = SmcOptions(max(2, options.chains), particles, seed=seed, threads=options.threads)
    draws = smc.sample(target, populations, monitor, stop, checkpoints)
    if draws.interrupted:
        return _as_auto(draws, found)
    switched = Remark(
        f"{told(found.modes)}; tempered SMC was used, whose populations, the chains of the result, visit all of them",
        "see whether each of them is meant; a narrower prior, or an order among parameters, leaves one",
    )
    return _as_auto(draws, found, switched)


def _as_auto(draws: Draws, found: _Found, *remarks: Remark) -> Draws:
    """Draws of a method that was chosen; the gradients of the climbs are shared among its chains."""
    counts = draws.warmup_gradients
    shared = None if counts is None else counts + -(-found.gradients // len(counts))
    return replace(draws, method=f"auto ({draws.method})", remarks=remarks, warmup_gradients=shared)
