"""FK tables in PineAPPL's format, as the arrays of our own: Carrazza et al., JHEP 12 (2020) 108 (arXiv:2008.12789).

The package pineappl reads them, where it is installed. A PineAPPL table acts on f, and ours on x·f; channels and the
grid are the file's own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.components.flavours import TRIPLETS, VALENCES
from pdflang.data.context import DataContext, data_error
from pdflang.diagnostics import PdflangError
from pdflang.ir.program import PARTONS

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".lz4", ".pineappl")

EVOLUTION_NUMBERS = {21: "g", 100: "S", 200: "V"}
EVOLUTION_NUMBERS |= {100 + int(name[1:]): name for name in TRIPLETS}
EVOLUTION_NUMBERS |= {200 + int(name[1:]): name for name in VALENCES}
"""What the combinations of the evolution basis are called, by the numbers that PineAPPL gives them."""


def pineappl_hadrons(path: Path, context: DataContext) -> int:
    """For how many hadrons a table is. Errors: those of `read_pineappl`."""
    return len(_table(path, context).convolutions)


def read_pineappl(path: Path, context: DataContext) -> dict[str, np.ndarray]:
    """The arrays fk, xgrid, kin, flavours, variables, Q0 and hadrons of a table with one hadron, or with two.

    Errors: E308 where pineappl is not installed, E514 for a file that is no such table, has more hadrons, or acts on
    other functions than unpolarised parton densities.
    """
    import numpy as np

    table = _table(path, context)
    values = np.asarray(table.table(), float)
    x = np.asarray(table.x_grid(), float)
    limits = np.asarray(table.bin_limits(), float)
    found = dict(table.metadata)
    variables = [str(found.get(f"x{i + 1}_label", f"x{i + 1}")) for i in range(limits.shape[1])]
    names = [[_name(path, int(number), context) for number in channel] for channel in table.channels()]
    values = values / np.asarray(table.bin_normalizations(), float).reshape(-1, *[1] * (values.ndim - 1))
    order = np.argsort(x)
    values = (values / x)[..., order]
    if values.ndim == 4:
        values = (values / x[:, None])[:, :, order]
    return {
        "fk": values,
        "xgrid": x[order],
        "kin": limits.mean(axis=2),
        "flavours": np.array(names if values.ndim == 4 else [name for (name,) in names]),
        "variables": np.array(variables),
        "Q0": np.array(np.sqrt(table.fac0())),
        "hadrons": np.array([convolution.pid for convolution in table.convolutions]),
    }


def require_pineappl(context: DataContext) -> None:
    """Error: E308 where the package is not installed."""
    if find_spec("pineappl") is None:
        raise data_error(
            "E308",
            "tables of PineAPPL are not supported in this installation: they need the package pineappl",
            context,
            remedy='install it: pip install "pdflang[pineappl]"',
        )


def read_grid(path: Path, context: DataContext) -> Any:
    """A grid, which an FK table is a kind of. Errors: E308, E514 for a file that is none."""
    require_pineappl(context)
    from pineappl.grid import Grid

    return read_quietly(lambda: Grid.read(str(path)), path, "is no grid of PineAPPL", context)


def scale_of_table(path: Path) -> float | None:
    """The scale of an FK table in GeV, None of a grid that is none."""
    try:
        return float(_read_table(path, DataContext(path.name)).fac0()) ** 0.5
    except PdflangError:
        return None


def _table(path: Path, context: DataContext) -> Any:
    """An FK table that acts on unpolarised parton densities of one hadron, or of two."""
    require_pineappl(context)
    try:
        table = _read_table(path, context)
    except PdflangError as failure:
        try:
            read_grid(path, context)
        except PdflangError:
            raise failure from None
        raise data_error(
            "E514", f"`{path.name}` is a grid of PineAPPL, and no FK table: it has not been evolved", context,
            remedy=f"make a table of it: pdflang theory {path.name} --scale 1.65",
        ) from None  # fmt: skip
    require_densities(path, table.convolutions, context)
    return table


def _read_table(path: Path, context: DataContext) -> Any:
    from pineappl.fk_table import FkTable

    return read_quietly(lambda: FkTable.read(str(path)), path, "is no FK table of PineAPPL", context)


def require_densities(path: Path, convolutions: Any, context: DataContext) -> None:
    """Error: E514 for what acts on anything but unpolarised parton densities of one hadron, or of two."""
    if len(convolutions) > 2:
        raise _wrong(path, f"is for {len(convolutions)} hadrons", context, "One and two are supported.")
    for convolution in convolutions:
        kind = convolution.convolution_types
        if kind.time_like or kind.polarized:
            what = "fragmentation functions" if kind.time_like else "polarised parton densities"
            raise _wrong(path, f"acts on {what}", context, "A pdfset has unpolarised parton densities.")


def read_quietly(read: Callable[[], Any], path: Path, reason: str, context: DataContext) -> Any:
    """What PineAPPL does with a file. Error: E514 with the reason, where it fails or panics."""
    try:
        with _silent():
            return read()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as failure:  # Rust's panics are no exceptions
        said = f"{failure}".split("Stack backtrace")[0].removeprefix("called `Result::unwrap()` on an `Err` value: ")
        raise _wrong(path, reason, context, f"PineAPPL says: {said}") from None


def _name(path: Path, number: int, context: DataContext) -> str:
    """What a parton of a channel is called: in the evolution basis, or by its flavour."""
    by_number = {**{pid: name for name, pid in PARTONS.items()}, **EVOLUTION_NUMBERS, 22: "photon"}
    if number not in by_number:
        raise _wrong(path, f"has a channel of the parton {number}", context, "It is in no basis that is known.")
    return by_number[number]


@contextmanager
def _silent() -> Iterator[None]:
    """A scope without standard error, on which a library written in Rust prints where it gives up."""
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _wrong(path: Path, reason: str, context: DataContext, note: str) -> PdflangError:
    note = re.sub(r"\s+", " ", note)
    return data_error("E514", f"`{path.name}` {reason}", context, notes=(note,) if note else ())
