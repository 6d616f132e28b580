"""Data drawn at draws of the prior or the posterior, in groups by ArviZ's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdflang.fields import data_schemas
from pdflang.inference import Monitor, QuietMonitor
from pdflang.inference.options import PredictOptions, chosen_seed
from pdflang.model import CompiledModel
from pdflang.predictive.draws import DrawnParameters, of_posterior, of_prior
from pdflang.predictive.events import bins_of
from pdflang.predictive.left_out import agreement
from pdflang.predictive.observed import observed_data, term_schemas, without_density
from pdflang.predictive.simulation import binned, examples, simulated
from pdflang.results.posterior import group_of, tree_of
from pdflang.results.trees import Group

if TYPE_CHECKING:
    import xarray


def predict(
    model: CompiledModel,
    options: PredictOptions,
    posterior: xarray.DataTree | None = None,
    monitor: Monitor | None = None,
) -> xarray.DataTree:
    """Data drawn at draws of a posterior, or of the prior where none is given, as a DataTree in ArviZ's schema.

    The groups are posterior, posterior_predictive, log_likelihood and observed_data, or prior, prior_predictive and
    observed_data; `chi2` has χ² of Gaussian observations at the draws of a posterior. Data are (chain, draw, *axes);
    lists of events are counts in bins, with their edges in constant_data. log_likelihood has the terms of
    `left_out_terms`. The same seed predicts the same at a draw, whatever other draws there are: what `simulate` draws
    with the key `fold_in(key(seed), number of the draw)`. Errors: E607 where the prior cannot be drawn from, E609
    where the posterior is of other parameters, E613 where the rate of events at a draw allows none.
    """
    import jax

    kind = "prior" if posterior is None else "posterior"
    seed = chosen_seed(options.seed)
    with jax.enable_x64(True):
        key = jax.random.key(seed)
        drawn = of_prior(model, key, options) if posterior is None else of_posterior(model, key, options, posterior)
        bins = bins_of(model, examples(model, drawn))
        predicted = simulated(model, drawn, bins, options.threads, monitor or QuietMonitor())
        known = {**data_schemas(model), **{b.name: b.schema for b in bins}}
        groups = {
            kind: drawn.group,
            f"{kind}_predictive": drawn.as_group(predicted, known),
            **(_beside_posterior(model, drawn) if posterior is not None else {}),
            "observed_data": group_of(binned(bins, observed_data(model)), known, ()),
            "constant_data": group_of({f"{b.name} edges": b.edges for b in bins}, {}, ()),
        }
    attributes = {"method": "predict", "kind": kind, "seed": seed, "without_density": without_density(model)}
    return tree_of(groups, attributes).to_xarray()


def with_likelihood(model: CompiledModel, posterior: xarray.DataTree, draws: int) -> xarray.DataTree:
    """So many draws of the parameters, evenly spaced in each chain, with the terms of `left_out_terms`: what LOO takes.

    Error: E609 where the posterior is of other parameters.
    """
    import jax

    with jax.enable_x64(True):
        drawn = of_posterior(model, jax.random.key(0), PredictOptions(draws=draws), posterior, derived=False)
        return tree_of({"posterior": drawn.group, **_beside_posterior(model, drawn)}, {}).to_xarray()


def _beside_posterior(model: CompiledModel, drawn: DrawnParameters) -> dict[str, Group | None]:
    """The terms of the likelihood, and χ² of Gaussian observations, at each draw."""
    terms, chi2 = agreement(model, drawn.parameters)
    return {"log_likelihood": drawn.as_group(terms, term_schemas(model, terms)), "chi2": drawn.as_group(chi2, {})}
