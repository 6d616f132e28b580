"""Which data may be divided: their entries are independent, so that each part of them has a likelihood of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.ir import nodes
from pdflang.ir.nodes import (
    Apply,
    Array,
    Choose,
    Element,
    LogProbability,
    Loop,
    LoopIndex,
    MixtureLogProbability,
    Node,
    Reference,
    Whole,
)
from pdflang.ir.program import Observation, Program
from pdflang.ir.sizes import Axis
from pdflang.semantics.capabilities import likelihood_of
from pdflang.semantics.drawn_events import of_axis


def divisible(program: Program) -> dict[Axis, tuple[str, ...]]:
    """The axes whose rows may be divided, and the observations that run over each.

    Rows of an axis may be where data bind its length, and where of the log-density nothing but the terms of
    observations runs over it or reads its length: each term reads its own row of the data, directly or by a derived
    value of the same row.
    """
    candidates: dict[Axis, list[str]] = {}
    for observation in program.observations.values():
        if (axis := _axis_of(observation)) is not None:
            candidates.setdefault(axis, []).append(observation.name)
    return {axis: tuple(names) for axis, names in candidates.items() if _is_divisible(program, axis, names)}


def require_divisible(program: Program) -> dict[Axis, tuple[str, ...]]:
    """What `divisible` finds. PdflangError (E626) where there are no data to divide."""
    found = divisible(program)
    if not found:
        raise PdflangError(
            Diagnostic(
                "E626",
                "no data of the model can be divided: that takes rows on an axis whose length data bind, as `y[N]`, of "
                "which each follows from the parameters and its own row of data alone",
                remedy="sample with `nuts`",
            )
        )
    return found


def rows_of(program: Program, axis: Axis, names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """The data that have an entry for each row of an axis that `names` run over, and which of their axes have."""
    found: dict[str, tuple[int, ...]] = {}
    for name in names:
        found |= of_axis(program, program.observations[name], axis)
    return found


def _axis_of(observation: Observation) -> Axis | None:
    """The axis whose rows are independent of each other, if there is one."""
    likelihood = observation.log_likelihood
    if likelihood is None or not likelihood.axes:
        return None
    axis = observation.target.axes[0] if observation.process else likelihood.axes[0]
    return None if axis.size.is_known else axis


def _is_divisible(program: Program, axis: Axis, names: list[str]) -> bool:
    data = rows_of(program, axis, names)
    given = {name for name, datum in program.data.items() if axis in datum.axes}
    if axis.name is None and given - data.keys():
        return False  # axes without a name may be as long by chance
    if any(program.data[name].shape == "commondata" for name in given):
        return False  # their rows have covariances
    others = [observation for name, observation in program.observations.items() if name not in names]
    roots = [term for other in others for term in likelihood_of(other)]
    roots += [factor.node for factor in program.factors.values()]
    for parameter in program.parameters.values():
        if axis in parameter.axes:
            return False
        roots += [parameter.log_prior, *(parameter.ends or ())]
    search = _Search(axis, program.definition_nodes)
    for name in names:
        likelihood, process = program.observations[name].log_likelihood, program.observations[name].process
        assert likelihood is not None
        search.of_rows(likelihood)
        if process is not None and process.weights is not None:
            search.of_rows(process.weights)
        if process is not None and process.total is not None:
            roots.append(process.total)
    return search.is_row_by_row(roots)


class _Search:
    """Goes through expressions and the definitions that they read."""

    def __init__(self, axis: Axis, definitions: Mapping[str, Node]) -> None:
        self._axis = axis
        self._lengths = dict(axis.size.symbols)
        self._definitions = definitions
        self._pending: list[tuple[Node, Loop | None]] = []
        self._holds = True

    def of_rows(self, node: Node) -> None:
        """A node whose first axis is that of rows, each of which is to follow from the same row of data."""
        if self._axis not in node.axes:
            self._pending.append((node, None))
        elif node.axes[0] != self._axis or self._axis in node.axes[1:]:
            self._holds = False
        elif isinstance(node, Array):
            self._pending.append((node.body, node.loop))
        elif isinstance(node, Reference):
            if node.name in self._definitions:
                self.of_rows(self._definitions[node.name])
            else:
                self._holds &= node.kind == "data"
        elif isinstance(node, Apply | Choose | LogProbability | MixtureLogProbability) or _is_product(node, self._axis):
            for child in node.children():
                self.of_rows(child)
        else:
            self._holds = False

    def is_row_by_row(self, roots: Iterable[Node]) -> bool:
        """Whether none of these, nor what was said to be of rows, runs over the axis itself."""
        self._pending += [(root, None) for root in roots]
        seen: set[tuple[Node, Loop | None]] = set()
        while self._holds and self._pending:
            node, row = part = self._pending.pop()
            if part not in seen:
                seen.add(part)
                self._look(node, row)
        return self._holds

    def _look(self, root: Node, row: Loop | None) -> None:
        def below(node: Node) -> Iterable[Node]:
            if self._is_entry(node, row):
                assert isinstance(node, Element)
                self.of_rows(node.base)
                return node.positions[1:]
            return node.children()

        for node in nodes.walk(root, below=below):
            if isinstance(node, Reference):
                if node.kind == "length" and node.name in self._lengths:
                    self._holds = False
                if node.name in self._definitions:
                    self._pending.append((self._definitions[node.name], None))
            # An entry is an axis shorter than its base, and has the loop of its row.
            loops = node.loops if row is None else node.loops - {row}
            bare = isinstance(node, LoopIndex) and node.loop == row
            if bare or self._axis in node.axes or any(loop.axis == self._axis for loop in loops):
                self._holds = False

    def _is_entry(self, node: Node, row: Loop | None) -> bool:
        return (
            isinstance(node, Element) and row is not None and node.positions[0] == LoopIndex(row)
            and self._axis in node.base.axes[:1]
        )  # fmt: skip


def _is_product(node: Node, axis: Axis) -> bool:
    """Whether a node is a matrix with these rows times something."""
    return isinstance(node, Whole) and node.function.name == "@" and axis not in node.arguments[1].axes
