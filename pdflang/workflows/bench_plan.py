"""What a bench will run: methods by name with their options, those that cannot, the reference, on how many cores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference import METHODS, Method, method_named
from pdflang.inference.options import chosen_seed, options_of
from pdflang.inference.options.base import SEEDS
from pdflang.inference.platform import available_cores
from pdflang.results.bench import Contestant
from pdflang.workflows.options import BenchOptions

if TYPE_CHECKING:
    from pdflang.ir.program import Program

REFERENCE = "reference"

LONGER = 10
"""How many budgets the reference has."""

_MANY = 1_000_000
"""Draws per chain at most, of methods whose draws grow: the budget ends them."""


@dataclass(frozen=True)
class Plan:
    """What is to be run: the contestants that can, those that cannot, the reference, and on how many cores."""

    contestants: tuple[Contestant, ...]
    reference: Contestant
    cores: tuple[int, ...]
    options: BenchOptions
    truth: Mapping[str, tuple[float, float]] | None = None
    """Means and standard deviations by the names of entries, in the place of the reference."""

    @property
    def running(self) -> list[Contestant]:
        return [one for one in self.contestants if one.refused is None]

    @property
    def scaled(self) -> list[tuple[Contestant, int]]:
        """The contestants that use several cores, and the numbers of cores below the most."""
        return [
            (one, cores) for cores in self.cores[:-1] for one in self.running
            if "threads" in option_names(METHODS[one.method])
        ]  # fmt: skip

    @property
    def seconds(self) -> float:
        """How long all of it takes at most, without compilation."""
        longer = LONGER if self.truth is None else 0
        return self.options.budget * (longer + len(self.running) + len(self.scaled))

    def __str__(self) -> str:
        """What will be run, in a sentence."""
        names = ", ".join(one.name for one in self.running)
        again = f", those with threads on {' and '.join(map(str, self.cores[:-1]))} of them, too" if self.scaled else ""
        where = f"on {self.cores[-1]} core{'s' * (self.cores[-1] > 1)}{again}"
        before = "" if self.truth is not None else f"a long run of {self.reference.method} as the reference, then "
        return f"{before}{names}, each {where}: {_duration(self.seconds)} at most, and compilation"


def planned(
    program: Program, options: BenchOptions, methods: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    given: Mapping[str, Mapping[str, Any]] | None = None, cores: Iterable[int] | None = None,
    truth: Mapping[str, Any] | None = None,
) -> Plan:  # fmt: skip
    """The plan of a bench, by what the program has. Errors: E620 for names and options, or where nothing can run.

    `methods` are names, or options by name, by default all that take the density; `given` are options of some by name,
    also of the `reference`. The `truth` has mean and standard deviation of each entry of the parameters, or of some.
    """
    options = replace(options, seed=chosen_seed(options.seed))
    assert options.seed is not None
    wanted = {name: dict(own) for name, own in methods.items()} if isinstance(methods, Mapping) else None
    names = list(dict.fromkeys(methods if methods is not None else _by_default()))
    chosen = {name: method_named(name) for name in names}
    given = {**(wanted or {}), **(given or {})}
    for name in given:
        if name != REFERENCE and name not in chosen:
            method_named(name)
            message = f"there are options of `{name}`, which is not among the methods"
            remedy = f"add it to the methods: {', '.join([*names, name])}"
            raise PdflangError(Diagnostic("E620", message, remedy=remedy))
    found = tuple(_contestant(name, chosen[name], given.get(name, {}), options.seed, program) for name in names)
    if all(one.refused is not None for one in found):
        notes = tuple(f"{one.name}: {one.refused}" for one in found)
        raise PdflangError(
            Diagnostic(
                "E620", "none of the methods can run on this model", notes=notes,
                remedy="see what it has: `pdflang check` says it for each observation",
            )
        )  # fmt: skip
    most = available_cores()
    counts = sorted({1, most} if cores is None else set(cores))
    if not counts or counts[0] < 1 or counts[-1] > most:
        message = f"there are 1 to {most} cores for this, not {', '.join(map(str, counts)) or 'none'}"
        raise PdflangError(Diagnostic("E620", message, remedy="leave `cores` out for 1 and all of them"))
    reference = _reference(options, given.get(REFERENCE, {}), program)
    return Plan(found, reference, tuple(counts), options, None if truth is None else _moments(truth))


def _by_default() -> list[str]:
    return [name for name, method in METHODS.items() if not method.simulates]


def option_names(method: Method) -> set[str]:
    """The names of a method's options."""
    return {field.name for field in fields(method.options)}


def _refusal(method: Method, program: Program) -> str | None:
    try:
        method.require(program)
    except PdflangError as failure:
        return failure.diagnostics[0].message
    return None


def _contestant(
    name: str, method: Method, given: Mapping[str, Any], seed: int, program: Program
) -> Contestant:
    known = {"seed": seed, "max_draws": _MANY}
    options = {**{key: value for key, value in known.items() if key in option_names(method)}, **given}
    options_of(method.options, options, method.name)
    return Contestant(name, method.name, options, method.approximates, _refusal(method, program))


def _reference(options: BenchOptions, given: Mapping[str, Any], program: Program) -> Contestant:
    """The method that is asked for; where it cannot run, the first exact one that can."""
    asked = method_named(options.reference)
    others = [method for method in METHODS.values() if not (method.approximates or method.simulates)]
    able = [method for method in (asked, *others) if _refusal(method, program) is None]
    method = able[0] if able else asked
    assert options.seed is not None
    # Chains of equal seeds would follow those that they are to judge.
    known = {"seed": (options.seed + 1) % SEEDS, "draws": options.reference_draws, "max_draws": options.reference_draws}
    settings = {**{key: value for key, value in known.items() if key in option_names(method)}, **given}
    options_of(method.options, settings, method.name)
    return Contestant(REFERENCE, method.name, settings, method.approximates, _refusal(method, program))


def _moments(truth: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation by name. Error: E620."""
    remedy = "write of each entry of a parameter mean and sd: {\"mu\": {\"mean\": 1.2, \"sd\": 0.3}}"
    found = {}
    for name, own in truth.items():
        values = (own.get("mean"), own.get("sd")) if isinstance(own, Mapping) else own
        try:
            mean, sd = map(float, values)
        except (TypeError, ValueError):
            mean = sd = math.nan
        if not (math.isfinite(mean) and math.isfinite(sd) and sd > 0):
            message = f"the truth of `{name}` is no mean and standard deviation"
            raise PdflangError(Diagnostic("E620", message, remedy=remedy))
        found[name] = (mean, sd)
    if not found:
        raise PdflangError(Diagnostic("E620", "the truth has no parameter", remedy=remedy))
    return found


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
