"""Names, labels and bounds of what a model infers: how results are laid out."""

from __future__ import annotations

from typing import Any

from pdflang.ir.evaluate import Evaluator
from pdflang.ir.nodes import Constant
from pdflang.ir.program import Parameter
from pdflang.ir.ranges import Range
from pdflang.ir.sizes import Axis
from pdflang.model import CompiledModel
from pdflang.results import VariableSchema
from pdflang.results.schema import entry_names


def schemas(model: CompiledModel) -> dict[str, VariableSchema]:
    """The axes, coordinates and role of every parameter, derived value and observed datum."""
    program = model.program
    found: dict[str, VariableSchema] = {}
    for parameter in program.parameters.values():
        dims, coords = _axes(model, parameter.name, parameter.axes)
        found[parameter.name] = VariableSchema(dims, coords, parameter.role, _bounds(parameter))
    for definition in program.definitions.values():
        if definition.kind == "solve":
            found[definition.name] = VariableSchema((), {}, "derived")
    for output in program.outputs.values():
        dims, coords = _axes(model, output.name, output.node.axes)
        for dim, node in zip(dims, output.coordinates, strict=True):
            if node is not None:
                values = Evaluator(model.bound.arrays, model.bound.lengths, program.definition_nodes)(node)
                coords[dim] = [float(v) for v in values]
        found[output.name] = VariableSchema(dims, coords, "output")
    for observation in program.observations.values():
        term = observation.target if observation.log_likelihood is None else observation.log_likelihood
        dims, coords = _axes(model, observation.name, term.axes)
        for dim, axis, offset in zip(dims, term.axes, observation.offsets, strict=False):
            if offset:
                coords[dim] = list(range(offset, offset + axis.size.bind(model.bound.lengths)))
        found.setdefault(observation.name, VariableSchema(dims, coords, "output"))
    return found


def parameter_entries(model: CompiledModel) -> tuple[str, ...]:
    """The names of the flattened parameters, in their order: `mu`, `theta[3]`, `c[u]`."""
    known = schemas(model)
    shapes = {slot.parameter.name: slot.shape for slot in model.functions.generated.slots}
    return tuple(entry for name in model.program.parameters for entry in entry_names(name, shapes[name], known[name]))


def data_schemas(model: CompiledModel) -> dict[str, VariableSchema]:
    """The axes and coordinates of observed data themselves, and of the columns of tables, by name."""
    program, found = model.program, {}
    for name in program.observations:
        datum = program.data[name]
        dims, coords = _axes(model, name, datum.axes)
        for key in (name, *(f"{name}.{column}" for column in datum.columns)):
            found[key] = VariableSchema(dims, coords, "output")
    return found


def _bounds(parameter: Parameter) -> tuple[float | None, float | None]:
    """The ends of the support, without those that the prior itself leaves open.

    There its density is 0 or infinite by its own choice, as that of Gamma(0.5, 1) at 0.
    """
    if parameter.ends is not None:
        lower, upper = (float(end.value) if isinstance(end, Constant) else None for end in parameter.ends)
        return lower, upper
    support, own = parameter.support, parameter.prior.row.support
    if not isinstance(own, Range):
        return support.lower, support.upper
    return (
        None if own.open_lower and support.lower == own.lower else support.lower,
        None if own.open_upper and support.upper == own.upper else support.upper,
    )


def _axes(model: CompiledModel, name: str, axes: tuple[Axis, ...]) -> tuple[tuple[str, ...], dict[str, list[Any]]]:
    dims: list[str] = []
    coords: dict[str, list[Any]] = {}
    for position, axis in enumerate(axes):
        dim = axis.name if axis.name and axis.name not in dims else f"{name}_dim_{position}"
        dims.append(dim)
        index = model.program.indices.get(axis.name or "")
        labels = index.labels if index is not None else model.bound.labels.get(axis.name or "")
        if labels:
            coords[dim] = list(labels)
    return tuple(dims), coords
