"""Batches of simulations: parameters, data drawn at them, how these came about, and what follows from that."""

from pdflang.simulator.batch import Batch, EventScores
from pdflang.simulator.drawing import Simulator
from pdflang.simulator.event_sets import EventSets
from pdflang.simulator.files import simulations
from pdflang.simulator.proposals import Proposal
from pdflang.simulator.records import Simulations, matrix

__all__ = ["Batch", "EventScores", "EventSets", "Proposal", "Simulations", "Simulator", "matrix", "simulations"]
