"""Batches of simulations: parameters, data drawn at them, how these came about, and what follows from that."""

from pdflang.simulator.batch import Batch, EventScores
from pdflang.simulator.drawing import Simulator
from pdflang.simulator.event_sets import EventSets
from pdflang.simulator.proposals import Proposal

__all__ = ["Batch", "EventScores", "EventSets", "Proposal", "Simulator"]
