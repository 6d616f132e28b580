"""A calibration in words: its table, and what is wrong, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pdflang.results.calibration.result import FALSE_ALARM, Calibration, Quantity, number_of_tests
from pdflang.results.diagnostics import Finding
from pdflang.results.diagnostics import to_text as findings_text
from pdflang.results.tables import aligned

if TYPE_CHECKING:
    from pdflang.results.calibration.widths import Width

_SUSPICIOUS = 5 * FALSE_ALARM
_WORST_TOLD = 5
_ROWS_SHOWN = 40
_MANY_FAILURES = 0.1

_DISAGREE = (
    "the density and the simulator disagree, or the sampler misses a part of the posterior: raise "
    "`--target-acceptance` and `--warmup`; of a distribution registered from Python, compare `log_prob` with `sample`"
)


def findings_of(
    quantities: Sequence[Quantity], fits: int, failures: Mapping[int, str], divergent: int
) -> tuple[Finding, ...]:
    """Everything that the fits give away, errors first; empty where all is well."""
    found = [*_failed(fits, failures), *_not_uniform(quantities), *_correlated(quantities)]
    if divergent:
        found.append(
            Finding(
                "warning",
                f"in {divergent} of {fits} fits transitions diverged",
                "raise the target acceptance (`--target-acceptance 0.95`), or standardise the parameters",
            )
        )
    return tuple(sorted(found, key=lambda finding: finding.severity != "error"))


def to_text(calibration: Calibration) -> str:
    """The table, the findings, and how large an error these fits would have found."""
    found = findings_text(calibration.findings)
    if not calibration.fits:
        return found
    error = calibration.detectable_width
    size = f"{100 * error:.0f} %" if error < 1 else f"a factor of {1 + error:.1f}"
    power = f"With so many fits an error of {size} in a width is found with a probability of 90 %.\n"
    return f"{_table(calibration)}\n{found}{power}"


def _failed(fits: int, failures: Mapping[int, str]) -> Iterator[Finding]:
    if not failures:
        return
    first, message = min(failures.items())
    share = len(failures) / (fits + len(failures))
    yield Finding(
        "error" if share > _MANY_FAILURES else "warning",
        f"{len(failures)} of {fits + len(failures)} fits failed, and what is said holds for the others; "
        f"fit {first}: {message}",
        "look at the data that the prior makes: `pdflang simulate`; a prior that is far too wide makes data that "
        "nothing can fit",
    )


def _not_uniform(quantities: Sequence[Quantity]) -> Iterator[Finding]:
    tests = number_of_tests(quantities)
    ordered = sorted(quantities, key=lambda quantity: quantity.p_value)
    wrong = [quantity for quantity in ordered if quantity.p_value * tests < FALSE_ALARM]
    for quantity in wrong[:_WORST_TOLD]:
        sentence = f"{_wrong(quantity)} (p = {quantity.p_value * tests:.1g} for all {tests} tests)"
        yield Finding("error", sentence, _DISAGREE, (quantity.name,))
    rest = tuple(quantity.name for quantity in wrong[_WORST_TOLD:])
    if rest:
        yield Finding("error", f"so are {len(rest)} more quantities not calibrated", "they are in the table", rest)
    suspicious = [quantity for quantity in ordered if FALSE_ALARM <= quantity.p_value * tests < _SUSPICIOUS]
    for quantity in suspicious[:1]:
        sentence = f"{_wrong(quantity)} (p = {quantity.p_value * tests:.1g} for all {tests} tests), or chance has it so"
        yield Finding("warning", sentence, "make more fits: the same command with a larger `--fits`", (quantity.name,))


def _wrong(quantity: Quantity) -> str:
    """In which way a quantity is wrong: its posteriors' width and bias where these are, otherwise their shape."""
    width = quantity.width
    parts = []
    if abs(width.width - 1) > 2 * width.width_error:
        parts.append(f"is {_how_wrong(width)}")
    if abs(width.bias) > 2 * width.bias_error:
        side = "high" if width.bias > 0 else "low"
        size = f"{abs(width.bias):.2g} ± {width.bias_error:.1g}"
        parts.append(f"lies {size} of its standard deviations too {side}")
    if not parts:
        return f"the ranks of {quantity.name} are not uniform, though the posterior's width and mean are right"
    return f"the posterior of {quantity.name} {' and '.join(parts)}"


def _how_wrong(width: Width) -> str:
    side = "narrow" if width.width < 1 else "wide"
    ratio = f"{width.width:.2f} ± {width.width_error:.2f} of the right width"
    if max(width.width, 1 / width.width) > 2:
        return f"about {max(width.width, 1 / width.width):.1f} times too {side} ({ratio})"
    return f"about {100 * abs(width.width - 1):.0f} % too {side} ({ratio})"


def _correlated(quantities: Sequence[Quantity]) -> Iterator[Finding]:
    """Draws that depend on each other scatter more than independent ones: ranks pile up at both ends."""
    few = sorted((quantity for quantity in quantities if quantity.ess < quantity.draws), key=lambda q: q.ess)
    if few:
        names = tuple(quantity.name for quantity in few)
        listed = ", ".join(names[:_WORST_TOLD])
        listed += f" and {len(names) - _WORST_TOLD} more" * (len(names) > _WORST_TOLD)
        yield Finding(
            "warning",
            f"fewer than {few[0].draws} effective draws in half of the fits for {listed} (least {few[0].ess:.0f}): "
            "correlated draws make ranks look as if posteriors were too narrow",
            "raise `--thin`",
            names,
        )


def _table(calibration: Calibration) -> str:
    quantities = calibration.quantities
    expected = quantities[0].coverage
    levels = [f"{100 * coverage.expected:.3g}%" for coverage in expected]
    lines = [("", "width", "bias", *levels, "p ECDF", "p χ²"), *map(_row, quantities[:_ROWS_SHOWN])]
    lines.append(("expected", "1", "0", *(f"± {100 * coverage.error:.1f}" for coverage in expected), "", ""))
    text = aligned(lines)
    if len(quantities) > _ROWS_SHOWN:
        text.append(f"{_ROWS_SHOWN} of {len(quantities)} quantities shown; all are in calibration.json")
    return "\n".join(text) + "\n"


def _row(quantity: Quantity) -> tuple[str, ...]:
    width = quantity.width
    return (
        quantity.name,
        f"{width.width:.2f} ± {width.width_error:.2f}",
        f"{width.bias:z.2f} ± {width.bias_error:.2f}",
        *(f"{100 * coverage.found:.1f}" for coverage in quantity.coverage),
        f"{quantity.p_ecdf:.2g}",
        f"{quantity.p_chi2:.2g}",
    )
