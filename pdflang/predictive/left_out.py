"""The log-probability of each part of the data that cross-validation leaves out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pdflang.model import CompiledModel
from pdflang.results.spool import Spool, rows_at_once


def left_out_terms(
    model: CompiledModel, parameters: Mapping[str, Any], folder: Path | None = None
) -> dict[str, np.ndarray]:
    """log p(part | rest of the data, parameters) at parameters (n, …): arrays (n, *parts) by observation.

    A part is an entry of data. Of data that are drawn together it is an entry given the others (Bürkner, Gabry &
    Vehtari, Comput. Stat. 36 (2021) 1243). Of a list of N events it is an event with its share of the exposure: the
    log-rate there less 1/N of the integral; of events of a given number, the normalised log-rate. There are none of
    weighted events, whose likelihood is no probability of them, nor where there is no density. Large arrays are mapped
    from files in the `folder`, where one is given.
    """
    count = len(next(iter(parameters.values()), ()))
    axes = [o.log_likelihood.axes for o in model.program.observations.values() if o.log_likelihood is not None]
    entries = sum(math.prod(axis.size.bind(model.bound.lengths) for axis in one) for one in axes)
    at_once = rows_at_once(entries, max(1, count))
    spool = Spool(count, folder)
    for first in range(0, count, at_once):
        # Parts have one length, so that one program serves them all.
        rows = np.minimum(np.arange(first, first + at_once), count - 1)
        terms, _ = agreement(model, {name: values[rows] for name, values in parameters.items()})
        spool.add({name: values[: count - first] for name, values in terms.items()})
    return spool.arrays()


def agreement(
    model: CompiledModel, parameters: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The terms of `left_out_terms`, and χ² (n,) of each Gaussian observation, at parameters (n, …)."""
    import jax

    if not parameters:
        return {}, {}
    exact = model.exact
    with jax.enable_x64(True):
        found, chi2 = exact.functions.agreements(dict(parameters), exact.arrays)
    terms = {name: np.asarray(values) for name, values in found.items()}
    counts = model.event_counts()
    ordered = {
        name: _of_events(name, terms, counts[name]) if observation.process else terms[name]
        for name, observation in model.program.observations.items()
        if name in terms and not (observation.process and observation.process.weights)
    }
    return ordered, {name: np.asarray(values) for name, values in chi2.items()}


def _of_events(name: str, terms: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    """The terms (n, count) of events: what is said of all of them is divided between them."""
    whole = sum(terms[f"{name} {what}"] for what in ("yield", "normalisation") if f"{name} {what}" in terms)
    return terms[name][:, :count] + np.reshape(whole, (-1, 1)) / max(count, 1)
