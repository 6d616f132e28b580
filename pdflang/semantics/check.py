"""From a model text to a checked Program: the front door of `semantics`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pdflang.diagnostics import Reports, SourceFile
from pdflang.ir import nodes
from pdflang.ir.nodes import Node
from pdflang.ir.program import Definition, Parameter, Program
from pdflang.semantics.combine import error
from pdflang.semantics.datasets import Columns
from pdflang.semantics.declarations import DeclarationTable
from pdflang.semantics.earlier import with_earlier
from pdflang.semantics.expressions import Expressions
from pdflang.semantics.function_domains import outside_domains
from pdflang.semantics.lints import everything_read, lint_momentum_sums, lint_program
from pdflang.semantics.modules import ModuleInstance, Modules
from pdflang.semantics.observations import Statements
from pdflang.semantics.phases import settle_phases
from pdflang.syntax import ast

_GO_ON = ("E202",)
"""Errors of names after which the rest of a model can be looked at: of two declarations the first one stands."""


def check_model(source: SourceFile, columns: Columns) -> Program:
    """The typed program of a model and the files it uses. Raises PdflangError with everything that is wrong."""
    reports = Reports()
    modules = Modules(source, reports)
    if any(found.code not in _GO_ON for found in reports.errors):
        reports.raise_errors()
    elaborator = Expressions(modules, reports)
    table = DeclarationTable(elaborator, columns)
    elaborator.declarations = table
    statements = Statements(elaborator, table)
    for module, declaration in _in_order(modules):
        with reports.collecting():
            _elaborate(module, declaration, table, statements)
    for written in table.solves:
        with reports.collecting():
            definition = table.solves.solution(*written)
            table.definitions[definition.name] = definition
    table.definitions |= table.solves.together(table.definitions)
    with reports.collecting():
        statements.check_reading()
    with reports.collecting():
        statements.check_circles()
    reports.raise_errors()
    ordered = _ordered(table.definitions)
    parameters = _ancestral(table.parameters, {name: definition.node for name, definition in ordered.items()})
    program = Program(
        source=source,
        files=tuple(module.source for module in modules.instances),
        indices=table.indices,
        data=table.data,
        fk_tables={name: fk for fk, name in table.fk_tables.items()},
        parameters=parameters,
        definitions=ordered,
        observations=statements.observations,
        factors=statements.factors,
        outputs=statements.outputs,
        checks=tuple(elaborator.checks),
        lints=(),
        pdfsets=table.pdfsets,
        evolutions={name: source for source, name in table.evolutions.items()},
        lhapdf_sets={name: source for source, name in table.lhapdf_sets.items()},
    )
    with reports.collecting():
        program = with_earlier(program)
    for remark in (
        *lint_program(program, table.used),
        *lint_momentum_sums(program, table.momentum_sums),
        *outside_domains(elaborator, program),
    ):
        reports.add(remark)
    reports.raise_errors()
    return replace(settle_phases(program), lints=reports.lints)


def _in_order(modules: Modules) -> Iterator[tuple[ModuleInstance, ast.Declaration]]:
    """Used files first, so that what reads a broken declaration does not report it again elsewhere."""
    for module in reversed(modules.instances):
        for declaration in module.tree.declarations:
            yield module, declaration


def _elaborate(
    module: ModuleInstance, declaration: ast.Declaration, table: DeclarationTable, statements: Statements
) -> None:
    if isinstance(declaration, ast.Observe):
        statements.observe(module, declaration)
    elif isinstance(declaration, ast.Factor):
        statements.factor(module, declaration)
    elif isinstance(declaration, ast.Output):
        statements.output(module, declaration)
    else:
        table.define(module.entries[declaration.name], declaration.name_span)


def _ancestral(parameters: dict[str, Parameter], definitions: dict[str, Node]) -> dict[str, Parameter]:
    """Parameters, each after those that its prior reads. A circle through a `solve` is found here."""
    ordered: dict[str, Parameter] = {}

    def visit(parameter: Parameter, active: tuple[str, ...]) -> None:
        if parameter.name in active:
            chain = " needs ".join(f"`{n}`" for n in (*active[active.index(parameter.name) :], parameter.name))
            raise error(
                "E203", f"the priors go in a circle: {chain}", parameter.span,
                remedy="a prior reads parameters that are drawn before it",
            )  # fmt: skip
        if parameter.name not in ordered:
            read = (name for node in parameter.prior.reads for name in everything_read(node, definitions))
            for name in dict.fromkeys(read):
                if name in parameters:
                    visit(parameters[name], (*active, parameter.name))
            ordered[parameter.name] = parameter

    for parameter in parameters.values():
        visit(parameter, ())
    return ordered


def _ordered(definitions: dict[str, Definition]) -> dict[str, Definition]:
    """Definitions, each after those it reads. A circle through a `solve` is found here."""
    plain: dict[str, Node] = {name: definition.node for name, definition in definitions.items()}
    ordered: dict[str, Definition] = {}
    active: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        if name in active:
            chain = " needs ".join(f"`{n}`" for n in [*active[active.index(name) :], name])
            raise error(
                "E203",
                f"the definition goes in a circle: {chain}",
                definitions[name].span,
                remedy="constants that need each other's solutions are found together "
                "where each equation contains its own, and all are linear in all of them",
            )
        active.append(name)
        for needed in nodes.references(plain[name]):
            if needed in plain:
                visit(needed)
        active.pop()
        ordered[name] = definitions[name]

    for name in definitions:
        visit(name)
    return ordered


