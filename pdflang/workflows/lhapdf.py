"""A run as an LHAPDF set: its densities evolved, with a member for each replica or eigenvector."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.data.lhapdf_files import Block, Member, write_info, write_member
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.ensemble import constrained, eigenvectors, ensemble_of
from pdflang.evolution import LOOPS, PIDS, Evolution, evolved
from pdflang.evolution.grids import knots_in_x
from pdflang.evolution.operators import active
from pdflang.partons.densities import Densities, declared_pdfset
from pdflang.results.files import cannot_write
from pdflang.workflows.options import LhapdfOptions

if TYPE_CHECKING:
    from pdflang.embedding import Model
    from pdflang.results.reading import Run

_KNOTS, _LINEAR = 300, 40.0
"""Knots in x are equally spaced in log x + 40 x: spacings that change at once would cost interpolation digits.

So many, since LHAPDF interpolates by cubics whose slopes come from differences.
"""

_KNOTS_PER_FACTOR = 6
"""Knots in Q for each factor of e, far from thresholds."""
_AT_LOWER_END, _AT_UPPER_END, _NARROWEST = 0.5, 0.2, 3e-3
"""How much denser they are at the ends of a block: LHAPDF has slopes from one side there, right in small cells."""

_MZ = 91.1876

_BELOW = 1e-9
"""How far below a threshold a block ends."""

_AT_ONCE = 25
"""Members that are evolved at once: a bound on memory."""


def export(run: Run, model: Model, folder: Path, options: LhapdfOptions, description: str = "") -> int:
    """Write the set of a run of `sample` or `map` to `folder`, whose name it takes; the number of its members.

    Of a posterior, and of fits of replicated data, members are replicas, and the first is their mean; of a maximum
    alone they lie at ± `tolerance` along the eigenvectors of its covariance, and the first is the maximum itself.
    Errors: E308 without HOPPET, E646 where there is no pdfset at a known scale, or several and none is named, or where
    the run has nothing to export, E622 where nothing can be written.
    """
    declared, evolution = declared_pdfset(model, options.pdfset), options.evolution
    assert declared.scale is not None
    kind, parameters = _members(run, model, options)
    count = len(next(iter(parameters.values())))
    grid = _Grid(evolution, declared.scale, options)
    unfinished = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        written = unfinished / folder.name
        written.mkdir(parents=True)
        total, first, alpha_s = np.zeros(grid.shape), 0 if kind == "hessian" else 1, np.zeros(0)
        densities = Densities(model, declared)
        for start in range(0, count, _AT_ONCE):
            some = {name: values[start : start + _AT_ONCE] for name, values in parameters.items()}
            found = grid.evolved(partial(densities, parameters=some))
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
    except OSError as failure:
        raise PdflangError(cannot_write(folder, failure)) from failure
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return count + first


def _members(run: Run, model: Model, options: LhapdfOptions) -> tuple[str, dict[str, np.ndarray]]:
    """The kind of the set, and the parameters of its members, arrays (members, …) by name."""
    if run.maximum is None or run.replicas is not None:
        found = ensemble_of(run, model, options.members)
        if found is None:
            raise _nothing("the run has no posterior and no maximum", "export a run of `sample`")
        return "replicas", found.members
    steps = eigenvectors(run, model)
    if steps is None:
        raise _nothing("the maximum has no covariance", "export a run of `sample` instead")
    z, axes = steps
    # The Hessian method: Pumplin et al., Phys. Rev. D 65 (2001) 014013 (hep-ph/0101032).
    places = [z, *(z + sign * options.tolerance * step for step in axes.T for sign in (1, -1))]
    return "hessian", constrained(model, np.array(places))


def _nothing(message: str, remedy: str) -> PdflangError:
    return PdflangError(Diagnostic("E646", message, remedy=remedy))


def _knots_in_q(low: float, high: float, to_threshold: bool) -> np.ndarray:
    """Knots of a block. At its lower end, and where it ends `to_threshold`, cells grow by a factor each."""
    length = np.log(high / low)
    along = np.linspace(0, length, 10_000)
    wanted = along + _AT_LOWER_END * np.log1p(along / _NARROWEST)
    if to_threshold:
        wanted -= _AT_UPPER_END * np.log1p(-along / (length + 3 * _NARROWEST))
    steps = np.linspace(0, wanted[-1], 4 + int(_KNOTS_PER_FACTOR * wanted[-1]))
    knots = low * np.exp(np.interp(steps, wanted, along))
    knots[[0, -1]] = low, high
    return knots


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
            _knots_in_q(low, high, high < options.q_max)
            for low, high in zip(self._edges[:-1], self._edges[1:], strict=True)
        ]
        most = active(evolution, options.q_max)
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
