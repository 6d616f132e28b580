"""Texts that parse and may mean nothing: words of correct and broken models put in each other's place."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from random import Random

from broken_models import TOPICS

_TESTS = Path(__file__).parents[1]
for folder in ("syntax", "semantics"):
    # The generators of these tests are theirs; texts from them go further here.
    sys.path.insert(0, str(_TESTS / folder))

from random_texts import mutated, random_text  # noqa: E402
from support_cases import PREAMBLE, PROVED, REFUTED  # noqa: E402

_EXTREMES = [
    "0", "(-1)", "10^400", "1e-320", "inf", "0.5", "true", "range(0)", "[1, 2]", "[[1, 2], [2]]", "(0, 1)", "Flat()",
]  # fmt: skip
"""What words are replaced by now and then: numbers at the edge, arrays and intervals where a number is due."""

_WORD = re.compile(r"[^\W\d]\w*|\d+(?:\.\d+)?|[-+*/^@]|\|>|[()\[\]]|==|[<>]=?")


@cache
def models() -> tuple[str, ...]:
    """Texts to start from: target programs, broken models, one that has a bit of everything."""
    found = [path.read_text(encoding="utf-8") for path in sorted((_TESTS / "good").glob("*.pdfm"))]
    for cases in TOPICS.values():
        found += [case[1] if isinstance(case, tuple) else case for case in cases.values()]
    found += [f"{PREAMBLE}observe n ~ Poisson({text})" for text in (*PROVED.values(), *REFUTED.values())]
    return tuple(found)


def strange_text(random: Random) -> str:
    """A text drawn from the grammar, or one whose characters or words were moved about."""
    kind = random.random()
    if kind < 0.1:
        return random_text(random)
    text = random.choice(models())
    if kind < 0.3:
        return mutated(text, random)
    return _shuffled(text, random)


def _shuffled(text: str, random: Random) -> str:
    """The text with a few words replaced by others of it or of another model."""
    other = random.choice(models())
    pool = _WORD.findall(text) * 2 + _WORD.findall(other)
    for _ in range(random.randint(1, 4)):
        places = list(_WORD.finditer(text))
        if not places:
            return text
        place = random.choice(places)
        alike = [word for word in pool if word[0].isalnum() == place[0][0].isalnum()] or pool
        if place[0][0].isalnum() and random.random() < 0.2:
            alike = _EXTREMES
        text = text[: place.start()] + random.choice(alike) + text[place.end() :]
    return text
