"""Texts drawn from the grammar itself, and mutations of texts, to try the parser and the formatter on."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

from pdflang.syntax.parser import build_lark

# A few words for each token whose text the grammar leaves open; all others have one text.
_WORDS = {
    "NAME": ["x", "y2", "_z", "α", "Δχ", "table", "Normal", "b_uv"],
    "NUMBER": ["0", "1", "30", "0.5", ".5", "2.", "1e4", "1.5E-3"],
    "TEXT": ['""', '"a.csv"', '"# é"'],
    "COMPARISON": ["==", "!=", "<", "<=", ">", ">="],
}
_GAPS = [" ", " ", " ", "  ", "\n", "\n\n", "\n\n\n", "\t", "\r\n", "  # note\n", "\n# note\n", " #\n\n"]
_NOISE = [
    *"()[]{}|~=:,.;#\"'+-*/^@<>!&%\\\x00\t\n\r\ufeff²é",
    "**",
    "|>",
    "==",
    "//",
    "1e",
    " let ",
    " param ",
    "\ud800",
]


@cache
def _rules() -> dict[str, list[list[Any]]]:
    lark = build_lark()
    texts = {terminal.name: terminal.pattern.value for terminal in lark.terminals}
    rules: dict[str, list[list[Any]]] = {}
    for rule in lark.rules:
        expansion = [
            (True, _WORDS.get(symbol.name, [texts.get(symbol.name)]))
            if symbol.is_term
            else (False, symbol.name)
            for symbol in rule.expansion
        ]
        rules.setdefault(rule.origin.name, []).append(expansion)
    # What the language asks for beyond the grammar: edition 1, and an equation behind `solve`.
    rules["edition"][0][1] = (True, ["1"])
    for expansion in rules["solve"]:
        expansion[-1:] = [(False, "sum"), (True, ["=="]), (False, "sum")]
    return rules


@cache
def _heights() -> dict[str, int]:
    """The least depth of a derivation from each rule."""
    heights: dict[str, int] = {}
    while len(heights) < len(_rules()):
        for name, expansions in _rules().items():
            known = [_height(expansion, heights) for expansion in expansions]
            if (least := min(known)) < 1000:
                heights[name] = min(least, heights.get(name, 1000))
    return heights


def _height(expansion: list[Any], heights: dict[str, int]) -> int:
    return 1 + max((heights.get(what, 1000) for is_term, what in expansion if not is_term), default=0)


def _random_words(random: Random, rule: str, depth: int = 40, length: int = 100) -> list[str]:
    """Words that a rule allows; past `depth` or `length` the shortest way out is taken."""
    words: list[str] = []
    waiting: list[tuple[str, int]] = [(rule, depth)]
    while waiting:
        symbol, budget = waiting.pop()
        expansions = _rules()[symbol]
        if budget <= 0 or len(words) + len(waiting) > length:
            least = min(_height(expansion, _heights()) for expansion in expansions)
            expansions = [e for e in expansions if _height(e, _heights()) == least]
        chosen: list[Any] = random.choice(expansions)
        for is_term, what in reversed(chosen):
            waiting.append((("\0" + random.choice(what)) if is_term else what, budget - 1))
        while waiting and waiting[-1][0].startswith("\0"):
            words.append(waiting.pop()[0][1:])
    return words


def random_text(random: Random) -> str:
    """A correct file with odd spaces, line breaks and comments."""
    words = _random_words(random, "edition") if random.random() < 0.2 else []
    for _ in range(random.randrange(6)):
        words += _random_words(random, "_item")
    return "".join(word + random.choice(_GAPS) for word in words)


def mutated(text: str, random: Random) -> str:
    """The text with a few places deleted, doubled, moved or overwritten."""
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(text) + 1)
        end = min(len(text), start + random.choice([0, 1, 1, 2, 5, 30]))
        middle = random.choice(["", random.choice(_NOISE), text[start:end] * 2, text[end : end + 9]])
        text = text[:start] + middle + text[end:]
    return text
