"""Intervals of the real line with open or closed ends: supports, domains, and what is proved about a value."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """The numbers between `lower` and `upper`; an end belongs to it unless it is open. Infinite ends are open."""

    lower: float = -math.inf
    upper: float = math.inf
    open_lower: bool = False
    open_upper: bool = False

    def __post_init__(self) -> None:
        if math.isinf(self.lower):
            object.__setattr__(self, "open_lower", True)
        if math.isinf(self.upper):
            object.__setattr__(self, "open_upper", True)

    def __contains__(self, value: float) -> bool:
        above = value > self.lower or (value == self.lower and not self.open_lower)
        below = value < self.upper or (value == self.upper and not self.open_upper)
        return above and below

    def within(self, other: Range) -> bool:
        """Whether every number of this range lies in `other`; an empty one lies anywhere."""
        if self.is_empty:
            return True
        lower = self.lower > other.lower or (
            self.lower == other.lower and (self.open_lower or not other.open_lower)
        )
        upper = self.upper < other.upper or (
            self.upper == other.upper and (self.open_upper or not other.open_upper)
        )
        return lower and upper

    def disjoint(self, other: Range) -> bool:
        """Whether no number lies in both."""
        return self.intersection(other).is_empty

    def intersection(self, other: Range) -> Range:
        if (self.lower, self.open_lower) >= (other.lower, other.open_lower):
            lower, open_lower = self.lower, self.open_lower
        else:
            lower, open_lower = other.lower, other.open_lower
        if (self.upper, not self.open_upper) <= (other.upper, not other.open_upper):
            upper, open_upper = self.upper, self.open_upper
        else:
            upper, open_upper = other.upper, other.open_upper
        return Range(lower, upper, open_lower, open_upper)

    def union(self, other: Range) -> Range:
        """The smallest range that holds both."""
        if (self.lower, self.open_lower) <= (other.lower, other.open_lower):
            lower, open_lower = self.lower, self.open_lower
        else:
            lower, open_lower = other.lower, other.open_lower
        if (self.upper, not self.open_upper) >= (other.upper, not other.open_upper):
            upper, open_upper = self.upper, self.open_upper
        else:
            upper, open_upper = other.upper, other.open_upper
        return Range(lower, upper, open_lower, open_upper)

    @property
    def is_empty(self) -> bool:
        return self.lower > self.upper or (self.lower == self.upper and (self.open_lower or self.open_upper))

    def __str__(self) -> str:
        left, right = "(" if self.open_lower else "[", ")" if self.open_upper else "]"
        # Adding 0 makes 0 of -0.
        return f"{left}{self.lower + 0.0:g}, {self.upper + 0.0:g}{right}"

    @property
    def said(self) -> str:
        """How a sentence about a value goes on: "is 2", "lies in (0, 1)"."""
        return f"is {self.lower + 0.0:g}" if self.lower == self.upper else f"lies in {self}"


REAL = Range()
POSITIVE = Range(0.0, math.inf, open_lower=True)
NONNEGATIVE = Range(0.0, math.inf)
UNIT = Range(0.0, 1.0)
OPEN_UNIT = Range(0.0, 1.0, True, True)


def point(value: float) -> Range:
    """The range of a known number."""
    return Range(value, value)
