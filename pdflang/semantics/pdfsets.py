"""The flavour algebra: pdfsets that are written by partons or by combinations of them, and read by either."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pdflang.components.flavours import (
    ENTRIES,
    MIXTURES,
    QUARKS,
    SINGLETS,
    TRIPLETS,
    VALENCES,
    partons_in,
    quark_of_ladder,
)
from pdflang.diagnostics import Label, PdflangError, Span, closest_names
from pdflang.ir.nodes import Node, Phase
from pdflang.semantics import build
from pdflang.semantics.combine import as_number, error
from pdflang.semantics.modules import listing
from pdflang.semantics.values import FunctionValue, FunctionVariable, IntervalValue, PdfsetValue, Value
from pdflang.syntax import ast

_COMMON = ("g", "photon")
_COMBINATIONS = ("Sigma", "V", *TRIPLETS, *VALENCES)

# What people call flavours elsewhere.
_WORDS = {
    "gluon": "g", "G": "g", "up": "u", "down": "d", "strange": "s", "charm": "c", "bottom": "b", "top": "t",
    "ub": "ubar", "db": "dbar", "sb": "sbar", "cb": "cbar", "gamma": "photon", "a": "photon", "y": "photon",
    "u_v": "uv", "d_v": "dv", "valence": "V", "singlet": "Sigma", "sigma": "Sigma", "sng": "Sigma",
}  # fmt: skip

# A valence density is no flavour but a part of one.
_PARTS = {"uv": "u", "dv": "d"}


def check_entries(entries: Sequence[ast.Setting]) -> None:
    """Require names of partons, or of combinations that say what each parton is. Errors: E312, E202."""
    known: dict[str, ast.Setting] = {}
    for entry in entries:
        name = SINGLETS.get(entry.name, entry.name)
        if name not in (*ENTRIES, "S", *_COMBINATIONS):
            raise error("E312", f"`{entry.name}` is no flavour", entry.span, remedy=_remedy(entry.name))
        if name in known:
            raise error("E202", f"the flavour `{entry.name}` is written twice", entry.span)
        known[name] = entry
    partons = [entry for name, entry in known.items() if name in ENTRIES and name not in _COMMON]
    combined = {name: entry for name, entry in known.items() if name not in ENTRIES}
    if partons and combined:
        raise _mixed(partons[0], next(iter(combined.values())))
    if combined:
        _check_ladder(combined)


def _remedy(name: str) -> str:
    word = _WORDS.get(name, name)
    near = [_PARTS[word]] if word in _PARTS else [word] if word != name else []
    near = near or closest_names(name, (*ENTRIES, *_COMBINATIONS))
    if near:
        return f"did you mean `{near[0]}`?"
    return f"flavours are {', '.join(ENTRIES)}, or combinations of them: {', '.join(_COMBINATIONS)}"


def _mixed(parton: ast.Setting, combination: ast.Setting) -> PdflangError:
    first, second = sorted((parton, combination), key=lambda entry: entry.span.start)
    return error(
        "E312",
        f"a pdfset has one basis, and `{parton.name}` is a parton, `{combination.name}` a combination of them",
        second.span,
        related=(Label(first.span, "the other basis"),),
        remedy="write all entries by partons, or all by combinations; g and photon belong to both",
    )


def _check_ladder(combined: Mapping[str, ast.Setting]) -> None:
    """The sum, and the differences of two quarks at least; a further quark where the quarks before it are told."""
    last = list(combined.values())[-1]

    def require(name: str, because: str) -> None:
        if name not in combined:
            raise error(
                "E312", f"`{combined[because].name}` without `{name}` leaves flavours open", combined[because].span,
                remedy=f"write {name} too: {_rule(name)}",
            )  # fmt: skip

    if "S" not in combined:
        raise error(
            "E312", "a pdfset in the evolution basis has the entry `Sigma`", last.span,
            remedy="Sigma is the sum of all quarks and antiquarks",
        )  # fmt: skip
    for name in ("T3", "T8"):
        require(name, "S")
    if "V" in combined:
        require("V3", "V")
    for ladder in (TRIPLETS, ("V", *VALENCES)):
        named = [name for name in ladder if name in combined]
        for needed in ladder[: ladder.index(named[-1])] if named else ():
            require(needed, named[-1])
    for name in VALENCES[2:]:
        if name in combined:
            require(name.replace("V", "T"), name)


def _rule(name: str) -> str:
    """What stands there in the simplest case."""
    if name == "T8":
        return "T8 = Sigma where there are no strange quarks, T8 = 0 where all three are alike"
    if name in ("V8", "V15", "V24"):
        return f"{name} = V where that quark and its antiquark are alike"
    if name in ("T15", "T24"):
        return f"{name} = Sigma where that quark is absent"
    return "it is the sum of all quarks less that of all antiquarks" if name == "V" else "it tells up from down"


def partons_of(functions: Mapping[str, FunctionValue]) -> dict[str, FunctionValue]:
    """The densities of partons from those of a basis; partons themselves as they are.

    Of the evolution basis a T that is not written is Σ, and a V that is not written V: that quark, or its difference
    from its antiquark, is zero.
    """
    named = {SINGLETS.get(name, name): function for name, function in functions.items()}
    if "S" not in named:
        return dict(functions)
    found = {name: function for name, function in named.items() if name in _COMMON}
    plus = _rungs(named, TRIPLETS)
    minus = _rungs(named, VALENCES) if "V" in named else 0
    for position, quark in enumerate(QUARKS[:plus]):
        sums = quark_of_ladder(quark, "T", plus)
        differences = quark_of_ladder(quark, "V", minus) if position < minus else {}
        for parton, sign in ((quark, 0.5), (f"{quark}bar", -0.5)):
            weights = {name: 0.5 * value for name, value in sums.items()}
            weights |= {name: sign * value for name, value in differences.items()}
            found[parton] = combination(parton, {name: named[name] for name in weights}, weights)
    return found


def _rungs(named: Mapping[str, FunctionValue], ladder: Sequence[str]) -> int:
    """How many quarks a basis tells apart."""
    return 1 + sum(name in named for name in ladder)


def density(pdfset: PdfsetValue, name: str, span: Span) -> FunctionValue:
    """A parton of a pdfset, or a combination of partons; those that it does not have are 0. Error: E205."""
    if name in pdfset.flavours:
        return pdfset.flavours[name]
    weights = {name: 1.0} if name in ENTRIES else partons_in(name)
    if weights is None:
        raise error("E205", f"a pdfset has no member `{name}`", span, remedy=_member_remedy(pdfset, name))
    present = {parton: weight for parton, weight in weights.items() if parton in pdfset.flavours}
    return combination(name, {parton: pdfset.flavours[parton] for parton in present}, present)


def _member_remedy(pdfset: PdfsetValue, name: str) -> str:
    known = (*pdfset.flavours, *_COMBINATIONS, *MIXTURES)
    word = _WORDS.get(name, name)
    near = [word] if word in known else closest_names(name, known)
    if near and near[0] != name:
        return f"did you mean `{near[0]}`?"
    return f"its flavours are {listing(list(pdfset.flavours))}, its combinations {', '.join(_COMBINATIONS)}, uv, dv"


def domain_of(functions: Mapping[str, FunctionValue], fold: Callable[[Node], Any]) -> tuple[float, float]:
    """Where all densities of a pdfset are defined, as far as constants say; `fold` computes these."""
    domains = [variable.domain for function in functions.values() for variable in function.variables[:1]]
    known = [
        (float(fold(domain.lower)), float(fold(domain.upper)))
        for domain in domains
        if isinstance(domain, IntervalValue) and domain.lower.phase == domain.upper.phase == Phase.CONST
    ]
    return max((lower for lower, _ in known), default=0.0), min((upper for _, upper in known), default=1.0)


def combination(name: str, functions: Mapping[str, FunctionValue], weights: Mapping[str, float]) -> FunctionValue:
    """The function Σ weight · function, with what cancels left out."""

    def apply(arguments: tuple[Value, ...], depth: int, span: Span) -> Value:
        parts = [
            (weight, as_number(functions[part].apply(arguments, depth, span), span))
            for part, weight in weights.items()
        ]
        value: Node = build.weighted_sum(parts)
        return value.called(name) if value.phase > 0 else value

    unit = IntervalValue(build.ZERO, build.ONE)
    first = next(iter(functions.values()), None)
    variables = first.variables if first is not None else (FunctionVariable("x", unit),)
    return FunctionValue(name, variables, apply, role="pdf")
