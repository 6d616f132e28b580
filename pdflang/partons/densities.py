"""The densities that a model declares, at given parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from pdflang import driver
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.ir.program import PARTONS, PdfsetDeclaration

if TYPE_CHECKING:
    from pdflang.model import CompiledModel


def declared_pdfset(model: CompiledModel, name: str | None) -> PdfsetDeclaration:
    """The pdfset that is called so, or the only one, with a scale. Error: E646 where there is none such."""
    known = model.program.pdfsets
    if name is None and len(known) == 1:
        (name,) = known
    if name is None or name not in known:
        said = f"the model has no pdfset `{name}`" if name else "which pdfset is meant is not clear"
        names = ", ".join(f"`{known_name}`" for known_name in known)
        remedy = f"name one with `--pdfset`: {names}" if names else "declare one: pdfset proton(x) at Q = 1.65 { … }"
        raise PdflangError(Diagnostic("E646", said if known else "the model has no pdfset", remedy=remedy))
    if known[name].scale is None:
        raise PdflangError(
            Diagnostic(
                "E646", f"the pdfset `{name}` has no scale", known[name].span,
                remedy="say where it is parametrised: pdfset proton(x) at Q = 1.65 { … }",
            )
        )  # fmt: skip
    return known[name]


class Densities:
    """x·f of a pdfset at points, compiled once: the model with an output for each flavour."""

    def __init__(self, model: CompiledModel, declared: PdfsetDeclaration, points: np.ndarray) -> None:
        """Points (n,) in (0, 1]. Error: E646 where the pdfset is not defined at all of them."""
        lower, upper = declared.domain
        inner = points[points < 1]
        if len(inner) and (inner.min() < lower or inner.max() > upper):
            said = f"`{declared.name}` is defined on ({lower:g}, {upper:g}), and wanted from x = {points.min():.2g} on"
            raise PdflangError(Diagnostic("E646", said, declared.span))
        place, self._points = "points_of_export", points
        self._known = [flavour for flavour in declared.flavours if flavour in PARTONS]
        lines = [f"data {place}[count_of_export]"]
        for flavour in self._known:
            value = f"{declared.name}.{flavour}({place}[i])"
            lines.append(f"output export_{flavour}[i in count_of_export] = {value}")
        inside = np.clip(points, None, 1 - 1e-15)
        self._model = driver.with_lines(model, lines, {place: inside}, {"count_of_export": len(points)})

    def __call__(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """x·f (members, 13, n) at parameters (members, …) by name, partons in the order of `PARTONS`."""
        import jax

        with jax.enable_x64(True):
            found = self._model.functions.deriveds(dict(parameters), self._model.arrays)
        values = np.zeros((len(next(iter(parameters.values()))), len(PARTONS), len(self._points)))
        for flavour in self._known:
            values[:, list(PARTONS).index(flavour)] = np.asarray(found[f"export_{flavour}"])
        values[:, :, self._points >= 1] = 0.0
        return values


def densities_of(
    model: CompiledModel, declared: PdfsetDeclaration, parameters: Mapping[str, np.ndarray]
) -> Callable[[np.ndarray], np.ndarray]:
    """x·f (members, 13, n) as a function of points (n,) in (0, 1], of parameters (members, …) by name."""
    return lambda points: Densities(model, declared, points)(parameters)
