"""Long lines of generated code, folded inside brackets."""

from __future__ import annotations

import re

LINE_LENGTH = 110
_TERM = re.compile(r" (?=[+-] )")
_COMMA = re.compile(r", ?")


def folded(line: str) -> list[str]:
    """A statement, or an entry that ends with a comma, as lines that fit where its brackets let them."""
    parts = _parts(line) if len(line) > LINE_LENGTH else None
    if parts is None:
        return [line]
    head, body, tail = parts
    indent = " " * (len(line) - len(line.lstrip()))
    inside = f"{indent}    {body}"
    items = [inside] if len(inside) <= LINE_LENGTH else [f"{indent}    {item}" for item in _items(body)]
    return [head, *(part for item in items for part in folded(item)), indent + tail]


def _parts(line: str) -> tuple[str, str, str] | None:
    """What comes before, between and after the brackets that are opened; a sum gets a pair of its own."""
    start = re.match(r"\s*(return |\w+ = )", line)
    if start and len(_split(line[start.end() :], _TERM)) > 1:
        return f"{start[0]}(", line[start.end() :], ")"
    depths = _depths(line)
    opened = [place for place in range(1, len(line)) if depths[place - 1 : place + 1] == [0, 1]]
    closed = [place for place in range(1, len(line)) if depths[place - 1 : place + 1] == [1, 0]]
    pairs = [(end - begin, begin, end) for begin, end in zip(opened, closed, strict=True) if line[begin] in "([{"]
    if not pairs:
        return None
    _, begin, end = max(pairs)
    return line[: begin + 1], line[begin + 1 : end], line[end:]


def _items(body: str) -> list[str]:
    """The items of a list with their commas, or the terms of a sum."""
    items = _split(body, _COMMA)
    return [f"{item}," for item in items if item] if len(items) > 1 else _split(body, _TERM)


def _split(text: str, separator: re.Pattern[str]) -> list[str]:
    """The parts of a text between separators outside of brackets and quotes."""
    depths = _depths(text)
    parts, begin = [], 0
    for found in separator.finditer(text):
        if depths[found.start()] == 0:
            parts.append(text[begin : found.start()])
            begin = found.end()
    return [*parts, text[begin:]]


def _depths(text: str) -> list[int]:
    """How many brackets and quotes each character is in; those that close are outside."""
    depths, depth, quote = [], 0, ""
    for place, character in enumerate(text):
        if quote:
            if character == quote and text[place - 1] != "\\":
                depth, quote = depth - 1, ""
        elif character in "\"'":
            depth, quote = depth + 1, character
        else:
            depth += (character in "([{") - (character in ")]}")
        depths.append(depth)
    return depths
