"""What networks see of data: which observations are one long vector, and which are sets of rows in no order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.ir import nodes
from pdflang.ir.evaluate import Evaluator
from pdflang.ir.program import EventVariable, Observation, Program
from pdflang.semantics.lints import everything_read

if TYPE_CHECKING:
    from pdflang.model import CompiledModel


@dataclass(frozen=True)
class Part:
    """One observed datum.

    `shape` is that of an array, without the axis of its rows where it `is_set`: those are independent of each other and
    alike, given the parameters, so that their order says nothing; there are `rows` of them. Events are a set of any
    number of rows, with a column for each of the `variables`, whose numbers of `labels` are 0 for numbers; where it
    `is_normalised`, that number says nothing. `bounds` are those of each variable, None where it has not both;
    `weights` is the name of their weights, if they have any. `is_whole` says that values are integers.
    """

    name: str
    is_set: bool
    shape: tuple[int, ...] = ()
    variables: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    is_whole: bool = False
    rows: int = 0
    is_normalised: bool = False
    bounds: tuple[tuple[float, float] | None, ...] = ()
    weights: str = ""

    @property
    def is_events(self) -> bool:
        return bool(self.variables)

    @property
    def width(self) -> int:
        """How many numbers a row has, or the vector."""
        return sum(max(1, count) for count in self.labels) if self.is_events else int(np.prod(self.shape, dtype=int))

    def record(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Part:
        """What `record` made plain."""
        return cls(**{name: _tuples(value) for name, value in record.items()})


def _tuples(value: Any) -> Any:
    """Lists as tuples, also within lists."""
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value


def layout_of(model: CompiledModel, weighted: bool = False, instead: str = "carl") -> tuple[Part, ...]:
    """The parts of the data of a model.

    Error: E662 where there is nothing observed, or where events have weights and may not be `weighted`, as they may be
    by the method `instead`.
    """
    program = model.program
    if not program.observations:
        raise PdflangError(
            Diagnostic(
                "E662", "the model observes nothing, so that there is nothing to learn from",
                remedy="say what is observed: observe y ~ Normal(mu, 1)",
            )
        )  # fmt: skip
    parts = tuple(_part(model, observation) for observation in program.observations.values())
    with_weights = next((part.name for part in parts if part.weights), None)
    if with_weights is not None and not weighted:
        raise PdflangError(
            Diagnostic(
                "E662", f"the events of `{with_weights}` have weights", program.observations[with_weights].span,
                remedy=f"learn from events without weights, or by `{instead}`, to which they may have signs",
            )
        )  # fmt: skip
    return parts


def _part(model: CompiledModel, observation: Observation) -> Part:
    program, process = model.program, observation.process
    if process is not None:
        variables = process.variables
        lengths = [v.axis.size.bind(model.bound.lengths) if v.axis is not None else 0 for v in variables]
        names = tuple(variable.name for variable in variables)
        bounds = tuple(_bounds(model, variable) for variable in variables)
        weights = process.weights.name if isinstance(process.weights, nodes.Reference) else ""
        return Part(
            observation.name, True, (), names, tuple(lengths), is_normalised=process.normalised, bounds=bounds,
            weights=weights,
        )  # fmt: skip
    datum = program.data[observation.name]
    shape = tuple(axis.size.bind(model.bound.lengths) for axis in datum.axes)
    over, is_whole = _rows(program, observation, shape), datum.dtype == "int"
    rows = int(np.prod(shape[:over], dtype=int)) if over else 0
    return Part(observation.name, over > 0, shape[over:], is_whole=is_whole, rows=rows)


def _bounds(model: CompiledModel, variable: EventVariable) -> tuple[float, float] | None:
    if variable.lower is None or variable.upper is None:
        return None
    evaluate = Evaluator(model.bound.arrays, model.bound.lengths, model.program.definition_nodes)
    return float(evaluate(variable.lower)), float(evaluate(variable.upper))


def _rows(program: Program, observation: Observation, shape: tuple[int, ...]) -> int:
    """How many of the leading axes run over rows that are alike and independent; 0 where none does."""
    draws, definitions = observation.draws, program.definition_nodes
    if draws is None or not getattr(draws.row, "has_density", True) or not shape or shape[0] < 2:
        return 0
    if any(observation.name in _read(other, definitions) for other in program.observations.values()):
        return 0
    if not observation.loops:
        alike = draws.row.rank == 0 and all(not node.axes for node in draws.reads)
        return len(shape) if alike else 0
    (loop, *others) = observation.loops
    length = loop.axis.size if loop.axis is not None else None
    whole = not others and observation.offsets[0] == 0 and length == program.data[observation.name].axes[0].size
    return 1 if whole and all(loop not in node.loops for node in draws.reads) else 0


def _read(observation: Observation, definitions: Mapping[str, nodes.Node]) -> set[str]:
    """All names that the distribution of an observation reads."""
    reads = list(observation.draws.reads) if observation.draws is not None else []
    if observation.process is not None and observation.process.total is not None:
        reads.append(observation.process.total)
    return {name for node in reads for name in everything_read(node, definitions)}


def weights_of(part: Part, data: Mapping[str, Any]) -> np.ndarray:
    """The weights (rows,) of the events of a data set; 1 where they have none."""
    events = data[part.name]
    if part.weights:
        own = part.weights.removeprefix(f"{part.name}.")
        return np.asarray(data[own] if own == part.weights else events[own], float)
    column = events[part.variables[0]] if isinstance(events, Mapping) else events
    return np.ones(len(column))


def numbers_of(model: CompiledModel, part: Part, data: Mapping[str, Any]) -> np.ndarray:
    """One data set, as `simulate` gives it, as numbers: (width,), or (rows, width) of a set."""
    values = data[part.name]
    if not part.is_events:
        array = np.asarray(values, float)
        return array.reshape(-1, part.width) if part.is_set else array.ravel()
    process = model.program.observations[part.name].process
    assert process is not None
    columns = values if isinstance(values, Mapping) else {part.variables[0]: values}
    made = []
    for variable, labels in zip(process.variables, part.labels, strict=True):
        column = np.asarray(columns[variable.name])
        if not labels:
            made.append(column.astype(float)[:, None])
            continue
        index = model.program.indices.get(variable.axis.name or "") if variable.axis is not None else None
        if index is not None and index.labels and column.dtype.kind in "UO":
            places = {label: place for place, label in enumerate(index.labels)}
            column = np.array([places[label] for label in column.tolist()], int)
        made.append(np.eye(labels)[column.astype(int)])
    return np.concatenate(made, axis=1) if made else np.zeros((0, 0))
