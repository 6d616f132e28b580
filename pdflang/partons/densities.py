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
    """x·f of a pdfset: the model with an output for each flavour at some points, compiled once for the same points."""

    def __init__(self, model: CompiledModel, declared: PdfsetDeclaration) -> None:
        self._whole, self._declared = model, declared
        self._flavours = [flavour for flavour in declared.flavours if flavour in PARTONS]
        self._points, self._model = np.zeros(0), model

    def __call__(self, points: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """x·f (members, 13, n) at points (n,) in (0, 1] and parameters (members, …), partons in the order of `PARTONS`.

        A model without parameters, such as one of an LHAPDF set, is one member.
        Error: E646 where the pdfset is not defined at all of the points.
        """
        import jax

        if not np.array_equal(points, self._points):
            self._compile(points)
        with jax.enable_x64(True):
            if parameters:
                found = self._model.functions.deriveds(dict(parameters), self._model.arrays)
            else:
                found = {name: value[None] for name, value in self._model.derived({}).items()}
        members = len(next(iter(parameters.values()))) if parameters else 1
        values = np.zeros((members, len(PARTONS), len(points)))
        for flavour in self._flavours:
            values[:, list(PARTONS).index(flavour)] = np.asarray(found[f"export_{flavour}"])
        values[:, :, points >= 1] = 0.0
        return values

    def _compile(self, points: np.ndarray) -> None:
        name, (lower, upper) = self._declared.name, self._declared.domain
        inner = points[points < 1]
        if len(inner) and (inner.min() < lower or inner.max() > upper):
            said = f"`{name}` is defined on ({lower:g}, {upper:g}), and wanted from x = {points.min():.2g} on"
            raise PdflangError(Diagnostic("E646", said, self._declared.span))
        place, count = "points_of_export", "count_of_export"
        lines = [f"data {place}[{count}]"]
        lines += [f"output export_{f}[i in {count}] = {name}.{f}({place}[i])" for f in self._flavours]
        inside = np.clip(points, None, 1 - 1e-15)
        self._model = driver.with_lines(self._whole, lines, {place: inside}, {count: len(points)})
        self._points = points


def densities_of(
    model: CompiledModel, declared: PdfsetDeclaration, parameters: Mapping[str, np.ndarray]
) -> Callable[[np.ndarray], np.ndarray]:
    """x·f (members, 13, n) as a function of points (n,) in (0, 1], of parameters (members, …) by name."""
    densities = Densities(model, declared)
    return lambda points: densities(points, parameters)
