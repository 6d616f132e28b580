"""Consensus Monte Carlo: averages of draws, weighted by the precisions of parts (Scott et al. 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np

from pdflang.inference.combining.combined import Combined, moments_of


def combine(draws: np.ndarray, random: np.random.Generator, parts: Any) -> Combined:
    """A draw of each part makes one of the posterior: exactly where parts are normal, with their correlations."""
    precisions = moments_of(draws).precisions
    weighted = np.einsum("kij,kcdj->cdi", precisions, draws)
    return Combined(np.linalg.solve(precisions.sum(axis=0), weighted[..., None])[..., 0])
