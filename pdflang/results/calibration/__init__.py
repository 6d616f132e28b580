"""What the ranks of true values among posterior draws say: uniformity, widths, coverage; the result and its words."""

from pdflang.results.calibration.result import Calibration, Coverage, Quantity, assessed
from pdflang.results.calibration.uniformity import Band, ecdf, ecdf_band, histogram
from pdflang.results.calibration.widths import Width, detectable_width, fits_to_detect
from pdflang.results.calibration.words import findings_of, to_text

__all__ = [
    "Band",
    "Calibration",
    "Coverage",
    "Quantity",
    "Width",
    "assessed",
    "detectable_width",
    "ecdf",
    "ecdf_band",
    "findings_of",
    "fits_to_detect",
    "histogram",
    "to_text",
]
