"""A run as an LHAPDF set: its densities evolved, with a member for each replica or eigenvector."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang import driver
from pdflang.data.lhapdf_files import Block, Member, write_info, write_member
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.evolution import LOOPS, PIDS, Evolution, evolved
from pdflang.evolution.grids import knots_in_x
from pdflang.ir.program import PARTONS, PdfsetDeclaration
from pdflang.results.posterior import flat_draws, schemas_of
from pdflang.workflows.options import LhapdfOptions

if TYPE_CHECKING:
    from pdflang.embedding import Model
    from pdflang.results.reading import Run

_KNOTS, _LINEAR = 260, 25.0
"""Knots in x are equally spaced in log x + 25 x: spacings that change at once would cost interpolation digits."""

_KNOTS_PER_FACTOR = 8
"""Knots in Q for each factor of e."""

_MZ = 91.1876

_BELOW = 1e-9
"""How far below a threshold a block ends."""

_AT_ONCE = 25
"""Members that are evolved at once: a bound on memory."""


def export(run: Run, model: Model, folder: Path, options: LhapdfOptions, description: str = "") -> int:
    """Write the set of a run of `sample` or `map` to `folder`, whose name it takes; the number of its members.

    Of a posterior, members are replicas, and the first is their mean; of a maximum they lie at ± `tolerance` along the
    eigenvectors of its covariance, and the first is the maximum itself. Errors: E308 without HOPPET, E646 where there
    is no pdfset at a known scale, or several and none is named, or where the run has nothing to export.
    """
    declared = _declared(model, options.pdfset)
    evolution = Evolution(**{field.name: getattr(options, field.name) for field in fields(Evolution)})
    assert declared.scale is not None
    kind, parameters = _members(run, model, options)
    count = len(next(iter(parameters.values())))
    grid = _Grid(evolution, declared.scale, options)
    partial = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / folder.name).mkdir(parents=True)
    try:
        written = partial / folder.name
        total, first, alpha_s = np.zeros(grid.shape), 0 if kind == "hessian" else 1, np.zeros(0)
        for start in range(0, count, _AT_ONCE):
            some = {name: values[start : start + _AT_ONCE] for name, values in parameters.items()}
            found = grid.evolved(densities_of(model, declared, some))
            for number, values in enumerate(found.values, start + first):
                of_kind = "replica" if kind == "replicas" else "error" if number else "central"
                write_member(written, number, grid.member(of_kind, values))
            total += found.values.sum(axis=0)
            alpha_s = found.alpha_s
        if first:
            write_member(written, 0, grid.member("central", total / count))
        write_info(written, _info(run, evolution, options, grid, alpha_s, kind, count + first, description))
        if folder.exists():
            shutil.rmtree(folder)
        written.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return count + first


def _declared(model: Model, name: str | None) -> PdfsetDeclaration:
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


def _members(run: Run, model: Model, options: LhapdfOptions) -> tuple[str, dict[str, np.ndarray]]:
    """The kind of the set, and the parameters of its members, arrays (members, …) by name."""
    if run.draws is not None:
        posterior = run.draws["posterior"].to_dataset()
        names = [name for name, s in schemas_of(run.draws).items() if s.role in ("param", "nuisance")]
        draws = {name: flat_draws(posterior[name]) for name in names}
        available = len(next(iter(draws.values())))
        chosen = np.linspace(0, available - 1, min(options.members, available)).astype(int)
        return "replicas", {name: values[chosen] for name, values in draws.items()}
    if run.maximum is not None:
        return "hessian", _eigenvectors(run, model, options.tolerance)
    raise PdflangError(Diagnostic("E646", "the run has no posterior and no maximum", remedy="export a run of `sample`"))


def _eigenvectors(run: Run, model: Model, tolerance: float) -> dict[str, np.ndarray]:
    """The maximum, and pairs at ± the tolerance along the eigenvectors of its covariance, on the unconstrained scale.

    The Hessian method: Pumplin et al., Phys. Rev. D 65 (2001) 014013 (hep-ph/0101032).
    """
    import jax

    assert run.maximum is not None
    params = {name: np.asarray(value, float) for name, value in run.maximum["params"].items()}
    covariance = run.maximum.get("covariance")
    if covariance is None or not np.isfinite(np.asarray(covariance, float)).all():
        raise PdflangError(
            Diagnostic("E646", "the maximum has no covariance", remedy="export a run of `sample` instead")
        )
    with jax.enable_x64(True):
        z = np.asarray(model.unconstrain(params))
        jacobian = np.asarray(model.functions.constrain_jacobian(z, model.arrays))
    inverse = np.linalg.pinv(jacobian)
    values, vectors = np.linalg.eigh(inverse @ np.asarray(covariance, float) @ inverse.T)
    steps = tolerance * vectors * np.sqrt(np.maximum(values, 0))
    places = [z, *(z + sign * step for step in steps.T[::-1] for sign in (1, -1))]
    found = [model.constrain(place) for place in places]
    return {name: np.stack([np.asarray(one[name]) for one in found]) for name in params}


def densities_of(model: Model, declared: PdfsetDeclaration, parameters: dict[str, np.ndarray]) -> Any:
    """x·f (members, 13, points) at points, as the evolution asks for them."""

    def at(points: np.ndarray) -> np.ndarray:
        import jax

        place, known = "points_of_export", [flavour for flavour in declared.flavours if flavour in PARTONS]
        lines = [f"data {place}[count_of_export]"]
        for flavour in known:
            value = f"{declared.name}.{flavour}({place}[i])"
            lines.append(f"output export_{flavour}[i in count_of_export] = {value}")
        inside = np.clip(points, None, 1 - 1e-15)
        longer = driver.with_lines(model, lines, {place: inside}, {"count_of_export": len(points)})
        with jax.enable_x64(True):
            found = longer.functions.deriveds(parameters, longer.arrays)
        values = np.zeros((len(next(iter(parameters.values()))), len(PARTONS), len(points)))
        for flavour in known:
            values[:, list(PARTONS).index(flavour)] = np.asarray(found[f"export_{flavour}"])
        values[:, :, points >= 1] = 0.0
        return values

    return at


class _Grid:
    """The knots of a set, block by block, and the partons that it has."""

    def __init__(self, evolution: Evolution, start: float, options: LhapdfOptions) -> None:
        self._evolution, self._start = evolution, start
        self.x = knots_in_x(options.x_min, _KNOTS, _LINEAR)
        if options.q_max <= start:
            raise PdflangError(
                Diagnostic("E620", f"`--q-max` is {options.q_max:g}, and the pdfset is at {start:g} GeV already")
            )
        inner = [scale for scale in evolution.thresholds if start < scale < options.q_max]
        self._edges = [start, *inner, options.q_max]
        self.blocks = [
            np.geomspace(low, high, 4 + int(_KNOTS_PER_FACTOR * np.log(high / low)))
            for low, high in zip(self._edges[:-1], self._edges[1:], strict=True)
        ]
        most = evolution.flavours or 3 + sum(scale < options.q_max for scale in evolution.thresholds)
        self.pids = tuple(pid for pid in PIDS if pid == 21 or abs(pid) <= most)

    @property
    def scales(self) -> np.ndarray:
        """All knots in Q, as they are written."""
        return np.concatenate(self.blocks)

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.scales), len(self.x), len(PIDS)

    def evolved(self, densities: Any) -> Any:
        """Densities at all knots, just below a threshold where a block ends there; the coupling also at the Z mass."""
        ends = np.cumsum([len(block) for block in self.blocks])[:-1] - 1
        scales = self.scales
        scales[ends] *= 1 - _BELOW
        return evolved(self._evolution, self._start, densities, self.x, scales, np.append(scales, _MZ))

    def member(self, kind: Any, values: np.ndarray) -> Member:
        """A member of values (nq, nx, 13)."""
        columns, blocks, row = [PIDS.index(pid) for pid in self.pids], [], 0
        for q in self.blocks:
            part = values[row : row + len(q)][..., columns]
            blocks.append(Block(self.x, q, self.pids, np.swapaxes(part, 0, 1)))
            row += len(q)
        return Member(kind, tuple(blocks))


def _info(
    run: Run, evolution: Evolution, options: LhapdfOptions, grid: _Grid, alpha_s: np.ndarray, kind: str, members: int,
    description: str,
) -> dict[str, Any]:  # fmt: skip
    order = LOOPS[evolution.order] - 1
    source = run.sources[0][0] if run.sources else run.name
    found: dict[str, Any] = {
        "SetDesc": description or f"{source}, {run.method}, exported by pdflang",
        "Authors": "pdflang",
        "Format": "lhagrid1",
        "DataVersion": 1,
        "NumMembers": members,
        "Particle": 2212,
        "Flavors": grid.pids,
        "OrderQCD": order,
        "FlavorScheme": "fixed" if evolution.flavours else "variable",
        "NumFlavors": (len(grid.pids) - 1) // 2,
        "ErrorType": kind,
    }
    if kind == "hessian":
        found["ErrorConfLevel"] = 68.26894921370859
    return found | {
        "XMin": float(grid.x[0]),
        "XMax": 1.0,
        "QMin": float(grid.scales[0]),
        "QMax": float(grid.scales[-1]),
        "MZ": _MZ,
        "MUp": 0.0,
        "MDown": 0.0,
        "MStrange": 0.0,
        "MCharm": evolution.charm,
        "MBottom": evolution.bottom,
        "MTop": evolution.top or 172.5,
        "AlphaS_MZ": float(alpha_s[-1]),
        "AlphaS_OrderQCD": order,
        "AlphaS_Type": "ipol",
        "AlphaS_Qs": [float(q) for q in grid.scales],
        "AlphaS_Vals": [float(value) for value in alpha_s[:-1]],
    }
