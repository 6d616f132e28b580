"""FK tables in PineAPPL's format, as the arrays of our own: Carrazza et al., JHEP 12 (2020) 108 (arXiv:2008.12789).

The package pineappl reads them, where it is installed. A PineAPPL table acts on f, and ours on x·f; channels and the
grid are the file's own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.data.context import DataContext, data_error
from pdflang.diagnostics import PdflangError
from pdflang.ir.program import PARTONS

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".lz4", ".pineappl")

_EVOLUTION = {100: "S", 200: "V", **{100 + n: f"T{n}" for n in (3, 8, 15, 24, 35)}}
_EVOLUTION |= {200 + n: f"V{n}" for n in (3, 8, 15, 24, 35)}


def read_pineappl(path: Path, context: DataContext) -> dict[str, np.ndarray]:
    """The arrays fk, xgrid, kin, flavours, variables and Q0 of a table with one hadron.

    Errors: E308 where pineappl is not installed, E514 for a file that is no such table, or has two hadrons.
    """
    import numpy as np

    if find_spec("pineappl") is None:
        raise data_error(
            "E308",
            "tables of PineAPPL are not supported in this installation: they need the package pineappl",
            context,
            remedy='install it: pip install "pdflang[pineappl]"',
        )
    from pineappl.fk_table import FkTable

    try:
        with _silent():
            table = FkTable.read(str(path))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as failure:  # Rust's panics are no exceptions
        raise _wrong(path, "is no FK table of PineAPPL", context, f"{failure}".split("Stack backtrace")[0]) from None
    values = np.asarray(table.table(), float)
    if values.ndim != 3:
        raise _wrong(path, f"is a table for {values.ndim - 2} hadrons", context, "One is supported so far.")
    x = np.asarray(table.x_grid(), float)
    limits = np.asarray(table.bin_limits(), float)
    found = dict(table.metadata)
    variables = [str(found.get(f"x{i + 1}_label", f"x{i + 1}")) for i in range(limits.shape[1])]
    names = [_name(path, channel, context) for channel in table.channels()]
    values = values / np.asarray(table.bin_normalizations(), float)[:, None, None]
    order = np.argsort(x)
    return {
        "fk": (values / x)[:, :, order],
        "xgrid": x[order],
        "kin": limits.mean(axis=2),
        "flavours": np.array(names),
        "variables": np.array(variables),
        "Q0": np.array(np.sqrt(table.fac0())),
    }


def _name(path: Path, channel: Any, context: DataContext) -> str:
    """What a channel of one parton is called: in the evolution basis, or by its flavour."""
    number = int(channel[0])
    by_number = {**{pid: name for name, pid in PARTONS.items()}, **_EVOLUTION, 22: "photon"}
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
