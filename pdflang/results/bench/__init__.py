"""Methods beside each other on one model: what is measured of each, the ranking, its words."""

from pdflang.results.bench.ranking import Bench, Contestant, Reference, Row, Run, ranked, reference_of
from pdflang.results.bench.words import findings_of, to_csv, to_record, to_text

__all__ = [
    "Bench",
    "Contestant",
    "Reference",
    "Row",
    "Run",
    "findings_of",
    "ranked",
    "reference_of",
    "to_csv",
    "to_record",
    "to_text",
]
