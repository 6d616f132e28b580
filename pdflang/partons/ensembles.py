"""Members of parton densities at any x and scale: of a run, or of an LHAPDF set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pdflang.data.context import DataContext, data_error
from pdflang.data.lhapdf_files import folder_of_set, hermite_weights, read_info, read_member
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.ensemble import MEMBERS, Ensemble, ensemble_of, standard_normals
from pdflang.evolution import PIDS, Evolution
from pdflang.evolution.grids import weights_at
from pdflang.evolution.operators import knots_of_operators, operators
from pdflang.ir.program import PARTONS
from pdflang.partons.densities import densities_of

if TYPE_CHECKING:
    from pdflang.ir.program import PdfsetDeclaration
    from pdflang.model import CompiledModel
    from pdflang.results.reading import Run

ONE_SIGMA = 0.6826894921370859


@dataclass(frozen=True, eq=False)
class Values:
    """Numbers of some members (members, …), each as probable as any other, and the `central` one (…)."""

    members: np.ndarray
    central: np.ndarray

    def of(self, function: Any) -> Values:
        """What a function of arrays (n, …) makes of them."""
        return Values(function(self.members), function(self.central[None])[0])

    def interval(self, mass: float) -> tuple[np.ndarray, np.ndarray]:
        """The ends (…), (…) of central intervals."""
        low, high = np.quantile(self.members, [(1 - mass) / 2, (1 + mass) / 2], axis=0)
        return low, high

    @property
    def varies(self) -> bool:
        return len(self.members) > 1


class Partons(Protocol):
    """Parton densities with members. `words` say what these are, `scale` is where they are parametrised, if known."""

    name: str
    words: str
    scale: float | None

    def prepare(self, scales: Sequence[float]) -> None:
        """Get ready for scales in GeV, all at once, which saves time. Errors: E308 without HOPPET, E620."""

    def at(self, x: np.ndarray, scale: float | None) -> Values:
        """x·f (…, 13, nx) at x (nx,) and a scale in GeV, partons in the order of `PIDS`.

        Where the scale of the densities is not known, it is None.
        """


class RunPartons:
    """Those of a run: of its pdfset at the scale where it is declared, elsewhere by the operators of an evolution."""

    def __init__(
        self, name: str, model: CompiledModel, declared: PdfsetDeclaration, ensemble: Ensemble, evolution: Evolution,
        x: np.ndarray,
    ) -> None:  # fmt: skip
        """At the points `x` and the scale of the pdfset values are the model's own, elsewhere interpolated."""
        self.name, self.words, self.scale = name, ensemble.words, declared.scale
        self._evolution, self._x, self._knots = evolution, x, knots_of_operators()
        found = densities_of(model, declared, ensemble.everything)(np.concatenate([x, self._knots[:-1]]))
        centre, members = ensemble.split(found)
        whole = Values(members, members.mean(axis=0) if centre is None else centre)
        self._own, self._at_knots = whole.of(lambda v: v[..., : len(x)]), whole.of(lambda v: v[..., len(x) :])
        self._flavours = [PARTONS[flavour] for flavour in declared.flavours if flavour in PARTONS]
        self._evolved: dict[float, Values] = {}

    def prepare(self, scales: Sequence[float]) -> None:
        wanted = [scale for scale in dict.fromkeys(scales) if scale != self.scale and scale not in self._evolved]
        if not wanted:
            return
        if self.scale is None:
            remedy = "say where it is parametrised: pdfset proton(x) at Q = 1.65 { … }"
            raise PdflangError(Diagnostic("E646", f"the pdfset of `{self.name}` has no scale", remedy=remedy))
        columns = [PIDS.index(pid) for pid in self._flavours]
        for scale, found in zip(wanted, operators(self._evolution, self.scale, wanted), strict=True):
            table = found.table(self._flavours).reshape(len(PIDS) * len(found.x), -1)
            self._evolved[scale] = self._at_knots.of(
                lambda v, table=table: (v[:, columns].reshape(len(v), -1) @ table.T).reshape(len(v), len(PIDS), -1)
            )

    def at(self, x: np.ndarray, scale: float | None) -> Values:
        if scale == self.scale and np.array_equal(x, self._x):
            return self._own
        if scale is not None:
            self.prepare([scale])
        values = self._at_knots if scale is None or scale == self.scale else self._evolved[scale]
        weights = weights_at(self._knots, x)[:, :-1].T
        return values.of(lambda v: v @ weights)


