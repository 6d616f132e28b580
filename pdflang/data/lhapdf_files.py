"""LHAPDF sets: parton densities on grids in x and Q, in files of the format lhagrid1.

The format: Buckley et al., Eur. Phys. J. C 75 (2015) 132 (arXiv:1412.7420). A set is a folder with `<set>.info` and a
file for each member, `<set>_0000.dat` and so on, of which the first is the central one. A member is blocks of Q between
thresholds of flavours; a block has x·f at its knots, Q running fastest.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pdflang.data.context import DataContext, data_error
from pdflang.data.paths import resolve
from pdflang.diagnostics import PdflangError
from pdflang.ir.program import PARTONS

if TYPE_CHECKING:
    import numpy as np

Kind = Literal["central", "replica", "error"]

FORMAT = "lhagrid1"
LEAST_X, LEAST_Q = 4, 2
"""Knots of a block that interpolation needs."""

_NAMES = {**{pid: name for name, pid in PARTONS.items()}, 22: "photon"}

_NOTHING = 1e-9
"""A density that is nowhere more than this share of the largest is none: heavy quarks below their threshold."""

_KEYS = (
    "SetDesc", "Authors", "Format", "DataVersion", "NumMembers", "Flavors", "OrderQCD", "FlavorScheme", "NumFlavors",
    "ErrorType", "Particle", "XMin", "XMax", "QMin", "QMax", "AlphaS_MZ", "AlphaS_OrderQCD", "AlphaS_Type",
    "AlphaS_Qs", "AlphaS_Vals",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Block:
    """x·f at knots: `values` (nx, nq, flavours), of the partons `pids` by their PDG numbers, the gluon being 21.

    `x` (nx,) and `q` (nq,), in GeV, ascend.
    """

    x: np.ndarray = field(repr=False)
    q: np.ndarray = field(repr=False)
    pids: tuple[int, ...]
    values: np.ndarray = field(repr=False)


@dataclass(frozen=True, eq=False)
class Member:
    """One set of densities: blocks that follow each other in Q."""

    kind: Kind
    blocks: tuple[Block, ...]

    @property
    def pids(self) -> tuple[int, ...]:
        return self.blocks[0].pids

    def at_scale(self, scale: float) -> tuple[np.ndarray, np.ndarray]:
        """Knots in x (nx,) and x·f there (flavours, nx) at a scale in GeV, by interpolation in log Q.

        Cubic, as LHAPDF's own; between two or three knots linear. At a threshold it is what is above it. ValueError
        where the scale is outside of the grid.
        """
        import numpy as np

        inside = [block for block in self.blocks if block.q[0] <= scale <= block.q[-1]]
        if not inside:
            raise ValueError(f"Q = {scale:g} GeV is outside of the grid, {self.blocks[0].q[0]:g} to "
                             f"{self.blocks[-1].q[-1]:g} GeV")  # fmt: skip
        block = inside[-1]
        return block.x, np.moveaxis(_interpolated(np.log(block.q), block.values, np.log(scale), axis=1), 1, 0)

    def densities(self, x: Any, scale: float) -> np.ndarray:
        """x·f (flavours, n) at n values of x and a scale in GeV, by interpolation in log x and log Q."""
        import numpy as np

        knots, values = self.at_scale(scale)
        points = np.atleast_1d(np.asarray(x, float))
        if points.min() < knots[0] or points.max() > knots[-1]:
            raise ValueError(f"x is outside of the grid, {knots[0]:g} to {knots[-1]:g}")
        found = [_interpolated(np.log(knots), values, point, axis=1) for point in np.log(points)]
        return np.stack(found, axis=1)


def _interpolated(knots: np.ndarray, values: np.ndarray, point: float, axis: int) -> np.ndarray:
    """A cubic Hermite interpolation along an axis, with mean difference quotients for slopes, as LHAPDF has it."""
    weights = hermite_weights(knots, point)
    shape = [1] * values.ndim
    shape[axis] = len(knots)
    result: np.ndarray = (values * weights.reshape(shape)).sum(axis=axis)
    return result


def hermite_weights(knots: np.ndarray, point: float) -> np.ndarray:
    """What each of n ascending knots counts for the value at a point between the first and the last, (n,)."""
    import numpy as np

    count = len(knots)
    left = int(np.clip(np.searchsorted(knots, point, side="right") - 1, 0, count - 2))
    width = knots[left + 1] - knots[left]
    t = (point - knots[left]) / width
    unit = np.eye(count)
    if count < LEAST_X:
        return (1 - t) * unit[left] + t * unit[left + 1]
    around = range(max(left - 1, 0), min(left + 2, count - 1))
    quotient = [(unit[i + 1] - unit[i]) / (knots[i + 1] - knots[i]) for i in around]
    inner = quotient[min(left, 1)]
    before = (quotient[0] + inner) / 2 if left > 0 else inner
    after = (quotient[-1] + inner) / 2 if left < count - 2 else inner
    return (
        (2 * t**3 - 3 * t**2 + 1) * unit[left]
        + (t**3 - 2 * t**2 + t) * width * before
        + (3 * t**2 - 2 * t**3) * unit[left + 1]
        + (t**3 - t**2) * width * after
    )


# --- writing ---------------------------------------------------------------------------------------------------------


def write_info(folder: Path, info: Mapping[str, Any]) -> None:
    """The file `<set>.info` of a folder that is called as the set."""
    lines = [f"{key}: {_yaml(value)}" for key, value in info.items()]
    (folder / f"{folder.name}.info").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_member(folder: Path, number: int, member: Member) -> None:
    """The file of one member."""
    import io

    import numpy as np

    text = io.StringIO()
    text.write(f"PdfType: {member.kind}\nFormat: {FORMAT}\n---\n")
    for block in member.blocks:
        for numbers in (block.x, block.q):
            text.write(" ".join(f"{number:.9E}" for number in numbers) + "\n")
        text.write(" ".join(map(str, block.pids)) + "\n")
        np.savetxt(text, block.values.reshape(-1, len(block.pids)), fmt="%.7E")
        text.write("---\n")
    member_file(folder, number).write_text(text.getvalue(), encoding="utf-8")


def member_file(folder: Path, number: int) -> Path:
    return folder / f"{folder.name}_{number:04d}.dat"


def _yaml(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"' if set(value) & set(":#{}[]\"'\n") else value
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_yaml, value))}]"
    return f"{value:.9E}" if isinstance(value, float) else str(value)


# --- reading ---------------------------------------------------------------------------------------------------------


def folder_of_set(path: str, context: DataContext) -> Path:
    """The folder of a set: beneath the model's, or beneath one of LHAPDF_DATA_PATH. Errors: E501, E502."""
    name = path.rstrip("/").rpartition("/")[2]
    for root in filter(None, os.environ.get("LHAPDF_DATA_PATH", "").split(os.pathsep)):
        if name == path and (Path(root) / name / f"{name}.info").is_file():
            return Path(root) / name
    try:
        return resolve(f"{path.rstrip('/')}/{name}.info", context).parent
    except PdflangError as failure:
        (found,) = failure.diagnostics
        if found.code != "E501":
            raise
        remedy = "put the folder of the set beside the model, or name the one with your sets: LHAPDF_DATA_PATH"
        raise PdflangError(replace(found, remedy=found.remedy if "did you" in found.remedy else remedy)) from None


