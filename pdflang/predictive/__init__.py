"""What a model predicts for its observations, beside what was observed: prior and posterior predictive."""

from pdflang.predictive.left_out import left_out_terms
from pdflang.predictive.observed import left_elsewhere, observed_arrays, term_schemas
from pdflang.predictive.predict import predict, with_likelihood

__all__ = ["left_elsewhere", "left_out_terms", "observed_arrays", "predict", "term_schemas", "with_likelihood"]
