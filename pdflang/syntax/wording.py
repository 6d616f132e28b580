"""The names of tokens in the user's words, and how each declaration is written."""

from __future__ import annotations

from collections.abc import Collection

from pdflang.syntax.parser import Token

DECLARATION_WORDS = frozenset(
    {
        "USE",
        "INDEX",
        "CONST",
        "DATA",
        "PARAM",
        "NUISANCE",
        "LET",
        "SOLVE",
        "FUNC",
        "PDF",
        "PDFSET",
        "THEORY",
        "DETECTOR",
        "OBSERVE",
        "FACTOR",
        "OUTPUT",
    }
)
STRUCTURE_WORDS = frozenset({"FOR", "IN", "IF", "THEN", "ELSE", "AND", "OR", "NOT", "WHERE", "WITH"})
DETECTOR_WORDS = frozenset({"EFFICIENCY", "SMEAR", "BACKGROUND", "DRAW"})
NAMES = frozenset({"NAME", "EDITION", "AS", "AT", "Q"}) | DETECTOR_WORDS
CLOSING = {"RPAR": "LPAR", "RSQB": "LSQB", "RBRACE": "LBRACE"}
OPENING = frozenset(CLOSING.values())
VALUE_ENDS = NAMES | {"NUMBER", "TEXT", "TRUE", "FALSE"} | CLOSING.keys()
OPERATORS = frozenset({"PLUS", "MINUS", "TIMES", "DIVIDE", "MATMUL", "POWER"})

# How each declaration is written: the remedy where nothing better is known.
SHAPES = {
    "edition": "edition 1",
    "use": "use std.pdf: power",
    "index": "index flavour = u, d",
    "const": "const edges = linspace(0, 1, 31)",
    "data": 'data y[30] = table("y.csv").y',
    "param": "param a ~ Normal(0, 1)",
    "nuisance": "nuisance s ~ Normal(0, 1)",
    "let": "let b = 2*a",
    "solve": "solve A where integral(f(x) for x in (0, 1)) == 2",
    "func": "func f(x, a) = a*x",
    "pdf": "pdf u(x) = x^a * (1 - x)^b",
    "pdfset": "pdfset proton(x) at Q = 1.65 { u = xu(x), d = xd(x) }",
    "theory": "theory sigma(x) = 4*u(x) + d(x)",
    "detector": "detector tracker(y in (0, 1) | x) { smear y ~ Normal(x, 0.1) }",
    "observe": "observe y ~ Normal(mu, sigma)",
    "factor": "factor smooth = penalty(f(x) for x in grid, above = 0)",
    "output": "output r = a / b",
}

_SIGNS = {
    "EQUALS": "=", "TILDE": "~", "COMMA": ",", "COLON": ":", "BAR": "|",
    "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "LBRACE": "{", "RBRACE": "}", "Q": "Q = …",
}  # fmt: skip
# Named one by one, in this order, after the wide classes "a value", "an operator", "a name".
_SINGLE = [
    "TILDE",
    "EQUALS",
    "Q",
    "AT",
    "AS",
    "THEN",
    "ELSE",
    "IN",
    "WITH",
    "WHERE",
    "BAR",
    "LPAR",
    "LSQB",
    "LBRACE",
    "COLON",
    "COMMA",
    "RPAR",
    "RSQB",
    "RBRACE",
]


def describe(token: Token) -> str:
    """A token as a message names it: `the number `3``, `the word `for``, ```)```."""
    shown = str(token) if len(token) <= 30 else f"{token[:28]}…"
    if token.type in NAMES:
        return f"the name `{shown}`"
    if token.type == "NUMBER":
        return f"the number `{shown}`"
    if token.type in DECLARATION_WORDS | STRUCTURE_WORDS:
        return f"the word `{shown}`"
    return f"the text {shown}" if token.type == "TEXT" else f"`{shown}`"


def expected(accepted: Collection[str]) -> str:
    """What could have stood here, in the user's words: `an operator, `,` or `)``."""
    names = set(accepted)
    parts = []
    if {"NAME", "LPAR"} <= names:
        parts.append("a value")
        names -= {"LPAR", "LSQB", "TEXT", "NUMBER"} | NAMES
    elif "NAME" in names:
        parts.append("a name")
        names -= STRUCTURE_WORDS | DECLARATION_WORDS | NAMES
    elif names & (OPERATORS | {"PIPE"}):
        parts.append("an operator")
        names -= {"DOT", "LPAR", "LSQB", "FOR"}
    parts += [f"`{_SIGNS.get(name, name.lower())}`" for name in _SINGLE if name in names]
    parts += [f"a {name.lower()}" for name in ("NUMBER", "TEXT") if name in names]
    if "LET" in names:
        is_start = "EDITION" in names
        parts.append("a declaration" if is_start else "the next declaration" if "$END" in names else "`let`")
    if not parts:
        parts.append("the end of the file")
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " or " + parts[-1]


def shape_of(keyword: str) -> str:
    """The remedy that shows how a declaration is written; empty for an unknown word."""
    return f"`{keyword}` is written like this: `{SHAPES[keyword]}`" if keyword in SHAPES else ""
