"""The syntax tree of a `.pdfm` file: what was written, before any name is looked up.

Nodes are frozen; `span` never takes part in equality, so that two trees are equal when they say the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from pdflang.diagnostics import Span


@dataclass(frozen=True)
class Node:
    """Every node knows the characters it was written with."""

    span: Span = field(compare=False, repr=False, kw_only=True)


# --- expressions ---


@dataclass(frozen=True)
class Expression(Node):
    """Anything that has a value."""


@dataclass(frozen=True)
class Number(Expression):
    """`text` as it was written: `1e4`, `0.5`, `30`."""

    text: str

    @property
    def value(self) -> int | float:
        return int(self.text) if self.text.isdigit() else float(self.text)


@dataclass(frozen=True)
class Text(Expression):
    """A string: a path, a name of a data set, a variant."""

    value: str


@dataclass(frozen=True)
class Boolean(Expression):
    value: bool


@dataclass(frozen=True)
class Name(Expression):
    name: str


@dataclass(frozen=True)
class Member(Expression):
    """`base.name`: a label, column, field or a module's name."""

    base: Expression
    name: str


@dataclass(frozen=True)
class Slice(Expression):
    """`start:stop` in brackets or after `for … in`; either end may be missing inside brackets."""

    start: Expression | None
    stop: Expression | None


@dataclass(frozen=True)
class Subscript(Expression):
    """`base[items]`."""

    base: Expression
    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Argument(Node):
    """One argument of a call; `name` is None where it is given by position."""

    name: str | None
    value: Expression


@dataclass(frozen=True)
class Call(Expression):
    function: Expression
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Unary(Expression):
    """`operator` is `-`, `+` or `not`."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Expression):
    """`operator` is one of `+ - * / @ ^ and or == != < <= > >=`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Conditional(Expression):
    """`if condition then yes else no`."""

    condition: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True)
class Pipe(Expression):
    """`value |> function`, which is `function(value)`."""

    value: Expression
    function: Expression


@dataclass(frozen=True)
class Clause(Node):
    """`for variable in over where condition`."""

    variable: str
    over: Expression
    condition: Expression | None


@dataclass(frozen=True)
class Comprehension(Expression):
    """`body for … in … for … in …`: an array over sets, a function over an interval."""

    body: Expression
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class Interval(Expression):
    """`(lower, upper)`."""

    lower: Expression
    upper: Expression