def read_info(folder: Path, context: DataContext) -> dict[str, Any]:
    """The keys of `<set>.info`. Error: E520 where it is missing, or not of this format."""
    import yaml

    path = folder / f"{folder.name}.info"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise _wrong(folder, f"has no file `{path.name}`", context) from None
    except (yaml.YAMLError, UnicodeDecodeError) as failure:
        raise _wrong(folder, f"has a file `{path.name}` that is not YAML", context, str(failure)) from None
    if not isinstance(found, dict) or str(found.get("Format", FORMAT)) != FORMAT:
        raise _wrong(folder, f"has a file `{path.name}` that is not of the format {FORMAT}", context)
    return found


def read_member(folder: Path, number: int, context: DataContext) -> Member:
    """A member of a set. Error: E520 where it is missing, or not of this format."""
    path = member_file(folder, number)
    try:
        head, *parts = path.read_text(encoding="utf-8").split("\n---")
    except OSError:
        raise _wrong(folder, f"has no member {number}", context, f"The file would be `{path.name}`.") from None
    except UnicodeDecodeError:
        raise _wrong(folder, f"has a file `{path.name}` that is no text", context) from None
    blocks = []
    for place, part in enumerate(parts, 1):
        if part.strip():
            try:
                blocks.append(_block(part))
            except ValueError as failure:
                raise _wrong(folder, f"has a file `{path.name}` whose block {place} {failure}", context) from None
    if not blocks:
        raise _wrong(folder, f"has a file `{path.name}` without a grid", context)
    kind = next((k for k in ("replica", "error") if f"PdfType: {k}" in head), "central")
    return Member(kind, tuple(blocks))  # type: ignore[arg-type]


