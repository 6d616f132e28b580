"""Events that give way to a few nodes, exact to a stated tolerance in log-likelihood."""

from pdflang.passes.compression.charts import charts_of, kink_of
from pdflang.passes.compression.coordinates import Category, Chart, Coordinate
from pdflang.passes.compression.likelihood import at_nodes, node_arrays
from pdflang.passes.compression.measure import Function, Measure
from pdflang.passes.compression.search import Compression, Refusal, best_chart, compress

__all__ = [
    "Category",
    "Chart",
    "Compression",
    "Coordinate",
    "Function",
    "Measure",
    "Refusal",
    "at_nodes",
    "best_chart",
    "charts_of",
    "compress",
    "kink_of",
    "node_arrays",
]
