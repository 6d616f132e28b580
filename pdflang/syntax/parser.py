"""Text to tokens to Lark's tree. The only module that imports Lark.

The tables of the parser take a tenth of a second to build, so they are kept in the user's cache folder.
Nothing depends on that folder: where it cannot be read or written, the tables are built anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import lark
from lark import Lark, Token, Tree

from pdflang.resources import resource_folder

__all__ = ["SyntaxFailure", "Token", "Tree", "parse_tokens", "tokenize"]

_GRAMMAR_FILES = ("pdfm.lark", "lexical.lark")


class SyntaxFailure(Exception):
    """The grammar does not go on with token number `index`; at `len(tokens)` they ended too early.

    `accepted` names the tokens that could have stood there.
    """

    def __init__(self, index: int, accepted: frozenset[str]) -> None:
        super().__init__(index)
        self.index = index
        self.accepted = accepted


def tokenize(text: str) -> list[Token]:
    """All tokens of a text, without comments and white space; what is wrong is a token `BAD_…`."""
    interactive = _lark().parse_interactive(text)
    return [_checked(token) for token in interactive.lexer_thread.lex(interactive.parser_state)]


def parse_tokens(tokens: Sequence[Token]) -> Tree[Token]:
    """The tree of a list of tokens; raises `SyntaxFailure` at the first that does not fit."""
    interactive = _lark().parse_interactive("")
    index = 0
    try:
        for index, token in enumerate(tokens):  # noqa: B007
            interactive.feed_token(token)
        index = len(tokens)
        return interactive.feed_eof(tokens[-1] if tokens else None)
    except lark.UnexpectedToken:
        raise SyntaxFailure(index, _accepted_after(tokens[:index])) from None


def _accepted_after(tokens: Sequence[Token]) -> frozenset[str]:
    """What may follow a correct beginning. (The parser that failed has already moved on a little.)"""
    interactive = _lark().parse_interactive("")
    for token in tokens:
        interactive.feed_token(token)
    return frozenset(interactive.accepts())


def _checked(token: Token) -> Token:
    """A name may hold letters of any script, but no `²`, which `\\w` of a regular expression lets through."""
    if token.type == "NAME" and not token.isascii() and not token.isidentifier():
        return token.update(type="BAD_CHARACTER")
    return token


class _Mistakes:
    """Tells Lark to keep the tokens `BAD_…`, which no rule of the grammar mentions."""

    always_accept = ("BAD_NUMBER", "BAD_TEXT", "BAD_OPERATOR", "BAD_CHARACTER")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def build_lark(strict: bool = False, debug: bool = False) -> Lark:
    """The parser made from the grammar's text; a conflict is an error if `strict`, logged if `debug`."""
    return Lark.open(
        str(resource_folder("grammar") / _GRAMMAR_FILES[0]),
        parser="lalr",
        lexer="basic",
        propagate_positions=True,
        maybe_placeholders=True,
        postlex=_Mistakes(),
        strict=strict,
        debug=debug,
    )


@cache
def _lark() -> Lark:
    path = _cache_file()
    if path is not None:
        # A missing, foreign or damaged file is as good as none.
        with contextlib.suppress(Exception), path.open("rb") as stored:
            return Lark.load(stored)
    built = build_lark()
    if path is not None:
        _store(built, path)
    return built


def _cache_file() -> Path | None:
    """Where the tables of this grammar, this Lark and this Python are kept; None without a home folder."""
    digest = hashlib.sha256(f"{lark.__version__} {sys.version}".encode())
    for name in _GRAMMAR_FILES:
        digest.update((resource_folder("grammar") / name).read_bytes())
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no home
        return None
    return folder / "pdflang" / f"grammar-{digest.hexdigest()[:20]}.tables"


def _store(built: Lark, path: Path) -> None:
    """Write the tables under another name and rename them, so that no process ever reads half a file."""
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as file:
            built.save(file)
        partial.replace(path)
