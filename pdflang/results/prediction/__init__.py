"""Observed data beside what a model predicts for them."""

from pdflang.results.prediction.checks import PredictiveCheck, check_prediction
from pdflang.results.prediction.comparison import Comparison, comparisons
from pdflang.results.prediction.leave_one_out import LeaveOneOut, leave_one_out, together
from pdflang.results.prediction.words import findings_of, to_csv, to_text

__all__ = [
    "Comparison",
    "LeaveOneOut",
    "PredictiveCheck",
    "check_prediction",
    "comparisons",
    "findings_of",
    "leave_one_out",
    "to_csv",
    "to_text",
    "together",
]
