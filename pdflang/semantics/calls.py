"""Arguments of a call, matched to parameters by position and name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pdflang.diagnostics import Span, closest_names
from pdflang.semantics.combine import error
from pdflang.semantics.scope import Scope
from pdflang.semantics.values import Value
from pdflang.syntax import ast


@dataclass(frozen=True)
class Given:
    """One argument: an expression still to be evaluated, or (left of a pipe) a value."""

    name: str | None
    span: Span
    expression: ast.Expression | None = None
    value: Value | None = None


@dataclass(frozen=True)
class CallSite:
    """A call: what is called, with what, where."""

    name: str
    arguments: tuple[Given, ...]
    span: Span
    scope: Scope


def match(
    site: CallSite, parameters: Sequence[str], optional: Sequence[str] = (), what: str = ""
) -> dict[str, Given]:
    """The arguments by parameter; an error for too many, too few, unknown or repeated ones."""
    signature = f"{site.name}({', '.join([*parameters, *(f'{name} =' for name in optional)])})"
    names = [*parameters, *optional]
    matched: dict[str, Given] = {}
    for position, argument in enumerate(site.arguments):
        name = argument.name
        if name is None:
            if position >= len(parameters):
                if position < len(names):
                    raise error(
                        "E303",
                        f"`{names[position]}` of {site.name} is given by name",
                        argument.span,
                        remedy=f"write {names[position]} = …",
                    )
                raise error(
                    "E303",
                    f"{site.name} takes {_count(len(names))}, but {len(site.arguments)} are given",
                    argument.span,
                    label="one too many",
                    remedy=f"write {signature}",
                )
            name = parameters[position]
        elif name not in names:
            near = closest_names(name, names)
            raise error(
                "E303",
                f"{site.name} has no argument `{name}`",
                argument.span,
                remedy=f"did you mean `{near[0]}`?" if near else f"write {signature}",
            )
        if name in matched:
            raise error("E303", f"`{name}` of {site.name} is given twice", argument.span, remedy=f"write {signature}")
        matched[name] = argument
    missing = [name for name in parameters if name not in matched]
    if missing:
        raise error(
            "E303",
            f"{site.name} needs `{missing[0]}`" + (f" and {len(missing) - 1} more" if len(missing) > 1 else ""),
            site.span,
            remedy=f"write {signature}",
        )
    return matched


def _count(number: int) -> str:
    return "no argument" if number == 0 else "1 argument" if number == 1 else f"{number} arguments"
