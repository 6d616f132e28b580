"""The likelihood of a list of events with nodes in their place."""

from __future__ import annotations

from dataclasses import replace

from pdflang.ir import nodes
from pdflang.ir.nodes import Loop, LoopIndex, Node, Phase, Reference
from pdflang.ir.program import Observation
from pdflang.ir.ranges import REAL
from pdflang.ir.sizes import Axis, symbol
from pdflang.passes.compression.measure import Array, Measure


def at_nodes(observation: Observation) -> Observation:
    """The observation with log-rates at its nodes, and their weights; how its events are drawn does not change.

    The nodes are data by the names of `node_arrays`, over an axis whose length has the name of the weights.
    """
    likelihood, process = observation.log_likelihood, observation.process
    assert isinstance(likelihood, nodes.Array) and process is not None
    axis = Axis(symbol(_weights(observation)))
    loop = Loop(likelihood.loop.depth, axis)
    columns = {name for column in process.columns.values() for name in nodes.references(column)}
    moved: dict[Node, Node] = {LoopIndex(likelihood.loop): LoopIndex(loop)}
    for node in nodes.walk(likelihood.body):
        if isinstance(node, Reference) and node.name in columns:
            moved[node] = _data(f"{node.name} nodes", axis, node)
    weights = Reference(_weights(observation), "data", (axis,), "real", Phase.DATA, REAL)
    return replace(
        observation,
        log_likelihood=nodes.Array(loop, nodes.substitute(likelihood.body, moved)),
        process=replace(process, weights=weights),
    )


def _data(name: str, axis: Axis, like: Reference) -> Reference:
    return Reference(name, "data", (axis,), like.dtype, Phase.DATA, like.range)


def _weights(observation: Observation) -> str:
    return f"{observation.name} node weights"


def node_arrays(observation: Observation, rule: Measure) -> dict[str, Array]:
    """The arrays of nodes and weights, each (nodes,), by the names under which the likelihood reads them."""
    process = observation.process
    assert process is not None
    columns = [reference for column in process.columns.values() for reference in nodes.references(column).values()]
    arrays = {
        f"{column.name} nodes": rule.points[:, k].astype(int if column.dtype == "int" else float)
        for k, column in enumerate(columns)
    }
    return {**arrays, _weights(observation): rule.weights}
