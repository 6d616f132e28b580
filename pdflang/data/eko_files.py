"""Evolution operators that the program EKO has computed: Candido, Hekhorn and Magni, Eur. Phys. J. C 82 (2022) 976.

An archive has `metadata.yaml`, with the scale that operators start from and their grid in x, and in `operators/` for
each target a head, its squared scale and number of flavours, beside an array of NumPy that LZ4 has compressed. An array
(14, nx, 14, nx) takes f to f: what each parton at each point becomes.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pdflang.data.context import DataContext, data_error
from pdflang.diagnostics import PdflangError
from pdflang.evolution import PIDS
from pdflang.evolution.grids import weights_at
from pdflang.evolution.operators import Operator, knots_of_operators

if TYPE_CHECKING:
    import numpy as np

_PARTONS = (22, *range(-6, 0), 21, *range(1, 7))
"""The partons of an operator by their PDG numbers, in its order."""

_DEGREE = 4
"""Of the polynomials in log x between points of the grid, as EKO has them unless it is told otherwise."""

_SAME = 1e-4


@dataclass(frozen=True, eq=False)
class EkoFile:
    """Where the operators of a file start, a scale in GeV with a number of flavours, and what they are.

    `x` (nx,) ascends to 1; `values` (14, nx, 14, nx) and the number of flavours that are `reached`, by the scale to
    which operators lead.
    """

    start: float
    flavours: int
    x: np.ndarray = field(repr=False)
    values: dict[float, np.ndarray] = field(repr=False)
    reached: dict[float, int]

    def operator(self, scale: float) -> Operator:
        """The operator on x·f at the knots of ours; below the grid x·f is what it is at its first point."""
        import numpy as np

        knots = knots_of_operators()
        given = weights_at(knots, self.x)[:, :-1] / self.x[:, None]
        wanted = _shares(self.x, knots[:-1]) * self.x
        rows = [_PARTONS.index(pid) for pid in PIDS]
        values = self.values[scale][rows]
        matrices = {
            pid: np.einsum("ka,oab,bn->kon", wanted, values[:, :, _PARTONS.index(pid)], given, optimize=True)
            for pid in (21, *range(1, 7))
        }
        # A file does not tell the coupling at the scale.
        return Operator(knots[:-1], matrices, float("nan"))


def read_eko(path: Path, scales: Sequence[float], context: DataContext) -> EkoFile:
    """The operators of a file to scales in GeV; where several numbers of flavours meet, those with most.

    Errors: E522 for a file that is no such archive, or has no operator to a scale; E308 where lz4 is not installed.
    """
    import numpy as np
    import yaml

    try:
        with tarfile.open(path) as archive:
            files = {_inside(member.name): member for member in archive.getmembers() if member.isfile()}

            def content(name: str) -> bytes:
                handle = archive.extractfile(files[name])
                assert handle is not None
                return handle.read()

            metadata = yaml.safe_load(content("metadata.yaml"))
            squared, flavours = metadata["origin"]
            x = np.array(metadata["xgrid"] if "xgrid" in metadata else metadata["bases"]["xgrid"], float)
            heads = {name.removesuffix(".yaml"): yaml.safe_load(content(name)) for name in files if _is_head(name)}
            targets = {stem: (float(head["scale"]) ** 0.5, int(head["nf"])) for stem, head in heads.items()}
            chosen = {scale: _nearest(targets, scale, path, context) for scale in scales}
            values = {
                scale: _array(content(next(n for n in files if n.startswith(f"{stem}.np"))), context)
                for scale, stem in chosen.items()
            }
    except PdflangError:
        raise
    except tarfile.ReadError:
        raise _wrong(path, "is no file of EKO's operators", context, "It is no archive, or not all of one.") from None
    except (tarfile.TarError, OSError, yaml.YAMLError, *_MALFORMED) as failure:
        raise _wrong(path, "is no file of EKO's operators", context, f"{failure or type(failure).__name__}") from None
    for array in values.values():
        if array.shape != (len(_PARTONS), len(x)) * 2 or not np.all(np.isfinite(array)):
            what = f"has an operator of shape {array.shape} for {len(x)} points, or one that is not finite"
            raise _wrong(path, what, context)
    reached = {scale: targets[stem][1] for scale, stem in chosen.items()}
    return EkoFile(float(squared) ** 0.5, int(flavours), x, values, reached)


def _nearest(targets: dict[str, tuple[float, int]], scale: float, path: Path, context: DataContext) -> str:
    """Which of the operators, with their scales and numbers of flavours, leads to a scale."""
    near = [stem for stem, (there, _) in targets.items() if abs(there - scale) <= _SAME * scale]
    if not near:
        known = ", ".join(f"{there:g}" for there, _ in sorted(targets.values()))
        note = f"It has operators to {known} GeV." if known else "It has no operators at all."
        raise _wrong(path, f"has no operator to {scale:g} GeV", context, note)
    return max(near, key=lambda stem: targets[stem][1])


_MALFORMED = (KeyError, ValueError, TypeError, IndexError, StopIteration, EOFError, RuntimeError)


def _inside(name: str) -> str:
    """The name of a file in an archive, whose folder may be named."""
    parts = [part for part in PurePosixPath(name).parts if part not in (".", "/")]
    return "/".join(parts[-2:] if len(parts) > 1 and parts[-2] == "operators" else parts[-1:])


def _is_head(name: str) -> bool:
    return name.startswith("operators/") and name.endswith(".yaml")


def _array(content: bytes, context: DataContext) -> Any:
    import numpy as np

    if find_spec("lz4") is None:
        raise data_error(
            "E308",
            "files of EKO are not supported in this installation: they need the package lz4",
            context,
            remedy='install it: pip install "pdflang[eko]"',
        )
    import lz4.frame

    loaded = np.load(io.BytesIO(lz4.frame.decompress(content)), allow_pickle=False)
    return np.asarray(loaded if isinstance(loaded, np.ndarray) else loaded["operator"], float)


def _shares(x: np.ndarray, points: np.ndarray) -> np.ndarray:
    """What each point of the grid counts for the value at others: polynomials in log x, (points, nx)."""
    import numpy as np

    logs, at = np.log(x), np.log(np.clip(points, x[0], x[-1]))
    first = np.clip(np.searchsorted(logs, at) - 1 - _DEGREE // 2, 0, len(x) - 1 - _DEGREE)
    found = np.zeros((len(points), len(x)))
    for node in range(_DEGREE + 1):
        share = np.ones(len(points))
        for other in range(_DEGREE + 1):
            if other != node:
                share *= (at - logs[first + other]) / (logs[first + node] - logs[first + other])
        found[np.arange(len(points)), first + node] = share
    return found


def _wrong(path: Path, reason: str, context: DataContext, note: str = "") -> PdflangError:
    return data_error("E522", f"`{path.name}` {reason}", context, notes=(note,) if note else ())
