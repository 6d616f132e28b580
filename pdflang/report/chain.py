"""How a model hangs together: parameters, functions made of them, operators, observations, and what reads what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pdflang.diagnostics import Reports, SourceFile, Span
from pdflang.report.listing import anchor
from pdflang.semantics.modules import Entry, ModuleInstance, Modules, place_of
from pdflang.syntax import ast

KINDS = ("parameter", "derived", "pdf", "theory", "operator", "observation")
"""From left to right."""

_KIND_OF: dict[type, str] = {
    ast.Param: "parameter", ast.Let: "derived", ast.Solve: "derived", ast.Pdf: "pdf", ast.Pdfset: "pdf",
    ast.Theory: "theory", ast.Detector: "operator", ast.Factor: "observation",
}  # fmt: skip
_LONGEST = 24


@dataclass
class Box:
    """One part of a model: what it is called, its kind, its line's anchor, and the names of those that it reads."""

    name: str
    label: str
    kind: str
    anchor: str | None
    reads: dict[str, None] = field(default_factory=dict)
    is_solved: bool = False


@dataclass(frozen=True)
class Chain:
    """The boxes of a model by name, and the anchors of all that it declares by the names that results have."""

    boxes: dict[str, Box]
    anchors: dict[str, str]


def chain_of(model: SourceFile, names: list[str]) -> Chain:
    """The chain of a model; `names` are those of its files, the main one first, in the order of a page.

    Raises PdflangError where it, or a file that it uses, is wrong or cannot be read.
    """
    reports = Reports()
    modules = Modules(model, reports)
    reports.raise_errors()
    return _Reader(modules, names).chain()


class _Reader:
    def __init__(self, modules: Modules, names: list[str]) -> None:
        self._modules = modules
        self._numbers = {name: number for number, name in enumerate(names)}
        self._boxes: dict[str, Box] = {}
        self._inlined: dict[str, dict[str, None]] = {}
        self._stages: dict[str, str] = {}
        """The declaration of each stage of a pipe: one that stands in two is a box in each, named by its input."""

    def chain(self) -> Chain:
        anchors: dict[str, str] = {}
        for module in self._modules.instances:
            for declaration in module.tree.declarations:
                place = self._anchor(declaration.name_span)
                if place is not None:
                    anchors.setdefault(module.prefix + declaration.name, place)
                if isinstance(declaration, ast.Observe):
                    self._observe(module, declaration)
                elif isinstance(declaration, ast.Factor):
                    self._box(Entry(declaration.name, declaration, module))
        if not self._boxes:
            for entry in self._modules.main.entries.values():
                if type(entry.declaration) in _KIND_OF:
                    self._box(entry)
        self._settle_stages()
        for box in self._boxes.values():
            if box.is_solved:
                _open(box, self._boxes)
        return Chain(_without_constants(self._boxes), anchors)

    def _observe(self, module: ModuleInstance, declaration: ast.Observe) -> None:
        name = module.prefix + declaration.name
        box = Box(f"observe {name}", name, "observation", self._anchor(declaration.span))
        self._boxes[box.name] = box
        box.reads |= self._reads(module, declaration.distribution, frozenset(_binders(declaration)))

    def _box(self, entry: Entry) -> str:
        name = entry.qualified
        if name not in self._boxes:
            declaration = entry.declaration
            box = Box(name, name, _KIND_OF[type(declaration)], self._anchor(entry.span))
            box.is_solved = isinstance(declaration, ast.Solve)
            self._boxes[name] = box
            box.reads |= self._parts(entry.module, declaration)
        return name

    def _parts(self, module: ModuleInstance, declaration: ast.Node) -> dict[str, None]:
        return self._below(module, declaration, frozenset(_binders(declaration)))

    def _below(self, module: ModuleInstance, node: ast.Node, bound: frozenset[str]) -> dict[str, None]:
        found: dict[str, None] = {}
        for child in ast.children(node):
            found |= self._reads(module, child, bound)
        return found

    def _reads(self, module: ModuleInstance, node: ast.Node, bound: frozenset[str]) -> dict[str, None]:
        """The boxes that an expression reads; those of operators are made here."""
        if isinstance(node, ast.Name):
            return {} if node.name in bound else self._named(module.find(node.name))
        if isinstance(node, ast.Member):
            base = module.find(node.base.name) if isinstance(node.base, ast.Name) else None
            if isinstance(base, ModuleInstance):
                return self._named(base.find(node.name))
            return self._reads(module, node.base, bound)
        if isinstance(node, ast.Comprehension):
            bound |= {clause.variable for clause in node.clauses}
        if isinstance(node, ast.Pipe):
            return self._piped(module, node, bound)
        return self._below(module, node, bound)

    def _piped(self, module: ModuleInstance, node: ast.Pipe, bound: frozenset[str]) -> dict[str, None]:
        before = self._reads(module, node.value, bound)
        beside = self._reads(module, node.function, bound)
        stage = next((name for name in beside if self._boxes[name].kind in ("operator", "theory")), None)
        text = " ".join(node.function.span.text.split())
        name = f"{stage or module.prefix + text} of {', '.join(before)}"
        if stage is None:
            self._boxes.setdefault(name, Box(name, text, "operator", self._anchor(node.function.span)))
        else:
            self._boxes.setdefault(name, replace(self._boxes[stage], name=name, reads={}))
            self._stages[name] = stage
        self._boxes[name].reads |= {read: None for read in (*beside, *before) if read != stage}
        return {name: None}

    def _settle_stages(self) -> None:
        """Each has what its declaration reads beside its input; the declaration itself is none that stands alone."""
        for name, stage in self._stages.items():
            self._boxes[name].reads |= self._boxes[stage].reads
        read = {name for box in self._boxes.values() for name in box.reads}
        for stage in set(self._stages.values()) - read:
            del self._boxes[stage]

    def _named(self, found: Entry | ModuleInstance | None) -> dict[str, None]:
        """What a name stands for: a box, or what a helper function reads, which is part of whatever calls it."""
        if not isinstance(found, Entry):
            return {}
        if type(found.declaration) in _KIND_OF:
            return {self._box(found): None}
        if not isinstance(found.declaration, ast.Func):
            return {}
        if found.qualified not in self._inlined:
            self._inlined[found.qualified] = {}
            self._inlined[found.qualified] = self._parts(found.module, found.declaration)
        return self._inlined[found.qualified]

    def _anchor(self, span: Span) -> str | None:
        number = self._numbers.get(place_of(span.source, self._modules.main.source))
        return None if number is None else anchor(number, span.line)


