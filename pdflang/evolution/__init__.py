"""Evolution of parton densities to other scales."""

from pdflang.evolution.dglap import LOOPS, PIDS, Evolution, evolved

__all__ = ["LOOPS", "PIDS", "Evolution", "evolved"]
