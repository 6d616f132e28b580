"""The default: NUTS, after climbs from many draws of the prior have looked for modes that its chains would not find.

Chains that all start at one mode agree with each other, and R-hat says nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial

from pdflang.inference import nuts, smc
from pdflang.inference.draws import Draws, NoFiniteStart, Remark
from pdflang.inference.map import maximise
from pdflang.inference.modes import Mode, modes_of, told
from pdflang.inference.monitor import Monitor
from pdflang.inference.options import AutoOptions, MapOptions, NutsOptions, SmcOptions, chosen_seed
from pdflang.inference.programs import programs_of
from pdflang.inference.start import CURVED_DIMENSIONS
from pdflang.inference.target import Target
from pdflang.inference.workers import StopRequest, interrupts, run_tasks
from pdflang.results.checkpoints import Checkpoints

_TOLERANCE = 1e-6
_STEPS = 200


def sample(
    target: Target,
    options: AutoOptions | None = None,
    monitor: Monitor | None = None,
    stop: StopRequest | None = None,
    enough: Callable[[Draws], bool] | None = None,
    checkpoints: Checkpoints | None = None,
) -> Draws:
    """Draws by NUTS; by SMC where there are several modes and the prior is proper. Raises `NoFiniteStart`."""
    options = options or AutoOptions()
    seed = chosen_seed(options.seed)
    own = replace(NutsOptions(**{f.name: getattr(options, f.name) for f in fields(NutsOptions)}), seed=seed)
    with interrupts(stop) as stop:
        # The climbs take less time than the sampler takes to compile.
        programs = programs_of(target, own)
        modes: list[Mode] = []

        def look() -> None:
            modes.extend(_modes(target, options, seed, stop))

        tasks: list[Callable[[], None]] = [look, partial(programs.compile, target, own, stop)]
        run_tasks(tasks, 2, stop, patient=False)
        if len(modes) < 2:
            return _as_auto(nuts.sample(target, own, monitor, stop, enough, checkpoints))
        if target.log_prior is None:
            stuck = Remark(
                f"{told(modes)}, and chains may stay in the one where they start",
                "give every parameter a proper prior: tempered SMC, which visits all modes, starts from draws of it",
                "warning",
            )
            return _as_auto(nuts.sample(target, own, monitor, stop, enough, checkpoints), stuck)
        switched = Remark(
            f"{told(modes)}; tempered SMC was used, whose populations, the chains of the result, visit all of them",
            "see whether each of them is meant; a narrower prior, or an order among parameters, leaves one",
        )
        return _as_auto(smc.sample(target, _populations(options, seed), monitor, stop), switched)


def _as_auto(draws: Draws, *remarks: Remark) -> Draws:
    return replace(draws, method=f"auto ({draws.method})", remarks=remarks)


def _populations(options: AutoOptions, seed: int) -> SmcOptions:
    """As many draws as NUTS would make, where they are enough for a population."""
    particles = max(SmcOptions.particles, options.first_draws)
    return SmcOptions(max(2, options.chains), particles, seed=seed, threads=options.threads)


def _modes(target: Target, options: AutoOptions, seed: int, stop: StopRequest) -> list[Mode]:
    """The modes that climbs from draws of the prior reach; none in many dimensions, where climbs cost too much."""
    if target.dimension > CURVED_DIMENSIONS:
        return []
    climbs = MapOptions(options.starts, seed, _TOLERANCE, _STEPS, options.threads)
    try:
        return modes_of(maximise(target, climbs, stop=stop))
    except NoFiniteStart:
        return []
