"""Names, types and meaning: a model text becomes a typed Program over arrays."""

from pdflang.semantics.check import check_model
from pdflang.semantics.datasets import Columns

__all__ = ["Columns", "check_model"]
