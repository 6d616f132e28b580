"""What stands after a dot: labels, columns, names of a module."""

from __future__ import annotations

from pdflang.components.arrays import SYSTEMATICS
from pdflang.diagnostics import Span, closest_names
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Node
from pdflang.ir.sizes import Axis
from pdflang.semantics.combine import error
from pdflang.semantics.datasets import sources_of, systematics_of
from pdflang.semantics.elaborator import Elaborator
from pdflang.semantics.modules import Entry, ModuleInstance, listing
from pdflang.semantics.pdfsets import density
from pdflang.semantics.values import (
    DatasetValue,
    FamilyValue,
    IndexValue,
    ModuleValue,
    PdfsetsValue,
    PdfsetValue,
    TableValue,
    Value,
    describe,
)
from pdflang.syntax import ast

_NUMBERS = ("Q", "alpha_s", "flavours")
"""What a pdfset has beside its densities."""


def member(elaborator: Elaborator, base: Value, name: str, span: Span) -> Value:
    """`base.name`. Error: E205."""
    if isinstance(base, ModuleValue):
        return _module_member(elaborator, base, name, span)
    if isinstance(base, TableValue):
        return base.column(name, span)
    if isinstance(base, DatasetValue):
        if base.whole and name in ("sources", *SYSTEMATICS):
            raise error(
                "E205", f"`{name}` is that of all data sets together, whose errors may have one source", span,
                remedy=f"write {base.whole}.{name}",
            )  # fmt: skip
        if name == "sources":
            return sources_of(base)
        return systematics_of(base, name) if name in SYSTEMATICS else base.column(name, span)
    if isinstance(base, IndexValue):
        return Constant(_label(base, name, span), span=span)
    if isinstance(base, FamilyValue):
        return base.member(Constant(_label(base.index, name, span), span=span))
    if isinstance(base, PdfsetValue):
        return _number_of(base, name, span) if name in _NUMBERS else density(base, name, span)
    if isinstance(base, Node) and base.axes:
        return _labelled_element(elaborator, base, name, span)
    remedy = "members are labels, columns of a table and names of a module"
    if isinstance(base, PdfsetsValue):
        remedy = f"take it at one of its scales, with the position in brackets: high[i].{name}"
    raise error("E205", f"{describe(base)} has no member `{name}`", span, remedy=remedy)


def _number_of(pdfset: PdfsetValue, name: str, span: Span) -> Node:
    """The scale of a pdfset, or what is known there."""
    known = pdfset.numbers.get(name, pdfset.scale if name == "Q" else None)
    if known is None:
        remedy = "declare it: at Q = 1.65" if name == "Q" else "what comes out of `evolve` has one: … |> evolve(Q = 10)"
        raise error("E205", f"`{name}` of `{pdfset.name}` is not known", span, remedy=remedy)
    return known if isinstance(known, Node) else Constant(known, span=span)


def _module_member(elaborator: Elaborator, module: ModuleValue, name: str, span: Span) -> Value:
    found = module.instance.find(name)
    if isinstance(found, Entry):
        return elaborator.declarations.declared(found, span)
    if isinstance(found, ModuleInstance):
        return ModuleValue(name, found)
    near = closest_names(name, module.instance.names())
    raise error(
        "E205",
        f"{module.instance.source.name} has no `{name}`",
        span,
        remedy=f"did you mean `{near[0]}`?" if near else f"it has {listing(module.instance.names())}",
    )


def _label(index: IndexValue, name: str, span: Span) -> int:
    if index.labels is None:
        raise error(
            "E205",
            f"the index `{index.name}` has no labels",
            span,
            remedy=f"write a position in brackets, counted from 0, or give it labels: index {index.name} = a, b",
        )
    if name not in index.labels:
        near = closest_names(name, index.labels)
        raise error(
            "E205",
            f"the index `{index.name}` has no label `{name}`",
            span,
            remedy=f"did you mean `{near[0]}`?" if near else f"its labels are {', '.join(index.labels)}",
        )
    return index.labels.index(name)


def _labelled_element(elaborator: Elaborator, base: Node, name: str, span: Span) -> Node:
    axis = base.axes[0]
    index = index_of(elaborator, axis)
    if index is None:
        raise error(
            "E205",
            f"an array over {axis} has no labels",
            span,
            remedy="write a position in brackets, counted from 0",
        )
    return nodes.Element(base, (Constant(_label(index, name, span)),), span=span)


def index_of(elaborator: Elaborator, axis: Axis) -> IndexValue | None:
    """The index that an axis runs over, or None."""
    for module in elaborator.modules.instances:
        for entry in module.entries.values():
            if isinstance(entry.declaration, ast.Index) and entry.qualified == axis.name:
                value = elaborator.declarations.declared(entry, entry.span)
                assert isinstance(value, IndexValue)
                return value
    return None