def _open(box: Box, boxes: Mapping[str, Box]) -> None:
    """Cut the circle of a solved constant, whose equation reads functions that read it: what they are made of stays."""
    todo, seen = list(box.reads), set(box.reads)
    box.reads = {}
    while todo:
        name = todo.pop(0)
        if box.name not in _everything(name, boxes):
            box.reads[name] = None
            continue
        parts = [part for part in boxes[name].reads if part not in seen and part != box.name]
        todo, seen = [*todo, *parts], {*seen, *parts}


def _everything(name: str, boxes: Mapping[str, Box]) -> set[str]:
    """All that a box reads, also by way of others."""
    found: set[str] = set()
    todo = [name]
    while todo:
        new = [read for read in boxes[todo.pop()].reads if read not in found]
        found.update(new)
        todo += new
    return found


def _without_constants(boxes: Mapping[str, Box]) -> dict[str, Box]:
    """The boxes that parameters reach; what depends on none is known, and no part of the inference."""
    parameters = {name for name, box in boxes.items() if box.kind == "parameter"}
    kept = {
        name: box
        for name, box in boxes.items()
        if box.kind in ("parameter", "observation") or parameters & _everything(name, boxes)
    }
    for box in kept.values():
        box.reads = {name: None for name in box.reads if name in kept}
    return kept


def _binders(declaration: ast.Node) -> Iterator[str]:
    """The names that a declaration binds for what stands in it."""
    for child in ast.children(declaration):
        if isinstance(child, ast.Variable):
            yield child.name
        elif isinstance(child, ast.Axis) and child.binder:
            yield child.binder
        elif isinstance(child, ast.Draw | ast.DetectorLet):
            yield child.name


def layers(boxes: Mapping[str, Box]) -> list[list[str]]:
    """The boxes from left to right: by kind, and each to the right of those that it reads; observations at the end."""
    depth: dict[str, int] = {}

    def place(name: str) -> int:
        if name not in depth:
            box = boxes[name]
            depth[name] = KINDS.index(box.kind)
            depth[name] = max([depth[name], *(place(read) + 1 for read in box.reads)])
        return depth[name]

    last = max(map(place, boxes), default=0)
    for name, box in boxes.items():
        if box.kind == "observation":
            depth[name] = last
    columns = [[name for name in boxes if depth[name] == at] for at in range(last + 1)]
    return [_in_order(column, boxes) for column in columns if column]


def _in_order(column: list[str], boxes: Mapping[str, Box]) -> list[str]:
    """A column in the order in which the model declares it."""
    return sorted(column, key=lambda name: _place(boxes[name]))


def _place(box: Box) -> tuple[int, int]:
    if box.anchor is None:
        return (1 << 30, 0)
    file, _, line = box.anchor.removeprefix("file").partition("-line")
    return int(file), int(line)


def shortened(label: str) -> str:
    """A label that fits its box."""
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
