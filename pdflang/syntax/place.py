"""The place where the grammar did not go on, with what a message needs to know about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pdflang.diagnostics import SourceFile, Span
from pdflang.syntax.parser import Token
from pdflang.syntax.wording import CLOSING, OPENING, VALUE_ENDS


def token_span(source: SourceFile, token: Token) -> Span:
    """The characters of a token."""
    return Span(source, token.start_pos or 0, token.end_pos or 0)


def is_first_on_line(tokens: Sequence[Token], index: int) -> bool:
    """Whether a line starts with this token."""
    return index == 0 or (tokens[index - 1].end_line or 0) < (tokens[index].line or 0)


def unmatched(tokens: Iterable[Token]) -> list[Token]:
    """The brackets that are open after these tokens; one that closes nothing of its kind is passed over."""
    still_open: list[Token] = []
    for token in tokens:
        if token.type in OPENING:
            still_open.append(token)
        elif still_open and CLOSING.get(token.type) == still_open[-1].type:
            still_open.pop()
    return still_open


@dataclass(frozen=True)
class Place:
    """One declaration's tokens, and which of them the grammar refused.

    `index == len(tokens)` means that the declaration ended too early; `accepted` names the tokens that
    would have done.
    """

    source: SourceFile
    tokens: Sequence[Token]
    index: int
    accepted: frozenset[str]

    @property
    def token(self) -> Token | None:
        """The refused token; None where the declaration ended too early."""
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    @property
    def kind(self) -> str:
        """The type of the refused token; "" where the declaration ended too early."""
        return self.token.type if self.token is not None else ""

    @property
    def before(self) -> Token | None:
        """The last token that was understood."""
        return self.tokens[self.index - 1] if self.index else None

    @property
    def after(self) -> Token | None:
        """The token behind the refused one."""
        return self.tokens[self.index + 1] if self.index + 1 < len(self.tokens) else None

    @property
    def keyword(self) -> str:
        """The word that starts the declaration."""
        return str(self.tokens[0]) if self.tokens and self.index else ""

    @property
    def name(self) -> str:
        """The name that is declared, as far as there is one."""
        return str(self.tokens[1]) if self.index > 1 else ""

    @property
    def subject(self) -> str:
        """The declaration as a message names it: `` `param a` ``."""
        return f"`{self.keyword} {self.name}`" if self.name else f"`{self.keyword}`"

    @property
    def span(self) -> Span:
        """Where to point: the refused token, or the last one of a declaration that ends too early."""
        if self.token is not None:
            return token_span(self.source, self.token)
        if self.tokens:
            return token_span(self.source, self.tokens[-1])
        return Span(self.source, 0, 0)

    @cached_property
    def open_brackets(self) -> list[Token]:
        """The brackets that are open here, outermost first."""
        return unmatched(self.tokens[: self.index])

    @property
    def opener(self) -> str:
        """The type of the innermost open bracket; "" outside all."""
        return self.open_brackets[-1].type if self.open_brackets else ""

    @cached_property
    def beside(self) -> list[str]:
        """The types of the tokens since the innermost open bracket, inner brackets left out."""
        depth, types = 0, []
        for token in reversed(self.tokens[: self.index]):
            depth += (token.type in CLOSING) - (token.type in OPENING)
            if depth < 0:
                break
            if depth == 0 and token.type not in OPENING:
                types.append(token.type)
        return types[::-1]

    @property
    def expects_value(self) -> bool:
        return {"NAME", "LPAR"} <= self.accepted

    @property
    def follows_value(self) -> bool:
        """Whether a whole value stands to the left."""
        return not self.expects_value and self.before is not None and self.before.type in VALUE_ENDS

    @property
    def is_complete(self) -> bool:
        """Whether the declarations could end here."""
        return "$END" in self.accepted

    @property
    def starts_line(self) -> bool:
        return self.token is not None and is_first_on_line(self.tokens, self.index)
