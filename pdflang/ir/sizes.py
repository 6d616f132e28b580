"""Axes and their lengths. A length is known, or a sum of lengths that data will bind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """`constant + Σ count · symbol`; symbols are the names that data binds (`N`, `school`)."""

    constant: int = 0
    symbols: tuple[tuple[str, int], ...] = ()

    @property
    def is_known(self) -> bool:
        return not self.symbols

    def __add__(self, other: Size | int) -> Size:
        if isinstance(other, int):
            return Size(self.constant + other, self.symbols)
        counts = dict(self.symbols)
        for symbol, count in other.symbols:
            counts[symbol] = counts.get(symbol, 0) + count
        kept = tuple(sorted((symbol, count) for symbol, count in counts.items() if count))
        return Size(self.constant + other.constant, kept)

    def __mul__(self, factor: int) -> Size:
        return Size(self.constant * factor, tuple((s, c * factor) for s, c in self.symbols if c * factor))

    def __sub__(self, other: Size | int) -> Size:
        return self + (-other if isinstance(other, int) else other * -1)

    def bind(self, lengths: Mapping[str, int]) -> int:
        """The length once data is bound; KeyError for a symbol without a length."""
        return self.constant + sum(lengths[symbol] * count for symbol, count in self.symbols)

    def __str__(self) -> str:
        terms = [symbol if count == 1 else f"{count}*{symbol}" for symbol, count in self.symbols]
        if self.constant or not terms:
            terms.append(str(self.constant))
        return " + ".join(terms).replace("+ -", "- ")


def symbol(name: str) -> Size:
    """The length that data binds to `name`."""
    return Size(0, ((name, 1),))


@dataclass(frozen=True)
class Axis:
    """One axis of an array. A named axis is an index or a length that data binds; others match by length."""

    size: Size
    name: str | None = None

    def __str__(self) -> str:
        return self.name or str(self.size)
