"""Turns the place where the grammar stopped into a message: what is wrong, what was expected, what to do.

Each rule looks for one mistake and returns None where it is another; the first that knows it tells it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pdflang.diagnostics import Diagnostic, Label, SourceFile, closest_names
from pdflang.syntax.habits import (
    FOREIGN_STATEMENTS,
    assignment,
    bad_character,
    foreign_operator,
    python_statement,
    semicolon,
)
from pdflang.syntax.parser import Token
from pdflang.syntax.place import Place, token_span, unmatched
from pdflang.syntax.wording import (
    CLOSING,
    DECLARATION_WORDS,
    DETECTOR_WORDS,
    NAMES,
    OPERATORS,
    SHAPES,
    STRUCTURE_WORDS,
    describe,
    expected,
    shape_of,
)

_PARTNER = {"(": ")", "[": "]", "{": "}"}
_VALUE_STARTS = NAMES | {"NUMBER", "TEXT", "TRUE", "FALSE", "LPAR", "LSQB", "NOT"}


def explain(place: Place) -> Diagnostic:
    """The message for a place where the grammar stopped."""
    for rule in _RULES:
        diagnostic = rule(place)
        if diagnostic is not None:
            return diagnostic
    return _unexpected(place)


def late_edition(source: SourceFile, token: Token) -> Diagnostic:
    """`edition` after something else, or twice."""
    return Diagnostic(
        "E119",
        "`edition` stands once, before everything else",
        token_span(source, token),
        remedy="keep one `edition 1`, as the first line",
    )


# --- tokens that are wrong by themselves ---


def _bad_token(place: Place) -> Diagnostic | None:
    token = place.token
    if token is None or not token.type.startswith("BAD_"):
        return None
    if token.type == "BAD_NUMBER":
        return Diagnostic("E106", f"`{token}` is not a number", place.span, remedy=_number_remedy(token))
    if token.type == "BAD_TEXT":
        return Diagnostic(
            "E103",
            'this text has no closing `"`',
            place.span,
            "it would have to end on this line",
            remedy='a text stands in straight double quotes on one line: `"events.csv"`',
        )
    if token.type == "BAD_OPERATOR":
        return foreign_operator(place, token)
    return semicolon(place.source, token) if token == ";" else bad_character(place, token)


def _number_remedy(text: str) -> str:
    if re.fullmatch(r"[0-9_.]+", text) and "_" in text:
        return f"digits are not grouped: `{text.replace('_', '')}`"
    if product := re.fullmatch(r"([0-9.]+(?:[eE][0-9]+)?)([^\W\d]\w*)", text):
        number, name = product.groups()
        if number.count(".") <= 1 and name not in ("e", "E", "j"):
            return f"a product needs its sign: `{number}*{name}`; a name does not start with a digit"
    if text[-1] in "eE":
        return f"the exponent is missing: `{text}3`"
    return "numbers are written `12`, `0.5` or `1.5e-3`"


# --- brackets ---


def _closes_nothing(place: Place) -> Diagnostic | None:
    token = place.token
    if token is None or token.type not in CLOSING or place.opener == CLOSING[token.type]:
        return None
    if not place.open_brackets:
        return Diagnostic(
            "E105",
            f"this `{token}` closes nothing",
            place.span,
            "no bracket is open here",
            remedy="leave it out",
        )
    opener = place.open_brackets[-1]
    return Diagnostic(
        "E105",
        f"`{token}` cannot close `{opener}`",
        place.span,
        f"expected `{_PARTNER[opener]}` first",
        related=(Label(token_span(place.source, opener), "opened here"),),
    )


def _never_closed(place: Place) -> Diagnostic | None:
    if not place.open_brackets or place.kind in CLOSING:
        return None
    opener = place.open_brackets[-1]
    closer = _PARTNER[opener]
    can_close = any(CLOSING[name] == opener.type for name in place.accepted & CLOSING.keys())
    if place.token is not None and not (can_close and opener in _left_open(place)):
        return None
    return Diagnostic(
        "E104",
        f"this `{opener}` is never closed",
        token_span(place.source, opener),
        "opened here",
        related=(Label(place.span, f"`{closer}` is missing " + ("here" if place.token else "after this")),),
        remedy=f"write `{closer}` where it ends",
    )


def _left_open(place: Place) -> list[Token]:
    return [
        token for token in unmatched(place.tokens) if any(token is other for other in place.open_brackets)
    ]


def _tuple(place: Place) -> Diagnostic | None:
    has_comma = "COMMA" in place.beside
    is_long = place.kind == "COMMA" and has_comma and "COMMA" not in place.accepted
    is_short = place.kind == "RPAR" and place.before is not None and place.before.type == "COMMA"
    if place.opener != "LPAR" or not (is_long or is_short):
        return None
    return Diagnostic(
        "E114",
        "there are no tuples: `(a, b)` is the interval from a to b",
        place.span,
        "an interval has two ends",
        related=(Label(token_span(place.source, place.open_brackets[-1]), "opened here"),),
        remedy="an array is written `[a, b, c]`, a region `box(x = (0, 1), y = (0, 1))`",
    )


def _array_comprehension(place: Place) -> Diagnostic | None:
    if place.kind != "FOR" or place.opener != "LSQB" or "RSQB" not in place.accepted:
        return None
    return Diagnostic(
        "E125",
        "`… for … in …` makes an array by itself",
        place.span,
        "inside `[ ]`",
        remedy="leave the square brackets out, or write round ones: `(f(x) for x in grid)`",
    )


# --- between declarations ---


def _foreign_word(place: Place) -> Diagnostic | None:
    """A line that starts like a statement of Python, or `lambda x` within one."""
    token, before = place.token, place.before
    if token is not None and token in FOREIGN_STATEMENTS and place.is_complete and place.starts_line:
        return python_statement(place, token)
    if before is not None and before == "lambda" and place.kind in NAMES | {"COLON"}:
        return python_statement(place, before)
    return None


def _no_declaration(place: Place) -> Diagnostic | None:
    token = place.token
    if token is None or token.type not in NAMES or not (place.is_complete and place.starts_line):
        return None
    if token.type == "EDITION":
        return late_edition(place.source, token)
    after = place.after
    if after is not None and after.type == "EQUALS":
        return assignment(place, None)
    if after is not None and after.type == "BAD_OPERATOR":
        return _shifted(place, after)
    return _unknown_word(place, token)


def _shifted(place: Place, operator: Token) -> Diagnostic:
    """The same file one token on: `target` is read, `+=` is what cannot be."""
    return foreign_operator(Place(place.source, place.tokens, place.index + 1, place.accepted), operator)


def _unknown_word(place: Place, token: Token) -> Diagnostic:
    words = [word.lower() for word in DECLARATION_WORDS]
    near = closest_names(token, sorted(words), count=1)
    if place.after is not None and place.after.type == "LBRACE":
        remedy = "there are no blocks: declarations stand by themselves, in any order"
    elif near:
        remedy = f"did you mean `{near[0]}`?"
    elif place.after is not None and place.after.type == "TILDE":
        remedy = (
            f"a parameter is declared by `param {token} ~ …`, a datum is observed by `observe {token} ~ …`"
        )
    else:
        remedy = "a declaration starts with one of " + ", ".join(f"`{word}`" for word in SHAPES)
    return Diagnostic("E111", f"`{token}` does not start a declaration", place.span, "", remedy=remedy)


# --- `=`, `~`, `==` ---


def _equals_for_tilde(place: Place) -> Diagnostic | None:
    if place.kind != "EQUALS" or "TILDE" not in place.accepted:
        return None
    return Diagnostic(
        "E108",
        f"{place.subject} says how something is distributed, with `~`",
        place.span,
        "expected `~`",
        remedy=shape_of(place.keyword) + "; what follows from other values is a `let`",
    )


def _tilde_for_equals(place: Place) -> Diagnostic | None:
    if place.kind != "TILDE" or "EQUALS" not in place.accepted:
        return None
    remedy = "a parameter and its prior are declared by `param` or `nuisance`"
    if place.keyword == "data":
        remedy = f"how a datum is distributed is said apart: `observe {place.name} ~ …`"
    return Diagnostic(
        "E109", f"{place.subject} is defined with `=`", place.span, "expected `=`", remedy=remedy
    )


def _equals_for_comparison(place: Place) -> Diagnostic | None:
    if place.kind != "EQUALS" or not {"COMPARISON", "PLUS"} <= place.accepted:
        return None
    if "WHERE" not in place.beside and "IF" not in place.beside:
        return None
    return Diagnostic("E110", "two values are compared with `==`", place.span, "write `==` here")


# --- values ---


def _reserved(place: Place) -> Diagnostic | None:
    token = place.token
    if token is None or "NAME" not in place.accepted or token.type not in DECLARATION_WORDS | STRUCTURE_WORDS:
        return None
    if place.expects_value and token.type in STRUCTURE_WORDS:
        return None
    return Diagnostic(
        "E112",
        f"`{token}` is a word of the language and cannot be a name",
        place.span,
        "expected " + expected(place.accepted),
        remedy=f"call it `{token}_` or, better, what it is in the physics",
    )


def _chained(place: Place) -> Diagnostic | None:
    if place.kind != "COMPARISON" or "COMPARISON" not in place.beside or not place.follows_value:
        return None
    return Diagnostic(
        "E113",
        "comparisons do not chain",
        place.span,
        "the second comparison",
        remedy="write `a < b and b < c`",
    )


def _pipe_in_arithmetic(place: Place) -> Diagnostic | None:
    if place.kind not in OPERATORS or "PIPE" not in place.beside or not place.follows_value:
        return None
    return Diagnostic(
        "E122",
        "after `|>` stands a function alone",
        place.span,
        "arithmetic with the result needs brackets",
        remedy=f"write `(a |> f) {place.token} b`",
    )


def _python_conditional(place: Place) -> Diagnostic | None:
    is_postfix = place.kind == "IF" and place.follows_value
    is_colon = place.kind == "COLON" and "THEN" in place.accepted
    if not (is_postfix or is_colon):
        return None
    return Diagnostic(
        "E126",
        "a choice is written `if condition then a else b`",
        place.span,
        "expected " + ("`then`" if is_colon else "an operator"),
        remedy="both branches are needed, for a choice has a value",
    )


def _side_by_side(place: Place) -> Diagnostic | None:
    token = place.token
    if token is None or token.type not in _VALUE_STARTS or not place.follows_value:
        return None
    if not place.accepted & (OPERATORS | {"PIPE"}):
        return None
    words = place.accepted & (STRUCTURE_WORDS | DETECTOR_WORDS)
    near = closest_names(token, sorted(word.lower() for word in words), count=1)
    remedy = f"did you mean `{near[0]}`?" if near else "a product needs its `*`, a list its `,`"
    return Diagnostic(
        "E123",
        f"nothing connects {describe(token)} with what stands before it",
        place.span,
        "expected " + expected(place.accepted),
        remedy=remedy,
    )


# --- everything else ---


def _ends_too_early(place: Place) -> Diagnostic | None:
    if place.token is not None:
        return None
    what = "its prior" if place.keyword in ("param", "nuisance") and "TILDE" in place.accepted else "its end"
    return Diagnostic(
        "E121",
        f"{place.subject} stops before {what}",
        place.span,
        f"expected {expected(place.accepted - {'$END'})} after this",
        remedy=shape_of(place.keyword),
    )


def _unexpected(place: Place) -> Diagnostic:
    assert place.token is not None, "an early end has its own rule"
    where = f" in {place.subject}" if place.keyword and not place.is_complete else ""
    return Diagnostic(
        "E101",
        f"{describe(place.token)} does not fit here{where}",
        place.span,
        "expected " + expected(place.accepted),
        remedy="" if place.expects_value else shape_of(place.keyword),
    )


_RULES: tuple[Callable[[Place], Diagnostic | None], ...] = (
    _bad_token,
    _closes_nothing,
    _foreign_word,
    _never_closed,
    _no_declaration,
    _equals_for_tilde,
    _tilde_for_equals,
    _equals_for_comparison,
    _tuple,
    _array_comprehension,
    _reserved,
    _chained,
    _pipe_in_arithmetic,
    _python_conditional,
    _side_by_side,
    _ends_too_early,
)
