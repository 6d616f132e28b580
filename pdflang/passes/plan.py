"""The plan of a bound program: all passes, in their order, over every expression."""

from __future__ import annotations

from dataclasses import replace

from pdflang.ir.evaluate import Evaluator
from pdflang.ir.program import BoundProgram, map_expressions
from pdflang.passes.densities import split_known_parts
from pdflang.passes.guards import guard_branches
from pdflang.passes.integrals import plan_integrals
from pdflang.passes.powers import merge_powers


def plan(bound: BoundProgram) -> BoundProgram:
    """The same program in the form that the backend writes down: no integrals, few exponentials."""
    fold = Evaluator({}, {}, bound.program.definition_nodes)
    planned = map_expressions(bound.program, lambda node: split_known_parts(merge_powers(plan_integrals(node, fold))))
    definitions = planned.definition_nodes
    return replace(bound, program=map_expressions(planned, lambda node: guard_branches(node, definitions)))
