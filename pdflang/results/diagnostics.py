"""What can be wrong with a sample, in words, with what to do about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from pdflang.results.contraction import contraction_of
from pdflang.results.posterior import DRAW_AXES, schemas_of
from pdflang.results.schema import entry_names
from pdflang.results.sufficiency import LARGEST_RHAT, SMALLEST_ESS
from pdflang.results.summary import Row
from pdflang.results.trees import Group, Tree

if TYPE_CHECKING:
    import xarray

    from pdflang.certify import Certificate
    from pdflang.inference import Draws

Severity = Literal["error", "warning", "note"]

SMALLEST_BFMI = 0.3
"""Energy Bayesian fraction of missing information (Betancourt 2016)."""

TOO_MANY_DIVERGENT, TOO_LARGE_RHAT, FAR_TOO_FEW = 0.01, 1.1, 0.1
"""Beyond this share of divergent transitions, this R-hat, or below this share of the effective draws that are due, the
draws are not to be trusted."""

LARGEST_K = 0.7
"""Above it importance weights are not reliable (Vehtari et al. 2024, section 2)."""

HARDLY_TAUGHT = 0.05
"""Data that reduce the variance of a prior by a smaller share have not taught anything about its parameter."""

FAR_FROM_PRIOR = 3.0
"""So many standard deviations of the prior from its mean, a posterior is in conflict with it."""

_NAMES_SHOWN = 5
# Of a normal whose mean lies far beyond a bound, which is an exponential there, 9.5% is within a tenth of its standard
# deviation of the bound; of half a normal, whose mean is at the bound, 4.8%.
_NEAR_BOUND = 0.1
_PILED_UP = 0.07


@dataclass(frozen=True)
class Finding:
    """One thing worth knowing: a sentence, what to do, and the names it is about."""

    severity: Severity
    sentence: str
    remedy: str
    names: tuple[str, ...] = ()


def diagnose(tree: Tree | xarray.DataTree, rows: Sequence[Row], max_tree_depth: int | None = None) -> list[Finding]:
    """Everything that the draws and their statistics give away, the worst first; empty where all is well.

    `rows` is the summary of the same tree; `max_tree_depth` the option the draws were made with.
    """
    posterior = tree["posterior"].to_dataset()
    if posterior.sizes.get("draw", 0) == 0:
        return [Finding("error", "there are no draws", "let the run go on beyond its warmup")]
    statistics = tree["sample_stats"].to_dataset() if "sample_stats" in tree.children else None
    more = _more(tree)
    findings = [*_not_finite(tree), *_stuck(tree), *_rhat(rows, more), *_ess(rows, posterior.sizes["chain"], more)]
    if statistics is not None:
        checks: tuple[Callable[[Any], Iterator[Finding]], ...] = (_divergences, _energy)
        findings += [finding for check in checks for finding in check(statistics)]
        findings += _tree_depth(statistics, max_tree_depth)
    findings += _approximation(tree)
    findings += _at_bounds(tree)
    order: tuple[Severity, ...] = ("error", "warning", "note")
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def inexact(certificates: Sequence[Certificate]) -> list[Finding]:
    """What to say of integrals and other approximations that are not exact enough at draws of the posterior."""
    return [_inexact(certificate) for certificate in certificates if not certificate.holds]


def _inexact(certificate: Certificate) -> Finding:
    draws = "the draws are" if certificate.is_of_density else "its draws are"
    those = "not those of the model" if certificate.is_wrong else "those of a slightly different model"
    return Finding(
        "error" if certificate.is_wrong else "warning",
        f"{certificate}: {draws} {those}",
        certificate.remedy,
        (certificate.name,),
    )


def taught(tree: Tree | xarray.DataTree) -> list[Finding]:
    """What to say of parameters that the data did not teach, or moved far from where their priors had them."""
    untaught: dict[str, float] = {}
    moved: dict[str, float] = {}
    posterior = tree["posterior"].to_dataset()
    for name, _, entries, schema in _quantities(tree):
        found = contraction_of(posterior[name], len(entries))
        # Of raw numbers behind a hierarchy some are always hardly taught: a parameter counts as a whole.
        if schema.role == "param" and np.all(found.value < HARDLY_TAUGHT):
            untaught[name] = float(np.max(found.value))
        far = np.flatnonzero(np.abs(found.shift) > FAR_FROM_PRIOR)
        moved |= {entries[i]: float(found.shift[i]) for i in far}
    return [*_untaught(untaught), *_moved(moved)]


def _untaught(values: dict[str, float]) -> Iterator[Finding]:
    names = tuple(sorted(values, key=values.__getitem__))
    if names:
        yield Finding(
            "note",
            f"the data taught nothing about {_listed(names)}: the variance is not even {HARDLY_TAUGHT:.0%} less than "
            "that of the prior",
            "what is found there is the prior: choose it with care; `pdflang check --pedantic` sees whether data could "
            "teach more",
            names,
        )


def _moved(values: dict[str, float]) -> Iterator[Finding]:
    names = tuple(sorted(values, key=lambda name: -abs(values[name])))
    if names:
        yield Finding(
            "note",
            f"the mean of {_listed(names)} is far from that of the prior (most {abs(values[names[0]]):.1f} of its "
            "standard deviations): data and prior are in conflict",
            "look for a wrong unit or sign, or a prior that is too narrow: `pdflang predict` draws what it expects",
            names,
        )


def inexact_maximum(certificates: Sequence[Certificate]) -> list[Finding]:
    """What to say of approximations at a maximum, whose place any change of the log-density there can move."""

    def said(certificate: Certificate) -> str:
        doubt = "the maximum may be elsewhere" if certificate.is_of_density else "its value is not exact"
        return f"{certificate}: {doubt}"

    return [Finding("error", said(c), c.remedy, (c.name,)) for c in certificates if not c.holds]


def of_weights(observations: Sequence[str]) -> list[Finding]:
    """What to say of a posterior whose events have weights."""
    return [
        Finding(
            "note",
            f"the events of {name} have weights: the draws are those of a pseudo-posterior, whose widths are not those "
            "of the information in the events",
            "take the maximum and its errors from `pdflang map`, which accounts for the weights",
            (name,),
        )
        for name in observations
    ]


def worst(certificates: Sequence[Certificate]) -> list[Certificate]:
    """The one with the largest effect on the log-density, and the worst of those of derived values."""

    def badness(certificate: Certificate) -> tuple[bool, float]:
        return not certificate.is_number, certificate.error / certificate.scale.tolerable

    of_density = [certificate for certificate in certificates if certificate.is_of_density]
    others = [certificate for certificate in certificates if not certificate.is_of_density]
    return [max(group, key=badness) for group in (of_density, others) if group]


def accuracy(certificates: Sequence[Certificate]) -> str:
    """The largest effects that approximations have; empty where there are none."""
    found = "; ".join(map(str, worst(certificates)))
    return f"Accuracy: {found}.\n" if found else ""


def accuracy_attributes(certificates: Sequence[Certificate]) -> dict[str, Any]:
    """The same as attributes of a tree of draws, with whether all is accurate."""
    if not certificates:
        return {}
    found = "; ".join(map(str, worst(certificates)))
    return {"accuracy": found, "is_accurate": int(all(c.holds for c in certificates))}


def to_records(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The findings as plain data, for `diagnostics.json`."""
    return [asdict(finding) for finding in findings]


