"""The posteriors of posteriordb that tests compare with: which file, which model, which quantities.

The files are not part of the project. They are looked for in the folder PDFLANG_POSTERIORDB, else beside the
project in `shared/posteriordb`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("PDFLANG_POSTERIORDB", HERE.parents[2] / "shared" / "posteriordb"))


@dataclass(frozen=True)
class Posterior:
    """A reference posterior: `quantities` are the names of the model in the order of the reference's numbers."""

    name: str
    file: str
    quantities: tuple[str, ...]

    @property
    def model(self) -> Path:
        return HERE / f"{self.name}.pdfm"

    @property
    def is_there(self) -> bool:
        return (FOLDER / self.file).exists()

    def read(self) -> dict[str, Any]:
        """The data, and `mean` and `mcse_mean` of each quantity."""
        return json.loads((FOLDER / self.file).read_text(encoding="utf-8"))


POSTERIORS = (
    Posterior("eight_schools", "eight_schools-eight_schools_noncentered.json", ("effect", "mu", "tau")),
    Posterior("kidscore_momiq", "kidiq-kidscore_momiq.json", ("beta", "sigma")),
    Posterior("kidscore_interaction", "kidiq-kidscore_interaction.json", ("beta", "sigma")),
    Posterior("arK", "arK-arK.json", ("alpha", "beta", "sigma")),
    Posterior("logmesquite_logvash", "mesquite-logmesquite_logvash.json", ("beta", "sigma")),
    Posterior("nes", "nes1972-nes.json", ("beta", "sigma")),
    Posterior("logearn_interaction", "earnings-logearn_interaction.json", ("beta", "sigma")),
    Posterior("blr", "sblrc-blr.json", ("beta", "sigma")),
    # The reference's `Intercept` is that of the centred predictors.
    Posterior("diamonds", "diamonds-diamonds.json", ("b", "intercept", "sigma")),
    Posterior("gp_pois_regr", "gp_pois_regr-gp_pois_regr.json", ("rho", "alpha", "log_rate")),
    Posterior("garch", "garch-garch11.json", ("mu", "alpha0", "alpha1", "beta1")),
    Posterior("low_dim_gauss_mix", "low_dim_gauss_mix-low_dim_gauss_mix.json", ("mu", "sigma", "theta")),
)
