"""Expressions of a planned program as NumPy functions: values at a few draws without compiling anything.

Certificates and event compression look at a model at draws of its prior before it is compiled; all loops are array
axes here, as in the generated module, of which this has the text for NumPy instead of JAX.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pdflang.backend.early import Early
from pdflang.backend.imports import Imports
from pdflang.backend.names import Names
from pdflang.backend.runtime.factorisation import NotPositiveDefinite
from pdflang.backend.writer import Context, Writer
from pdflang.ir import nodes
from pdflang.ir.nodes import ArrayConstant, Node, Reference
from pdflang.ir.program import BoundProgram

Values = Mapping[str, Any]
NumericFunction = Callable[[Values, Values], dict[str, Any]]


def numeric_function(
    planned: BoundProgram, roots: Mapping[str, Node], lengths: Mapping[str, int] | None = None
) -> NumericFunction:
    """The function `(params, data) -> values by name` of expressions of a planned program.

    `data` holds what `BoundProgram.arrays` holds; `lengths` replaces some of its lengths, where `data` has other
    numbers of events than the program was bound with. What follows from data is computed once for the same `data`.
    """
    definitions = planned.program.definition_nodes
    names = Names(frozenset(["params", "data", "arrays", "np", "prepare", "values"]))
    context = Context(Imports(names), {**planned.lengths, **(lengths or {})}, definitions)
    constants: dict[str, Any] = {}
    known = dict(_leaves(roots.values(), definitions, constants))
    early = Early()
    writer = Writer(context, names, "numpy", early, known)
    writer.expect(*roots.values())
    entries = [f"{json.dumps(name)}: {writer.text(node)}" for name, node in roots.items()]
    first = Writer(context, names.inner(), "numpy", None, known)
    first.expect(*early.values)
    prepared = [f"{json.dumps(name)}: {first.text(node)}" for node, name in early.values.items()]
    lines = [
        *context.imports.lines(),
        "def prepare(data):",
        *first.lines,
        f"    return {{{', '.join(prepared)}}}",
        "def values(params, data, arrays):",
        *writer.lines,
        f"    return {{{', '.join(entries)}}}",
    ]
    namespace: dict[str, Any] = {}
    exec(compile("\n".join(lines), "<pdflang numeric>", "exec"), namespace)
    return _Function(namespace["prepare"], namespace["values"], constants, tuple(roots))


class _Function:
    """Values at parameters, by what was prepared of the data that it was called with last."""

    def __init__(
        self,
        prepare: Callable[[Values], Values],
        values: Callable[[Values, Values, Values], dict[str, Any]],
        constants: Values,
        names: tuple[str, ...],
    ) -> None:
        self._prepare, self._values, self._constants, self._names = prepare, values, constants, names
        self._last: tuple[Values, Values, Values] | None = None

    def __call__(self, params: Values, data: Values) -> dict[str, Any]:
        import numpy as np

        # Draws far from the data overflow here and there; what comes of it is compared, not trusted.
        with np.errstate(all="ignore"):
            try:
                last = self._last  # one piece: another thread may call with other data
                if last is None or last[0] is not data:
                    all_data = {**data, **self._constants}
                    last = self._last = data, all_data, self._prepare(all_data)
                return self._values(params, *last[1:])
            except NotPositiveDefinite:
                return dict.fromkeys(self._names, np.nan)


def _leaves(
    roots: Iterable[Node], definitions: Mapping[str, Node], constants: dict[str, Any]
) -> Iterable[tuple[Node, str]]:
    """Parameters, data and known arrays below expressions, through definitions, with the text that reads each."""
    pending, seen = list(roots), set()
    while pending:
        for node in nodes.walk(pending.pop()):
            if node in seen:
                continue
            seen.add(node)
            if isinstance(node, ArrayConstant):
                name = f"constant {len(constants) + 1}"
                constants[name] = node.values.array()
                yield node, f"data[{json.dumps(name)}]"
            elif isinstance(node, Reference) and node.kind in ("param", "data"):
                group = "params" if node.kind == "param" else "data"
                yield node, f"{group}[{json.dumps(node.name)}]"
            elif isinstance(node, Reference) and node.name in definitions:
                pending.append(definitions[node.name])
