"""DGLAP evolution by HOPPET (Salam and Rojo, Comput. Phys. Commun. 180 (2009) 120, arXiv:0804.3755).

HOPPET keeps its state in Fortran, greets on standard output and ends the process where it finds an error: it works in a
process of its own. It asks for densities at points that it chooses; they are told first, and then the densities there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.ir.program import PARTONS

if TYPE_CHECKING:
    import numpy as np

Order = Literal["lo", "nlo", "nnlo"]

LOOPS: dict[str, int] = {"lo": 1, "nlo": 2, "nnlo": 3}

PIDS = tuple(PARTONS.values())
"""The partons of an evolution by their PDG numbers, in its order."""


@dataclass(frozen=True)
class Evolution:
    """How densities evolve, unpolarised, in the MS-bar scheme.

    `alpha_s` is the coupling at `alpha_s_scale`, in GeV. Flavours join at the pole masses `charm`, `bottom` and `top`,
    in GeV, without one the top never; of a fixed number of `flavours` all are there at every scale. Error: E620 for
    settings that cannot be.
    """

    order: Order = "nlo"
    alpha_s: float = 0.118
    alpha_s_scale: float = 91.1876
    charm: float = 1.51
    bottom: float = 4.92
    top: float | None = None
    flavours: int | None = None

    def __post_init__(self) -> None:
        masses = [mass for mass in (self.charm, self.bottom, self.top) if mass is not None]
        if not 0 < self.alpha_s < 1:
            raise _impossible(f"the coupling is between 0 and 1, but `alpha_s` is {self.alpha_s:g}", "alpha_s = 0.118")
        if not all(0 < scale < inf for scale in (self.alpha_s_scale, *masses)):
            raise _impossible("masses and scales are positive, in GeV", "charm = 1.51, alpha_s_scale = 91.1876")
        if self.flavours is not None and self.flavours not in range(3, 7):
            raise _impossible(f"there are 3 to 6 flavours, but not {self.flavours:g}", "flavours = 4")
        if masses != sorted(masses):
            said = ", ".join(f"{mass:g}" for mass in masses)
            raise _impossible(f"flavours join at {said} GeV, which does not ascend", "charm < bottom < top")

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The scales where a flavour joins, in GeV."""
        joining = (self.charm, self.bottom, self.top)
        return () if self.flavours else tuple(mass for mass in joining if mass is not None)


def _impossible(message: str, remedy: str) -> PdflangError:
    return PdflangError(Diagnostic("E620", message, remedy=remedy))


@dataclass(frozen=True, eq=False)
class Evolved:
    """x·f by evolution: `values` (members, nq, nx, 13) in the order of `PIDS`; the coupling `alpha_s` where wanted."""

    values: np.ndarray
    alpha_s: np.ndarray


def evolved(
    evolution: Evolution,
    start: float,
    densities: Callable[[Any], Any],
    x: np.ndarray,
    scales: np.ndarray,
    coupling_at: np.ndarray | None = None,
) -> Evolved:
    """Densities at `x` (nx,) and `scales` (nq,), in GeV, of members whose x·f at the scale `start` are given.

    `densities` takes points (n,) and gives (members, 13, n), in the order of `PIDS`. The coupling is that at the
    scales, unless it is wanted elsewhere. Errors: E308 where HOPPET is not installed, E620 where
    masses do not ascend.
    """
    import json
    import tempfile

    import numpy as np

    _require_hoppet()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {**asdict(evolution), "loops": LOOPS[evolution.order], "start": start}
        (folder / "settings.json").write_text(json.dumps(settings))
        coupling_at = scales if coupling_at is None else coupling_at
        np.savez(folder / "points.npz", x=x, scales=scales, coupling_at=coupling_at)
        _run(folder, "asked")
        asked = np.load(folder / "asked.npy")
        np.save(folder / "densities.npy", np.ascontiguousarray(densities(asked), dtype=float))
        _run(folder, "evolved")
        with np.load(folder / "evolved.npz") as found:
            return Evolved(found["values"], found["alpha_s"])


def coupling(evolution: Evolution, scales: np.ndarray) -> np.ndarray:
    """α_s at scales in GeV. Errors: those of `evolved`."""
    import numpy as np

    nothing = evolved(evolution, float(scales.min()), _no_density, np.array([0.1]), scales)
    return nothing.alpha_s


def _no_density(points: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.zeros((0, len(PIDS), len(points)))


def _require_hoppet() -> None:
    if find_spec("hoppet") is None:
        raise PdflangError(
            Diagnostic(
                "E308",
                "evolution is not supported in this installation: it needs the package hoppet",
                remedy='install it: pip install "pdflang[evolution]"',
            )
        )


def _run(folder: Path, what: str) -> None:
    """One of the two parts of the work, in a process of its own. Error: E620 where HOPPET says what is wrong."""
    import subprocess

    command = [sys.executable, str(Path(__file__).with_name("hoppet_process.py")), str(folder), what]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).partition("FATAL ERROR")[2].split())
        if not said:
            raise RuntimeError(f"HOPPET ended with code {done.returncode}: {(done.stderr or done.stdout)[-500:]}")
        raise PdflangError(
            Diagnostic(
                "E620", "HOPPET cannot evolve with these settings", notes=(f"It says: {said[-300:]}",),
                remedy="are all scales where the coupling is small, above 0.7 GeV or so?",
            )
        )  # fmt: skip
