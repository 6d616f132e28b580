"""The log-probability of each part of the data that cross-validation leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pdflang.model import CompiledModel


def left_out_terms(model: CompiledModel, parameters: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """log p(part | rest of the data, parameters) at parameters (n, …): arrays (n, *parts) by observation.

    A part is an entry of data. Of data that are drawn together it is an entry given the others (Bürkner, Gabry &
    Vehtari, Comput. Stat. 36 (2021) 1243). Of a list of N events it is an event with its share of the exposure: the
    log-rate there less 1/N of the integral; of events of a given number, the normalised log-rate. There are none of
    weighted events, whose likelihood is no probability of them, nor where there is no density.
    """
    return agreement(model, parameters)[0]


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
