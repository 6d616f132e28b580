"""Lark's tree to the syntax tree: declarations and the file.

The walk is a loop, not a recursion: a text may nest deeper than Python's stack, and is told so afterwards.
"""

from __future__ import annotations

from typing import Any

from pdflang.diagnostics import Diagnostic, Reports, SourceFile, Span
from pdflang.syntax import ast
from pdflang.syntax.build_expressions import Children, ExpressionBuilder, word
from pdflang.syntax.parser import Token, Tree

EDITION = "1"


def build_module(source: SourceFile, tree: Tree[Token], reports: Reports) -> ast.Module:
    """The syntax tree of a file from the parser's tree; `reports` gets an unknown edition."""
    builder = _Builder(source, reports)
    parents_first: list[Tree[Token]] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        parents_first.append(node)
        waiting.extend(child for child in node.children if isinstance(child, Tree))
    built: dict[int, Any] = {}
    for node in reversed(parents_first):
        children = [built.pop(id(child)) if isinstance(child, Tree) else child for child in node.children]
        meta = node.meta
        span = Span(source, 0, len(source.text)) if meta.empty else Span(source, meta.start_pos, meta.end_pos)
        built[id(node)] = getattr(builder, node.data)(span, children)
    return built[id(tree)]


class _Builder(ExpressionBuilder):
    def __init__(self, source: SourceFile, reports: Reports) -> None:
        super().__init__(source)
        self.reports = reports

    def start(self, span: Span, children: Children) -> ast.Module:
        edition, *items = children
        return ast.Module(edition, tuple(items), span=span)

    def edition(self, span: Span, children: Children) -> int:
        if children[0] != EDITION:
            self.reports.add(
                Diagnostic(
                    "E119",
                    f"there is no edition {children[0]} of the language",
                    self.span_of(children[0]),
                    f"this pdflang knows edition {EDITION}",
                    remedy=f"write `edition {EDITION}`, or install the pdflang that the file was written for",
                )
            )
        return int(EDITION)

    # --- use ---

    def use(self, span: Span, children: Children) -> ast.Use:
        what, imported_or_alias, settings = children
        is_file = isinstance(what, Token)
        alias = imported_or_alias if isinstance(imported_or_alias, Token) else None
        return ast.Use(
            path=what[1:-1] if is_file else what[0],
            is_file=is_file,
            imported=() if alias else imported_or_alias or (),
            alias=word(alias) if alias else None,
            settings=settings or (),
            span=span,
        )

    def imports(self, span: Span, children: Children) -> tuple[ast.Imported, ...]:
        return tuple(children)

    def imported(self, span: Span, children: Children) -> ast.Imported:
        name, alias = children
        return ast.Imported(word(name), word(alias) if alias else None, span=span)

    def settings(self, span: Span, children: Children) -> tuple[ast.Setting, ...]:
        return tuple(children)

    def fixed(self, span: Span, children: Children) -> ast.Setting:
        name, value = children
        return ast.Setting(word(name), value, span=span)

    def replaced(self, span: Span, children: Children) -> ast.Setting:
        name, distribution = children
        return ast.Setting(word(name), distribution, is_prior=True, span=span)

    # --- numbers given, sampled, derived ---

    def index(self, span: Span, children: Children) -> ast.Index:
        name, content = children
        size = ast.Number(str(content), span=self.span_of(content)) if isinstance(content, Token) else None
        labels = content if isinstance(content, tuple) else ()
        return ast.Index(**self._named(name), labels=labels, size=size, span=span)

    def labels(self, span: Span, children: Children) -> tuple[str, ...]:
        return tuple(word(label) for label in children)

    def const(self, span: Span, children: Children) -> ast.Const:
        name, value = children
        return ast.Const(**self._named(name), value=value, span=span)

    def data(self, span: Span, children: Children) -> ast.Data:
        name, axes, type_name, source = children
        kind = None if type_name is None else word(type_name)
        return ast.Data(**self._named(name), axes=axes or (), type_name=kind, source=source, span=span)

    def param(self, span: Span, children: Children) -> ast.Param:
        return self._parameter(span, children, is_nuisance=False)

    def nuisance(self, span: Span, children: Children) -> ast.Param:
        return self._parameter(span, children, is_nuisance=True)

    def _parameter(self, span: Span, children: Children, is_nuisance: bool) -> ast.Param:
        name, axes, constraint, prior = children
        return ast.Param(
            **self._named(name),
            axes=axes or (),
            constraint=None if constraint is None else word(constraint),
            prior=prior,
            is_nuisance=is_nuisance,
            span=span,
        )

    def let(self, span: Span, children: Children) -> ast.Let:
        name, axes, value = children
        return ast.Let(**self._named(name), axes=axes or (), value=value, span=span)

    def solve(self, span: Span, children: Children) -> ast.Solve:
        name, bracket, equation = children
        return ast.Solve(**self._named(name), bracket=bracket, equation=equation, span=span)

    # --- functions and operators ---

    def func(self, span: Span, children: Children) -> ast.Func:
        name, variables, body = children
        return ast.Func(**self._named(name), variables=variables, body=body, span=span)

    def pdf(self, span: Span, children: Children) -> ast.Pdf:
        name, axes, variables, body = children
        return ast.Pdf(**self._named(name), axes=axes or (), variables=variables, body=body, span=span)

    def theory(self, span: Span, children: Children) -> ast.Theory:
        name, axes, variables, body = children
        return ast.Theory(**self._named(name), axes=axes or (), variables=variables, body=body, span=span)

    def flavour_set(self, span: Span, children: Children) -> ast.Pdfset:
        name, variable, scale, entries = children
        return ast.Pdfset(
            **self._named(name), variable=variable, scale=scale, entries=entries, value=None, span=span
        )

    def pdfset(self, span: Span, children: Children) -> ast.Pdfset:
        name, value, scale = children
        return ast.Pdfset(**self._named(name), variable=None, scale=scale, entries=(), value=value, span=span)

    def scale(self, span: Span, children: Children) -> ast.Expression:
        return children[0]

    def flavours(self, span: Span, children: Children) -> tuple[ast.Setting, ...]:
        return tuple(children)

    def flavour(self, span: Span, children: Children) -> ast.Setting:
        name, value = children
        return ast.Setting(word(name), value, span=span)

    # --- detectors ---

    def detector(self, span: Span, children: Children) -> ast.Detector:
        name, axes, measured, true, statements = children
        return ast.Detector(
            **self._named(name),
            axes=axes or (),
            measured=measured,
            true=true,
            statements=statements,
            span=span,
        )

    def statements(self, span: Span, children: Children) -> tuple[ast.DetectorStatement, ...]:
        return tuple(children)

    def efficiency(self, span: Span, children: Children) -> ast.Efficiency:
        return ast.Efficiency(children[0], span=span)

    def smear(self, span: Span, children: Children) -> ast.Smear:
        measured, distribution = children
        variables = (word(measured),) if isinstance(measured, Token) else measured
        return ast.Smear(variables, distribution, span=span)

    def joint(self, span: Span, children: Children) -> tuple[str, ...]:
        return tuple(word(name) for name in children)

    def background(self, span: Span, children: Children) -> ast.Background:
        return ast.Background(children[0], span=span)

    def draw(self, span: Span, children: Children) -> ast.Draw:
        name, distribution = children
        return ast.Draw(word(name), distribution, span=span)

    def detector_let(self, span: Span, children: Children) -> ast.DetectorLet:
        name, value = children
        return ast.DetectorLet(word(name), value, span=span)

    # --- the log-density and what is reported ---

    def observe(self, span: Span, children: Children) -> ast.Observe:
        (name, name_span), axes, distribution = children
        return ast.Observe(
            name=name, name_span=name_span, axes=axes or (), distribution=distribution, span=span
        )

    def factor(self, span: Span, children: Children) -> ast.Factor:
        name, value = children
        return ast.Factor(**self._named(name), value=value, span=span)

    def output(self, span: Span, children: Children) -> ast.Output:
        name, axes, value = children
        return ast.Output(**self._named(name), axes=axes or (), value=value, span=span)

    # --- parts ---

    def _named(self, name: Token) -> dict[str, Any]:
        return {"name": word(name), "name_span": self.span_of(name)}

    def path(self, span: Span, children: Children) -> tuple[str, Span]:
        return ".".join(word(part) for part in children), span

    def axes(self, span: Span, children: Children) -> tuple[ast.Axis, ...]:
        return tuple(children)

    def axis(self, span: Span, children: Children) -> ast.Axis:
        return ast.Axis(None, children[0], span=span)

    def bound_axis(self, span: Span, children: Children) -> ast.Axis:
        binder, over = children
        return ast.Axis(word(binder), over, span=span)

    def variables(self, span: Span, children: Children) -> tuple[ast.Variable, ...]:
        return tuple(children)

    def variable(self, span: Span, children: Children) -> ast.Variable:
        name, domain = children
        return ast.Variable(word(name), domain, span=span)