def from_records(records: Any) -> tuple[Finding, ...]:
    """The findings of which `to_records` made plain data. Raises ValueError where they are no such data."""
    if not isinstance(records, list) or not all(map(_is_one, records)):
        raise ValueError("these are not findings")
    return tuple(
        Finding(one["severity"], one["sentence"], one["remedy"], tuple(one.get("names", ()))) for one in records
    )


def _is_one(record: Any) -> bool:
    if not isinstance(record, dict) or record.get("severity") not in get_args(Severity):
        return False
    texts = [record.get("sentence"), record.get("remedy")]
    names = record.get("names", [])
    return isinstance(names, list) and all(isinstance(text, str) for text in [*texts, *names])


def to_text(findings: Sequence[Finding]) -> str:
    """The findings as they are printed below the table."""
    if not findings:
        return "Diagnostics: nothing to complain about.\n"
    parts = [f"{finding.severity}: {finding.sentence}\n  help: {finding.remedy}" for finding in findings]
    return "\n".join(parts) + "\n"


def remarked(draws: Draws) -> list[Finding]:
    """What the method itself has to say of its draws."""
    return [Finding(remark.severity, remark.sentence, remark.remedy) for remark in draws.remarks]


def _approximation(tree: Tree | xarray.DataTree) -> Iterator[Finding]:
    pareto_k = tree.attrs.get("pareto_k")
    if pareto_k is not None and not pareto_k <= LARGEST_K:
        yield Finding(
            "error",
            f"Pareto k of the draws' weights is {pareto_k:.2f}, above {LARGEST_K}: the posterior is not what the "
            f"method `{tree.attrs['method']}` takes it for",
            "sample with `--method nuts`; these draws show where the posterior lies at best, not how wide it is",
        )