def densities_of_member(
    path: str, number: int, scale: float, context: DataContext
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Knots in x (nx,) and x·f there by the names of those partons that a member has at a scale in GeV.

    Errors: E501 and E502 where there is no such set, E520 where it is malformed or ends before the scale.
    """
    import numpy as np

    folder = folder_of_set(path, context)
    read_info(folder, context)
    member = read_member(folder, number, context)
    try:
        x, found = member.at_scale(scale)
    except ValueError as failure:
        raise data_error("E520", f"the LHAPDF set `{path}` ends before: {failure}", context) from None
    least = _NOTHING * np.abs(found).max()
    named = zip(member.pids, found, strict=True)
    return x, {_NAMES[pid]: row for pid, row in named if pid in _NAMES and np.abs(row).max() > least}


def _block(text: str) -> Block:
    """A block; ValueError that says what is wrong with it."""
    import numpy as np

    lines = text.strip("\n").split("\n", 3)
    if len(lines) < 4:
        raise ValueError("has fewer than four lines")
    try:
        x, q = (np.array(line.split(), float) for line in lines[:2])
        pids = tuple(map(int, lines[2].split()))
        values = np.array(lines[3].split(), float)
    except ValueError as failure:
        raise ValueError(f"has something else than numbers: {failure}") from None
    if len(x) < LEAST_X or len(q) < LEAST_Q or np.any(np.diff(x) <= 0) or np.any(np.diff(q) <= 0):
        raise ValueError(f"needs {LEAST_X} knots in x and {LEAST_Q} in Q at least, each more than the one before")
    if values.size != len(x) * len(q) * len(pids):
        raise ValueError(
            f"has {values.size} numbers, not {len(x)} × {len(q)} × {len(pids)} for knots in x, in Q, and flavours"
        )
    if not np.isfinite(values).all():
        raise ValueError("has a number that is not finite")
    return Block(x, q, pids, values.reshape(len(x), len(q), len(pids)))


def _wrong(folder: Path, reason: str, context: DataContext, note: str = "") -> PdflangError:
    return data_error(
        "E520", f"the LHAPDF set `{folder.name}` {reason}", context, notes=(note,) if note else (),
        remedy="a set is a folder with SET.info and SET_0000.dat, SET_0001.dat, …",
    )  # fmt: skip


# --- checking --------------------------------------------------------------------------------------------------------


def problems(folder: Path) -> list[str]:
    """What the format asks of a set and does not find; nothing for a set that programs can read."""
    import numpy as np

    context = DataContext(folder.name)
    try:
        info = read_info(folder, context)
        count = int(info.get("NumMembers", 0))
        members = [read_member(folder, number, context) for number in range(count)]
    except (PdflangError, TypeError, ValueError) as failure:
        return [str(failure)]
    found = [f"the info has no key {key}" for key in _KEYS if key not in info]
    if found or not members:
        return found or ["there is no member"]
    pids = tuple(int(flavour) for flavour in info["Flavors"])
    q_s, values = (np.asarray(info[key], float) for key in ("AlphaS_Qs", "AlphaS_Vals"))
    if len(q_s) != len(values) or np.any(np.diff(q_s) < 0):
        found.append("AlphaS_Qs and AlphaS_Vals are not of one length, or Q does not ascend")
    elif not np.isclose(q_s[0], info["QMin"]):
        found.append("AlphaS_Qs does not begin at QMin: it is in GeV, not in GeV²")
    mean = [np.zeros_like(block.values) for block in members[0].blocks]
    for number, member in enumerate(members):
        found += [f"member {number}: {reason}" for reason in _of_member(member, number, pids, info)]
        if [b.values.shape for b in member.blocks] != [b.values.shape for b in members[0].blocks]:
            found.append(f"member {number} has another grid than member 0")
        elif number and str(info["ErrorType"]) == "replicas":
            for total, block in zip(mean, member.blocks, strict=True):
                total += block.values / (count - 1)
    if str(info["ErrorType"]) == "replicas" and count > 1 and not any("another grid" in said for said in found):
        for total, block in zip(mean, members[0].blocks, strict=True):
            if not np.allclose(total, block.values, rtol=1e-6, atol=1e-9 * np.abs(block.values).max()):
                found.append("member 0 is not the mean of the replicas")
                break
    if str(info["ErrorType"]) == "hessian" and count % 2 == 0:
        found.append("a hessian set has a central member and pairs of others")
    return found


def _of_member(member: Member, number: int, pids: tuple[int, ...], info: Mapping[str, Any]) -> list[str]:
    import numpy as np

    found = []
    if (number == 0) != (member.kind == "central"):
        found.append(f"its PdfType is {member.kind}")
    first, last = member.blocks[0], member.blocks[-1]
    if not np.isclose([first.q[0], last.q[-1]], [info["QMin"], info["QMax"]]).all():
        found.append("its grid does not run from QMin to QMax")
    for block in member.blocks:
        if block.pids != pids:
            found.append("its flavours are not those of the info")
        if not np.isclose([block.x[0], block.x[-1]], [info["XMin"], info["XMax"]]).all():
            found.append("its grid does not run from XMin to XMax")
    for before, after in zip(member.blocks[:-1], member.blocks[1:], strict=True):
        if before.q[-1] != after.q[0]:
            found.append(f"blocks do not meet: one ends at {before.q[-1]:g} GeV, the next begins at {after.q[0]:g} GeV")
    return found
