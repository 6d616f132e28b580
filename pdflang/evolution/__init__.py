"""Evolution of parton densities to other scales."""

from pdflang.evolution.dglap import LOOPS, PIDS, Evolution, coupling, evolved

__all__ = ["LOOPS", "PIDS", "Evolution", "coupling", "evolved"]
