"""No text, however broken, gives anything but a syntax tree or a message with a place."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_texts import mutated, random_text

from pdflang.diagnostics import PdflangError, SourceFile
from pdflang.diagnostics.codes import known_codes
from pdflang.syntax import format_expression, format_source, parse

GOOD = [
    path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parents[1] / "good").glob("*.pdfm"))
]
WORDS = [
    "let",
    "param",
    "detector",
    "pdfset",
    "use",
    "for",
    "in",
    "if",
    "a",
    "b",
    "1",
    "|>",
    "==",
    *"()[]{}|~=:,.",
]
CODES = frozenset(known_codes())


def _codes(text: str) -> list[str]:
    """The codes of all messages about a text; the text itself must never matter to Python."""
    try:
        parse(SourceFile("model.pdfm", text))
    except PdflangError as error:
        assert str(error)
        for diagnostic in error.diagnostics:
            assert diagnostic.code in CODES
            assert diagnostic.span is not None
            assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        return [diagnostic.code for diagnostic in error.diagnostics]
    return []


@given(st.text(max_size=200))
def test_any_characters(text: str) -> None:
    _codes(text)


@given(st.lists(st.sampled_from(WORDS)))
def test_any_words(words: list[str]) -> None:
    _codes(" ".join(words))


@pytest.mark.parametrize("seed", range(300))
def test_mutations(seed: int) -> None:
    _mutate(seed)


@pytest.mark.slow
def test_many_mutations() -> None:
    for seed in range(300, 10_300):
        _mutate(seed)


def _mutate(seed: int) -> None:
    random = Random(seed)
    text = mutated(random.choice([*GOOD, random_text(random)]), random)
    if not _codes(text):
        format_source(SourceFile("model.pdfm", text))


DEEP = {
    "brackets": "let a = " + "(" * 100_000,
    "closed brackets": "let a = " + "[" * 300 + "]" * 300,
    "signs": "let a = " + "-" * 20_000 + "b",
    "powers": "let a = " + "b^" * 5_000 + "c",
    "negations": "let a = " + "not " * 5_000 + "b",
    "members": "let a = b" + ".c" * 5_000,
    "calls": "let a = b" + "()" * 5_000,
    "pipes": "let a = b" + " |> c" * 5_000,
    "choices": "let a = " + "if b then c else " * 5_000 + "d",
    "terms": "let a = b" + " + c" * 12_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_excess_is_told(text: str) -> None:
    assert _codes(text) == ["E120"]


def test_a_file_of_ten_megabytes_is_answered_at_once() -> None:
    assert _codes("let a = 1\n" * 1_000_000) == ["E120"]


def test_what_a_person_may_write_is_accepted() -> None:
    for text in (
        "b" + " + c" * 5_000,
        "(" * 190 + "b" + ")" * 190,
        "-" * 190 + "b",
        "f(" * 180 + "b" + ")" * 180,
    ):
        module = parse(SourceFile("m", f"let a = {text}"))
        format_expression(module.items[0].value)  # type: ignore[union-attr]
        assert format_source(SourceFile("m", f"let a = {text}"))


@pytest.mark.parametrize(
    "text", ["\0" * 1_000, "let a = \ud800", "\udc80", '"' * 999, "#" * 9_999, "\\\x1b[2J"]
)
def test_odd_characters(text: str) -> None:
    assert set(_codes(text)) <= {"E101", "E102"}


def test_byte_order_mark_and_line_ends_do_not_matter() -> None:
    for text in GOOD:
        assert parse(SourceFile("a", "\ufeff" + text.replace("\n", "\r\n"))) == parse(SourceFile("a", text))


def test_many_mistakes_end_after_twenty() -> None:
    assert _codes("let a = )\n" * 500) == ["E105"] * 20
