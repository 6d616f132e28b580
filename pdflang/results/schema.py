"""What a saved quantity is: its axes, their labels, and the part it plays in the model."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["param", "nuisance", "derived", "output"]

ROLES: tuple[Role, ...] = ("param", "nuisance", "derived", "output")
"""The order in which tables show them."""


@dataclass(frozen=True)
class VariableSchema:
    """One quantity: names of its axes, labels of those axes that have any, its role.

    `bounds` are the ends of its support where these are numbers, for the check on draws that pile up there.
    """

    dims: tuple[str, ...] = ()
    coords: dict[str, list[Any]] = field(default_factory=dict)
    role: Role = "param"
    bounds: tuple[float | None, float | None] = (None, None)


def entry_names(name: str, shape: tuple[int, ...], schema: VariableSchema) -> list[str]:
    """Names of an array's entries in row-major order: `c[u]`, `theta[3]`, `m[u, 0]`; `mu` for a scalar."""
    if not shape:
        return [name]
    axes = [_axis_labels(axis, length, schema) for axis, length in enumerate(shape)]
    return [f"{name}[{', '.join(labels)}]" for labels in itertools.product(*axes)]


def _axis_labels(axis: int, length: int, schema: VariableSchema) -> list[str]:
    dim = schema.dims[axis] if axis < len(schema.dims) else ""
    labels = schema.coords.get(dim, [])
    return [_label(label) for label in labels] if len(labels) == length else [str(i) for i in range(length)]


def _label(label: Any) -> str:
    return f"{label:.6g}" if isinstance(label, float) else str(label)
