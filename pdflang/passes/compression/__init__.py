"""Events that give way to a few nodes, exact to a stated tolerance in log-likelihood."""

from pdflang.passes.compression.coordinates import Category, Coordinate
from pdflang.passes.compression.measure import Measure
from pdflang.passes.compression.rules import condensed
from pdflang.passes.compression.search import Compression, Refusal, compress

__all__ = ["Category", "Compression", "Coordinate", "Measure", "Refusal", "compress", "condensed"]
