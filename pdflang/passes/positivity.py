"""Densities of quarks that turn negative at draws of the prior."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pdflang.diagnostics import Diagnostic
from pdflang.ir.program import MOMENTUM_FRACTION, Definition, PdfsetDeclaration, Program
from pdflang.passes.chances import Chances, Unknown, percent

if TYPE_CHECKING:
    import numpy as np

_DRAWS = 256
_ROUNDING = 1e-6
"""A density counts as negative below this share of its largest value."""

_MOST_NAMES = 4
_RARE = 0.01
"""Below this share of the draws nothing is said."""


def negative_densities(program: Program) -> Iterator[Diagnostic]:
    """A remark for each pdfset with quarks or antiquarks that can be negative.

    Beyond leading order a gluon may be negative at a low scale, so that nothing is said of it. A model with factors
    may have a penalty on what is negative.
    """
    if program.factors or not program.parameters or not program.pdfsets:
        return
    chances = Chances(program, _DRAWS)
    for pdfset in program.pdfsets.values():
        found: dict[str, Any] = {}
        for flavour, density in pdfset.densities.items():
            if flavour in ("g", "photon") or not chances.parameters_of(density.node):
                continue
            if not len(_points(pdfset.domain)):
                continue
            try:
                values = _over_x(chances, density, _points(pdfset.domain))
            except Unknown:
                continue
            if _negative(values).any(axis=0).mean() >= _RARE:
                found[flavour] = values
        if found:
            yield _remark(chances, pdfset, found)


def _negative(values: Any) -> Any:
    return values < -_ROUNDING * abs(values).max(axis=0)


def _points(domain: tuple[float, float]) -> np.ndarray:
    """Momentum fractions in a domain, up to where next to nothing is left of a sea."""
    import numpy as np

    points = np.concatenate([np.geomspace(1e-5, 0.05, 9), np.linspace(0.1, 0.7, 13)])
    return points[(points > domain[0]) & (points < domain[1])]


def _over_x(chances: Chances, density: Definition, points: np.ndarray) -> Any:
    """The density at momentum fractions, (points, draws)."""
    import numpy as np

    return np.array([
        chances.values(density.node, loops={MOMENTUM_FRACTION.loop: float(x)})[0] for x in points
    ])  # fmt: skip


def _remark(chances: Chances, pdfset: PdfsetDeclaration, found: dict[str, Any]) -> Diagnostic:
    """One for a pdfset, with the quark that is negative most often."""
    draws = {flavour: _negative(values).any(axis=0) for flavour, values in found.items()}
    first, *others = sorted(found, key=lambda flavour: -draws[flavour].sum())
    values, density = found[first], pdfset.densities[first]
    names = _by_blame(chances, chances.parameters_of(density.node), draws[first])
    draw = int(draws[first].argmax())
    place = int((values[:, draw] / abs(values[:, draw]).max()).argmin())
    where = chances.told(names[:_MOST_NAMES], draw) + (", …" if len(names) > _MOST_NAMES else "")
    also = ", ".join(f"`{flavour}` at {percent(draws[flavour])}" for flavour in others)
    return Diagnostic(
        "L415",
        f"`{first}` of `{pdfset.name}` is negative at {percent(draws[first])} of the draws of the prior",
        density.span,
        notes=(
            f"for example {values[place, draw]:.2g} at x = {_points(pdfset.domain)[place]:.2g}, where {where}",
            *([f"so is {also}"] if also else []),
        ),
        remedy=f"restrict `{names[0]}`, on which it depends most, or add a penalty, "
        f"with std.penalties: factor positivity = positive({pdfset.name}.{first}, 1e3)",
        severity="lint",
    )


def _by_blame(chances: Chances, names: list[str], draws: Any) -> list[str]:
    """Parameters, those first whose draws differ most where the density is negative."""
    import numpy as np

    def difference(name: str) -> float:
        drawn = chances.drawn(name)
        spread = np.maximum(drawn.std(axis=-1), 1e-300)
        away = abs(drawn[..., draws].mean(axis=-1) - drawn.mean(axis=-1)) / spread
        return float(-np.max(away))

    return sorted(names, key=difference)