@dataclass(frozen=True)
class ArrayLiteral(Expression):
    """`[a, b, c]`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Where(Expression):
    """`source where condition`: rows of a table or data set."""

    source: Expression
    condition: Expression


@dataclass(frozen=True)
class Truncated(Expression):
    """`distribution in (lower, upper)`: what stands after `~` of a parameter or a `draw`."""

    distribution: Expression
    bounds: Expression


# --- parts of declarations ---


@dataclass(frozen=True)
class Axis(Node):
    """One entry of a bracketed declaration: `[30]`, `[school]`, `[i in hit]`, `[t in 1:N]`."""

    binder: str | None
    over: Expression


@dataclass(frozen=True)
class Variable(Node):
    """A variable of a function, with its domain where one is written: `x`, `x in (0, 1)`, `k in point`."""

    name: str
    domain: Expression | None


@dataclass(frozen=True)
class Setting(Node):
    """`name = value` or `name ~ distribution` after `with`; an entry `flavour = expression` of a pdfset."""

    name: str
    value: Expression
    is_prior: bool = False


# --- declarations ---


@dataclass(frozen=True)
class Declaration(Node):
    """`name_span` marks the declared name alone."""

    name: str
    name_span: Span = field(compare=False, repr=False, kw_only=True)


@dataclass(frozen=True)
class Imported(Node):
    """A name after `use …:`, with its alias."""

    name: str
    alias: str | None


@dataclass(frozen=True)
class Use(Node):
    """`use std.pdf: power`, `use "ew.pdfm" as ew`, `use std.herapdf20 as p with b_uv = 4`.

    `path` is the dotted name or the text of the string; `is_file` tells which.
    """

    path: str
    is_file: bool
    imported: tuple[Imported, ...]
    alias: str | None
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Index(Declaration):
    """`index f = u, d` has labels, `index m = 24` a size, `index school` neither."""

    labels: tuple[str, ...] = ()
    size: Expression | None = None


@dataclass(frozen=True)
class Const(Declaration):
    value: Expression


@dataclass(frozen=True)
class Data(Declaration):
    """`data n[30]: int = source`; `type_name` is `int`, `real`, an index, or None."""

    axes: tuple[Axis, ...]
    type_name: str | None
    source: Expression | None


@dataclass(frozen=True)
class Param(Declaration):
    """`param` and `nuisance`; `constraint` is a type such as `ordered`."""

    axes: tuple[Axis, ...]
    constraint: str | None
    prior: Expression
    is_nuisance: bool


@dataclass(frozen=True)
class Let(Declaration):
    axes: tuple[Axis, ...]
    value: Expression


@dataclass(frozen=True)
class Solve(Declaration):
    """`solve A in (lo, hi) where left == right`; `equation` is whatever stands after `where`."""

    bracket: Expression | None
    equation: Expression


@dataclass(frozen=True)
class Func(Declaration):
    variables: tuple[Variable, ...]
    body: Expression


@dataclass(frozen=True)
class Pdf(Declaration):
    axes: tuple[Axis, ...]
    variables: tuple[Variable, ...]
    body: Expression


@dataclass(frozen=True)
class Pdfset(Declaration):
    """`pdfset p(x) at Q = 1.65 { g = …, … }` has a variable and entries, `pdfset t = …` a value."""

    variable: Variable | None
    scale: Expression | None
    entries: tuple[Setting, ...]
    value: Expression | None


@dataclass(frozen=True)
class Theory(Declaration):
    """`theory s(x) = …` has variables; `theory F2 = fktable(…)` is an operator and has None."""

    axes: tuple[Axis, ...]
    variables: tuple[Variable, ...] | None
    body: Expression


@dataclass(frozen=True)
class Efficiency(Node):
    value: Expression


@dataclass(frozen=True)
class Smear(Node):
    """`smear y ~ D`, `smear (u, v) ~ D`."""

    variables: tuple[str, ...]
    distribution: Expression


@dataclass(frozen=True)
class Background(Node):
    value: Expression


@dataclass(frozen=True)
class Draw(Node):
    name: str
    distribution: Expression


@dataclass(frozen=True)
class DetectorLet(Node):
    name: str
    value: Expression


DetectorStatement = Efficiency | Smear | Background | Draw | DetectorLet


@dataclass(frozen=True)
class Detector(Declaration):
    """`detector tracker(y in (0, 1) | x) { … }`: measured variables, true variables, statements."""

    axes: tuple[Axis, ...]
    measured: tuple[Variable, ...]
    true: tuple[Variable, ...]
    statements: tuple[DetectorStatement, ...]


@dataclass(frozen=True)
class Observe(Declaration):
    """`observe y[t in 1:N] ~ D`; `name` is the datum, dotted where it is another file's (`"ew.muons"`)."""

    axes: tuple[Axis, ...]
    distribution: Expression


@dataclass(frozen=True)
class Factor(Declaration):
    value: Expression


@dataclass(frozen=True)
class Output(Declaration):
    axes: tuple[Axis, ...]
    value: Expression


@dataclass(frozen=True)
class Module(Node):
    """One file: its edition (None where it states none), what it uses, what it declares, in written order."""

    edition: int | None
    items: tuple[Use | Declaration, ...]

    @property
    def uses(self) -> tuple[Use, ...]:
        return tuple(item for item in self.items if isinstance(item, Use))

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        return tuple(item for item in self.items if isinstance(item, Declaration))


# --- walking ---


def children(node: Node) -> Iterator[Node]:
    """The nodes directly inside a node, in written order.

    A sum of thousands of terms leans to the left that deep: walk with a list of what is still to do, or take
    a chain of `Binary` apart with `chain`, rather than recurse into `left`.
    """
    for name in _field_names(type(node)):  # type: ignore[arg-type]
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Node))


def chain(expression: Binary) -> list[Binary]:
    """`a + b + c` as [`a + b`, `(a + b) + c`]: every `Binary` down the left side, innermost first."""
    links = [expression]
    while isinstance(links[-1].left, Binary):
        links.append(links[-1].left)
    return links[::-1]


@cache
def _field_names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind) if item.name not in ("span", "name_span"))
