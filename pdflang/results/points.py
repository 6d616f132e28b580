"""One point that a run has found: a draw of a posterior, or a maximum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.results.maximum import read_maximum
from pdflang.results.posterior import DRAW_AXES, schemas_of
from pdflang.results.run_folder import DRAWS, MAXIMUM, open_run


def point_of_run(folder: Path, number: int | None, seed: int) -> tuple[dict[str, np.ndarray], int | None]:
    """Parameters by name of one draw of a run of `sample`, and which it is, or of the maximum of a run of `map`.

    Draws are numbered from 0 through one chain after the other; without a number the seed chooses. Errors: E620
    where there is no such draw, E623 where the folder has neither.
    """
    if not (folder / DRAWS).exists() and (folder / MAXIMUM).exists() and number is None:
        return {name: np.asarray(value) for name, value in read_maximum(folder)["params"].items()}, None
    tree = open_run(folder)
    posterior = tree["posterior"].to_dataset()
    count = posterior.sizes["chain"] * posterior.sizes["draw"]
    chosen = int(np.random.default_rng(seed).integers(count)) if number is None else number
    if not 0 <= chosen < count:
        remedy = f"draws are numbered from 0 to {count - 1}, one chain after the other"
        raise PdflangError(Diagnostic("E620", f"`{folder}` has no draw {chosen}", remedy=remedy))
    chain, draw = divmod(chosen, posterior.sizes["draw"])
    at = dict(zip(DRAW_AXES, (chain, draw), strict=True))
    return {name: np.asarray(posterior[name].isel(at)) for name in _parameters(tree)}, chosen


def centre_of_run(folder: Path) -> dict[str, np.ndarray]:
    """Parameters by name: the maximum of a run of `map`, or the means of a posterior. Errors: E623 for neither."""
    if not (folder / DRAWS).exists() and (folder / MAXIMUM).exists():
        return point_of_run(folder, None, 0)[0]
    tree = open_run(folder)
    posterior = tree["posterior"].to_dataset()
    return {name: np.asarray(posterior[name].mean(DRAW_AXES)) for name in _parameters(tree)}


def _parameters(tree: Any) -> list[str]:
    return [name for name, schema in schemas_of(tree).items() if schema.role in ("param", "nuisance")]