def partons_of_run(
    run: Run, model: CompiledModel | None, declared: PdfsetDeclaration, evolution: Evolution, x: np.ndarray
) -> RunPartons:
    """Those of a run with its compiled model. Error: E646 where it has no parameters."""
    ensemble = ensemble_of(run, model) if model is not None else None
    if model is None or ensemble is None:
        remedy = "name a run of `map` or `sample`"
        raise PdflangError(Diagnostic("E646", f"`{run.folder}` has neither draws nor a maximum", remedy=remedy))
    return RunPartons(run.name, model, declared, ensemble, evolution, x)


class SetPartons:
    """Those of an LHAPDF set. Pairs of eigenvectors become members as normal as they are taken for.

    X = X₀ + Σ rᵢ (X₊ᵢ − X₋ᵢ)/2 with standard normals r, scaled to 68%: Watt and Thorne, JHEP 08 (2012) 052
    (arXiv:1205.4024), section 2.2, with symmetric errors.
    """

    scale: float | None = None

    def __init__(self, path: str) -> None:
        """The set of a folder, or of one beneath LHAPDF_DATA_PATH. Errors: E501, E520."""
        place = Path(path)
        context = DataContext(place.name, None, place.parent)
        folder = folder_of_set(place.name, context) if place.parent == Path() else place
        info = read_info(folder, context)
        self.name = folder.resolve().name
        count = int(_number(info, "NumMembers", 1, context))
        self._members = [read_member(folder, number, context) for number in range(max(1, count))]
        kind, *more = str(info.get("ErrorType", "unknown")).lower().split("+")
        if "as" in more:  # the last two have another coupling
            self._members = self._members[:-2]
        self._kind = kind if len(self._members) > 1 else "unknown"
        self._level = _number(info, "ErrorConfLevel", 100 * ONE_SIGMA, context) / 100
        count = len(self._members) - 1
        if self._kind == "hessian" and count % 2:
            raise _wrong(context, f"has {count} error members, which are no pairs")
        self.words = {
            "replicas": f"{count} replicas", "hessian": f"{count // 2} pairs of eigenvectors",
            "symmhessian": f"{count} eigenvectors",
        }.get(self._kind, "one member")  # fmt: skip

    def prepare(self, scales: Sequence[float]) -> None:
        return

    def at(self, x: np.ndarray, scale: float | None) -> Values:
        """Values; E620 where the scale is outside of the grid, NaN where x is."""
        assert scale is not None
        found = np.stack([_member_at(member, x, scale, self.name) for member in self._members])
        if self._kind == "replicas":
            return Values(found[1:], found[0])
        if self._kind in ("hessian", "symmhessian"):
            steps = (found[1::2] - found[2::2]) / 2 if self._kind == "hessian" else found[1:] - found[0]
            normals = standard_normals(MEMBERS, len(steps)) / _sigmas(self._level)
            return Values(found[0] + np.tensordot(normals, steps, 1), found[0])
        return Values(found[:1], found[0])


def _number(info: Mapping[str, Any], key: str, default: float, context: DataContext) -> float:
    """A number of the info between 0 and 100,000. Error: E520."""
    value = info.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e5:
        raise _wrong(context, f"has `{key}: {value}` in its info, which is no such number")
    return float(value)


def _wrong(context: DataContext, reason: str) -> PdflangError:
    return data_error("E520", f"the LHAPDF set `{context.name}` {reason}", context)


def _sigmas(level: float) -> float:
    """How many standard deviations of a normal a central interval of this probability goes to."""
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def _member_at(member: Any, x: np.ndarray, scale: float, name: str) -> np.ndarray:
    try:
        knots, values = member.at_scale(scale)
    except ValueError as failure:
        raise PdflangError(Diagnostic("E620", f"the LHAPDF set `{name}`: {failure}")) from None
    inside = (x >= knots[0]) & (x <= knots[-1])
    weights = np.array([hermite_weights(np.log(knots), point) for point in np.log(x[inside])])
    found = np.zeros((len(PIDS), len(x)))
    for row, pid in zip(values, member.pids, strict=True):
        if pid in PIDS:
            found[PIDS.index(pid), inside] = weights @ row
    found[:, ~inside] = np.nan
    return found
