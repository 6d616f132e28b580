"""The chain of a model as a diagram: an SVG whose boxes lead to their lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pdflang.report.chain import Box, layers, shortened

_CHARACTER, _PADDING = 7.0, 12.0
_ROW, _HEIGHT, _GAP, _MARGIN = 34, 24, 56, 6
MOST_BOXES = 120


@dataclass(frozen=True)
class Placed:
    """A box at (x, y), its left upper corner, in pixels."""

    box: Box
    label: str
    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Diagram:
    """Boxes and the paths between them, for a template to draw."""

    width: float
    height: float
    boxes: tuple[Placed, ...]
    paths: tuple[str, ...]
    box_height: int = _HEIGHT


def diagram_of(boxes: Mapping[str, Box]) -> Diagram | None:
    """The diagram of a chain; None where there is nothing to show, or far too much for a picture."""
    if not 0 < len(boxes) <= MOST_BOXES:
        return None
    placed: dict[str, Placed] = {}
    columns = layers(boxes)
    tallest = max(map(len, columns))
    x = float(_MARGIN)
    for column in columns:
        labels = [shortened(boxes[name].label) for name in column]
        width = max(map(len, labels)) * _CHARACTER + 2 * _PADDING
        top = _MARGIN + (tallest - len(column)) * _ROW / 2
        for row, (name, label) in enumerate(zip(column, labels, strict=True)):
            placed[name] = Placed(boxes[name], label, x, top + row * _ROW, width)
        x += width + _GAP
    height = tallest * _ROW + 2 * _MARGIN - (_ROW - _HEIGHT)
    return Diagram(x - _GAP + _MARGIN, height, tuple(placed.values()), tuple(_paths(placed)))


def _paths(placed: Mapping[str, Placed]) -> Iterator[str]:
    for one in placed.values():
        for name in one.box.reads:
            before = placed[name]
            x0, y0, x1, y1 = before.x + before.width, before.y + _HEIGHT / 2, one.x, one.y + _HEIGHT / 2
            bend = max(_GAP / 2, (x1 - x0) / 2)
            yield f"M{x0:.1f} {y0:.1f} C{x0 + bend:.1f} {y0:.1f} {x1 - bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
