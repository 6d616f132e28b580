"""What all pictures share: their style, and how they become files, or parts of a page."""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from html import escape
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

_INK = "#010203"
"""On a page, what has this colour has that of the text around it, be it dark or light."""

_PALETTE = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")
"""Colours of matplotlib, for which a page has others in the dark."""

_SETTINGS: Any = {"font.size": 8, "svg.hashsalt": "pdflang"}
_OF_A_PAGE: Any = {
    "text.color": _INK, "axes.edgecolor": _INK, "axes.labelcolor": _INK, "xtick.color": _INK, "ytick.color": _INK,
    "legend.labelcolor": _INK, "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none",
    "figure.constrained_layout.w_pad": 0.08, "svg.fonttype": "none", "axes.spines.top": False,
    "axes.spines.right": False,
}  # fmt: skip
_WRAPPING = re.compile(r"^.*?(?=<svg)|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)


def style(of_a_page: bool = False) -> AbstractContextManager[None]:
    """The settings of matplotlib within which a picture is drawn and saved."""
    return matplotlib.rc_context({**_SETTINGS, **(_OF_A_PAGE if of_a_page else {})})


@contextmanager
def without_complaints() -> Iterator[None]:
    """Silence about fonts and letters that matplotlib lacks: the browser that shows a page has its own."""
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            yield
    finally:
        log.setLevel(level)


def ink() -> str:
    """The colour of text and of data."""
    return _INK if matplotlib.rcParams["text.color"] == _INK else "black"


def plain(text: str) -> str:
    """A text that is no formula, whatever signs it has."""
    return text.replace("$", r"\$")


def file_of(figure: Figure, kind: str) -> bytes:
    """The picture as a file of a kind, `png` or `svg`; equal pictures give equal bytes."""
    content = io.BytesIO()
    figure.savefig(content, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return content.getvalue()


def on_page(figure: Figure, name: str, description: str) -> Markup:
    """The picture as SVG within a page, drawn in the style of one; `name` keeps its ids apart from those of others."""
    text = _WRAPPING.sub("", file_of(figure, "svg").decode("utf-8"))
    for number, colour in enumerate(_PALETTE):
        text = text.replace(colour, f"var(--curve{number})")
    text = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", text).replace(_INK, "currentColor")
    said = escape(description, quote=True)
    return Markup(text.replace("<svg ", f'<svg role="img" aria-label="{said}" class="picture" ', 1))
