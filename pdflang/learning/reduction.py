"""What data determine of a model's parameters, and in how few numbers its outputs can be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from pdflang.diagnostics import PdflangError
from pdflang.identifiability import coordinates, information_at
from pdflang.inference import Monitor, QuietMonitor
from pdflang.inference.options import PredictOptions, chosen_seed
from pdflang.inference.workers import StopRequest, interrupts
from pdflang.learning.methods import require_packages
from pdflang.learning.options import ReduceOptions
from pdflang.predictive.draws import of_prior
from pdflang.results.reduction import Loss, Reduction

if TYPE_CHECKING:
    from pdflang.embedding import Model

_TERMS = 50
"""Terms of the likelihood for each parameter that information is estimated by, at least."""


def reduce(
    model: Model, options: ReduceOptions | None = None, monitor: Monitor | None = None,
    stop: StopRequest | None = None, warn: Callable[[str], None] = lambda reason: None,
) -> Reduction:  # fmt: skip
    """The spectrum of the Fisher information over the prior, and losses of autoencoders of the outputs.

    `warn` hears why there are no autoencoders. Errors: E611 and E612 where there is no density with a gradient, E607
    where the prior cannot be drawn from.
    """
    options = options or ReduceOptions()
    seed = chosen_seed(options.seed)
    model.draw_prior(jax.random.key(seed))  # says what cannot be drawn
    places = information_at(model, seed, options.places, _TERMS * model.dimension)
    informations = np.stack([place.scores.T @ place.scores for place in places])
    spectra = np.linalg.eigvalsh(informations)[:, ::-1]
    values, directions = np.linalg.eigh(informations.mean(axis=0))
    names, found = coordinates(model), (np.maximum(spectra, 0.0), values[::-1], directions[:, ::-1])
    outputs = _outputs(model, seed, options.simulations)
    if not outputs:
        return Reduction(names, *found, seed)
    told = np.concatenate([values.reshape(len(values), -1) for values in outputs.values()], axis=1)
    losses: tuple[Loss, ...] = ()
    try:
        require_packages()
    except PdflangError as failure:
        warn(failure.diagnostics[0].message)
    else:
        from pdflang.learning.autoencoder import losses as losses_of

        latents = tuple(range(1, 1 + min(options.latent or model.dimension, told.shape[1] - 1)))
        with interrupts(stop) as heard:
            losses = losses_of(told, latents, options, monitor or QuietMonitor(), heard)
    return Reduction(names, *found, seed, tuple(outputs), told.shape[1], losses)


def _outputs(model: Model, seed: int, draws: int) -> dict[str, np.ndarray]:
    """Outputs (draws, …) by name at draws of the prior, those that are finite at all of them."""
    names = list(model.program.outputs)
    if not names:
        return {}
    with jax.enable_x64(True):
        drawn = of_prior(model, jax.random.key(seed), PredictOptions(draws=draws))
    assert drawn.group is not None
    found: dict[str, Any] = {name: np.asarray(drawn.group[name].values)[0] for name in names if name in drawn.group}
    return {name: values for name, values in found.items() if np.all(np.isfinite(values))}
