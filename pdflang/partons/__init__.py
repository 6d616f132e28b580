"""Parton densities of runs and of LHAPDF sets: their members at any x and scale, and what follows from them."""
