"""Mistakes that come from other languages: their characters, operators, comments and statements."""

from __future__ import annotations

import unicodedata

from pdflang.diagnostics import Diagnostic, SourceFile
from pdflang.syntax.parser import Token
from pdflang.syntax.place import Place, token_span

# What to write in place of a statement of another language.
FOREIGN_STATEMENTS = {
    "import": "names of the library come with `use`: `use std.pdf: power`",
    "from": "names of the library come with `use`: `use std.pdf: power`",
    "def": "a function is defined with `func`: `func f(x, a) = a*x`",
    "lambda": "name the function with `func f(x) = …`, or write `… for x in (0, 1)` for a function of x",
    "class": "functions with arguments and used files take the place of classes",
    "return": "a function has one expression as its body: `func f(x) = x^2`",
    "while": "there are no loops; `… for i in S` makes an array, `scan` a recurrence",
    "print": "`output r = …` is computed for every draw and stored with it",
}

_OPERATORS = {
    "&&": "write `and`",
    "||": "write `or`",
    "->": "a function is written `func f(x) = …`",
    "=>": "a function is written `func f(x) = …`; at least is `>=`",
    "<-": "`=` defines, `~` says how something is distributed; less than minus is `< -`",
    "*/": "a comment starts with `#` and ends with its line",
}

_QUOTES = "'`´‘’‚“”„«»"
_CHARACTERS = {
    "!": "write `not`",
    "%": "the remainder is `mod(a, b)`",
    "&": "write `and`",
    "?": "a choice is written `if c then a else b`",
    "$": "names are written without a sign in front",
    "\\": "names are written without a backslash; Greek letters may be typed as they are",
    "×": "the product is `*`",
    "·": "the product is `*`",
    "∗": "the product is `*`",
    "÷": "the quotient is `/`",
    "≤": "write `<=`",
    "≥": "write `>=`",
    "≠": "write `!=`",
    "≈": "write `==`, or say what is distributed about what with `~`",
    "∼": "write `~`",
    "√": "write `sqrt(x)`",
    "∞": "write `inf`",
    "∫": "an integral is written `integral(f(x) for x in (0, 1))`",
    "∑": "a sum is written `sum(a[k] for k in K)`",
    "∈": "write `in`",
    "…": "three dots stand for nothing; a range is written `1:N`",
    "\ufffd": "save the file as UTF-8",
    "\x00": "this looks like a binary file; a model is text",
}


def python_statement(place: Place, word: Token) -> Diagnostic:
    """`import`, `def`, `lambda`, …"""
    return Diagnostic(
        "E117",
        f"`{word}` is no word of a model",
        token_span(place.source, word),
        "a word of another language",
        remedy=FOREIGN_STATEMENTS[word],
    )


def foreign_operator(place: Place, token: Token) -> Diagnostic:
    """`**`, `&&`, `+=`, …"""
    if token == "**":
        return Diagnostic("E107", "a power is written with `^`", place.span, "write `^` here")
    if token.endswith("=") and token != "=>":
        return assignment(place, token)
    return Diagnostic(
        "E124", f"`{token}` is no operator here", place.span, "not understood", remedy=_OPERATORS[token]
    )


def assignment(place: Place, operator: Token | None) -> Diagnostic:
    """`x = 3` without a word in front, `target += …`."""
    if place.before is not None and place.before == "target" and operator is not None:
        remedy = "a term of the log-density has a name: `factor name = …`"
    elif operator is None:
        remedy = f"start the line with the word for what it declares: `let {place.token} = …`"
    else:
        remedy = "nothing changes its value; give the new value its own name with `let`"
    shown = f"`{operator}`" if operator is not None else "this line"
    return Diagnostic(
        "E115", f"{shown} looks like an assignment, and a model has none", place.span, "", remedy=remedy
    )


def bad_character(place: Place, token: Token) -> Diagnostic:
    """A character that means nothing here."""
    character = next((c for c in token if not (c.isidentifier() or c.isdecimal())), token[0])
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    name = unicodedata.name(character, "")
    return Diagnostic(
        "E102",
        f"the character {shown} means nothing here",
        place.span,
        name.lower() if name and not character.isascii() else "",
        remedy=_remedy_for(character),
    )


def _remedy_for(character: str) -> str:
    if character in _QUOTES:
        return 'a text stands in straight double quotes: `"events.csv"`'
    if character in _CHARACTERS:
        return _CHARACTERS[character]
    category = unicodedata.category(character)
    if category == "Pd" or character == "−":
        return "the minus sign is the `-` of the keyboard"
    if category in ("Zs", "Cf"):
        return "type an ordinary space"
    if category == "No":
        digit = unicodedata.digit(character, None)
        return "write a power with `^`" + (f": `x^{digit}`" if digit is not None else "")
    if category == "Cs":
        return "save the file as UTF-8"
    return "names are made of letters, digits and `_`"


def semicolon(source: SourceFile, token: Token) -> Diagnostic:
    return Diagnostic(
        "E118",
        "declarations are not separated by `;`",
        token_span(source, token),
        "not needed",
        remedy="leave it out: every declaration starts with its own word",
    )


def foreign_comment(source: SourceFile, token: Token) -> Diagnostic:
    return Diagnostic(
        "E116",
        f"a comment starts with `#`, not with `{token}`",
        token_span(source, token),
        "write `#` here",
        remedy="for the rounded quotient write `floor(a / b)`" if token == "//" else "",
    )
