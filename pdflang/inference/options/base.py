"""What options of methods are: dataclasses whose fields say what they mean, and are checked."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar

from pdflang.diagnostics import Diagnostic, PdflangError, closest_names

SEEDS = 2**32
"""Seeds are below."""


def option(default: Any, help: str, **limits: Any) -> Any:
    """A field of an options dataclass with its default, its help text and the limits of its values."""
    return field(default=default, metadata={"help": help, **limits})


def option_as_in(kind: type[Options], name: str, default: Any = MISSING) -> Any:
    """The same option as another method has it, maybe with another default."""
    shared = next(option for option in fields(kind) if option.name == name)
    return field(default=shared.default if default is MISSING else default, metadata=shared.metadata)


@dataclass(frozen=True)
class Options:
    """What every method's options share: values are checked when they are made.

    Raises `PdflangError` (E620) that lists every value out of its range.
    """

    def __post_init__(self) -> None:
        problems = [problem for option in fields(self) for problem in _problems(option, getattr(self, option.name))]
        if problems:
            raise PdflangError(*problems)


Kind = TypeVar("Kind", bound=Options)


def options_of(kind: type[Kind], given: Mapping[str, Any], whose: str = "") -> Kind:
    """Options by name. Raises `PdflangError` (E620) for a name that there is not, or a value out of range.

    `whose` options they are, of which method, is said where there is none of a name.
    """
    known = [option.name for option in fields(kind)]
    problems = []
    for name in given:
        if name not in known:
            near = closest_names(name, known)
            remedy = f"did you mean `{near[0]}`?" if near else f"the options are {', '.join(known)}"
            message = f"`{whose}` has no option `{name}`" if whose else f"there is no option `{name}`"
            problems.append(Diagnostic("E620", message, remedy=remedy))
    if problems:
        raise PdflangError(*problems)
    return kind(**given)


def chosen_seed(seed: int | None) -> int:
    """The seed itself, or one from the operating system where none is given; results record it."""
    return secrets.randbelow(SEEDS) if seed is None else seed


def _problems(option: Field[Any], value: Any) -> list[Diagnostic]:
    limits = option.metadata
    if value is None:
        return [] if option.default is None or "None" in str(option.type) else [_problem(option, value, "a value")]
    wanted = _wanted_type(option)
    if isinstance(value, bool) or not isinstance(value, (int, float) if wanted is float else wanted):
        return [_problem(option, value, {int: "a whole number", float: "a number", str: "a word"}[wanted])]
    return [_problem(option, value, text) for holds, text in _limits(limits, value) if not holds]


def _wanted_type(option: Field[Any]) -> type:
    return next(kind for kind in (int, float, str) if str(option.type).startswith(kind.__name__))


def _limits(limits: Mapping[str, Any], value: Any) -> list[tuple[bool, str]]:
    checks = []
    if "least" in limits:
        checks.append((value >= limits["least"], f"at least {limits['least']}"))
    if "most" in limits:
        checks.append((value <= limits["most"], f"at most {limits['most']}"))
    if "above" in limits:
        checks.append((value > limits["above"], f"above {limits['above']}"))
    if "below" in limits:
        checks.append((value < limits["below"], f"below {limits['below']}"))
    if "choices" in limits:
        checks.append((value in limits["choices"], "one of " + ", ".join(limits["choices"])))
    return checks


def _problem(option: Field[Any], value: Any, wanted: str) -> Diagnostic:
    default = "" if option.default is None else f" for the default, {option.default}"
    return Diagnostic(
        code="E620",
        message=f"`{option.name}` must be {wanted}, but it is {value!r}",
        notes=(f"{option.name}: {option.metadata['help']}",),
        remedy=f"leave it out{default}, or give a value in range",
    )
