"""Profiles of a density: its maximum over all other coordinates, along one quantity or over two.

Source: Murphy and van der Vaart, J. Am. Stat. Assoc. 95, 449 (2000); the crossings are those of MINUIT's MINOS (James
and Roos, Comput. Phys. Commun. 10, 343, 1975).
"""

from pdflang.inference.profiles.curve import Curve, Interval, curve_of
from pdflang.inference.profiles.edges import Edge, edge_of
from pdflang.inference.profiles.plane import Plane, plane_of
from pdflang.inference.profiles.section import HIGHER, Place, Quantity, Section

__all__ = [
    "HIGHER", "Curve", "Edge", "Interval", "Place", "Plane", "Quantity", "Section", "curve_of", "edge_of", "plane_of",
]  # fmt: skip
