"""A ranking as a table, as comma-separated values, and what it recommends in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from pdflang.results.bench.ranking import TRUTH, Bench, Row
from pdflang.results.diagnostics import Finding
from pdflang.results.tables import aligned, csv_text

_COSTS = (
    "", "verdict", "ESS/s", "per 1000", "ESS", "R-hat", "seconds", "compile", "gradients", "divergent", "MiB", "log Z",
)  # fmt: skip
"""Effective draws are those of the parameter that has the fewest; `per 1000` are those of so many gradients."""

_ERRORS = ("off by", "means: most", "rms", "widths: most", "rms", "draws", "by chance")
"""In Monte Carlo errors of both, means and standard deviations; the distance of draws in standard deviations."""

_VERDICTS = {"not known": "–", "none": "–"}
_NOTHING = "–"
_LONGER = "give methods more time with `--budget`, the reference more draws, or name another one with `--reference`"
_ERROR = "Monte Carlo errors"
_SIMILAR = 1.3
"""Speeds that differ by a smaller factor are not told apart: another seed may turn them round."""


def costs_table(bench: Bench) -> list[tuple[str, ...]]:
    """Headings, then the rows that have draws; columns in which there is nothing are left out."""
    lines = [_COSTS, *(_cost(row) for row in bench.rows if row.why is None)]
    kept = [i for i in range(len(_COSTS)) if i < 2 or any(line[i] not in (_NOTHING, "0") for line in lines[1:])]
    return [tuple(line[i] for i in kept) for line in lines]


def _cost(row: Row) -> tuple[str, ...]:
    thousand = row.ess_per_thousand
    evidence = row.log_evidence
    return (
        row.name,
        f"{_VERDICTS.get(row.verdict, row.verdict)}{', approximates' if row.approximates else ''}",
        _number(row.ess_per_second),
        _NOTHING if thousand is None else _number(thousand),
        _count(row.ess),
        _NOTHING if row.rhat is None else f"{row.rhat:.3f}",
        _number(row.seconds),
        _number(row.compile_seconds) if row.compile_seconds else _NOTHING,
        str(row.gradients) if row.gradients or not row.evaluations else f"{row.evaluations} densities",
        str(row.divergences),
        _NOTHING if row.memory is None else f"{row.memory / 2**20:.0f}",
        _NOTHING if evidence is None else f"{evidence[0]:.2f} ± {evidence[1]:.2g}",
    )


def errors_table(bench: Bench) -> list[tuple[str, ...]]:
    """Headings, then how far the rows are from the reference that have draws."""
    lines = []
    for row in bench.rows:
        if row.means is None or row.widths is None:
            continue
        distance = (_NOTHING,) * 2
        if row.distance is not None:
            distance = (f"{row.distance.value:.3f}", f"{row.distance.floor:.3f}")
        sigmas = (_tenths(one) for part in (row.means, row.widths) for one in (part.largest, part.rms))
        lines.append((row.name, *sigmas, *distance))
    return [_ERRORS, *lines]


def scaling_table(bench: Bench) -> list[tuple[str, ...]]:
    """Headings, then effective draws per second on so many cores of the methods that use several."""
    counts = sorted({cores for row in bench.rows for cores in row.scaling})
    head = ("ESS/s on", *(f"{cores} core{'s' * (cores > 1)}" for cores in counts))
    lines = [
        (row.name, *(_number(row.scaling[cores]) if cores in row.scaling else _NOTHING for cores in counts))
        for row in bench.rows if row.scaling
    ]  # fmt: skip
    return [head, *lines]


def to_text(bench: Bench) -> str:
    """The tables, the methods without draws and why, what the reference is, and the recommendation."""
    parts = []
    for lines, left in ((costs_table(bench), (0, 1)), (errors_table(bench), (0,)), (scaling_table(bench), (0,))):
        if len(lines) > 1:
            parts.append("\n".join(aligned(lines, left)) + "\n")
    without = [f"{row.name}: {row.why}\n" for row in bench.rows if row.why is not None]
    parts += ["".join(without)] if without else []
    parts.append("\n".join(_about_reference(bench)) + "\n")
    parts.append("\n".join(recommendation(bench)) + "\n")
    return "\n".join(parts)


def _about_reference(bench: Bench) -> Iterator[str]:
    reference = bench.reference
    if reference.name == TRUTH:
        yield "Reference: the means and standard deviations that were given, without an error."
    elif not reference.is_known:
        yield f"Reference: {reference.name}, which is none: {reference.why}. Errors are not known."
    else:
        yield (
            f"Reference: {reference.draws} draws by {reference.drawn_by} in {_number(reference.seconds)} s, ESS "
            f"{_count(reference.ess)}, R-hat {reference.rhat:.3f}."
        )
    if any(row.means for row in bench.rows):
        yield "Means and widths (sd) are off in Monte Carlo errors, draws (Wasserstein) in standard deviations."
    yield from (f"Reference: {remark}." for remark in reference.remarks)


def findings_of(bench: Bench) -> list[Finding]:
    """What is wrong with the whole of it."""
    reference = bench.reference
    found = [Finding("warning", f"of the reference: {remark}", _LONGER) for remark in reference.remarks]
    if bench.best is None:
        found.insert(0, Finding("error", f"no method is recommended: {_why_none(bench)}", _LONGER))
    return found


def recommendation(bench: Bench) -> list[str]:
    """What to take, with the numbers behind it, sentence by sentence."""
    said = list(_recommended(bench))
    said += [f"`{row.name}` {_off(row)}." for row in bench.rows if row.verdict == "differs"]
    said += [
        f"`{row.name}` has not converged: R-hat is {row.rhat:.3f}."
        for row in bench.rows if row.verdict == "not converged"
    ]  # fmt: skip
    if bench.interrupted:
        said.append("Not all methods have run: these are the ones that have.")
    return said


def _recommended(bench: Bench) -> Iterator[str]:
    best = bench.best
    if best is None:
        yield f"No method is recommended: {_why_none(bench)}."
        return
    assert best.means is not None and best.widths is not None
    exact = [row for row in bench.rows if row.is_exact]
    others = [f"{_factor(best, row)} `{row.name}`" for row in exact[1:3]]
    beside = f", {' and '.join(others)}" if others else ""
    yield (
        f"`{best.name}` is the best here: {_number(best.ess_per_second)} effective draws per second{beside}; its means "
        f"agree with the reference within {best.means.largest:.1f} of their Monte Carlo errors, its widths within "
        f"{best.widths.largest:.1f}."
    )
    near = [row.name for row in exact[1:] if best.ess_per_second < _SIMILAR * row.ess_per_second]
    if best.divergences:
        yield f"Of its transitions {best.divergences} diverged: see what `pdflang sample --method {best.method}` says."
    if near:
        yield f"{_listed(near)} {'is' if len(near) == 1 else 'are'} as fast within what one run can tell."
    for row in bench.rows:
        if row.approximates and row.verdict == "agrees":
            yield (
                f"`{row.name}` approximates, and agrees as far as its draws tell: {_faster(row, best)}, without the "
                "promise that this holds for other data."
            )
        elif row.verdict == "differs" and row.ess_per_second > _SIMILAR * best.ess_per_second:
            yield f"`{row.name}` is {_faster(row, best)}, but not right, see below."


def _why_none(bench: Bench) -> str:
    if not bench.reference.is_known:
        return f"there is no reference to tell errors by ({bench.reference.name}: {bench.reference.why})"
    drawn = [row for row in bench.rows if row.why is None]
    if not drawn:
        return "none has drawn anything"
    if all(row.approximates for row in drawn):
        return "those that have run are approximations"
    return "none that is exact in the limit of many draws agrees with the reference and has converged"


def _off(row: Row) -> str:
    """By how much a method is off, in words."""
    means, widths, distance = row.means, row.widths, row.distance
    assert means is not None and widths is not None
    kind = "approximates" if row.approximates else "should be exact, but needs more draws, or is stuck"
    if widths.largest > means.largest:
        size = "large" if widths.shift > 0 else "small"
        off = f"the width of {widths.name} is {abs(widths.shift):.0%} too {size} ({_tenths(widths.largest)} {_ERROR})"
    else:
        off = f"the mean of {means.name} is off by {means.shift:+.2f} sd ({_tenths(means.largest)} {_ERROR})"
    if distance is not None and distance.is_significant:
        off += f", its draws are {distance.value:.2f} sd away, by chance {distance.floor:.2f}"
    return f"{kind}: {off}"


def _factor(best: Row, other: Row) -> str:
    return f"{_number(best.ess_per_second / other.ess_per_second)} ×"


def _faster(row: Row, best: Row) -> str:
    ratio = row.ess_per_second / best.ess_per_second
    return f"{_number(ratio)} times faster" if ratio >= 1 else f"{_number(1 / ratio)} times slower"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _tenths(value: float) -> str:
    return f"{value:.1f}" if value < 1000 else f"{value:.0e}" if math.isfinite(value) else "∞"


def _count(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else _NOTHING


def _number(value: float) -> str:
    """A number with two or three digits, written out."""
    if not math.isfinite(value):
        return _NOTHING
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.{max(0, 1 - math.floor(math.log10(abs(value))))}f}"


def to_record(bench: Bench) -> dict[str, Any]:
    """As plain data, for `bench.json`."""
    return {
        "model": bench.model,
        "budget": bench.budget,
        "seed": bench.seed,
        "interrupted": bench.interrupted,
        "best": bench.best.name if bench.best else None,
        "recommendation": recommendation(bench),
        "reference": asdict(bench.reference),
        "methods": [_plain(row) for row in bench.rows],
    }


def _plain(row: Row) -> dict[str, Any]:
    distance = None if row.distance is None else row.distance._asdict()
    speed = {"ess_per_second": row.ess_per_second, "ess_per_thousand": row.ess_per_thousand}
    return {**asdict(row), "distance": distance, **speed}


def to_csv(bench: Bench) -> str:
    """A line for each method, numbers in full precision."""
    rows = [_flat(_plain(row)) for row in bench.rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return csv_text(names, ([row.get(name, "") for name in names] for row in rows))


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Nested fields by names such as `means_largest`; nothing for what there is not."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        if name in ("means", "widths", "distance"):
            found |= {f"{name}_{part}": number for part, number in (value or {}).items()}
        elif name == "log_evidence":
            found |= dict(zip(("log_evidence", "log_evidence_error"), value or ("", ""), strict=True))
        elif name == "scaling":
            found |= {f"ess_per_second_on_{cores}": speed for cores, speed in value.items()}
        elif name != "remarks":
            found[name] = "" if value is None else value
    return found
