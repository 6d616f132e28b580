"""Which functions of a model are drawn, as outputs to be added to its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from pdflang.diagnostics import Reports
from pdflang.model import CompiledModel
from pdflang.report.chain import chain_of
from pdflang.semantics.modules import ModuleInstance, Modules
from pdflang.syntax import ast

MOST_MEMBERS = 6
"""Members of a family that are drawn over each other."""

_POINTS = 100


@dataclass(frozen=True)
class Wanted:
    """An output: its axes and value as text; the name of its function, its variable and the labels of its members."""

    declared: str
    variable: str
    members: tuple[str, ...]
    axes: str
    value: str


def wanted_functions(model: CompiledModel) -> tuple[list[Wanted], list[str]]:
    """Outputs for pdfs and theories of one variable, and why there are none for others.

    They are those of the main file, and of the files that it uses as far as observations depend on them.
    """
    wanted: list[Wanted] = []
    reasons: list[str] = []
    for prefix, declaration in _declarations(model):
        found = _Function(model, prefix, declaration).wanted()
        if isinstance(found, str):
            reasons.append(f"{prefix}{declaration.name} is not drawn: {found}")
        else:
            wanted.append(found)
    return wanted, reasons


def _declarations(model: CompiledModel) -> Iterator[tuple[str, ast.Pdf | ast.Theory]]:
    """What is declared as a function, with the name before the dot by which the main file calls it."""
    main = Modules(model.program.source, Reports()).main
    reached = {box.label for box in chain_of(model.program.source, []).boxes.values()}
    used = [(f"{alias}.", module) for alias, module in main.modules.items()]
    places: list[tuple[str, ModuleInstance]] = [("", main), *used]
    for prefix, module in places:
        for declaration in module.tree.declarations:
            is_function = isinstance(declaration, ast.Pdf | ast.Theory) and declaration.variables
            if is_function and (not prefix or module.prefix + declaration.name in reached):
                assert isinstance(declaration, ast.Pdf | ast.Theory)
                yield prefix, declaration


@dataclass(frozen=True)
class _Function:
    """A declaration, called from the main file by its name behind a `prefix`."""

    model: CompiledModel
    prefix: str
    declaration: ast.Pdf | ast.Theory

    def wanted(self) -> Wanted | str:
        """The output for a function of one variable, which may have members by index; or why there is none."""
        variables = self.declaration.variables or ()
        running = [variable for variable in variables if not self._is_member(variable)]
        if len(running) != 1:
            return f"it is a function of {len(running) or 'no'} variables"
        (variable,) = running
        indices = [self.prefix + axis.over.span.text for axis in self.declaration.axes]
        indices += [self._index(v) for v in variables if v is not variable]
        if not set(indices) <= set(self.model.program.indices):
            return "its members are not those of an index"
        members = list(product(*map(self._members, indices)))
        if len(members) > MOST_MEMBERS:
            return f"it has {len(members)} members"
        binders = [f"member_{i}" for i in range(len(indices))]
        places = iter(binders)
        subscripts = ", ".join(next(places) for _ in self.declaration.axes)
        arguments = ", ".join("x" if v is variable else next(places) for v in variables)
        axes = ", ".join(f"{binder} in {index}" for binder, index in zip(binders, indices, strict=True))
        name = self.prefix + self.declaration.name
        return Wanted(
            name,
            variable.name,
            tuple(", ".join(map(str, labels)) for labels in members),
            f"[{axes}]" if axes else "",
            f"{name}{f'[{subscripts}]' if subscripts else ''}({arguments}) for x in {_grid(variable)}",
        )

    def _is_member(self, variable: ast.Variable) -> bool:
        return self._index(variable) in self.model.program.indices

    def _index(self, variable: ast.Variable) -> str:
        """The index that a variable may run over, by its name in the main file."""
        return self.prefix + variable.domain.name if isinstance(variable.domain, ast.Name) else ""

    def _members(self, index: str) -> list[Any]:
        declared = self.model.program.indices[index]
        return list(declared.labels or range(declared.axis.size.bind(self.model.bound.lengths)))


def _grid(variable: ast.Variable) -> str:
    """Points inside of the domain: functions may have no value at its ends."""
    low, high = "0", "1"
    if isinstance(variable.domain, ast.Interval):
        low, high = variable.domain.lower.span.text, variable.domain.upper.span.text
    step = f"(({high}) - ({low}))*{0.5 / _POINTS}"
    return f"linspace(({low}) + {step}, ({high}) - {step}, {_POINTS})"
