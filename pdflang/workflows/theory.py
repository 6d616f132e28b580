"""FK tables out of PineAPPL grids: the hard cross section of a process, evolved to one scale.

A grid has weights at scales μ and points x of its own (Carrazza et al., JHEP 12 (2020) 108, arXiv:2008.12789). HOPPET's
operators turn densities at the starting scale into those there; PineAPPL contracts both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from pdflang.components.flavours import TRIPLETS, VALENCES, evolution_rotation
from pdflang.data.context import DataContext, data_error
from pdflang.data.paths import resolve
from pdflang.data.pineappl_files import (
    EVOLUTION_NUMBERS,
    SUFFIXES,
    read_grid,
    read_pineappl,
    read_quietly,
    require_densities,
    scale_of_table,
)
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.evolution import LOOPS, PIDS, coupling
from pdflang.evolution.grids import knots_in_x
from pdflang.evolution.operators import Operator, active, operators
from pdflang.ir.program import PARTONS
from pdflang.results.files import write_by
from pdflang.workflows.options import TheoryOptions

TABLE_SUFFIXES = (".npz", *SUFFIXES)

_NOTHING = 1e-13
"""Channels that are smaller than this part of the largest are left out: they are rounding errors."""

_PHOTON = 22


@dataclass(frozen=True)
class Made:
    """What a table is: its rows, for how many hadrons, from how many scales; what should be known of it."""

    rows: int
    hadrons: int
    scales: int
    notes: tuple[str, ...]


def make_table(source: Path, out: Path, options: TheoryOptions) -> Made:
    """The FK table of a grid, written to `out`: arrays in an npz, or a file of PineAPPL, by the end of its name.

    Errors: E308 without pineappl or HOPPET, E501, E514 for what is no grid of unpolarised parton densities, E504 for
    another kind of file, E620, E621 where the table would replace the grid, E622.
    """
    if out.suffix.lower() not in TABLE_SUFFIXES:
        raise PdflangError(
            Diagnostic("E504", f"the kind of `{out.name}` is not known", remedy="name a file that ends in .npz or .lz4")
        )
    context = DataContext(source.name)
    source = resolve(str(source), context)
    if out.exists() and out.samefile(source):
        message = f"`{out}` is the grid itself"
        raise PdflangError(Diagnostic("E621", message, remedy="choose another name with `--out`"))
    grid = read_grid(source, context)
    require_densities(source, grid.convolutions, context)
    if (evolved_to := scale_of_table(source)) is not None:
        raise data_error(
            "E514", f"`{source.name}` is an FK table already, at {evolved_to:g} GeV", context,
            remedy=f'read it in a model: theory F2 = fktable("{source.name}", rows = data)',
        )  # fmt: skip
    mask = _orders(source, grid, options)
    pids = np.array(grid.evolve_info(mask).pids1)
    table, scales = _evolved(source, grid, mask, options, context)
    table.set_metadata("pdflang", repr(options))
    write_by(out, lambda part: _write(table, part, is_npz=out.suffix.lower() == ".npz", context=context))
    return Made(table.bins(), len(grid.convolutions), scales, tuple(_notes(grid, pids, options)))


def _notes(grid: Any, pids: np.ndarray, options: TheoryOptions) -> Iterator[str]:
    if _PHOTON in pids:
        yield "channels with photons are left out: densities evolve without"
    couplings = [order.as_tuple()[1] for order in grid.orders()]
    if max(couplings) > min(couplings):
        yield "electroweak corrections of the grid are left out"
    powers = [order.as_tuple()[0] for order in grid.orders()]
    if max(powers) - min(powers) + 1 < LOOPS[options.order]:
        yield f"the grid ends before {options.order.upper()}: only the evolution is of this order"


def _orders(source: Path, grid: Any, options: TheoryOptions) -> np.ndarray:
    """Which terms of the grid count, (terms,): the leading power of α_s, and as many as the order of the evolution has.

    Error: E514 where scales are to be varied, and the grid has not the logarithms that make up for it.
    """
    from pineappl.boc import Order

    mask = np.array(Order.create_mask(grid.orders(), LOOPS[options.order], 0, True))
    orders = [order.as_tuple() for order, counts in zip(grid.orders(), mask, strict=True) if counts]
    powers = [order[0] for order in orders]
    corrections = max(powers) - min(powers)
    # A coupling in the leading term runs at the next order, one in the next term at the one after that.
    needs = {
        "renormalisation": (options.renormalisation, corrections + (min(powers) > 0) > 1, 2),
        "factorisation": (options.factorisation, corrections > 0, 3),
    }
    for name, (factor, is_needed, column) in needs.items():
        if factor != 1 and is_needed and not any(order[column] for order in orders):
            raise PdflangError(
                Diagnostic(
                    "E514", f"`{source.name}` has no logarithms of the {name} scale, so this cannot be varied",
                    remedy="make the grid with them",
                )
            )  # fmt: skip
    return mask


def _evolved(
    source: Path, grid: Any, mask: np.ndarray, options: TheoryOptions, context: DataContext
) -> tuple[Any, int]:
    """The table, and the number of its scales."""
    from pineappl.pids import PidBasis

    if grid.pid_basis != PidBasis.Pdg:
        grid.rotate_pid_basis(PidBasis.Pdg)
    asked = grid.evolve_info(mask)
    points, factorisation, renormalisation = (np.array(values) for values in (asked.x1, asked.fac1, asked.ren1))
    scales = options.factorisation * np.sqrt(factorisation)
    coupling_at = options.renormalisation * np.sqrt(renormalisation)
    knots = knots_in_x(float(points.min()), options.points)
    made = operators(options.evolution, options.scale, scales.tolist(), points, knots)
    alpha_s = coupling(options.evolution, coupling_at)
    pids = np.array(asked.pids1)
    xi = (options.renormalisation, options.factorisation, 1.0)

    def evolve() -> Any:
        slices = _slices(made, scales, points, pids, grid.convolutions[0].convolution_types, options)
        return grid.evolve([slices], mask, xi, options.renormalisation**2 * renormalisation, alpha_s)

    return read_quietly(evolve, source, "cannot be evolved by PineAPPL", context), len(scales)


def _slices(
    made: list[Operator], scales: np.ndarray, points: np.ndarray, pids: np.ndarray, kind: Any, options: TheoryOptions
) -> Iterator[tuple[Any, np.ndarray]]:
    """The operators as PineAPPL wants them, on f: (partons there, points there, combinations here, points here)."""
    from pineappl.evolution import OperatorSliceInfo
    from pineappl.pids import PidBasis

    count = active(options.evolution, options.scale)
    flavours = [name for name, pid in PARTONS.items() if pid == 21 or abs(pid) <= count]
    differences = [name for ladder in (VALENCES, TRIPLETS) for name in ladder[: count - 1]]
    basis = ["S", "g", "V", *differences]
    back = np.linalg.inv(evolution_rotation(basis, flavours))
    numbers = np.array([number for name in basis for number, known in EVOLUTION_NUMBERS.items() if known == name])
    rows = [PIDS.index(int(pid)) if pid != _PHOTON else None for pid in pids]
    for operator, scale in zip(made, scales, strict=True):
        table = np.einsum("pxfy,fk->pxky", operator.table([PARTONS[name] for name in flavours]), back)
        on_f = table * operator.x / points[:, None, None]
        chosen = np.stack([on_f[row] if row is not None else np.zeros_like(on_f[0]) for row in rows])
        info = OperatorSliceInfo(
            options.scale**2, numbers, operator.x, scale**2, pids, points, PidBasis.Evol, kind
        )
        yield info, chosen


def _write(table: Any, path: Path, is_npz: bool, context: DataContext) -> None:
    table.write_lz4(str(path))
    if is_npz:
        arrays = _arrays(path, context)
        with path.open("wb") as file:
            np.savez_compressed(file, **cast(Any, arrays))


def _arrays(path: Path, context: DataContext) -> dict[str, np.ndarray]:
    """The arrays of a table, without channels in which there is nothing."""
    arrays = read_pineappl(path, context)
    sizes = np.abs(arrays["fk"]).max(axis=tuple(i for i in range(arrays["fk"].ndim) if i != 1))
    kept = sizes > _NOTHING * sizes.max()
    return {**arrays, "fk": arrays["fk"][:, kept], "flavours": arrays["flavours"][kept]}
