"""The plan of a bound program: all passes, in their order, over every expression."""

from __future__ import annotations

from dataclasses import replace

from pdflang.ir.evaluate import Evaluator
from pdflang.ir.nodes import Node, substitute
from pdflang.ir.program import BoundProgram, expressions, map_expressions
from pdflang.passes.convergence import Convergence
from pdflang.passes.densities import split_known_parts
from pdflang.passes.guards import guard_branches
from pdflang.passes.integrals import plan_integrals
from pdflang.passes.interpolations import gather_interpolations
from pdflang.passes.kernels import integrate_kernels
from pdflang.passes.linearity import shared_integrals
from pdflang.passes.powers import merge_powers
from pdflang.passes.roots import look_for_roots
from pdflang.passes.typical import typical_of


def plan(bound: BoundProgram, fineness: int = 1) -> BoundProgram:
    """The same program in the form that the backend writes down: no integrals, few exponentials.

    `fineness` multiplies the nodes of rules whose error is only known by a finer one, and the cells in which roots are
    looked for.
    """
    return bound.once(("plan", fineness), lambda: _planned(bound, fineness))


def _planned(bound: BoundProgram, fineness: int) -> BoundProgram:
    fold, typical = Evaluator({}, {}, bound.program.definition_nodes), typical_of(bound)
    convergence = Convergence(bound.program)

    guarded = map_expressions(bound.program, lambda node: integrate_kernels(convergence.guarded(node)))
    shared = shared_integrals(expressions(guarded))

    def planned_expression(node: Node) -> Node:
        summed = plan_integrals(substitute(node, shared), fold, typical, fineness)
        gathered = gather_interpolations(look_for_roots(summed, fineness))
        return split_known_parts(merge_powers(gathered))

    planned = map_expressions(guarded, planned_expression)
    definitions = planned.definition_nodes
    return replace(bound, program=map_expressions(planned, lambda node: guard_branches(node, definitions)))