def _divergences(statistics: Group | xarray.Dataset) -> Iterator[Finding]:
    diverging = np.asarray(statistics["diverging"]) if "diverging" in statistics else np.array([False])
    count, share = int(diverging.sum()), float(diverging.mean())
    if count:
        yield Finding(
            "error" if share > TOO_MANY_DIVERGENT else "warning",
            f"{count} of {diverging.size} transitions diverged ({share:.2g} of all): the posterior has a place too "
            "narrow for the step size, and what lies there is missing from the draws",
            "raise the target acceptance (`--target-acceptance 0.95`); if divergences stay, write a hierarchy by "
            "standardised parameters (theta = mu + tau*z with z ~ Normal(0, 1)), or give scales priors that keep away "
            "from 0",
        )


def _energy(statistics: Group | xarray.Dataset) -> Iterator[Finding]:
    """E-BFMI by chain: the variance of the energy's steps over that of the energy (Betancourt 2016)."""
    if "energy" not in statistics or statistics.sizes["draw"] < 4:
        return
    energy = np.asarray(statistics["energy"].transpose(*DRAW_AXES))
    with np.errstate(all="ignore"):
        fractions = np.mean(np.diff(energy, axis=1) ** 2, axis=1) / np.var(energy, axis=1)
    low = np.flatnonzero(fractions < SMALLEST_BFMI)
    if len(low):
        chains = ", ".join(str(chain) for chain in low)
        yield Finding(
            "warning",
            f"E-BFMI is below {SMALLEST_BFMI} in chain {chains} (lowest {np.min(fractions):.2g}): the energy "
            "moves too slowly for the tails to be explored",
            "look for heavy tails and for parameters that set the scale of others; standardise them, or "
            "tighten their priors",
        )


def _tree_depth(statistics: Group | xarray.Dataset, most: int | None) -> Iterator[Finding]:
    if most is None or "tree_depth" not in statistics:
        return
    share = float(np.mean(np.asarray(statistics["tree_depth"]) >= most))
    if share > 0.01:
        yield Finding(
            "warning",
            f"{share:.0%} of the transitions stopped at the greatest tree depth, {most}: the draws are right but dear",
            "raise `--max-tree-depth`, or bring the parameters to similar scales and less correlation",
        )


def _more(tree: Tree | xarray.DataTree) -> str:
    """The options that make a run longer, by what it was made."""
    method = str(tree.attrs.get("method", ""))
    longer = {
        "smc": "`--particles`, `--moves`", "nested": "`--live`, `--moves`", "pathfinder": "`--paths`, `--draws`",
        "tempering": "`--rounds`, `--draws`", "persistent": "`--particles`, `--moves`", "emcee": "`--steps`",
        "laplace": "`--draws`", "vi": "`--draws`", "abc": "`--simulations`",
    }  # fmt: skip
    return next((flags for name, flags in longer.items() if name in method), "`--warmup`, `--draws`")


