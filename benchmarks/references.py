"""Three posteriors of posteriordb: the models are those of the tests, the data lie in a folder that they know."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1] / "tests" / "posteriordb"
sys.path.append(str(TESTS))

from reference_posteriors import POSTERIORS  # noqa: E402

NAMES = ("eight_schools", "diamonds", "gp_pois_regr")


def model(name: str) -> Path:
    return TESTS / f"{name}.pdfm"


def data(name: str) -> dict[str, Any]:
    """The data by the names of the model."""
    (posterior,) = (one for one in POSTERIORS if one.name == name)
    found: dict[str, Any] = posterior.read()["data"]
    return found