def _rhat(rows: Sequence[Row], more: str) -> Iterator[Finding]:
    bad = sorted((row for row in rows if row.rhat >= LARGEST_RHAT), key=lambda row: -row.rhat)
    if bad:
        names = tuple(row.name for row in bad)
        yield Finding(
            "error" if bad[0].rhat > TOO_LARGE_RHAT else "warning",
            f"R-hat is above {LARGEST_RHAT} for {_listed(names)} (largest {bad[0].rhat:.3f}): the chains do not agree",
            f"run longer ({more}); if chains stay apart, the posterior has several modes or the model "
            "does not determine these parameters",
            names,
        )


def _ess(rows: Sequence[Row], chains: int, more: str) -> Iterator[Finding]:
    needed = SMALLEST_ESS * chains
    sizes = {row.name: min(row.ess_bulk, row.ess_tail) for row in rows}
    names = tuple(sorted((name for name in sizes if sizes[name] < needed), key=sizes.__getitem__))
    if names:
        yield Finding(
            "error" if sizes[names[0]] < FAR_TOO_FEW * needed else "warning",
            f"fewer than {needed} effective draws for {_listed(names)} (least {sizes[names[0]]:.0f}): intervals and "
            "diagnostics are not reliable",
            f"draw more ({more})",
            names,
        )


def _not_finite(tree: Tree | xarray.DataTree) -> Iterator[Finding]:
    for name, columns, entries, _ in _quantities(tree):
        # Chain by chain: an array may be larger than the memory.
        bad = np.flatnonzero(~np.all([np.isfinite(chain).all(axis=0) for chain in columns], axis=0))
        if len(bad):
            share = float(np.mean([~np.isfinite(chain) for chain in columns]))
            yield Finding(
                "error",
                f"{_listed([entries[i] for i in bad])} has values that are not finite ({share:.2g} of all)",
                f"look for a division by 0, or a logarithm or power of a negative number, in the definition of {name}",
                tuple(entries[i] for i in bad),
            )


def _stuck(tree: Tree | xarray.DataTree) -> Iterator[Finding]:
    """Parameters that never moved in some chain though others did, or in all chains."""
    stuck: dict[int, list[str]] = {}
    for _, columns, entries, schema in _quantities(tree):
        if schema.role not in ("param", "nuisance") or columns.shape[1] < 4:
            continue
        still = np.all(columns == columns[:, :1], axis=1)
        for chain, entry in zip(*np.nonzero(still), strict=True):
            stuck.setdefault(int(chain), []).append(entries[entry])
    for chain, names in sorted(stuck.items()):
        yield Finding(
            "error",
            f"chain {chain} did not move in {_listed(names)}",
            "the step size came out far too small or the density is not smooth there: try another seed, a "
            "longer warmup, or look for jumps in the density",
            tuple(names),
        )


def _at_bounds(tree: Tree | xarray.DataTree) -> Iterator[Finding]:
    for _, columns, entries, schema in _quantities(tree):
        if schema.role not in ("param", "nuisance"):
            continue
        for bound, side in zip(schema.bounds, ("lower", "upper"), strict=True):
            if bound is None or not math.isfinite(bound):
                continue
            with np.errstate(all="ignore"):
                near = np.abs(columns - bound) <= _NEAR_BOUND * columns.std(axis=(0, 1))
            piled = np.flatnonzero(near.mean(axis=(0, 1)) > _PILED_UP)
            if len(piled):
                names = tuple(entries[i] for i in piled)
                yield Finding(
                    "warning",
                    f"the draws of {_listed(names)} pile up at the {side} bound, {bound:g}",
                    "the data want to go beyond it: check the bound and the model, or read the result as a limit",
                    names,
                )


def _quantities(tree: Tree | xarray.DataTree) -> Iterator[tuple[str, np.ndarray, list[str], Any]]:
    """Name, draws (chain, draw, entry), names of the entries and schema of every quantity with content."""
    posterior = tree["posterior"].to_dataset()
    for name, schema in schemas_of(tree).items():
        values = np.asarray(posterior[name].transpose(*DRAW_AXES, ...), dtype=float)
        if values.size:
            entries = entry_names(name, values.shape[2:], schema)
            yield name, values.reshape(*values.shape[:2], -1), entries, schema


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    return shown if len(names) <= _NAMES_SHOWN else f"{shown} and {len(names) - _NAMES_SHOWN} more"
